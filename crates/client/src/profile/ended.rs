//! The end of a token, by its id or by its value.

use tokenwright_core::{Parameters, Switch, TokenId};

use super::ProfileIssuer;
use super::asking::Who;
use super::plan::RevokePlan;
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Filter, Issuer as _};
use crate::secret::SecretValue;

impl ProfileIssuer {
    /// Ends a token; one that is gone already has ended.
    pub(super) async fn end(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        value: Option<&SecretValue>,
    ) -> Result<(), Error> {
        let operation = Operation::Revoke;
        let Some(plan) = &self.profile.plan.revoke else {
            return Err(self.cannot(operation, "revoke"));
        };
        let listed = match (plan.needs_value(), value) {
            (true, None) => match self.shown_value(id, parameters).await? {
                Shown::Value(value) => Some(value),
                Shown::Gone => return Ok(()),
                Shown::Never => return Err(self.without_value()),
            },
            (true, Some(_)) | (false, _) => None,
        };
        let value = value.or(listed.as_ref()).filter(|_| plan.needs_value());
        if plan.disable_first {
            match self.disabled(id, parameters).await {
                Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
                told => told?,
            }
        }
        let mut context = self.about(id, parameters);
        let about = (id, parameters);
        self.with_item(operation, &plan.call, about, &mut context)
            .await?;
        let mut asking = self.asking(operation, &plan.call, context);
        asking.value = value;
        if let Some(auth) = &plan.auth {
            asking.who = Who::Value;
            asking.auth = Some(auth);
        }
        match self.ask(&asking).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            told => told.map(|_| ()),
        }
    }

    /// Disables a token that is to end. Whether it may be, or was disabled before, its end is answered by.
    async fn disabled(&self, id: &TokenId, parameters: &Parameters) -> Result<(), Error> {
        let told = self.set_enabled(id, parameters, Switch::Disable).await;
        match told.map_err(|error| Error {
            operation: Operation::Revoke,
            ..error
        }) {
            Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::Conflict) => Ok(()),
            told => told,
        }
    }

    /// The value of a token, where a listing shows it.
    async fn shown_value(&self, id: &TokenId, parameters: &Parameters) -> Result<Shown, Error> {
        let part = self.profile.value_parts.keys().next();
        let (true, Some(part)) = (self.lists_values(), part) else {
            return Ok(Shown::Never);
        };
        // To look is harmless, whatever the look is for.
        let filter = Filter::of(parameters.clone());
        let found = self.find_all(Operation::List, &filter).await?;
        if !found.tokens.iter().any(|token| &token.id == id) {
            return Ok(Shown::Gone);
        }
        let mut secrets = found.secrets.into_iter();
        let own = secrets.find(|(digest, _)| id.as_str().contains(digest));
        Ok(match own {
            Some((_, secret)) => Shown::Value(SecretValue::new([(part.clone(), secret)])),
            None => Shown::Never,
        })
    }

    /// Whether listings show the values of tokens.
    pub(super) fn lists_values(&self) -> bool {
        let list = self.profile.plan.list.as_ref();
        list.is_some_and(|list| list.shows_secrets())
    }

    fn without_value(&self) -> Error {
        let problem = "the token can be ended only with its value, which is not at hand";
        Error {
            detail: Some(match &self.profile.manual {
                Some(manual) => format!("{problem}: {manual}"),
                None => problem.to_owned(),
            }),
            ..Error::new(ErrorKind::Invalid, &self.profile.name, Operation::Revoke)
        }
    }
}

/// What a listing tells of the value of a token.
enum Shown {
    Value(SecretValue),
    /// The token is not listed.
    Gone,
    /// Listings show no values.
    Never,
}

impl RevokePlan {
    /// Whether nothing can be sent without the value.
    pub(super) fn needs_value(&self) -> bool {
        self.auth.is_some() || !self.call.put.is_empty()
    }
}
