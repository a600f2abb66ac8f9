//! One call of a profile: write it and send it once. What came is judged in `judge`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use serde_json::Value as Json;
use url::Url;

use super::ProfileIssuer;
use super::answered::Arrived;
use super::asking::{Asking, Who};
use super::plan::{AuthPlan, User};
use super::recorder::Before;
use super::secrets::{NoPart, Secrets, Session};
use super::signed::{JWT, known};
use super::skew::is_signed;
use crate::error::{Error, ErrorKind};
use crate::http::{Auth, NoAnswer, Outgoing, Put, Sigv4, put_into};
use crate::secret::SecretText;
use crate::text::{Context, EvaluationFailed, Tree};

/// Which sending of one request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    /// After a challenge, which it answers.
    pub(super) challenged: bool,
    /// In a session that was begun for it: a refusal says nothing of an end.
    pub(super) fresh: bool,
}

/// A request without what authenticates it, which is good for minutes only where it is signed.
struct Unsigned {
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Json>,
    form: Option<Vec<(String, String)>>,
    /// The user of HTTP Basic, where it is no part.
    user: Option<SecretText>,
}

impl Asking<'_> {
    /// Whether a challenge is answered before anything is concluded.
    pub(super) fn is_challenged(&self) -> bool {
        matches!(self.auth, Some(AuthPlan::Digest { .. }))
    }
}

impl ProfileIssuer {
    /// Sends, as whoever asks, and answers a challenge of HTTP Digest. A refusal for want of it did nothing,
    /// so that the request is still sent at most once with an effect.
    pub(super) async fn send(&self, asking: &Asking<'_>) -> Result<Arrived, Error> {
        let answer = self.send_in_session(asking, false).await?;
        let challenged = answer.status == 401
            && asking.is_challenged()
            && self.challenge.take_up(&answer.headers);
        match challenged {
            true => self.send_in_session(asking, true).await,
            false => Ok(answer),
        }
    }

    /// Sends, as whoever asks. A session that is no longer accepted is renewed, and the request is sent once
    /// more: never one that may have had its effect.
    async fn send_in_session(
        &self,
        asking: &Asking<'_>,
        challenged: bool,
    ) -> Result<Arrived, Error> {
        let attempt = |fresh| Attempt { challenged, fresh };
        let (Who::Us, Some(login)) = (asking.who, &self.way.login) else {
            let exchanged = asking.exchanged.clone();
            return self.send_with(asking, exchanged, attempt(false)).await;
        };
        let (session, fresh) = self.session(login, asking, None).await?;
        let sent = Some(Arc::clone(&session));
        let answer = self.send_with(asking, sent, attempt(fresh)).await?;
        if fresh || !self.is_over(&session, asking, &answer) {
            return Ok(answer);
        }
        let (session, fresh) = self.session(login, asking, Some(&session)).await?;
        self.send_with(asking, Some(session), attempt(fresh)).await
    }

