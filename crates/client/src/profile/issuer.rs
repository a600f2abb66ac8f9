//! A profile with an endpoint and a credential: an issuer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use jiff::Timestamp;
use minijinja::Value;
use tokenwright_core::{
    Capabilities, Change, Identity, Inputs, InvalidSpec, Lifetime, Liveness, Parameters, Switch,
    TokenId, UpdateKind,
};
use url::Url;

use super::Profile;
use super::expression::{Context, of_json};
use super::file::{Never, Unit};
use super::plan::CallPlan;
use super::read::{Unreadable, text, token};
use super::switch::operation_of;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{InvalidEndpoint, Network, Transport, endpoint};
use crate::issuer::{Filter, Issuer, MintRequest, Minted, Token};
use crate::revoke::Proof;
use crate::secret::SecretValue;

/// What an issuer is made of, beside its profile.
#[derive(Debug)]
pub struct ProfileSettings {
    /// The endpoint, where it is not the profile's own.
    pub endpoint: Option<String>,
    /// The parts that [`Profile::credential`] names.
    pub credential: SecretValue,
    /// No request takes longer.
    pub request_timeout: Duration,
}

/// Settings that make no issuer.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// A part of the credential is missing or empty.
    #[error("the credential has no part {part}")]
    CredentialPart {
        /// Which one.
        part: String,
    },
    /// The endpoint must not be used.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
}

/// One token system, run by its profile.
pub struct ProfileIssuer {
    pub(super) profile: Arc<Profile>,
    pub(super) endpoint: Url,
    pub(super) credential: SecretValue,
    pub(super) request_timeout: Duration,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
}

impl fmt::Debug for ProfileIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileIssuer")
            .field("profile", &self.profile.name)
            .field("endpoint", &self.endpoint.as_str())
            .finish_non_exhaustive()
    }
}

impl ProfileIssuer {
    /// An issuer over the network. Nothing is sent yet.
    ///
    /// # Errors
    /// The endpoint must not be used, or a part of the credential is missing.
    pub fn new(profile: Arc<Profile>, settings: ProfileSettings) -> Result<Self, InvalidSettings> {
        Self::over(profile, settings, (Arc::new(Network), Clock::system()))
    }

    pub(super) fn over(
        profile: Arc<Profile>,
        settings: ProfileSettings,
        (transport, clock): (Arc<dyn Transport>, Clock),
    ) -> Result<Self, InvalidSettings> {
        let endpoint = match &settings.endpoint {
            Some(text) => endpoint(text)?,
            None => profile.endpoint.clone(),
        };
        let given = |part: &str| {
            settings
                .credential
                .part(part)
                .is_some_and(|t| !t.is_empty())
        };
        if let Some(part) = profile.credential.keys().find(|part| !given(part)) {
            let part = part.clone();
            return Err(InvalidSettings::CredentialPart { part });
        }
        Ok(Self {
            profile,
            endpoint,
            credential: settings.credential,
            request_timeout: settings.request_timeout,
            transport,
            clock,
        })
    }

    /// A lifetime as the system wants to be asked for it.
    fn lifetime(&self, lifetime: Lifetime, at: Timestamp) -> Option<Value> {
        let plan = &self.profile.plan;
        let wanted = match (lifetime, plan.never) {
            (Lifetime::For(wanted), _) => self.profile.limits.rounded(wanted),
            (Lifetime::Never, Never::Zero) => return Some(Value::from(0)),
            (Lifetime::Never, Never::Omit | Never::Impossible) => return Some(Value::from(())),
        };
        if plan.unit == Unit::Instant {
            let expiry = at.checked_add(wanted).ok()?;
            let whole = Timestamp::from_second(expiry.as_second()).ok()?;
            return Some(Value::from(whole.to_string()));
        }
        let count = wanted.as_secs() / plan.unit.length().as_secs();
        Some(Value::from(count))
    }

    fn invalid(&self, operation: Operation, spec: InvalidSpec) -> Error {
        self.error(operation, ErrorKind::Invalid, spec)
    }

