//! Credentials, and values, that must first be turned into a token by a call.
//!
//! What the credential gives is kept in memory until the system refuses it, never longer than this issuer
//! lives, and is as secret as the credential itself. What a value gives serves one check.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokenwright_core::{Identity, Parameters};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::ProfileIssuer;
use super::answered::Arrived;
use super::asking::{Asking, Takes, Who};
use super::plan::{IdentityPlan, LoginPlan};
use super::read::{Unreadable, id, text};
use super::secrets::{LOGIN, Session};
use super::shape::Shape;
use crate::account::gate::Words;
use crate::error::{Error, ErrorKind, Operation};
use crate::secret::SecretValue;
use crate::text::Context;

/// So many accounts are logged in at once; with more, all log in again.
const MOST_SESSIONS: usize = 256;
/// As long as a part of a credential may be: one is kept for each session.
const LONGEST_LOGIN: usize = 64 * 1024;
/// A session that has lasted so long may be over where an answer could say that, too. Asked anew no more often, a
/// system that refuses for another reason is not logged in at with each request.
const DOUBTED_FROM: Duration = Duration::from_secs(300);

impl ProfileIssuer {
    /// A session of the credential, and whether it is new. One that was `refused` is not given again.
    pub(super) async fn session(
        &self,
        plan: &LoginPlan,
        asking: &Asking<'_>,
        refused: Option<&Arc<Session>>,
    ) -> Result<(Arc<Session>, bool), Error> {
        let context = self.of_parameters(&asking.context);
        let used = plan.uses.iter();
        // What is not given is another key than the text that it would print as.
        let key = used.map(|name| Some(context.get(name)?.as_str()?.to_owned()));
        let place = self.place_of_session(key.collect());
        // Held while logging in: many requests at once log in once.
        let mut kept = place.lock().await;
        if let Some(session) = &*kept
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, session))
        {
            return Ok((Arc::clone(session), false));
        }
        *kept = None;
        let asked = (asking.operation, asking.send_by);
        let session = self.log_in(plan, asked, (None, context)).await?;
        let session = Arc::new(session);
        *kept = Some(Arc::clone(&session));
        Ok((session, true))
    }

    fn place_of_session(&self, key: Vec<Option<String>>) -> Arc<Mutex<Option<Arc<Session>>>> {
        let sessions = self.sessions.lock();
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_SESSIONS && !sessions.contains_key(&key) {
            sessions.clear();
        }
        Arc::clone(sessions.entry(key).or_default())
    }

    /// As if nobody had logged in yet.
    pub(super) fn forget_sessions(&self) {
        let sessions = self.sessions.lock();
        sessions.unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether an answer says that a session is over, or may say so of one that has lasted. Nothing was done
    /// then: a request that may have had its effect is not sent again.
    pub(super) fn is_over(&self, session: &Session, asking: &Asking<'_>, answer: &Arrived) -> bool {
        let lasted = session.begun.elapsed() >= DOUBTED_FROM;
        match (self.failure(asking, answer), self.is_own(asking, answer)) {
            (Some(ErrorKind::OutcomeUnknown), _) => false,
            (Some(ErrorKind::Unauthenticated), true) => true,
            (_, true) if answer.status == 401 => true,
            (Some(ErrorKind::Forbidden), true) => lasted,
            // Whoever needs to log in is led to a page by many; and by gateways, to theirs.
            _ => lasted && !asking.changes() && leads_to_page(asking, answer),
        }
    }

    /// Who the answer of a login says that we are.
    pub(super) async fn login_identity(&self) -> Result<Option<Identity>, Error> {
        let Some(plan) = &self.way.login else {
            return Ok(None);
        };
        let context = self.context(&Parameters::new());
        let asking = self.asking(Operation::Identity, &plan.call, context);
        let (session, _) = self.session(plan, &asking, None).await?;
        let identity = session.identity.clone();
        Ok(identity.map(Identity::new))
    }

    /// What a value is exchanged for, to prove it.
    pub(super) async fn exchange(
        &self,
        plan: &LoginPlan,
        value: &SecretValue,
        context: &Context,
    ) -> Result<Session, Error> {
        let context = self.of_parameters(context);
        let asked = (Operation::Check, None);
        self.log_in(plan, asked, (Some(value), context)).await
    }

    /// What is known of parameters alone: a login sees nothing else.
    fn of_parameters(&self, context: &Context) -> Context {
        let names = self.profile.parameters.keys();
        let given = names.filter_map(|name| Some((name.clone(), context.get(name)?.clone())));
        let mut own = self.known.clone();
        own.extend(given);
        own
    }

    async fn log_in(
        &self,
        plan: &LoginPlan,
        (operation, send_by): (Operation, Option<Timestamp>),
        (value, context): (Option<&SecretValue>, Context),
    ) -> Result<Session, Error> {
        let mut asking = self.asking(operation, &plan.call, context);
        asking.who = Who::Login;
        asking.send_by = send_by;
        if value.is_none() && plan.uses.is_empty() {
            asking.words = Words::Ours;
        }
        asking.auth = plan.auth.as_ref();
        // A value that is exchanged is no business of our certificate.
        asking.certified = value.is_none() || self.shows_certificate_with_values();
        asking.value = value;
        asking.takes = Takes::Login(&plan.place);
        let answer = Box::pin(self.send(&asking)).await?;
        let status = answer.status;
        // Whatever a login answers, nothing was minted or ended by it, and no token is gone.
        let harmless = |error: Error| Error {
            kind: match error.kind {
                ErrorKind::OutcomeUnknown
                | ErrorKind::NotFound
                | ErrorKind::Conflict
                | ErrorKind::LimitReached => ErrorKind::Unavailable,
                ErrorKind::AnswerNotUnderstood if operation.changes() => ErrorKind::Unavailable,
                kind => kind,
            },
            detail: Some(format!("the login failed: {}", error.sentence())),
            ..error
        };
        let mut answered = self.judge(&asking, answer).map_err(harmless)?;
        let login = answered.taken.login.take();
        let missing = || {
            let missing = Unreadable::Missing("the token of the login");
            harmless(self.unreadable(operation, status, missing))
        };
        let login = login.filter(|login| !login.is_empty());
        let login = login.ok_or_else(missing)?;
        let in_header = value.is_none() && self.way.stands_in_header(LOGIN);
        if login.len() > LONGEST_LOGIN || login.sendable(in_header).is_err() {
            return Err(harmless(self.unreadable(
                operation,
                status,
                Unreadable::Unsendable,
            )));
        }
        let begun = Instant::now();
        let identity = match &self.profile.plan.identity {
            Some(IdentityPlan::Login(read)) => {
                let read = text("identity", Some(read), answered.context());
                let read = read.map(|text| text.filter(|text| !text.is_empty()));
                let read =
                    read.and_then(|text| text.map(|text| id("identity", Some(text))).transpose());
                read.map_err(|e| harmless(self.unreadable(operation, status, e)))?
            }
            Some(IdentityPlan::Call(_) | IdentityPlan::Claim { .. }) | None => None,
        };
        Ok(Session {
            begun,
            login,
            identity,
        })
    }
}

fn leads_to_page(asking: &Asking<'_>, answer: &Arrived) -> bool {
    let page = asking.call.is_success(answer.status) && matches!(answer.shape, Shape::Page);
    page || (300..400).contains(&answer.status)
}

#[cfg(test)]
mod tests;