    /// The secrets of a request, and what is made of them for it, good from now.
    fn secrets<'a>(
        &'a self,
        asking: &Asking<'a>,
        session: Option<Arc<Session>>,
    ) -> Result<Secrets<'a>, Error> {
        let own = match asking.who {
            Who::Us => &self.credential,
            Who::Login | Who::Value => asking.value.unwrap_or(&self.credential),
        };
        let (way, at) = (&self.way, self.clock.now());
        let mut made = way.opened(own);
        if let Some(jwt) = way.jwt.as_ref().filter(|_| is_signed(asking)) {
            let part = |name: &str| made.get(name).or_else(|| own.part(name));
            let known = known(&way.known, part);
            let signed = jwt.signed(part(&jwt.key), &known, at);
            let signed = signed.map_err(|e| self.error(asking.operation, ErrorKind::Invalid, e))?;
            made.insert(JWT.to_owned(), signed);
        }
        Ok(Secrets {
            own,
            session,
            made,
            at,
        })
    }

    /// Sends once; whatever comes is an answer, without its secrets.
    async fn send_with(
        &self,
        asking: &Asking<'_>,
        session: Option<Arc<Session>>,
        attempt: Attempt,
    ) -> Result<Arrived, Error> {
        let operation = asking.operation;
        let unsigned = self.unsigned(asking)?;
        let pass = match &self.gate {
            Some(gate) => Some(
                gate.pass((operation, asking.words), asking.send_by)
                    .await
                    .map_err(|pause| {
                        self.error(operation, ErrorKind::Paused { wait: pause.wait }, pause)
                    })?,
            ),
            None => None,
        };
        // Not before its turn has come, which may take minutes.
        let secrets = self.secrets(asking, session)?;
        let user = unsigned.user.as_ref();
        let missing = |e: NoPart| self.error(operation, ErrorKind::Invalid, e);
        let auth = asking.auth.map(|plan| self.auth(plan, user, &secrets));
        let auth = auth.transpose().map_err(missing)?;
        let pair = auth.as_ref().and_then(Auth::pair);
        let outgoing = Outgoing {
            method: asking.call.method.clone(),
            url: unsigned.url,
            auth,
            certified: self.certified.as_ref().filter(|_| asking.certified),
            headers: unsigned.headers,
            body: unsigned.body,
            form: unsigned.form,
            put: put(asking, &secrets).map_err(missing)?,
            by_value: asking.who != Who::Us && asking.value.is_some(),
            timeout: self.request_timeout,
        };
        let base = self.endpoint.path().trim_end_matches('/');
        let host = self.endpoint.host_str().unwrap_or_default();
        let recorded = self.recorder.as_ref();
        let recorded = recorded.and_then(|kept| Some((kept, kept.sent(&outgoing, base, host)?)));
        let answer = self.transport.send(outgoing).await;
        let before = answer.as_ref().ok().filter(|_| recorded.is_some());
        let before = before.map(|answer| Before::of(answer, &self.profile.plan.format));
        let made = secrets.made.into_values().chain(pair).collect();
        let sent = (secrets.session, made);
        let answer = answer.map(|came| self.arrived(asking, sent, came));
        if let (Some(gate), Some(pass)) = (&self.gate, pass) {
            let sign = self.sign(asking, attempt, &answer);
            gate.saw(pass.over(), asking.words, sign);
            let heard = answer
                .as_ref()
                .ok()
                .filter(|came| self.is_own(asking, came));
            if let Some(ahead) = heard.and_then(|came| self.ahead(&came.headers)) {
                gate.heard(ahead);
            }
        }
        match &answer {
            Ok(answer) => {
                tracing::debug!(profile = %self.profile.name, %operation, status = answer.status, "answered");
            }
            Err(error) => {
                tracing::debug!(profile = %self.profile.name, %operation, %error, "no answer");
            }
        }
        if let (Some((kept, request)), Err(error)) = (&recorded, &answer) {
            kept.lost(request.clone(), error);
        }
        let arrived = answer.map_err(|error| self.unanswered(asking, error))?;
        if let (Some((kept, request)), Some(before)) = (recorded, before) {
            kept.came(request, before, &arrived);
        }
        Ok(arrived)
    }

    fn unsigned(&self, asking: &Asking<'_>) -> Result<Unsigned, Error> {
        let operation = asking.operation;
        let invalid = |e: EvaluationFailed| self.error(operation, ErrorKind::Invalid, e);
        let (body, form) = self.body(asking).map_err(invalid)?;
        let headers = asking.call.headers.write(&asking.context);
        let mut headers = headers.map_err(|e| self.error(operation, ErrorKind::Invalid, e))?;
        headers.extend_from_slice(&asking.headers);
        Ok(Unsigned {
            url: self.url(asking).map_err(invalid)?,
            headers,
            body,
            form,
            user: user(asking.auth, &asking.context).map_err(invalid)?,
        })
    }

    /// What it means that no answer came.
    fn unanswered(&self, asking: &Asking<'_>, error: NoAnswer) -> Error {
        let kind = match (&error, asking.changes()) {
            (NoAnswer::Unwritable, _) => ErrorKind::Invalid,
            (NoAnswer::NotSent(_) | NoAnswer::NoProxy(_), _) | (NoAnswer::Lost(_), false) => {
                ErrorKind::Unavailable
            }
            (NoAnswer::Lost(_), true) => ErrorKind::OutcomeUnknown,
        };
        let detail = match &error {
            NoAnswer::NoProxy(unusable) => Some(unusable.to_string()),
            NoAnswer::NotSent(_) | NoAnswer::Lost(_) | NoAnswer::Unwritable => None,
        };
        Error {
            detail,
            ..self.error(asking.operation, kind, error)
        }
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
        let mut body = body.flatten();
        for (pointer, value) in &asking.placed {
            put_into(body.get_or_insert(Json::Null), pointer, value.clone());
        }
        let form = asking.call.form.as_ref();
        let form = form.map(|form| flat(form, &asking.context)).transpose()?;
        Ok((body, form))
    }
}

