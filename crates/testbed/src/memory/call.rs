//! From an HTTP request to a call: which verb on which resource, and with what options.
//! Reads nothing but the request; whether the resource exists is the server's business.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, header};
use serde_json::Value;

use super::kinds;
use super::refusal::{Broken, Outcome, bad_request, invalid, method_not_allowed};

/// What a request does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read a collection.
    List,
    /// Follow a collection.
    Watch,
    /// Add an object.
    Create,
    /// Replace an object.
    Update,
    /// Change parts of an object.
    Patch,
    /// Remove an object.
    Delete,
    /// Remove every object that a selector names.
    DeleteCollection,
}

impl Verb {
    /// Whether the verb changes anything.
    #[must_use]
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// How much of each object the client wants back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
}

/// One request to one resource.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) verb: Verb,
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) subresource: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) form: Form,
    pub(super) content_type: String,
    pub(super) body: Bytes,
    pub(super) dry_run: bool,
}

impl Call {
    /// The resource's name in logs, faults and pins.
    pub(super) fn resource(&self) -> String {
        kinds::id(&self.group, &self.plural)
    }

    pub(super) fn option(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.option(name), "true" | "1")
    }

    pub(super) fn json(&self) -> Outcome<Value> {
        let media = self
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !media.is_empty() && !media.ends_with("json") {
            return Err(super::refusal::unsupported_media_type(media));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| bad_request(&format!("the body is not JSON: {error}")))
    }
}

/// The call that a request makes, or `None` where the path names no resource (discovery, health).
pub(super) fn parse(head: &http::request::Parts, body: Bytes) -> Option<Outcome<Call>> {
    let path = head.uri.path().trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let (group, version, rest) = match segments.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        [] => return None,
        // `namespaces` is both a resource of its own and the prefix of every namespaced one.
        ["namespaces", _, "status" | "finalize"] if group.is_empty() => (None, rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (plural, None, None),
        [plural, name] => (plural, Some(*name), None),
        [plural, name, subresource] => (plural, Some(*name), Some(*subresource)),
        _ => return None,
    };
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let watching = matches!(query.get("watch").map(String::as_str), Some("true" | "1"));
    let Some(verb) = verb(&head.method, name.is_some(), watching) else {
        return Some(Err(method_not_allowed()));
    };
    let call = Call {
        verb,
        group: group.to_owned(),
        version: version.to_owned(),
        plural: (*plural).to_owned(),
        subresource: subresource.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        query,
        form: form(text(head, header::ACCEPT)),
        content_type: text(head, header::CONTENT_TYPE).to_owned(),
        body,
        dry_run: false,
    };
    Some(with_dry_run(call))
}

fn verb(method: &Method, named: bool, watching: bool) -> Option<Verb> {
    Some(match (method.as_str(), named) {
        ("GET", _) if watching => Verb::Watch,
        ("GET", true) => Verb::Get,
        ("GET", false) => Verb::List,
        ("POST", _) => Verb::Create,
        ("PUT", true) => Verb::Update,
        ("PATCH", true) => Verb::Patch,
        ("DELETE", true) => Verb::Delete,
        ("DELETE", false) => Verb::DeleteCollection,
        _ => return None,
    })
}

/// A dry run is asked for in the query, or for a delete also in the body.
fn with_dry_run(mut call: Call) -> Outcome<Call> {
    let mut asked: Vec<String> = call.query.get("dryRun").cloned().into_iter().collect();
    if matches!(call.verb, Verb::Delete | Verb::DeleteCollection) && !call.body.is_empty() {
        let options = call.json()?;
        asked.extend(
            options["dryRun"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|value| value.as_str().map(str::to_owned)),
        );
    }
    if asked.iter().any(|value| value != "All") {
        let broken = Broken {
            reason: "FieldValueNotSupported",
            ..Broken::invalid("dryRun", "Unsupported value: supported values: \"All\"")
        };
        return Err(invalid("Options.meta.k8s.io", "", broken));
    }
    call.dry_run = !asked.is_empty();
    Ok(call)
}

fn text(head: &http::request::Parts, name: header::HeaderName) -> &str {
    head.headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn form(accept: &str) -> Form {
    if accept.contains("as=PartialObjectMetadata") {
        Form::Metadata
    } else {
        Form::Whole
    }
}