    pub(super) async fn look(
        &self,
        operation: Operation,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<Option<Token>, Error> {
        let Some(call) = &self.profile.plan.get else {
            let tokens = self.list_all(operation, parameters).await?;
            return Ok(tokens.into_iter().find(|token| &token.id == id));
        };
        // To look is harmless, whatever the look is for.
        let asking = Operation::Get;
        let mut context = self.context(parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        let answer = self.send(self.asking(asking, call, context)).await?;
        let json = match self.judge(asking, call, &answer) {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            judged => judged?,
        };
        let mut context = self.context(parameters);
        context.insert("item".to_owned(), of_json(&json));
        let shown = token(&self.profile.plan.token, &context);
        let shown = shown.map_err(|e| self.unreadable(asking, e))?;
        match &shown.id == id {
            true => Ok(Some(shown)),
            false => Err(self.unreadable(asking, Unreadable::OtherToken)),
        }
    }

    /// Sends a call about one token, whose answer says nothing more than that it worked.
    pub(super) async fn tell(
        &self,
        operation: Operation,
        call: &CallPlan,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<(), Error> {
        let mut context = self.context(parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        let answer = self.send(self.asking(operation, call, context)).await?;
        self.judge(operation, call, &answer).map(|_| ())
    }

    pub(super) async fn end(&self, id: &TokenId, parameters: &Parameters) -> Result<(), Error> {
        let operation = Operation::Revoke;
        let Some(call) = &self.profile.plan.revoke else {
            return Err(self.error(operation, ErrorKind::Invalid, "the system cannot revoke"));
        };
        match self.tell(operation, call, id, parameters).await {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            told => told,
        }
    }
}

/// A look that failed after a request that worked: something was done, and nobody saw what.
pub(super) fn unknown_again(operation: Operation, error: Error) -> Error {
    Error {
        kind: ErrorKind::OutcomeUnknown,
        operation,
        ..error
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

    async fn identity(&self) -> Result<Option<Identity>, Error> {
        let Some((call, read)) = &self.profile.plan.identity else {
            return Ok(None);
        };
        let operation = Operation::Identity;
        let asking = self.asking(operation, call, Context::new());
        let answer = self.send(asking).await?;
        let json = self.judge(operation, call, &answer)?;
        let context = Context::from([("answer".to_owned(), of_json(&json))]);
        let identity = text("identity", Some(read), &context);
        match identity.map_err(|e| self.unreadable(operation, e))? {
            Some(identity) if !identity.is_empty() => Ok(Some(Identity::new(identity))),
            Some(_) | None => Err(self.unreadable(operation, Unreadable::Missing("identity"))),
        }
    }

    async fn check(&self, value: &SecretValue) -> Liveness {
        let Some(check) = &self.profile.plan.check else {
            return Liveness::Unknown;
        };
        let operation = Operation::Check;
        let whole = self.profile.value_parts.keys();
        if !whole
            .into_iter()
            .all(|part| value.part(part).is_some_and(|t| !t.is_empty()))
        {
            return Liveness::Unknown;
        }
        let mut asking = self.asking(operation, &check.call, Context::new());
        asking.secrets = value;
        let Ok(answer) = self.send(asking).await else {
            return Liveness::Unknown;
        };
        if check.dead.contains(&answer.status) {
            return Liveness::Dead;
        }
        if check.alive.contains(&answer.status) {
            return Liveness::Alive;
        }
        match self.judge(operation, &check.call, &answer) {
            Ok(_) => Liveness::Alive,
            Err(error) if error.kind == ErrorKind::Forbidden => Liveness::Alive,
            Err(error) if error.kind == ErrorKind::Unauthenticated => Liveness::Dead,
            Err(_) => Liveness::Unknown,
        }
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let operation = Operation::Mint;
        let MintRequest { inputs, at, .. } = request;
        self.validate(inputs)
            .map_err(|spec| self.invalid(operation, spec))?;
        let too_long = || InvalidSpec::new("lifetime", "ends after the end of time");
        let lifetime = self.lifetime(inputs.lifetime, *at);
        let lifetime = lifetime.ok_or_else(|| self.invalid(operation, too_long()))?;
        let plan = &self.profile.plan.mint;
        let mut context = self.context(&inputs.parameters);
        let scopes: Vec<_> = inputs.scopes.iter().cloned().collect();
        context.insert("name".to_owned(), Value::from(request.remote_name.as_str()));
        context.insert("scopes".to_owned(), Value::from(scopes));
        context.insert("lifetime".to_owned(), lifetime);
        let mut asking = self.asking(operation, &plan.call, context);
        if let Some(header) = &plan.idempotency_header
            && let Ok(key) = HeaderValue::from_str(&request.idempotency_key)
        {
            asking.headers.push((header.clone(), key));
        }
        let answer = self.send(asking).await?;
        let json = self.judge(operation, &plan.call, &answer)?;
        self.minted(request, json)
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        self.look(Operation::Get, id, parameters).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error> {
        let tokens = self.list_all(Operation::List, &filter.parameters).await?;
        Ok(filter.keep(tokens))
    }

    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        at: Timestamp,
    ) -> Result<Token, Error> {
        let operation = Operation::Update;
        let allowed = |kind: &UpdateKind| self.profile.capabilities.update.contains(kind);
        let plan = self.profile.plan.update.as_ref();
        let Some(call) = plan.filter(|_| change.kinds.iter().all(allowed)) else {
            let problem = "the system cannot change this on a living token";
            return Err(self.error(operation, ErrorKind::Invalid, problem));
        };
        self.validate(&change.inputs)
            .map_err(|spec| self.invalid(operation, spec))?;
        let wants = |kind: &UpdateKind| change.kinds.contains(kind);
        let nothing = || Value::from(());
        let mut context = self.context(&change.inputs.parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        // Only what differs is sent: some refuse what they would have to leave as it is.
        let name = match wants(&UpdateKind::Name) {
            true => Value::from(remote_name),
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
            true => self.lifetime(change.inputs.lifetime, at),
            false => Some(nothing()),
        };
        let too_long = || InvalidSpec::new("lifetime", "ends after the end of time");
        let lifetime = lifetime.ok_or_else(|| self.invalid(operation, too_long()))?;
        context.insert("name".to_owned(), name);
        context.insert("scopes".to_owned(), scopes);
        context.insert("lifetime".to_owned(), lifetime);
        let answer = self.send(self.asking(operation, call, context)).await?;
        self.judge(operation, call, &answer)?;
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
            return Err(self.error(operation, ErrorKind::Invalid, "the system cannot disable"));
        };
        self.tell(operation, call, id, parameters).await
    }

    async fn revoke(&self, proof: Proof) -> Result<(), Error> {
        let token = proof.token();
        self.end(&token.id, &token.parameters).await
    }
}
