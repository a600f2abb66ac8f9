//! What an answer means: a success with its JSON, or the error that it stands for.

use jiff::SignedDuration;
use minijinja::Value;
use serde_json::Value as Json;
use tokenwright_core::duration;
use zeroize::Zeroizing;

use super::ProfileIssuer;
use super::answered::{Answered, Arrived, over};
use super::asking::Asking;
use super::format::FormatPlan;
use super::plan::CallPlan;
use super::read::Unreadable;
use super::shape::{Came, Shape};
use crate::account::LONGEST_ASKED;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{BodyTrouble, excerpt_without, kind_of_foreign, kind_of_status, retry_after};
use crate::text::{Context, EvaluationFailed};

/// A refusal, as the log may show it.
#[derive(Debug, thiserror::Error)]
#[error("answered {status}: {excerpt}")]
struct Refused {
    status: u16,
    excerpt: String,
}

impl ProfileIssuer {
    pub(super) fn error(
        &self,
        operation: Operation,
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error {
            source: Some(source.into()),
            ..Error::new(kind, &self.profile.name, operation)
        }
    }

    /// An answer to a request that worked, and whose content is not of the shape that the profile says.
    pub(super) fn unreadable(
        &self,
        operation: Operation,
        status: u16,
        problem: impl Into<Unreadable>,
    ) -> Error {
        let problem = problem.into();
        let kind = match problem {
            Unreadable::NoRoom(_) => no_room(operation.changes()),
            _ => not_understood(operation.changes()),
        };
        Error {
            status: Some(status),
            detail: Some(format!("answered {status}, but {problem}")),
            ..Error::new(kind, &self.profile.name, operation)
        }
    }

    /// Sends once and judges what came.
    pub(super) async fn ask(&self, asking: &Asking<'_>) -> Result<Answered, Error> {
        let answer = self.send(asking).await?;
        self.judge(asking, answer)
    }

    pub(super) fn judge(
        &self,
        asking: &Asking<'_>,
        mut answer: Arrived,
    ) -> Result<Answered, Error> {
        let (call, status) = (asking.call, answer.status);
        let own = self.is_own(asking, &answer);
        if let Some(kind) = self.refusal(asking, &answer, own) {
            return Err(self.refused(asking, &answer, (own, kind)));
        }
        let readable = matches!(answer.shape, Shape::Json(_) | Shape::Empty);
        if !own || !(readable || call.ignore_body) {
            return Err(self.foreign(asking, &answer));
        }
        let json = match std::mem::replace(&mut answer.shape, Shape::Empty) {
            Shape::Json(json) if !call.ignore_body => json,
            _ => Json::Null,
        };
        if let Some(error) = self.refused_all_the_same(asking, &answer, &json)? {
            return Err(error);
        }
        Ok(Answered {
            status,
            headers: answer.headers,
            size: answer.body.as_ref().map_or(0, |body| body.bytes().len()),
            json,
            taken: answer.taken,
            _room: answer.room,
        })
    }

    /// A success that the issuer itself did not give.
    fn foreign(&self, asking: &Asking<'_>, answer: &Arrived) -> Error {
        let changes = asking.operation.changes();
        let kind = match answer.shape {
            Shape::Trouble(BodyTrouble::NoRoom) => no_room(changes),
            _ => not_understood(changes),
        };
        Error {
            status: Some(answer.status),
            detail: Some(expected(&self.profile.plan.format, answer)),
            ..Error::new(kind, &self.profile.name, asking.operation)
        }
    }

    /// What an answer says went wrong, whether by its status or inside of a success; nothing where it says
    /// of nothing that it did.
    pub(super) fn failure(&self, asking: &Asking<'_>, answer: &Arrived) -> Option<ErrorKind> {
        let own = self.is_own(asking, answer);
        self.refusal(asking, answer, own).or_else(|| {
            let json = answer
                .shape
                .json()
                .filter(|_| own && !asking.call.ignore_body)?;
            let context = || over(answer.status, &answer.headers, json);
            self.refusal_inside(asking.operation, context).ok()?
        })
    }

    fn refusal(&self, asking: &Asking<'_>, answer: &Arrived, own: bool) -> Option<ErrorKind> {
        let refused = !asking.call.is_success(answer.status);
        refused.then(|| match own {
            true => self.refusal_of_its_own(asking, answer),
            false => self.refusal_of_others(asking, answer),
        })
    }

    fn refused(
        &self,
        asking: &Asking<'_>,
        answer: &Arrived,
        (own, kind): (bool, ErrorKind),
    ) -> Error {
        let status = answer.status;
        let json = answer.shape.json().filter(|_| own);
        let vendor = json.and_then(|json| self.vendor(asking, answer, json));
        let excerpt = match &answer.body {
            _ if vendor.is_some() => vendor.clone().unwrap_or_default(),
            // Whatever it is, it may well have a value in it.
            Ok(_) if (200..300).contains(&status) => {
                "a status that the profile does not expect".to_owned()
            }
            Ok(body) => self.without_secrets(asking, answer, |secrets| {
                // As it is seen by expressions, where it can be: what was moved out of it is in no log either.
                let seen = answer
                    .shape
                    .json()
                    .map(|json| Zeroizing::new(json.to_string()));
                let seen = seen.as_ref().map_or(body.bytes(), |text| text.as_bytes());
                excerpt_without(seen, secrets)
            }),
            Err(trouble) => trouble.to_string(),
        };
        let detail = match (own, kind) {
            (_, ErrorKind::RateLimited { retry_after }) => {
                retry_after.map(|wait| asked_to_wait(status, wait))
            }
            (_, ErrorKind::Unavailable) => None,
            (true, _) if (200..400).contains(&status) => Some(format!(
                "answered {status}, which the profile does not expect"
            )),
            (true, ErrorKind::Unauthenticated | ErrorKind::Forbidden) => self.skew(asking, answer),
            // An end that lies in the past of the issuer's clock, or too far in its future.
            (true, ErrorKind::Invalid) => self
                .apart(answer)
                .map(|apart| format!("{kind} ({status}), and {apart}")),
            (true, _) => None,
            (false, _) => Some(expected(&self.profile.plan.format, answer)),
        };
        Error {
            status: Some(status),
            detail,
            vendor,
            ..self.error(asking.operation, kind, Refused { status, excerpt })
        }
    }

