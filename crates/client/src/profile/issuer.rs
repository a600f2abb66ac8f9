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
    Capabilities, Change, Identity, Inputs, InvalidSpec, Liveness, Parameters, Switch, TokenId,
    UpdateKind,
};
use url::Url;

use super::Profile;
use super::plan::IdentityPlan;
use super::read::{Unreadable, text, text_of};
use super::signed::known;
use super::switch::operation_of;
use crate::account::Gate;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Operation};
use crate::http::{InvalidEndpoint, Network, Transport, endpoint};
use crate::issuer::{Filter, Issuer, MintRequest, Minted, Token};
use crate::revoke::Proof;
use crate::secret::{SecretText, SecretValue, Unsendable};
use crate::text::{Context, of_json};

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
    /// A part of the credential cannot be sent.
    #[error("part {part} of the credential {problem}")]
    Unsendable {
        /// Which one.
        part: String,
        /// Why.
        problem: Unsendable,
    },
    /// The endpoint must not be used.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
}

/// One token system, run by its profile.
pub struct ProfileIssuer {
    pub(super) profile: Arc<Profile>,
    pub(super) endpoint: Url,
    /// Whether that is the profile's own.
    pub(super) at_home: bool,
    /// The parts of the credential that are no secret, as names in requests.
    pub(super) known: Context,
    pub(super) credential: SecretValue,
    pub(super) request_timeout: Duration,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    /// What every request passes, logins included, where there is something.
    pub(super) gate: Option<Arc<Gate>>,
    /// What the last login gave, where the system has one.
    pub(super) session: tokio::sync::Mutex<Option<Arc<SecretText>>>,
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

    /// Every request of this issuer passes the gate: pages, logins and looks included.
    #[must_use]
    pub fn behind(mut self, gate: Arc<Gate>) -> Self {
        self.gate = Some(gate);
        self
    }

    pub(super) fn over(
        profile: Arc<Profile>,
        settings: ProfileSettings,
        (transport, clock): (Arc<dyn Transport>, Clock),
    ) -> Result<Self, InvalidSettings> {
        let endpoint = match &settings.endpoint {
            Some(text) if !text.is_empty() => endpoint(text)?,
            Some(_) | None => match &profile.endpoint {
                Some(endpoint) => endpoint.clone(),
                None => endpoint("")?,
            },
        };
        for part in profile.credential.keys() {
            let text = settings.credential.part(part);
            let Some(text) = text.filter(|text| !text.is_empty()) else {
                let part = part.clone();
                return Err(InvalidSettings::CredentialPart { part });
            };
            let usable = profile.plan.usable(part, text);
            usable.map_err(|problem| InvalidSettings::Unsendable {
                part: part.clone(),
                problem,
            })?;
        }
        let at_home = profile.endpoint.as_ref() == Some(&endpoint);
        let fields = profile.plan.opened(&settings.credential);
        let part = |name: &str| fields.get(name).or_else(|| settings.credential.part(name));
        let known = known(&profile.plan.known, part);
        Ok(Self {
            profile,
            endpoint,
            at_home,
            known,
            credential: settings.credential,
            request_timeout: settings.request_timeout,
            transport,
            clock,
            gate: None,
            session: tokio::sync::Mutex::default(),
        })
    }
}

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

    fn validate_adopted(&self, parameters: &Parameters) -> Result<(), InvalidSpec> {
        self.profile.limits.validate_adopted(parameters)
    }

    fn can_check(&self, parameters: &Parameters) -> bool {
        let check = self.profile.plan.check.as_ref();
        check.is_some_and(|check| check.askable(&self.context(parameters)))
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
            Some(IdentityPlan::Call(plan)) => {
                let (call, read) = plan.as_ref();
                let asking = self.asking(operation, call, self.known.clone());
                let answered = self.ask(&asking).await?;
                let identity = text("identity", Some(read), &answered.context());
                (identity, answered.status)
            }
        };
        match identity.map_err(|e| self.unreadable(operation, status, e))? {
            Some(identity) if !identity.is_empty() => Ok(Some(Identity::new(identity))),
            Some(_) | None => {
                Err(self.unreadable(operation, status, Unreadable::Missing("identity")))
            }
        }
    }

    async fn check(&self, value: &SecretValue) -> Liveness {
        self.check_with(value, &Parameters::new()).await
    }

    async fn check_with(&self, value: &SecretValue, parameters: &Parameters) -> Liveness {
        self.proven(value, parameters).await
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
        context.insert("name".to_owned(), Value::from(request.remote_name.as_str()));
        context.insert("scopes".to_owned(), Value::from(scopes));
        context.insert("lifetime".to_owned(), lifetime);
        let mut asking = self.asking(operation, &plan.call, context);
        asking.send_by = request.send_by;
        if let Some(header) = &plan.idempotency_header
            && let Ok(key) = HeaderValue::from_str(&request.idempotency_key)
        {
            asking.headers.push((header.clone(), key));
        }
        let answered = self.ask(&asking).await?;
        let mut context = asking.context;
        context.insert("at".to_owned(), Value::from(at.as_second()));
        let asked = self.profile.expiry(inputs.lifetime, *at);
        self.minted(plan, (asked, context), answered)
    }

    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error> {
        self.look(Operation::Get, id, parameters).await
    }

    fn list_parameters(&self, parameters: &Parameters) -> Parameters {
        self.listed_by(parameters)
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

    async fn revoke(&self, proof: Proof) -> Result<(), Error> {
        self.end(proof.id(), proof.parameters()).await
    }
}