/// The secrets that stand in the request itself: those of whoever asks, or of the value that is asked about.
fn put<'a>(asking: &Asking<'a>, secrets: &'a Secrets<'_>) -> Result<Vec<Put<'a>>, NoPart> {
    let put = asking.call.put.iter().map(|put| {
        let secret = match (asking.who, asking.value) {
            (Who::Us, Some(value)) => value.part(&put.part),
            _ => Some(secrets.part(&put.part)?),
        };
        let secret = secret.ok_or_else(|| NoPart(put.part.clone()))?;
        Ok(Put {
            at: put.at.borrowed(),
            part: &put.part,
            secret,
        })
    });
    put.collect()
}

/// The user of HTTP Basic, where it is no part.
fn user(
    plan: Option<&AuthPlan>,
    context: &Context,
) -> Result<Option<SecretText>, EvaluationFailed> {
    let Some(text) = plan.and_then(AuthPlan::user_text) else {
        return Ok(None);
    };
    let user = text.plain(context)?.unwrap_or_default();
    Ok(Some(SecretText::new(user)))
}

impl ProfileIssuer {
    fn auth<'a>(
        &'a self,
        plan: &'a AuthPlan,
        text: Option<&'a SecretText>,
        secrets: &'a Secrets<'_>,
    ) -> Result<Auth<'a>, NoPart> {
        let user = |user: &'a User| match user {
            User::Part(part) => secrets.part(part),
            User::Text(_) => Ok(text.unwrap_or(SecretText::none())),
        };
        Ok(match plan {
            AuthPlan::Header { name, prefix, part } => Auth::Header {
                name: name.clone(),
                prefix,
                secret: secrets.part(part)?,
            },
            AuthPlan::Basic {
                user: plan,
                password,
                header,
            } => Auth::Basic {
                user: user(plan)?,
                password: match password {
                    Some(part) => secrets.part(part)?,
                    None => SecretText::none(),
                },
                header: header.clone(),
            },
            AuthPlan::Headers(headers) => {
                let headers = headers.iter().map(|header| {
                    let secret = secrets.part(&header.part)?;
                    Ok((header.name.clone(), header.prefix.as_str(), secret))
                });
                Auth::Headers(headers.collect::<Result<_, _>>()?)
            }
            AuthPlan::Digest {
                user: plan,
                password,
            } => Auth::Digest {
                user: user(plan)?,
                password: secrets.part(password)?,
                challenge: &self.challenge,
            },
            AuthPlan::Sigv4(plan) => Auth::Sigv4(Sigv4 {
                key_id: secrets.part(&plan.key_id)?,
                secret: secrets.part(&plan.secret)?,
                region: &plan.region,
                service: &plan.service,
                at: secrets.at,
            }),
        })
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

#[cfg(test)]
mod tests;
