//! One call of a profile: write it and send it once. What came is judged in `judge`.

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use minijinja::Value;
use serde_json::Value as Json;
use tokenwright_core::Parameters;
use url::Url;

use super::ProfileIssuer;
use super::login::Secrets;
use super::plan::{AuthPlan, CallPlan, User};
use super::shape::Shape;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{Auth, Incoming, NoAnswer, Outgoing, Put, Sigv4};
use crate::secret::{SecretText, SecretValue};
use crate::text::{Context, EvaluationFailed, Tree};

/// A call that is about to be made.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    pub(super) call: &'a CallPlan,
    pub(super) context: Context,
    pub(super) who: Who<'a>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Vec<(String, String)>,
    /// The next page, where an answer named it.
    pub(super) url: Option<Url>,
    /// It must not be sent after this instant.
    pub(super) send_by: Option<Timestamp>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who<'a> {
    /// The credential, logged in where the system wants that.
    Us,
    /// The credential's own parts, to log in.
    Login,
    /// A value that is to be proven.
    Value(&'a SecretValue),
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

impl Asking<'_> {
    /// Whether this request may have an effect; a login, whatever it is for, mints and ends nothing.
    pub(super) fn changes(&self) -> bool {
        self.operation.changes() && !matches!(self.who, Who::Login)
    }
}

impl CallPlan {
    /// Whether a status is a success of this call.
    pub(super) fn is_success(&self, status: u16) -> bool {
        match self.success.as_slice() {
            [] => (200..300).contains(&status),
            listed => listed.contains(&status),
        }
    }
}

impl ProfileIssuer {
    /// What names stand for in a call; parameters that are not given are nothing.
    pub(super) fn context(&self, parameters: &Parameters) -> Context {
        let mut context = self.known.clone();
        let names = self.profile.parameters.keys();
        context.extend(names.map(|n| (n.clone(), Value::from(parameters.get(n).cloned()))));
        context
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
            who: Who::Us,
            headers: Vec::new(),
            query: Vec::new(),
            url: None,
            send_by: None,
        }
    }

    /// Sends, as whoever asks. A session that is no longer accepted is renewed: a refusal for want of
    /// authentication did nothing, so that the request is still sent at most once with an effect.
    pub(super) async fn send(&self, asking: &Asking<'_>) -> Result<Incoming, Error> {
        match (asking.who, &self.profile.plan.login) {
            (Who::Value(value), _) => {
                let secrets = self.secrets(asking, value)?;
                self.send_with(asking, &secrets).await
            }
            (Who::Us, Some(login)) => {
                let (secrets, fresh) = self.session(login, asking.operation, None).await?;
                let answer = self.send_with(asking, &secrets).await?;
                // A proxy that wants to know us says nothing about the session, and may have let the
                // request through.
                let own = || {
                    self.is_own(
                        asking,
                        &answer,
                        &Shape::of(&answer, &self.profile.plan.format),
                    )
                };
                if answer.status != 401 || fresh || !own() {
                    return Ok(answer);
                }
                let (secrets, _) = self
                    .session(login, asking.operation, Some(&secrets))
                    .await?;
                self.send_with(asking, &secrets).await
            }
            (Who::Us, None) | (Who::Login, _) => {
                let secrets = self.secrets(asking, &self.credential)?;
                self.send_with(asking, &secrets).await
            }
        }
    }

    /// Sends once; whatever comes is an answer.
    async fn send_with(
        &self,
        asking: &Asking<'_>,
        secrets: &Secrets<'_>,
    ) -> Result<Incoming, Error> {
        let operation = asking.operation;
        let invalid = |e: EvaluationFailed| self.error(operation, ErrorKind::Invalid, e);
        let (body, form) = self.body(asking).map_err(invalid)?;
        let headers = asking.call.headers.write(&asking.context);
        let mut headers = headers.map_err(|e| self.error(operation, ErrorKind::Invalid, e))?;
        headers.extend_from_slice(&asking.headers);
        let (plan, put) = self.written_by(asking, secrets);
        let user = user(plan, &asking.context).map_err(invalid)?;
        let outgoing = Outgoing {
            method: asking.call.method.clone(),
            url: self.url(asking).map_err(invalid)?,
            auth: plan.and_then(|plan| auth(plan, user.as_ref(), (secrets, self.clock.now()))),
            headers,
            body,
            form,
            put,
            by_value: matches!(asking.who, Who::Value(_)),
            timeout: self.request_timeout,
        };
        let pass =
            match &self.gate {
                Some(gate) => Some(gate.pass(operation, asking.send_by).await.map_err(
                    |pause| self.error(operation, ErrorKind::Paused { wait: pause.wait }, pause),
                )?),
                None => None,
            };
        let answer = self.transport.send(outgoing).await;
        if let (Some(gate), Some(pass)) = (&self.gate, pass) {
            gate.saw(pass.over(), self.sign(asking, &answer));
        }
        match &answer {
            Ok(answer) => {
                tracing::debug!(profile = %self.profile.name, %operation, status = answer.status, "answered");
            }
            Err(error) => {
                tracing::debug!(profile = %self.profile.name, %operation, %error, "no answer");
            }
        }
        answer.map_err(|error| {
            let kind = match (&error, asking.changes()) {
                (NoAnswer::Unwritable, _) => ErrorKind::Invalid,
                (NoAnswer::NotSent(_), _) | (NoAnswer::Lost(_), false) => ErrorKind::Unavailable,
                (NoAnswer::Lost(_), true) => ErrorKind::OutcomeUnknown,
            };
            self.error(operation, kind, error)
        })
    }

    fn url(&self, asking: &Asking<'_>) -> Result<Url, EvaluationFailed> {
        if let Some(url) = &asking.url {
            return Ok(url.clone());
        }
        let path = asking.call.path.path(&asking.context)?;
        let mut url = match &asking.call.endpoint {
            // Whoever names an endpoint of their own has it asked for everything.
            Some(endpoint) if self.at_home => endpoint.clone(),
            Some(_) | None => self.endpoint.clone(),
        };
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        let mut pairs = asking.query.clone();
        pairs.extend(flat(&asking.call.query, &asking.context)?);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(&pairs);
        }
        Ok(url)
    }

    #[expect(
        clippy::type_complexity,
        reason = "a body and a form, of which one is there"
    )]
    fn body(
        &self,
        asking: &Asking<'_>,
    ) -> Result<(Option<Json>, Option<Vec<(String, String)>>), EvaluationFailed> {
        let body = asking.call.body.as_ref();
        let body = body.map(|tree| tree.fill(&asking.context)).transpose()?;
        let form = asking.call.form.as_ref();
        let form = form.map(|form| flat(form, &asking.context)).transpose()?;
        Ok((body.flatten(), form))
    }

    /// How this call authenticates, and which secrets stand in its body.
    fn written_by<'a>(
        &'a self,
        asking: &Asking<'_>,
        secrets: &'a Secrets<'_>,
    ) -> (Option<&'a AuthPlan>, Vec<Put<'a>>) {
        let login = self.profile.plan.login.as_ref();
        let login = login.filter(|_| matches!(asking.who, Who::Login));
        let put = login.iter().flat_map(|login| &login.put);
        let put = put.filter_map(|(at, part)| {
            let secret = secrets.part(part)?;
            Some(Put { at, part, secret })
        });
        (self.auth_of(asking), put.collect())
    }

    /// How this call authenticates.
    pub(super) fn auth_of(&self, asking: &Asking<'_>) -> Option<&AuthPlan> {
        let plan = &self.profile.plan;
        match (asking.who, &plan.login) {
            (Who::Us, _) | (Who::Login, None) => plan.auth.as_ref(),
            (Who::Value(_), _) => {
                let own = plan.check.as_ref().and_then(|check| check.auth.as_ref());
                own.or(plan.auth.as_ref())
            }
            (Who::Login, Some(login)) => login.auth.as_ref(),
        }
    }
}

