//! What a profile makes of the questions that every issuer answers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use minijinja::Value;
use tokenwright_core::{
    Capabilities, Change, Identity, Inputs, InvalidSpec, Liveness, Parameters, Switch, TokenId,
    UpdateKind,
};

use super::ProfileIssuer;
use super::asking::{Takes, operation_of, unknown_again};
use super::file::Unit;
use super::minted::Fresh;
use super::names;
use super::plan::IdentityPlan;
use super::read::{Unreadable, id, text, text_of};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{About, Filter, Issuer, MintRequest, Minted, Token};
use crate::revoke::proof::Proof;
use crate::secret::{SecretText, SecretValue};
use crate::text::of_json;

impl ProfileIssuer {
    /// Who the credential says that it is. What is wrong with it is the credential's fault, not the issuer's.
    fn claimed_identity(&self, part: &str, claim: &str) -> Result<Identity, Error> {
        let wrong = |problem: String| Error {
            detail: Some(problem),
            ..Error::new(ErrorKind::Invalid, &self.profile.name, Operation::Identity)
        };
        let claims = self.credential.part(part).and_then(SecretText::claims);
        let claims = claims.ok_or_else(|| {
            wrong(format!(
                "part {part} of the credential is no JWT, whose claim {claim} would say whose it is"
            ))
        })?;
        let text = text_of("identity", &of_json(&claims[claim])).ok().flatten();
        let identity = text.filter(|identity| !identity.is_empty());
        let identity = identity.ok_or_else(|| {
            wrong(format!(
                "part {part} of the credential is a JWT without the claim {claim}, which says whose it is"
            ))
        })?;
        Ok(Identity::new(identity))
    }
}

#[async_trait]
impl Issuer for ProfileIssuer {
    fn profile(&self) -> &str {
        &self.profile.name
    }

    fn endpoint(&self) -> &str {
        self.endpoint.as_str().trim_end_matches('/')
    }

    fn capabilities(&self) -> &Capabilities {
        &self.profile.capabilities
    }

    fn value_parts(&self) -> &BTreeMap<String, usize> {
        &self.profile.value_parts
    }

    fn manual(&self) -> Option<&str> {
        self.profile.manual()
    }

    fn validate(&self, inputs: &Inputs) -> Result<(), InvalidSpec> {
        self.profile.limits.validate(inputs)
    }

    fn rounded(&self, lifetime: SignedDuration) -> SignedDuration {
        // There the day of the end is whole, and not the time until then.
        match matches!(self.profile.plan.unit, Unit::Date) {
            true => lifetime,
            false => self.profile.limits.rounded(lifetime),
        }
    }

    fn validate_adopted(&self, parameters: &Parameters) -> Result<(), InvalidSpec> {
        self.profile.limits.validate_adopted(parameters)
    }

    fn can_check(&self, about: About<'_>) -> bool {
        let check = self.profile.plan.check.as_ref();
        check.is_some_and(|check| check.askable(&self.about_value(about)))
    }

