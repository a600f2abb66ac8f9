//! One call of a profile: write it, send it once, judge what came.

use http::{HeaderName, HeaderValue};
use minijinja::Value;
use serde_json::Value as Json;
use tokenwright_core::Parameters;

use super::ProfileIssuer;
use super::expression::{Context, EvaluationFailed, of_json};
use super::plan::{AuthPlan, CallPlan};
use super::read::Unreadable;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{
    Auth, Body, BodyTrouble, Incoming, NoAnswer, Outgoing, excerpt, kind_of_status, retry_after,
};
use crate::secret::SecretValue;

/// A refusal, as the log may show it.
#[derive(Debug, thiserror::Error)]
#[error("answered {status}: {excerpt}")]
struct Refused {
    status: u16,
    excerpt: String,
}

/// A call that is about to be made.
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    pub(super) call: &'a CallPlan,
    pub(super) context: Context,
    pub(super) secrets: &'a SecretValue,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Vec<(String, String)>,
}

impl Operation {
    /// Whether a request of this operation may have an effect.
    pub(super) fn changes(self) -> bool {
        match self {
            Self::Mint | Self::Update | Self::Enable | Self::Disable | Self::Revoke => true,
            Self::Identity | Self::Check | Self::Get | Self::List => false,
        }
    }
}

impl ProfileIssuer {
    /// What names stand for in a call; parameters that are not given are nothing.
    pub(super) fn context(&self, parameters: &Parameters) -> Context {
        let known = self.profile.parameters.keys();
        known
            .map(|name| (name.clone(), Value::from(parameters.get(name).cloned())))
            .collect()
    }

    pub(super) fn asking<'a>(
        &'a self,
        operation: Operation,
        call: &'a CallPlan,
        context: Context,
    ) -> Asking<'a> {
        Asking {
            operation,
            call,
            context,
            secrets: &self.credential,
            headers: Vec::new(),
            query: Vec::new(),
        }
    }

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
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        let kind = match operation.changes() {
            true => ErrorKind::OutcomeUnknown,
            false => ErrorKind::Unexpected,
        };
        self.error(operation, kind, source)
    }

    /// Sends once; whatever comes is an answer.
    pub(super) async fn send(&self, asking: Asking<'_>) -> Result<Incoming, Error> {
        let operation = asking.operation;
        let invalid = |e: EvaluationFailed| self.error(operation, ErrorKind::Invalid, e);
        let path = asking.call.path.path(&asking.context).map_err(invalid)?;
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut pairs = asking.query;
        for (key, tree) in &asking.call.query {
            if let Some(value) = tree.fill(&asking.context).map_err(invalid)? {
                pairs.push((key.clone(), plain(&value)));
            }
        }
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(&pairs);
        }
        let body = match &asking.call.body {
            Some(tree) => tree.fill(&asking.context).map_err(invalid)?,
            None => None,
        };
        let outgoing = Outgoing {
            method: asking.call.method.clone(),
            url,
            auth: self.auth(asking.secrets),
            headers: asking.headers,
            body,
            timeout: self.request_timeout,
        };
        let answer = self.transport.send(outgoing).await;
        match &answer {
            Ok(answer) => {
                tracing::debug!(profile = %self.profile.name, %operation, status = answer.status, "answered");
            }
            Err(error) => {
                tracing::debug!(profile = %self.profile.name, %operation, %error, "no answer");
            }
        }
        answer.map_err(|error| {
            let kind = match (&error, operation.changes()) {
                (NoAnswer::Unwritable, _) => ErrorKind::Invalid,
                (NoAnswer::NotSent(_), _) | (NoAnswer::Lost(_), false) => ErrorKind::Unavailable,
                (NoAnswer::Lost(_), true) => ErrorKind::OutcomeUnknown,
            };
            self.error(operation, kind, error)
        })
    }

    fn auth<'a>(&'a self, secrets: &'a SecretValue) -> Option<Auth<'a>> {
        match &self.profile.plan.auth {
            AuthPlan::Header { name, prefix, part } => Some(Auth::Header {
                name: name.clone(),
                prefix,
                secret: secrets.part(part)?,
            }),
            AuthPlan::Basic { user, password } => Some(Auth::Basic {
                user: secrets.part(user)?,
                password: secrets.part(password)?,
            }),
        }
    }

    /// The JSON of a success (null where there is none), or the error that the answer stands for.
    pub(super) fn judge(
        &self,
        operation: Operation,
        call: &CallPlan,
        answer: &Incoming,
    ) -> Result<Json, Error> {
        if (200..300).contains(&answer.status) {
            let body = answer.body.as_ref();
            let body = body.map_err(|trouble| self.unreadable(operation, *trouble))?;
            return json(body).map_err(|e| self.unreadable(operation, e));
        }
        let kind = self.refusal(operation, call, answer);
        let excerpt = match &answer.body {
            Ok(body) => excerpt(body.bytes()),
            Err(trouble @ (BodyTrouble::TooLarge | BodyTrouble::CutShort)) => trouble.to_string(),
        };
        let status = answer.status;
        Err(self.error(operation, kind, Refused { status, excerpt }))
    }

    fn refusal(&self, operation: Operation, call: &CallPlan, answer: &Incoming) -> ErrorKind {
        let body = answer.body.as_ref().ok();
        let body = body.and_then(|body| json(body).ok());
        if call.unsure.contains(&answer.status) {
            return ErrorKind::OutcomeUnknown;
        }
        if call.gone.contains(&answer.status) {
            return ErrorKind::NotFound;
        }
        let wait = retry_after(&answer.headers, self.clock.now());
        match body.as_ref().and_then(|body| self.mapped(body)) {
            Some(ErrorKind::RateLimited { .. }) => {
                return ErrorKind::RateLimited { retry_after: wait };
            }
            Some(kind) => return kind,
            None => {}
        }
        match kind_of_status(answer.status, operation.changes(), wait) {
            // A page of HTML is some proxy's word, not the issuer's: nothing is concluded from it.
            ErrorKind::NotFound if body.is_none() => ErrorKind::Unexpected,
            kind => kind,
        }
    }

    /// The kind that the body of a refusal names.
    fn mapped(&self, body: &Json) -> Option<ErrorKind> {
        let (kind, map) = self.profile.plan.errors.as_ref()?;
        let context = Context::from([("answer".to_owned(), of_json(body))]);
        let word = kind.eval(&context).ok()??;
        map.get(word.as_str()?).copied()
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

/// A value as text of a query.
fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