    /// What a refusal in the issuer's own shape means.
    fn refusal_of_its_own(&self, asking: &Asking<'_>, answer: &Arrived) -> ErrorKind {
        let CallPlan { unsure, gone, .. } = asking.call;
        if unsure.contains(&answer.status) {
            return ErrorKind::OutcomeUnknown;
        }
        if gone.contains(&answer.status) {
            return ErrorKind::NotFound;
        }
        let wait = retry_after(&answer.headers, self.clock.now());
        let mapped = answer.shape.json().and_then(|json| {
            let context = over(answer.status, &answer.headers, json);
            self.mapped(&context)
        });
        match mapped {
            Some(ErrorKind::RateLimited { .. }) => {
                return ErrorKind::RateLimited { retry_after: wait };
            }
            Some(kind) => return kind,
            None => {}
        }
        match kind_of_status(answer.status, asking.changes(), wait) {
            // A success that the profile does not know as one.
            ErrorKind::AnswerNotUnderstood
                if asking.changes() && (200..300).contains(&answer.status) =>
            {
                ErrorKind::OutcomeUnknown
            }
            kind => kind,
        }
    }

    /// What it means that somebody else refused.
    fn refusal_of_others(&self, asking: &Asking<'_>, answer: &Arrived) -> ErrorKind {
        if asking.call.unsure.contains(&answer.status) {
            return ErrorKind::OutcomeUnknown;
        }
        let wait = retry_after(&answer.headers, self.clock.now());
        kind_of_foreign(answer.status, asking.changes(), wait)
    }

    /// The refusal that has a status of success; nothing where it is none.
    fn refused_all_the_same(
        &self,
        asking: &Asking<'_>,
        answer: &Arrived,
        json: &Json,
    ) -> Result<Option<Error>, Error> {
        let (operation, status) = (asking.operation, answer.status);
        let kind = self.refusal_inside(operation, || over(status, &answer.headers, json));
        let Some(kind) = kind.map_err(|e| self.unreadable(operation, status, e))? else {
            return Ok(None);
        };
        let vendor = self.vendor(asking, answer, json);
        let unnamed = || "a refusal, with a status of success".to_owned();
        let excerpt = vendor.clone().unwrap_or_else(unnamed);
        let detail = format!(
            "answered {status}, which errors.when of the profile takes for a refusal: {kind}"
        );
        Ok(Some(Error {
            status: Some(status),
            detail: Some(detail),
            vendor,
            ..self.error(operation, kind, Refused { status, excerpt })
        }))
    }

    /// The kind of a refusal that has a status of success.
    fn refusal_inside(
        &self,
        operation: Operation,
        context: impl FnOnce() -> Context,
    ) -> Result<Option<ErrorKind>, EvaluationFailed> {
        let errors = self.profile.plan.errors.as_ref();
        let Some(when) = errors.and_then(|errors| errors.when.as_ref()) else {
            return Ok(None);
        };
        let context = &context();
        let told = when.eval(context)?;
        Ok(told.filter(Value::is_true).map(|_| {
            let unnamed = not_understood(operation.changes());
            self.mapped(context).unwrap_or(unnamed)
        }))
    }

    /// The kind that the body of a refusal names.
    fn mapped(&self, context: &Context) -> Option<ErrorKind> {
        let errors = self.profile.plan.errors.as_ref()?;
        let word = errors.kind.as_ref()?.eval(context).ok()??;
        errors.map.get(&word.to_string()).copied()
    }
}

/// The kind of a success that cannot be read.
fn not_understood(changes: bool) -> ErrorKind {
    match changes {
        true => ErrorKind::OutcomeUnknown,
        false => ErrorKind::AnswerNotUnderstood,
    }
}

/// The kind of one that there is no room for.
fn no_room(changes: bool) -> ErrorKind {
    match changes {
        true => ErrorKind::OutcomeUnknown,
        false => ErrorKind::NoRoom,
    }
}

fn expected(format: &FormatPlan, answer: &Arrived) -> String {
    let came = Came {
        status: answer.status,
        headers: &answer.headers,
        shape: &answer.shape,
    };
    format!("expected {}, got {came}", format.name())
}

/// The wait that is kept, which may be shorter than what was asked for.
fn asked_to_wait(status: u16, wait: SignedDuration) -> String {
    let kind = ErrorKind::RateLimited { retry_after: None };
    match wait < LONGEST_ASKED {
        true => format!(
            "{kind} ({status}), the next one in {}",
            duration::format(wait)
        ),
        false => format!(
            "{kind} ({status}), the next one in an hour: longer waits than that are not kept"
        ),
    }
}
