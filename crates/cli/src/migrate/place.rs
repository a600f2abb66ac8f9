//! One issuer and one token in the place of an object that makes a token, and what a person does around it.

use serde_json::{Value, json};
use tokenwright_client::profile;

use super::{Life, told};
use crate::output::yaml;

/// What is written in the place of one object.
pub(super) struct Place<'a> {
    /// The object, whose name the token takes.
    pub(super) of: &'a Value,
    /// What the issuer is named.
    pub(super) issuer: &'a str,
    /// The Secret that the object writes.
    pub(super) target: &'a str,
    pub(super) profile: &'static str,
    pub(super) endpoint: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) parameters: Value,
    pub(super) life: Life,
    pub(super) credential: Credential,
    /// What a person does before: commands, and sentences that begin with `#`.
    pub(super) before: Vec<String>,
    /// How the token of the object ends.
    pub(super) after: &'static str,
}

/// The Secret of a credential, and which of its keys is which part where they are named otherwise.
pub(super) struct Credential {
    pub(super) secret: String,
    pub(super) keys: Value,
}

impl Place<'_> {
    /// Both objects, with what is done before, between and after as comments.
    pub(super) fn written(&self) -> anyhow::Result<String> {
        let own = name(self.of);
        let before: String = self
            .before
            .iter()
            .map(|line| format!("#    {}\n", told(line.trim_start_matches("# "))))
            .collect();
        let value = profile::builtin(self.profile);
        let value = value.map(|profile| profile.value_parts().keys().cloned().collect::<Vec<_>>());
        Ok(format!(
            "# In place of {kind} {shown}:\n# 1. Before:\n{before}# 2. Apply this, and wait: kubectl wait apitoken/{own}{space} --for=condition=Ready\n\
             ---\n{issuer}---\n{token}\
             # 3. Let the consumers read the Secret {target}-token, {keys}.\n\
             # 4. When all of them do: kubectl delete {resource} {own}{space}\n\
             #    {after}\n",
            issuer = yaml(&self.issuer())?,
            token = yaml(&self.token())?,
            kind = text(self.of, "/kind"),
            resource = text(self.of, "/kind").to_lowercase(),
            shown = told(&named(self.of)),
            own = told(own),
            target = told(self.target),
            space = told(&in_namespace(self.of)),
            keys = match value.unwrap_or_default().as_slice() {
                [one] => format!("key {one}"),
                several => format!("keys {}", several.join(" and ")),
            },
            after = self.after,
        ))
    }

    fn issuer(&self) -> Value {
        let mut issuer = json!({
            "apiVersion": "tokenwright.dev/v1alpha1",
            "kind": "TokenIssuer",
            "metadata": self.metadata(self.issuer),
            "spec": {
                "profile": self.profile,
                "credential": { "secretRef": { "name": self.credential.secret } },
            },
        });
        if let Some(endpoint) = &self.endpoint {
            issuer["spec"]["endpoint"] = json!(endpoint);
        }
        if !self.credential.keys.is_null() {
            issuer["spec"]["credential"]["secretRef"]["keys"] = self.credential.keys.clone();
        }
        issuer
    }

    fn token(&self) -> Value {
        let own = name(self.of);
        let mut token = json!({
            "apiVersion": "tokenwright.dev/v1alpha1",
            "kind": "ApiToken",
            "metadata": self.metadata(own),
            "spec": {
                "issuerRef": { "name": self.issuer },
                "token": { "name": own, "lifetime": self.life.lifetime },
                // Not the same: both would write it, each over the other.
                "secret": { "name": format!("{}-token", self.target) },
            },
        });
        if self
            .parameters
            .as_object()
            .is_some_and(|all| !all.is_empty())
        {
            token["spec"]["token"]["parameters"] = self.parameters.clone();
        }
        if !self.scopes.is_empty() {
            token["spec"]["token"]["scopes"] = json!(self.scopes);
        }
        if let Some(every) = &self.life.every {
            token["spec"]["rotation"] = json!({ "every": every });
        }
        token
    }

    fn metadata(&self, name: &str) -> Value {
        match namespace(self.of) {
            "" => json!({ "name": name }),
            namespace => json!({ "name": name, "namespace": namespace }),
        }
    }
}

/// The objects of a kind.
pub(super) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    let kind = kind.to_owned();
    objects
        .iter()
        .filter(move |object| object["kind"] == kind.as_str())
}

/// A text in an object; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(super) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// The object as people name it.
pub(super) fn named(object: &Value) -> String {
    crate::cluster::named(namespace(object), name(object))
}

/// What `kubectl` is told of its namespace.
pub(super) fn in_namespace(object: &Value) -> String {
    match namespace(object) {
        "" => String::new(),
        namespace => format!(" --namespace {namespace}"),
    }
}