    fn own_id(&self, value: &SecretValue) -> Option<TokenId> {
        self.claimed_id(value)
    }

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        let operation = Operation::Identity;
        let (identity, status) = match &self.profile.plan.identity {
            None => return Ok(None),
            Some(IdentityPlan::Claim { part, claim }) => {
                return self.claimed_identity(part, claim).map(Some);
            }
            Some(IdentityPlan::Login(_)) => {
                let identity = self.login_identity().await?;
                return identity.map(Some).ok_or_else(|| {
                    self.unreadable(operation, 200, Unreadable::Missing("identity"))
                });
            }
            Some(IdentityPlan::Call(plan)) => {
                let (call, read) = plan.as_ref();
                let asking = self.asking(operation, call, self.known.clone());
                let answered = self.ask(&asking).await?;
                let identity = text("identity", Some(read), answered.context());
                (identity, answered.status)
            }
        };
        let identity = identity.and_then(|identity| id("identity", identity));
        let identity = identity.map_err(|e| self.unreadable(operation, status, e))?;
        Ok(Some(Identity::new(identity)))
    }

    async fn prove(&self, value: &SecretValue, about: About<'_>) -> Result<Liveness, Error> {
        self.proven(value, about).await
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let operation = Operation::Mint;
        let MintRequest { inputs, at, .. } = request;
        self.validate(inputs)
            .map_err(|spec| self.invalid(operation, spec))?;
        let Some(plan) = &self.profile.plan.mint else {
            return Err(self.cannot(operation, "mint"));
        };
        let too_long = || InvalidSpec::new("lifetime", "ends after the end of time");
        let lifetime = self.lifetime(inputs.lifetime, *at);
        let lifetime = lifetime.ok_or_else(|| self.invalid(operation, too_long()))?;
        let mut context = self.context(&inputs.parameters);
        let scopes: Vec<_> = inputs.scopes.iter().cloned().collect();
        let separator = self.profile.plan.token.separator;
        let name = names::sent(&request.remote_name, separator);
        context.insert("name".to_owned(), Value::from(name));
        context.insert("scopes".to_owned(), Value::from(scopes));
        context.insert("lifetime".to_owned(), lifetime);
        let mut asking = self.asking(operation, &plan.call, context);
        asking.takes = Takes::Value(&self.profile.plan.value);
        asking.send_by = request.send_by;
        if let Some(header) = &plan.idempotency_header
            && let Ok(key) = HeaderValue::from_str(&request.idempotency_key)
        {
            asking.headers.push((header.clone(), key));
        }
        let first = self.ask(&asking).await?;
        let mut context = asking.context;
        let first = (first, request.send_by);
        let answered = self.further(plan, &mut context, first).await?;
        context.insert("at".to_owned(), Value::from(at.as_second()));
        let asked = self.profile.expiry(inputs.lifetime, *at);
        let minted = self.minted(plan, (asked, context), answered)?;
        match minted {
            Fresh::Useful(minted) => Ok(minted),
            Fresh::Useless(useless) => Err(self.put_away(useless, &inputs.parameters).await),
        }
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        self.look(Operation::Get, id, parameters).await
    }

    fn list_parameters(&self, parameters: &Parameters) -> Parameters {
        self.listed_by(parameters)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        let tokens = self.list_all(Operation::List, filter).await?;
        Ok(filter.keep(tokens))
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        since: Timestamp,
    ) -> Result<Token, Error> {
        let operation = Operation::Update;
        let allowed = |kind: &UpdateKind| self.profile.capabilities.update.contains(kind);
        let plan = self.profile.plan.update.as_ref();
        let Some(call) = plan.filter(|_| change.kinds.iter().all(allowed)) else {
            return Err(self.cannot(operation, "change this on a living token"));
        };
        self.validate(&change.inputs)
            .map_err(|spec| self.invalid(operation, spec))?;
        let wants = |kind: &UpdateKind| change.kinds.contains(kind);
        let nothing = || Value::from(());
        let mut context = self.context(&change.inputs.parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        // Only what differs is sent: some refuse what they would have to leave as it is.
        let name = match wants(&UpdateKind::Name) {
            true => Value::from(names::sent(remote_name, self.profile.plan.token.separator)),
            false => nothing(),
        };
        let scopes = match wants(&UpdateKind::Scopes) {
            true => Value::from_iter(change.inputs.scopes.iter().cloned()),
            false => nothing(),
        };
        let expiry = [
            UpdateKind::AddExpiry,
            UpdateKind::ShortenExpiry,
            UpdateKind::ExtendExpiry,
        ];
        let lifetime = match expiry.iter().any(wants) {
            true => self.lifetime_left(change.inputs.lifetime, since),
            false => Some(nothing()),
        };
        let unfit = || InvalidSpec::new("lifetime", "ends too soon or too late for this system");
        let lifetime = lifetime.ok_or_else(|| self.invalid(operation, unfit()))?;
        context.insert("name".to_owned(), name);
        context.insert("scopes".to_owned(), scopes);
        context.insert("lifetime".to_owned(), lifetime);
        self.with_item(
            operation,
            call,
            (id, &change.inputs.parameters),
            &mut context,
        )
        .await?;
        self.ask(&self.asking(operation, call, context)).await?;
        // What the issuer made of it is the truth, not what was asked.
        let read = self
            .look(Operation::Get, id, &change.inputs.parameters)
            .await;
        let read = read.map_err(|error| unknown_again(operation, error))?;
        read.ok_or_else(|| self.error(operation, ErrorKind::NotFound, "the token is not there"))
    }

    async fn set_enabled(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        switch: Switch,
    ) -> Result<(), Error> {
        let plan = &self.profile.plan;
        if let Some(call) = &plan.toggle {
            return self.flip(call, (id, parameters), switch).await;
        }
        let call = match switch {
            Switch::Enable => &plan.enable,
            Switch::Disable => &plan.disable,
        };
        let operation = operation_of(switch);
        let Some(call) = call else {
            return Err(self.cannot(operation, "enable or disable a token"));
        };
        self.tell(operation, call, id, parameters).await
    }

    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error> {
        self.end(proof.id(), proof.parameters(), proof.value())
            .await
    }
}
