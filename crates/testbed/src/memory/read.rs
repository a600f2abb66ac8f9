//! Get and list, whole or as metadata only, from the newest state or from a client's stale one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::{Call, Form, Verb};
use super::kinds::Kind;
use super::refusal::{
    Broken, Outcome, bad_request, expired, internal, invalid, not_found, too_large_version,
};
use super::selector::Selector;
use super::server::Server;
use super::store::{Key, View};

/// What a client is made to see instead of the newest state of a resource.
#[derive(Debug, Clone)]
pub(super) struct Stale {
    pub(super) version: u64,
    pub(super) view: View,
}

impl Server {
    pub(super) fn read(&self, call: &Call, stale: Option<&Stale>) -> Outcome<Value> {
        let kind = self.kind_of(call)?;
        match call.verb {
            Verb::Get => self.get(call, &kind, stale),
            _ => self.list(call, &kind, stale),
        }
    }

    fn get(&self, call: &Call, kind: &Kind, stale: Option<&Stale>) -> Outcome<Value> {
        let asked = version(call)?;
        if asked > self.store.version {
            return Err(too_large_version(asked, self.store.version));
        }
        let key = self.key(call, kind, call.name.as_deref().unwrap_or_default());
        let found = match stale {
            Some(stale) => stale.view.get(&key),
            None => self.store.get(&key),
        };
        match found {
            Some(object) => Ok(shown(object, kind, call)),
            None => Err(not_found(&key.resource, &key.name)),
        }
    }

    fn list(&self, call: &Call, kind: &Kind, stale: Option<&Stale>) -> Outcome<Value> {
        let selector = Selector::parse(
            kind,
            call.option("labelSelector"),
            call.option("fieldSelector"),
        )?;
        let page = Page::asked(call)?;
        let (version, view) = self.seen(call, kind, page.version, stale)?;
        let mut chosen = view
            .into_iter()
            .filter(|(key, object)| {
                call.namespace
                    .as_ref()
                    .is_none_or(|ns| *ns == key.namespace)
                    && page
                        .after
                        .as_ref()
                        .is_none_or(|after| (&key.namespace, &key.name) > (&after.0, &after.1))
                    && selector.matches(object)
            })
            .collect::<Vec<(Key, Arc<Value>)>>();
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if kind.custom {
            metadata["continue"] = json!("");
        }
        if let Some(limit) = page.limit.filter(|limit| *limit < chosen.len()) {
            let rest = chosen.split_off(limit);
            if let Some((last, _)) = chosen.last() {
                metadata["continue"] = json!(token(version, last));
            }
            if selector.is_empty() {
                metadata["remainingItemCount"] = json!(rest.len());
            }
        }
        let items: Vec<Value> = chosen
            .iter()
            .map(|(_, object)| shown(object, kind, call))
            .collect();
        let (api_version, list) = match call.form {
            Form::Whole => (
                kind.api_version(&call.version),
                format!("{}List", kind.kind),
            ),
            Form::Metadata => (
                "meta.k8s.io/v1".to_owned(),
                "PartialObjectMetadataList".to_owned(),
            ),
        };
        Ok(json!({ "kind": list, "apiVersion": api_version, "metadata": metadata, "items": items }))
    }

    /// The state that this list shows: that of its first page, an exact one, or the newest.
    fn seen(
        &self,
        call: &Call,
        kind: &Kind,
        continued: Option<u64>,
        stale: Option<&Stale>,
    ) -> Outcome<(u64, View)> {
        let asked = version(call)?;
        let exact = call.option("resourceVersionMatch") == "Exact";
        if !call.option("resourceVersionMatch").is_empty()
            && call.option("resourceVersion").is_empty()
        {
            let why =
                "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided";
            return Err(invalid(
                "ListOptions.meta.k8s.io",
                "",
                Broken::forbidden("resourceVersionMatch", why),
            ));
        }
        if asked > self.store.version {
            return Err(too_large_version(asked, self.store.version));
        }
        if let Some(stale) = stale {
            return Ok((stale.version, stale.view.clone()));
        }
        let version = match continued {
            Some(version) => version,
            None if exact => asked,
            None => self.store.version,
        };
        Ok((version, self.store.view_at(&kind.id(), version)?))
    }
}

/// The resourceVersion option as a number; absent counts as 0, "any".
pub(super) fn version(call: &Call) -> Outcome<u64> {
    match call.option("resourceVersion") {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let why = format!("resourceVersion: Invalid value: \"{text}\"");
            match call.verb {
                Verb::Watch => internal(&why),
                _ => bad_request(&why),
            }
        }),
    }
}

/// An object as the client asked to see it.
pub(super) fn shown(object: &Value, kind: &Kind, call: &Call) -> Value {
    match call.form {
        Form::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"],
        }),
        Form::Whole => {
            let mut object = object.clone();
            object["apiVersion"] = json!(kind.api_version(&call.version));
            object
        }
    }
}

struct Page {
    limit: Option<usize>,
    version: Option<u64>,
    after: Option<(String, String)>,
}

impl Page {
    fn asked(call: &Call) -> Outcome<Self> {
        let limit = call.option("limit").parse().ok().filter(|limit| *limit > 0);
        let (version, after) = match call.option("continue") {
            "" => (None, None),
            text => {
                let (version, namespace, name) =
                    read_token(text).ok_or_else(|| bad_request("continue key is not valid"))?;
                (Some(version), Some((namespace, name)))
            }
        };
        Ok(Self {
            limit,
            version,
            after,
        })
    }
}

fn token(version: u64, last: &Key) -> String {
    URL_SAFE_NO_PAD.encode(json!([version, last.namespace, last.name]).to_string())
}

fn read_token(token: &str) -> Option<(u64, String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    serde_json::from_slice(&bytes).ok()
}

impl Stale {
    /// What a resource looked like at `version`.
    pub(super) fn of(server: &Server, resource: &str, version: u64) -> Outcome<Self> {
        if version > server.store.version {
            return Err(expired(version, server.store.version));
        }
        let view = server.store.view_at(resource, version)?;
        Ok(Self { version, view })
    }
}
