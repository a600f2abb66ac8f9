//! Credentials that must first be turned into a token by a call.
//!
//! The token is kept in memory until the system refuses it, never longer than this issuer lives, and is
//! as secret as the credential itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ProfileIssuer;
use super::call::{Asking, Who};
use super::plan::LoginPlan;
use super::read::Unreadable;
use super::signed::{JWT, known};
use super::taken::take;
use crate::error::{Error, ErrorKind, Operation};
use crate::secret::{SecretText, SecretValue};

/// The name of the part that a login gives.
pub(super) const LOGIN: &str = "login";

/// The secrets of one request.
#[derive(Debug)]
pub(super) struct Secrets<'a> {
    own: &'a SecretValue,
    login: Option<Arc<SecretText>>,
    /// The fields of parts that are documents, and what was signed.
    made: BTreeMap<String, SecretText>,
}

impl Secrets<'_> {
    pub(super) fn part(&self, name: &str) -> Option<&SecretText> {
        match (&self.login, name) {
            (Some(login), LOGIN) => Some(login.as_ref()),
            _ => self.made.get(name).or_else(|| self.own.part(name)),
        }
    }
}

impl ProfileIssuer {
    /// The parts of a credential or a value, and what is made of them for this request.
    pub(super) fn secrets<'a>(
        &self,
        asking: &Asking<'_>,
        own: &'a SecretValue,
    ) -> Result<Secrets<'a>, Error> {
        let plan = &self.profile.plan;
        let mut made = plan.opened(own);
        if let Some(jwt) = plan.jwt.as_ref().filter(|_| self.is_signed(asking)) {
            let part = |name: &str| made.get(name).or_else(|| own.part(name));
            let known = known(&plan.known, part);
            let signed = jwt.signed(part(&jwt.key), &known, self.clock.now());
            let signed = signed.map_err(|e| self.error(asking.operation, ErrorKind::Invalid, e))?;
            made.insert(JWT.to_owned(), signed);
        }
        let login = None;
        Ok(Secrets { own, login, made })
    }
}

impl ProfileIssuer {
    /// The credential with a token of a login, and whether it is new. One that was `refused` is not
    /// given again.
    pub(super) async fn session(
        &self,
        plan: &LoginPlan,
        operation: Operation,
        refused: Option<&Secrets<'_>>,
    ) -> Result<(Secrets<'_>, bool), Error> {
        let with = |login: Arc<SecretText>| Secrets {
            own: &self.credential,
            made: self.profile.plan.opened(&self.credential),
            login: Some(login),
        };
        // Held while logging in: many requests at once log in once.
        let mut session = self.session.lock().await;
        let refused = refused.and_then(|secrets| secrets.login.as_ref());
        if let Some(login) = session.as_ref()
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, login))
        {
            return Ok((with(Arc::clone(login)), false));
        }
        *session = None;
        let login = Arc::new(self.log_in(plan, operation).await?);
        *session = Some(Arc::clone(&login));
        Ok((with(login), true))
    }

    async fn log_in(&self, plan: &LoginPlan, operation: Operation) -> Result<SecretText, Error> {
        let mut asking = self.asking(operation, &plan.call, self.known.clone());
        asking.who = Who::Login;
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
        let mut answer = self.judge(&asking, answer).map_err(harmless)?;
        let login = take(&plan.place, &mut answer).filter(|login| !login.is_empty());
        let missing = Unreadable::Missing("the token of the login");
        login.ok_or_else(|| harmless(self.unreadable(operation, status, missing)))
    }
}