/// The user of HTTP Basic, where it is no part.
fn user(
    plan: Option<&AuthPlan>,
    context: &Context,
) -> Result<Option<SecretText>, EvaluationFailed> {
    match plan {
        Some(AuthPlan::Basic {
            user: User::Text(text),
            ..
        }) => Ok(Some(SecretText::new(
            text.plain(context)?.unwrap_or_default(),
        ))),
        Some(
            AuthPlan::Basic { .. }
            | AuthPlan::Header { .. }
            | AuthPlan::Headers(_)
            | AuthPlan::Sigv4(_),
        )
        | None => Ok(None),
    }
}

fn auth<'a>(
    plan: &'a AuthPlan,
    text: Option<&'a SecretText>,
    (secrets, at): (&'a Secrets<'_>, Timestamp),
) -> Option<Auth<'a>> {
    match plan {
        AuthPlan::Header { name, prefix, part } => Some(Auth::Header {
            name: name.clone(),
            prefix,
            secret: secrets.part(part)?,
        }),
        AuthPlan::Basic {
            user,
            password,
            header,
        } => Some(Auth::Basic {
            user: match user {
                User::Part(part) => secrets.part(part)?,
                User::Text(_) => text?,
            },
            password: secrets.part(password)?,
            header: header.clone(),
        }),
        AuthPlan::Headers(headers) => {
            let headers = headers.iter().map(|header| {
                let secret = secrets.part(&header.part)?;
                Some((header.name.clone(), header.prefix.as_str(), secret))
            });
            Some(Auth::Headers(headers.collect::<Option<_>>()?))
        }
        AuthPlan::Sigv4(plan) => Some(Auth::Sigv4(Sigv4 {
            key_id: secrets.part(&plan.key_id)?,
            secret: secrets.part(&plan.secret)?,
            region: &plan.region,
            service: &plan.service,
            at,
        })),
    }
}

/// Pairs of a query or a form; a list is its key again and again.
fn flat(
    trees: &[(String, Tree)],
    context: &Context,
) -> Result<Vec<(String, String)>, EvaluationFailed> {
    let mut pairs = Vec::new();
    for (key, tree) in trees {
        match tree.fill(context)? {
            None => {}
            Some(Json::Array(list)) => {
                pairs.extend(list.iter().map(|value| (key.clone(), plain(value))));
            }
            Some(value) => pairs.push((key.clone(), plain(&value))),
        }
    }
    Ok(pairs)
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
