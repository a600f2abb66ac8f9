//! What came, as everything else here sees it: without its secrets.

use std::sync::Arc;

use http::HeaderMap;
use minijinja::Value;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::asking::Asking;
use super::read::Unreadable;
use super::secrets::Session;
use super::shape::Shape;
use super::taken::{Taken, take_out};
use crate::http::{Body, BodyTrouble, Incoming};
use crate::text::{Compiled, Context, of_json};

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// As it came, for whoever looks for secrets in it before it is shown.
    pub(super) body: Result<Body, BodyTrouble>,
    pub(super) shape: Shape,
    pub(super) taken: Taken,
    /// The session that the request carried.
    pub(super) session: Option<Arc<Session>>,
}

impl ProfileIssuer {
    /// Moves the secrets out of an answer before any expression sees it.
    pub(super) fn arrived(
        &self,
        asking: &Asking<'_>,
        session: Option<Arc<Session>>,
        incoming: Incoming,
    ) -> Arrived {
        let mut shape = Shape::of(&incoming, &self.profile.plan.format);
        let mut headers = incoming.headers;
        let taken = take_out(
            asking,
            (&mut shape, &mut headers),
            &self.profile.plan.value,
            self.endpoint.as_str().trim_end_matches('/'),
        );
        Arrived {
            status: incoming.status,
            headers,
            body: incoming.body,
            shape,
            taken,
            session,
        }
    }
}

/// A success.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// How many bytes the body had.
    pub(super) size: usize,
    /// Null where there is none.
    pub(super) json: Json,
    /// The secrets that stood in it.
    pub(super) taken: Taken,
}

impl Answered {
    /// What expressions over an answer see.
    pub(super) fn context(&self) -> Context {
        over(self.status, &self.headers, &self.json)
    }

    /// The token in it: what the expression says, or the whole.
    pub(super) fn item(&self, item: Option<&Compiled>) -> Result<Value, Unreadable> {
        match item {
            Some(item) => Ok(Value::from(item.eval(&self.context())?)),
            None => Ok(of_json(&self.json)),
        }
    }
}

pub(super) fn over(status: u16, headers: &HeaderMap, json: &Json) -> Context {
    // From the last to the first, so that the first of a name is what stays.
    let headers = headers.iter().collect::<Vec<_>>().into_iter().rev();
    let headers = headers.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), Value::from(value)))
    });
    let headers: std::collections::BTreeMap<_, _> = headers.collect();
    Context::from([
        ("answer".to_owned(), of_json(json)),
        ("status".to_owned(), Value::from(status)),
        ("headers".to_owned(), Value::from_pairs(headers)),
    ])
}
