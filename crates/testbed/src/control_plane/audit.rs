//! The exact request log of a real API server, for tests that count writes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

/// One request that the API server has answered, or has begun to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asked.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// The plural of the kind, `secrets`; empty for paths such as `/readyz`.
    pub resource: String,
    /// `status`, or empty.
    pub subresource: String,
    /// Empty for what lies in no namespace.
    pub namespace: String,
    /// Empty for lists and watches.
    pub name: String,
    /// The path with its query, where `dryRun` shows.
    pub uri: String,
    /// The status code of the answer; 0 where there is none yet.
    pub code: u16,
    /// When it came in.
    pub at: Timestamp,
}

/// When a request is logged, beside watches, which are when they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It came in; of Secrets alone.
    Received,
    /// It was answered.
    Answered,
}

/// Metadata of every request when it is answered; of those for Secrets when they come in, too.
const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
  resources: [{ group: '', resources: [secrets] }]
- level: Metadata
  omitStages: [RequestReceived]
";

/// Writes the policy and returns the flags of kube-apiserver.
pub(super) fn flags(folder: &Path, log: &Path) -> Result<[String; 4]> {
    let policy = folder.join("audit-policy.yaml");
    fs::write(&policy, POLICY).with_context(|| format!("cannot write {}", policy.display()))?;
    Ok([
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
        // Written before the answer is sent: what a client has seen is in the log.
        "--audit-log-mode=blocking".to_owned(),
        // In megabytes; by default a hundred, and the next request begins another file.
        "--audit-log-maxsize=8192".to_owned(),
    ])
}

/// Reads the log from the place to which it was read before, and says to which it is read now.
pub(super) fn read(log: &Path, from: u64, stage: Stage) -> Result<(Vec<Request>, u64)> {
    let unreadable = || format!("cannot read {}", log.display());
    let mut file = BufReader::new(File::open(log).with_context(unreadable)?);
    file.seek(SeekFrom::Start(from)).with_context(unreadable)?;
    let (mut requests, mut to, mut line) = (Vec::new(), from, String::new());
    loop {
        line.clear();
        let length = file.read_line(&mut line).with_context(unreadable)?;
        // A line that is still being written has no end yet.
        if !line.ends_with('\n') {
            return Ok((requests, to));
        }
        let event: Event = serde_json::from_str(&line)
            .with_context(|| format!("cannot read the audit event {line}"))?;
        requests.extend(event.into_request(stage));
        to = to.saturating_add(length as u64);
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: User,
    request_received_timestamp: Timestamp,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: Status,
}

#[derive(Debug, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

impl Event {
    /// A watch is logged when it begins and once more when it ends; it is one request.
    fn into_request(self, wanted: Stage) -> Option<Request> {
        let stage = match self.stage.as_str() {
            "RequestReceived" => Stage::Received,
            "ResponseComplete" if self.verb == "watch" => return None,
            _ => Stage::Answered,
        };
        if stage != wanted {
            return None;
        }
        Some(Request {
            user: self.user.username,
            verb: self.verb,
            resource: self.object_ref.resource,
            subresource: self.object_ref.subresource,
            namespace: self.object_ref.namespace,
            name: self.object_ref.name,
            uri: self.request_uri,
            code: self.response_status.code,
            at: self.request_received_timestamp,
        })
    }
}
