//! A request as examples write it: with the names of its secrets in their places.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::http::{At, Auth, Outgoing, Put, put_into, with_secrets};
use crate::secret::SecretText;

/// A request without its secrets.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    /// After the path of the endpoint.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Json,
    pub(super) form: Vec<(String, String)>,
    pub(super) host: String,
}

impl Sent {
    /// What is sent under this path of an endpoint; nothing where it cannot be written.
    pub(super) fn of(sent: &Outgoing<'_>, base: &str) -> Option<Self> {
        let named = |put: &Put<'_>| format!("({})", put.part);
        let url = with_secrets(sent.url.clone(), &sent.put, |put| Some(named(put).into()))?;
        let path = url.path();
        let path = path.strip_prefix(base).unwrap_or(path);
        let headers = sent.headers.iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap_or("?");
            (name.as_str().to_owned(), value.to_owned())
        });
        let mut body = sent.body.clone().unwrap_or_default();
        let mut form = sent.form.clone().unwrap_or_default();
        for put in &sent.put {
            match put.at {
                At::Form(key) => form.push((key.to_owned(), named(put))),
                At::Body(pointer) => put_into(&mut body, pointer, named(put).into()),
                At::Query(_) | At::Segment(_) => {}
            }
        }
        Some(Self {
            method: sent.method.to_string(),
            path: path.to_owned(),
            query: url.query_pairs().into_owned().collect(),
            headers: headers.collect(),
            body,
            form,
            host: url.host_str().unwrap_or_default().to_owned(),
        })
    }

    /// The request of an exchange; `at_home` where it is sent to the host of the endpoint.
    pub(super) fn exchange(&self, at_home: bool, with_value: bool) -> Json {
        let mut out = json!({"method": self.method, "path": self.path});
        let told = [
            ("query", json!(self.query), !self.query.is_empty()),
            ("headers", json!(self.headers), !self.headers.is_empty()),
            ("body", self.body.clone(), !self.body.is_null()),
            ("form", json!(self.form), !self.form.is_empty()),
            ("with_value", true.into(), with_value),
            ("host", json!(self.host), !at_home),
        ];
        for (key, value, there) in told {
            if there {
                out[key] = value;
            }
        }
        out
    }
}

/// The secret that tells who authenticates; what is signed shows nothing of its key.
pub(super) fn authenticating<'a>(sent: &'a Outgoing<'_>) -> Option<&'a SecretText> {
    match (&sent.auth, sent.put.first()) {
        (Some(Auth::Header { secret, .. }), _) => Some(secret),
        (Some(Auth::Basic { password, .. } | Auth::Digest { password, .. }), _) => Some(password),
        (Some(Auth::Headers(headers)), _) => headers.first().map(|(_, _, secret)| *secret),
        (Some(Auth::Sigv4(by)), _) => Some(by.secret),
        (None, Some(put)) => Some(put.secret),
        (None, None) => None,
    }
}
