//! Whether a value authenticates.

use std::sync::Arc;

use minijinja::Value;
use tokenwright_core::Liveness;

use super::ProfileIssuer;
use super::answered::Answered;
use super::asking::Who;
use super::plan::{CheckPlan, Prover};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::About;
use crate::secret::SecretValue;
use crate::text::Context;

impl ProfileIssuer {
    /// Whether a value authenticates, by the harmless call of the profile.
    pub(super) async fn proven(
        &self,
        value: &SecretValue,
        about: About<'_>,
    ) -> Result<Liveness, Error> {
        let Some(check) = &self.profile.plan.check else {
            return Ok(Liveness::Unknown);
        };
        let there = |part: &String| value.part(part).is_some_and(|t| !t.is_empty());
        let context = self.about_value(about);
        if !self.profile.value_parts.keys().all(there) || !check.askable(&context) {
            return Ok(Liveness::Unknown);
        }
        let exchanged = match &check.login {
            None => None,
            Some(login) => match self.exchange(login, value, &context).await {
                Ok(session) => Some(Arc::new(session)),
                // What cannot be exchanged authenticates nobody.
                Err(error) if error.kind == ErrorKind::Unauthenticated => {
                    return Ok(Liveness::Dead);
                }
                Err(error) => return Err(error),
            },
        };
        let mut asking = self.asking(Operation::Check, &check.call, context);
        asking.value = Some(value);
        asking.exchanged = exchanged;
        asking.certified =
            matches!(check.prover, Prover::Credential) || self.shows_certificate_with_values();
        (asking.who, asking.auth) = match &check.prover {
            Prover::Alike => (Who::Value, asking.auth),
            Prover::Own(auth) => (Who::Value, Some(auth)),
            Prover::Nobody => (Who::Value, None),
            Prover::Credential => (Who::Us, asking.auth),
        };
        let answer = self.send(&asking).await?;
        // Another one's word, whatever its status, is no proof.
        if !self.is_own(&asking, &answer) || check.unknown.contains(&answer.status) {
            return self.judge(&asking, answer).map(|_| Liveness::Unknown);
        }
        // With a wrong clock nothing that is signed is accepted, however alive.
        let dead = match self.skew(&asking, &answer) {
            None => Liveness::Dead,
            Some(_) => Liveness::Unknown,
        };
        if check.dead.contains(&answer.status) {
            return Ok(dead);
        }
        if check.alive.contains(&answer.status) {
            return Ok(Liveness::Alive);
        }
        let by_value = asking.who == Who::Value;
        match self.judge(&asking, answer) {
            Ok(answered) => Ok(told(check, &answered)),
            // Such refusals are about whoever asks.
            Err(error) if by_value && error.kind == ErrorKind::Forbidden => Ok(Liveness::Alive),
            Err(error) if by_value && error.kind == ErrorKind::Unauthenticated => Ok(dead),
            Err(error) => Err(error),
        }
    }
}

impl ProfileIssuer {
    /// What names stand for in a check; the id is none where only the value is known. A parameter goes before
    /// a public part of its name.
    pub(super) fn about_value(&self, about: About<'_>) -> Context {
        let About {
            parameters,
            id,
            public,
        } = about;
        let mut context = self.context(parameters);
        for (name, text) in public.into_iter().flatten() {
            let value = || Value::from(text.as_str());
            context.entry(name.clone()).or_insert_with(value);
        }
        if let Some(id) = id {
            context.insert("id".to_owned(), Value::from(id.as_str()));
        }
        context
    }

    /// Whether a value is asked about over connections that show our certificate: where that alone lets
    /// somebody in, no answer would prove anything of the value.
    pub(super) fn shows_certificate_with_values(&self) -> bool {
        let check = self.profile.plan.check.as_ref();
        check.is_some_and(|check| check.with_certificate)
    }
}

impl CheckPlan {
    /// Whether everything that the question needs was given.
    pub(super) fn askable(&self, context: &Context) -> bool {
        let pairs = self
            .call
            .query
            .iter()
            .chain(self.call.form.iter().flatten());
        let user = match &self.prover {
            Prover::Own(auth) => auth.user_text(),
            Prover::Alike | Prover::Nobody | Prover::Credential => None,
        };
        let needs_id = user.is_some_and(|user| user.uses("id")) || self.call.uses("id");
        let mut needed = self.public.iter();
        (!needs_id || context.contains_key("id"))
            && needed.all(|name| context.contains_key(name))
            && user.is_none_or(|user| user.plain(context).is_ok_and(|text| text.is_some()))
            && self.call.path.path(context).is_ok()
            && pairs
                .into_iter()
                .all(|(_, tree)| tree.fill(context).is_ok_and(|value| value.is_some()))
    }
}

/// What the body of a success says about the value.
fn told(check: &CheckPlan, answered: &Answered) -> Liveness {
    let Some(alive) = &check.alive_when else {
        return Liveness::Alive;
    };
    match alive.eval(&answered.context()) {
        Ok(Some(alive)) if alive.is_true() => Liveness::Alive,
        Ok(Some(_)) => Liveness::Dead,
        Ok(None) | Err(_) => Liveness::Unknown,
    }
}
