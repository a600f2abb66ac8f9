//! `rotate`: asks for the next revision by the annotation that people have for it, and waits for it.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{annotation, condition};
use tokenwright_core::Reason;

use super::{Cluster, Refusal, named};
use crate::arguments::Rotate;
use crate::clock::{self, Stopwatch};
use crate::exit::Exit;
use crate::output::{complain, give, print, tame};
use crate::reach::runtime;

/// How often the object is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// What stands in the way for so long stays there: until then the operator may not have seen yet what was asked
/// for, or what somebody mended just before.
const STANDS: Duration = Duration::from_secs(3);

/// What a person ends by asking for a rotation.
const ENDED_BY_IT: [Reason; 2] = [Reason::AnswersUnreadable, Reason::TokenLost];

/// Asks for it.
pub(crate) fn run(asked: &Rotate) -> anyhow::Result<Exit> {
    let rotated = runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.object.cluster).await?;
        anyhow::Ok(rotate(&cluster, asked).await)
    })?;
    match rotated {
        Ok(Ok((rotation, line))) => {
            give(asked.output, &rotation, |_| print(&format!("{line}\n")))?;
            Ok(Exit::Done)
        }
        Ok(Err(exit)) => Ok(exit),
        Err(refusal) => Ok(refusal.told("rotating the ApiToken")),
    }
}

/// What came of it and how people are told, or how it ends where nothing did.
async fn rotate(
    cluster: &Cluster,
    asked: &Rotate,
) -> Result<Result<(Rotation, String), Exit>, Refusal> {
    let object = cluster.token(&asked.object).await?;
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let shown = named(&namespace, &name);
    if object.spec.adopt.is_some() {
        complain(&format!(
            "error: {shown} adopts a token that a person made: put the next value into the Secret that it names"
        ));
        return Ok(Err(Exit::Refused));
    }
    if object.spec.suspend {
        complain(&format!(
            "error: {shown} is suspended, so nothing would be minted: set spec.suspend to false first"
        ));
        return Ok(Err(Exit::Refused));
    }
    if object.metadata.deletion_timestamp.is_some() {
        complain(&format!(
            "error: {shown} is deleted, so nothing would be minted: make it again once it is gone"
        ));
        return Ok(Err(Exit::Refused));
    }
    let before = revision(&object);
    let api: Api<ApiToken> = Api::namespaced(cluster.client.clone(), &namespace);
    let text = trigger(clock::now());
    let asks = serde_json::json!({ "metadata": { "annotations": { annotation::ROTATE: &text } } });
    api.patch(&name, &PatchParams::default(), &Patch::Merge(asks))
        .await?;
    let told = |object: &ApiToken, delivered: bool| Rotation {
        namespace: namespace.clone(),
        name: name.clone(),
        trigger: text.clone(),
        revision: revision(object),
        delivered,
    };
    if !asked.wait {
        let line =
            format!("{shown} is to be rotated: see `tokenwright events -n {namespace} {name}`");
        return Ok(Ok((told(&object, false), line)));
    }
    let since = Stopwatch::start();
    let patience = Duration::try_from(asked.timeout).unwrap_or_default();
    let mut moves = since;
    loop {
        let object = api.get(&name).await?;
        let now = revision(&object);
        if now > before && is_ready(&object) {
            let line = format!("{shown} has revision {now}");
            return Ok(Ok((told(&object, true), line)));
        }
        if !stands_still(&object) {
            moves = Stopwatch::start();
        }
        let stands = moves.elapsed() >= STANDS;
        if stands || since.elapsed() >= patience {
            let yet = if stands { "" } else { " yet" };
            let why = why_not(&object);
            complain(&format!(
                "error: {shown} has no next revision{yet}{why}: it is still asked for; see `tokenwright why -n {namespace} {name}`"
            ));
            return Ok(Err(Exit::Failed));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What was asked for, and what came of it, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotation {
    namespace: String,
    name: String,
    /// What the annotation says.
    trigger: String,
    /// The current revision; the former one where none was waited for.
    revision: u32,
    /// Whether the next revision was seen to be delivered.
    delivered: bool,
}

/// A text that was never there: the instant.
fn trigger(now: Timestamp) -> String {
    format!("{now}")
}

fn revision(object: &ApiToken) -> u32 {
    let status = object.status.as_ref();
    let current = status.and_then(|status| status.current.as_ref());
    current.map_or(0, |current| current.revision)
}

fn is_ready(object: &ApiToken) -> bool {
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    let mut ready = conditions.filter(|it| it.type_ == condition::READY);
    ready.any(|it| it.status == "True")
}

/// Why nothing more happens until a person changes something.
fn stalled(object: &ApiToken) -> Option<&Condition> {
    let status = object.status.as_ref()?;
    let mut stalled = status.conditions.iter();
    stalled.find(|it| it.type_ == condition::STALLED && it.status == "True")
}

/// Whether what was asked for cannot come before a person does something else.
fn stands_still(object: &ApiToken) -> bool {
    let status = object.status.as_ref();
    let seen = status.and_then(|status| status.observed_generation) == object.metadata.generation;
    let ends = |it: &Condition| ENDED_BY_IT.iter().any(|reason| reason.name() == it.reason);
    let gone = object.metadata.deletion_timestamp.is_some();
    let stalled = seen && stalled(object).is_some_and(|it| !ends(it));
    gone || object.spec.suspend || stalled
}

fn why_not(object: &ApiToken) -> String {
    if object.metadata.deletion_timestamp.is_some() {
        return ", since it is deleted".to_owned();
    }
    if object.spec.suspend {
        return ", since it is suspended".to_owned();
    }
    let conditions = object.status.iter().flat_map(|status| &status.conditions);
    let rotating = conditions
        .clone()
        .find(|it| it.type_ == condition::ROTATING);
    let why = stalled(object).or(rotating);
    let why = why.map(|it| format!(", {}: {}", it.reason, tame(&it.message)));
    why.unwrap_or_default()
}
