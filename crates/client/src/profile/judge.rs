//! What an answer means: a success with its JSON, or the error that it stands for.

use http::HeaderMap;
use minijinja::Value;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::call::{Asking, Who};
use super::plan::CallPlan;
use super::read::Unreadable;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{Body, BodyTrouble, Incoming, excerpt_without, kind_of_status, retry_after};
use crate::text::{Compiled, Context, of_json};

/// A refusal, as the log may show it.
#[derive(Debug, thiserror::Error)]
#[error("answered {status}: {excerpt}")]
struct Refused {
    status: u16,
    excerpt: String,
}

/// A success that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("answered {status}, which cannot be read")]
struct Puzzling {
    status: u16,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
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

fn over(status: u16, headers: &HeaderMap, json: &Json) -> Context {
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

impl ProfileIssuer {
    pub(super) fn error(
        &self,
        operation: Operation,
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error {
            kind,
            profile: self.profile.name.clone(),
            operation,
            source: Some(source.into()),
        }
    }

    /// An answer to a request that worked, and cannot be read.
    pub(super) fn unreadable(
        &self,
        operation: Operation,
        status: u16,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        let kind = match operation.changes() {
            true => ErrorKind::OutcomeUnknown,
            false => ErrorKind::Unexpected,
        };
        let source = source.into();
        self.error(operation, kind, Puzzling { status, source })
    }

    /// Sends once and judges what came.
    pub(super) async fn ask(&self, asking: &Asking<'_>) -> Result<Answered, Error> {
        let answer = self.send(asking).await?;
        self.judge(asking, answer)
    }

    pub(super) fn judge(&self, asking: &Asking<'_>, answer: Incoming) -> Result<Answered, Error> {
        let (operation, call, status) = (asking.operation, asking.call, answer.status);
        let success = match call.success.as_slice() {
            [] => (200..300).contains(&status),
            listed => listed.contains(&status),
        };
        if !success {
            return Err(self.refused(asking, &answer));
        }
        let json = match (&answer.body, call.ignore_body) {
            (_, true) => Json::Null,
            (Ok(body), false) => json(body).map_err(|e| self.unreadable(operation, status, e))?,
            (Err(trouble), false) => return Err(self.unreadable(operation, status, *trouble)),
        };
        let size = answer.body.as_ref().map_or(0, |body| body.bytes().len());
        let headers = answer.headers;
        if let Some(kind) = self.refused_all_the_same(operation, (status, &headers, &json))? {
            let excerpt = "a refusal, with a status of success".to_owned();
            return Err(self.error(operation, kind, Refused { status, excerpt }));
        }
        Ok(Answered {
            status,
            headers,
            size,
            json,
        })
    }

    fn refused(&self, asking: &Asking<'_>, answer: &Incoming) -> Error {
        let status = answer.status;
        let kind = self.refusal(asking, answer);
        let excerpt = match &answer.body {
            // Whatever it is, it may well have a value in it.
            Ok(_) if (200..300).contains(&status) => {
                "a status that the profile does not expect".to_owned()
            }
            Ok(body) => self.excerpt(asking.who, body),
            Err(trouble @ (BodyTrouble::TooLarge | BodyTrouble::CutShort)) => trouble.to_string(),
        };
        self.error(asking.operation, kind, Refused { status, excerpt })
    }

    /// What the log may show of a refusal, which some systems word with what they were sent.
    fn excerpt(&self, who: Who<'_>, body: &Body) -> String {
        // Nobody has it while logging in, when there is none.
        let session = self.session.try_lock().ok();
        let session = session.as_ref().and_then(|session| session.as_deref());
        let value = match who {
            Who::Value(value) => Some(value),
            Who::Us | Who::Login => None,
        };
        let ours = [&self.credential].into_iter().chain(value);
        let parts = ours.flat_map(|value| value.parts().map(|(_, text)| text));
        excerpt_without(body.bytes(), parts.chain(session))
    }

    fn refusal(&self, asking: &Asking<'_>, answer: &Incoming) -> ErrorKind {
        let CallPlan { unsure, gone, .. } = asking.call;
        let changes = asking.operation.changes() && !matches!(asking.who, Who::Login);
        let body = answer.body.as_ref().ok();
        let body = body.and_then(|body| json(body).ok());
        if unsure.contains(&answer.status) {
            return ErrorKind::OutcomeUnknown;
        }
        if gone.contains(&answer.status) {
            return ErrorKind::NotFound;
        }
        let wait = retry_after(&answer.headers, self.clock.now());
        let mapped = body.as_ref().and_then(|body| {
            let context = over(answer.status, &answer.headers, body);
            self.mapped(&context)
        });
        match mapped {
            Some(ErrorKind::RateLimited { .. }) => {
                return ErrorKind::RateLimited { retry_after: wait };
            }
            Some(kind) => return kind,
            None => {}
        }
        match kind_of_status(answer.status, changes, wait) {
            // A page of HTML is some proxy's word, not the issuer's: nothing is concluded from it.
            ErrorKind::NotFound if body.is_none() => ErrorKind::Unexpected,
            // A success that the profile does not know as one.
            ErrorKind::Unexpected if changes && (200..300).contains(&answer.status) => {
                ErrorKind::OutcomeUnknown
            }
            kind => kind,
        }
    }

    /// The kind of a refusal that has a status of success; nothing where it is none.
    fn refused_all_the_same(
        &self,
        operation: Operation,
        (status, headers, json): (u16, &HeaderMap, &Json),
    ) -> Result<Option<ErrorKind>, Error> {
        let errors = self.profile.plan.errors.as_ref();
        let Some(when) = errors.and_then(|errors| errors.when.as_ref()) else {
            return Ok(None);
        };
        let context = over(status, headers, json);
        let told = when.eval(&context);
        let told = told.map_err(|e| self.unreadable(operation, status, Unreadable::from(e)))?;
        if !told.is_some_and(|told| told.is_true()) {
            return Ok(None);
        }
        let unknown = match operation.changes() {
            true => ErrorKind::OutcomeUnknown,
            false => ErrorKind::Unexpected,
        };
        Ok(Some(self.mapped(&context).unwrap_or(unknown)))
    }

    /// The kind that the body of a refusal names.
    fn mapped(&self, context: &Context) -> Option<ErrorKind> {
        let errors = self.profile.plan.errors.as_ref()?;
        let word = errors.kind.eval(context).ok()??;
        errors.map.get(&word.to_string()).copied()
    }
}

/// The body as JSON; nothing where it is empty.
fn json(body: &Body) -> Result<Json, Unreadable> {
    if body.bytes().trim_ascii().is_empty() {
        return Ok(Json::Null);
    }
    // The message of the parser could quote the body.
    serde_json::from_slice(body.bytes()).map_err(|_| Unreadable::NoJson)
}
