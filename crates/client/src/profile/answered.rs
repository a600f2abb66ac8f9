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
use crate::error::Operation;
use crate::http::{Body, BodyTrouble, Incoming};
use crate::room::{Held, Share};
use crate::secret::SecretText;
use crate::text::{Compiled, Context, of_json, out_of_json};

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
    /// What was made of secrets for the request.
    pub(super) made: Vec<SecretText>,
    /// What all this takes, but its body.
    pub(super) room: Held,
}

impl ProfileIssuer {
    /// Moves the secrets out of an answer before any expression sees it.
    pub(super) fn arrived(
        &self,
        asking: &Asking<'_>,
        (session, made): (Option<Arc<Session>>, Vec<SecretText>),
        incoming: Incoming,
    ) -> Arrived {
        let room = self.room_of(asking, incoming.status);
        let (mut shape, room) = Shape::of(&incoming, &self.profile.plan.format, room);
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
            made,
            room,
        }
    }

    /// What the content of an answer may take, and how many copies of it there are at once.
    fn room_of(&self, asking: &Asking<'_>, status: u16) -> (Share, usize) {
        let plan = &self.profile.plan;
        let errors = plan.errors.as_ref();
        let judged = plan.own.is_some() || errors.is_some_and(|errors| errors.when.is_some());
        match asking.operation {
            Operation::List if judged || !asking.call.is_success(status) => (Share::PAGE, 2),
            Operation::List => (Share::PAGE, 1),
            _ => (Share::OTHER, 2),
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
    pub(super) _room: Held,
}

impl Answered {
    /// What expressions over an answer see.
    pub(super) fn context(&self) -> Context {
        over(self.status, &self.headers, &self.json)
    }

    /// The same for the last who needs it: of two copies of a long page, most of one is gone as the other is made.
    pub(super) fn turned_into_context(&mut self) -> Context {
        let answer = out_of_json(self.json.take());
        seen(self.status, &self.headers, answer)
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
    seen(status, headers, of_json(json))
}

fn seen(status: u16, headers: &HeaderMap, answer: Value) -> Context {
    // From the last to the first, so that the first of a name is what stays.
    let headers = headers.iter().collect::<Vec<_>>().into_iter().rev();
    let headers = headers.filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), Value::from(value)))
    });
    let headers: std::collections::BTreeMap<_, _> = headers.collect();
    Context::from([
        ("answer".to_owned(), answer),
        ("status".to_owned(), Value::from(status)),
        ("headers".to_owned(), Value::from_pairs(headers)),
    ])
}
