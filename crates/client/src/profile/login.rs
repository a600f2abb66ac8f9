//! Credentials, and values, that must first be turned into a token by a call.
//!
//! What the credential gives is kept in memory until the system refuses it, never longer than this issuer
//! lives, and is as secret as the credential itself. What a value gives serves one check.

use std::sync::Arc;

use tokenwright_core::{Identity, Parameters};

use super::ProfileIssuer;
use super::asking::{Asking, Takes, Who};
use super::plan::{IdentityPlan, LoginPlan};
use super::read::{Unreadable, text};
use super::secrets::Session;
use crate::account::gate::Words;
use crate::error::{Error, ErrorKind, Operation};
use crate::secret::SecretValue;
use crate::text::Context;

/// So many accounts are logged in at once; with more, all log in again.
const MOST_SESSIONS: usize = 256;

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
        let key = used.map(|name| context.get(name).map(ToString::to_string));
        let key: Vec<_> = key.collect();
        // Held while logging in: many requests at once log in once.
        let mut sessions = self.sessions.lock().await;
        if let Some(session) = sessions.get(&key)
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, session))
        {
            return Ok((Arc::clone(session), false));
        }
        sessions.remove(&key);
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        let session = Arc::new(self.log_in(plan, asking.operation, (None, context)).await?);
        sessions.insert(key, Arc::clone(&session));
        Ok((session, true))
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
        Ok(identity.filter(|id| !id.is_empty()).map(Identity::new))
    }

    /// What a value is exchanged for, to prove it.
    pub(super) async fn exchange(
        &self,
        plan: &LoginPlan,
        value: &SecretValue,
        context: &Context,
    ) -> Result<Session, Error> {
        let context = self.of_parameters(context);
        self.log_in(plan, Operation::Check, (Some(value), context))
            .await
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
        operation: Operation,
        (value, context): (Option<&SecretValue>, Context),
    ) -> Result<Session, Error> {
        let mut asking = self.asking(operation, &plan.call, context);
        asking.who = Who::Login;
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
        // Whatever a login answers, nothing was minted or ended by it.
        let harmless = |error: Error| Error {
            kind: match error.kind {
                ErrorKind::OutcomeUnknown => ErrorKind::Unavailable,
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
        let identity = match &self.profile.plan.identity {
            Some(IdentityPlan::Login(read)) => {
                let read = text("identity", Some(read), answered.context());
                read.map_err(|e| harmless(self.unreadable(operation, status, e)))?
            }
            Some(IdentityPlan::Call(_) | IdentityPlan::Claim { .. }) | None => None,
        };
        Ok(Session { login, identity })
    }
}
