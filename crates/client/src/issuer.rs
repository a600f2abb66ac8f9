//! The trait that every token system implements, by profile or in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokenwright_core::{
    Capabilities, Change, Identity, Inputs, InvalidSpec, Liveness, ManagerId, Marker, Parameters,
    Switch, TokenId,
};

pub use details::{Details, Told};

use crate::error::Error;
use crate::revoke::proof::Proof;
use crate::secret::SecretValue;

mod details;

/// What an issuer that stands before another says without asking anybody: whatever that one says.
///
/// For an implementation of [`Issuer`]: `passes_on!(self => &self.other);`
#[macro_export]
macro_rules! passes_on {
    ($this:ident => $other:expr) => {
        fn profile(&$this) -> &str {
            $crate::Issuer::profile($other)
        }

        fn endpoint(&$this) -> &str {
            $crate::Issuer::endpoint($other)
        }

        fn capabilities(&$this) -> &::tokenwright_core::Capabilities {
            $crate::Issuer::capabilities($other)
        }

        fn value_parts(&$this) -> &::std::collections::BTreeMap<String, usize> {
            $crate::Issuer::value_parts($other)
        }

        fn manual(&$this) -> Option<&str> {
            $crate::Issuer::manual($other)
        }

        fn validate(
            &$this,
            inputs: &::tokenwright_core::Inputs,
        ) -> Result<(), ::tokenwright_core::InvalidSpec> {
            $crate::Issuer::validate($other, inputs)
        }

        fn rounded(&$this, lifetime: ::jiff::SignedDuration) -> ::jiff::SignedDuration {
            $crate::Issuer::rounded($other, lifetime)
        }

        fn validate_adopted(
            &$this,
            parameters: &::tokenwright_core::Parameters,
        ) -> Result<(), ::tokenwright_core::InvalidSpec> {
            $crate::Issuer::validate_adopted($other, parameters)
        }

        fn can_check(&$this, about: $crate::About<'_>) -> bool {
            $crate::Issuer::can_check($other, about)
        }

        fn own_id(&$this, value: &$crate::SecretValue) -> Option<::tokenwright_core::TokenId> {
            $crate::Issuer::own_id($other, value)
        }

        fn list_parameters(
            &$this,
            parameters: &::tokenwright_core::Parameters,
        ) -> ::tokenwright_core::Parameters {
            $crate::Issuer::list_parameters($other, parameters)
        }
    };
}

/// One token system, reached with one credential.
///
/// # Guarantees
///
/// - No method waits longer than the issuer's request timeout for one request.
/// - No method logs a value, and none retries a request that may have had an effect.
/// - A credential is sent to the issuer's own endpoint and nowhere else.
///
/// The contract suite holds every implementation to these clauses and to those of each method.
#[async_trait]
pub trait Issuer: Send + Sync + std::fmt::Debug {
    /// The name of the profile, for messages.
    fn profile(&self) -> &str;

    /// The endpoint, as a token's reference records it.
    fn endpoint(&self) -> &str;

    /// What the system can do. Derived from the profile; never changes.
    fn capabilities(&self) -> &Capabilities;

    /// The secret parts of a value: name and the most bytes that it can have.
    fn value_parts(&self) -> &BTreeMap<String, usize>;

    /// What a person must do at this system where there is no API for it.
    fn manual(&self) -> Option<&str>;

    /// Refuses inputs that this system cannot carry out, before anything is sent: name and marker
    /// against the limit, scopes, parameters, and a lifetime that the unit cannot say or rounds to zero.
    /// Fields are named as in [`Inputs`].
    ///
    /// # Errors
    /// The first field that cannot be carried out.
    fn validate(&self, inputs: &Inputs) -> Result<(), InvalidSpec>;

    /// The lifetime that this system is asked for, and so will give: rounded down to the unit that it counts in.
    fn rounded(&self, lifetime: SignedDuration) -> SignedDuration;

    /// Refuses parameters that an adopted token of this system cannot have.
    ///
    /// # Errors
    /// Those that it does not know, and empty ones. None is required: nothing is minted.
    fn validate_adopted(&self, parameters: &Parameters) -> Result<(), InvalidSpec>;

    /// Whether a value can be asked about, with what is known of its token.
    fn can_check(&self, about: About<'_>) -> bool;

    /// Which token a value says that it is, where values of this system carry their id (a JWT, a
    /// macaroon). It is the value's own word: only an issuer that lets it in makes it true.
    fn own_id(&self, value: &SecretValue) -> Option<TokenId>;

    /// Who the credential is. `None` where the system cannot tell.
    async fn identity(&self) -> Result<Option<Identity>, Error>;

    /// Whether a value authenticates, asked with what is known of its token.
    ///
    /// # Errors
    /// Why nothing was learned: an issuer that cannot be reached, or an answer that proves nothing.
    async fn prove(&self, value: &SecretValue, about: About<'_>) -> Result<Liveness, Error>;

    /// The same where it does not matter why: an unreachable or puzzling issuer is `Unknown`.
    async fn check_with(&self, value: &SecretValue, about: About<'_>) -> Liveness {
        let proven = self.prove(value, about).await;
        proven.unwrap_or(Liveness::Unknown)
    }

    /// The same of a value that needs no parameters.
    async fn check(&self, value: &SecretValue) -> Liveness {
        self.check_with(value, About::of(&Parameters::new())).await
    }

    /// Mints one token. Sent at most once.
    ///
    /// # Errors
    /// `OutcomeUnknown` whenever a token may have been made; every other kind means that none was.
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error>;

    /// One token, with the parameters it was minted with; `Ok(None)` where it is not there.
    /// A system that cannot get one token answers from a complete listing.
    async fn get(&self, id: &TokenId, parameters: &Parameters) -> Result<Option<Token>, Error>;

    /// Those of these parameters that change what a listing shows: two sets that are equal in them
    /// have one listing.
    fn list_parameters(&self, parameters: &Parameters) -> Parameters;

    /// All tokens, all pages, or an error; never a part of them as if it were all.
    async fn list(&self, filter: &Filter) -> Result<Vec<Token>, Error>;

    /// Changes a living token in place and reads it back. Its lifetime counts from `since`, when it was minted.
    async fn update(
        &self,
        id: &TokenId,
        remote_name: &str,
        change: &Change,
        since: Timestamp,
    ) -> Result<Token, Error>;

    /// Switches a token. Where the system only flips, the state is read first and after, and nothing is
    /// sent if the token is as wanted already.
    async fn set_enabled(
        &self,
        id: &TokenId,
        parameters: &Parameters,
        switch: Switch,
    ) -> Result<(), Error>;

    /// Ends a token for good. One that is gone already is `Ok`.
    /// Only [`revoke`](crate::revoke()) can make the proof that it takes.
    async fn revoke(&self, proof: Proof<'_>) -> Result<(), Error>;
}

/// What is known of the token whose value is asked about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The parameters that it was minted or adopted with.
    pub parameters: &'a Parameters,
    /// Its id; nothing of an adopted one, of which only the value is known.
    pub id: Option<&'a TokenId>,
    /// What was delivered beside its value and is no secret, where that is known.
    pub public: Option<&'a BTreeMap<String, String>>,
}

impl<'a> About<'a> {
    /// A token of which only the parameters are known.
    #[must_use]
    pub fn of(parameters: &'a Parameters) -> Self {
        Self {
            parameters,
            id: None,
            public: None,
        }
    }

    /// A token that was minted, or named.
    #[must_use]
    pub fn token(id: &'a TokenId, parameters: &'a Parameters) -> Self {
        Self {
            id: Some(id),
            ..Self::of(parameters)
        }
    }

    /// The same with what was delivered beside the value.
    #[must_use]
    pub fn beside(self, public: &'a BTreeMap<String, String>) -> Self {
        Self {
            public: Some(public),
            ..self
        }
    }
}

/// What is asked of an issuer at mint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintRequest {
    /// The name that the token shall carry: wanted name, space, marker.
    pub remote_name: String,
    /// The minting inputs.
    pub inputs: Inputs,
    /// When the attempt began, from which an absolute expiry is counted: the same however often it is sent.
    pub at: Timestamp,
    /// The attempt's nonce, for systems with idempotency keys.
    pub idempotency_key: String,
    /// The request is not sent after this instant, so that it cannot land after its attempt was closed.
    pub send_by: Option<Timestamp>,
}

/// What a mint gave.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: Token,
    /// What authenticates; seen here and never again.
    pub value: SecretValue,
    /// What is delivered beside it and is not secret, by name.
    pub public: BTreeMap<String, String>,
}

/// A token as its issuer shows it. Never contains the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The issuer's id.
    pub id: TokenId,
    /// Name or description, whichever carries the marker; `None` where the system shows none.
    pub name: Option<String>,
    /// After this instant the issuer refuses it; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// Whether it is enabled, where the system tells.
    pub enabled: Option<bool>,
    /// What a brief listing leaves out.
    pub details: Details,
}

impl Token {
    /// About how many bytes it takes, where it is kept and found by its id and its marker.
    pub(crate) fn weight(&self) -> usize {
        let texts = [self.name.as_deref(), self.details.owner.as_deref()];
        let texts = texts.into_iter().flatten().map(str::len);
        // A set has a node of eleven.
        let scopes = self.details.scopes.first().map_or(0, |_| 300);
        let each = self.details.scopes.iter();
        let each = each.map(|scope| scope.len().saturating_add(16));
        let fixed = size_of::<Self>().saturating_add(100);
        texts
            .chain(each)
            .chain([self.id.as_str().len(), scopes, self.details.weight()])
            .fold(fixed, usize::saturating_add)
    }
}

/// Which tokens a listing is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Filter {
    /// The parameters that the listing needs (bearer, team, user).
    pub parameters: Parameters,
    /// Only tokens with this manager's marker; filtered here, whatever the system can filter.
    pub manager: Option<ManagerId>,
    /// Who asks reads no more of each than which one it is, its name, its end, and whether it is enabled: the rest
    /// may be left out. Thousands are listed again and again.
    pub brief: bool,
    /// What the listing that this one takes the place of takes of the room for answers.
    pub former: usize,
}

impl Filter {
    /// All that is listed with these parameters.
    #[must_use]
    pub fn of(parameters: Parameters) -> Self {
        Self {
            parameters,
            ..Self::default()
        }
    }

    /// The tokens that the filter lets through, for systems that cannot filter themselves.
    #[must_use]
    pub fn keep(&self, mut tokens: Vec<Token>) -> Vec<Token> {
        if let Some(manager) = &self.manager {
            tokens.retain(|token| token.marker().is_some_and(|m| &m.manager == manager));
        }
        tokens
    }
}

impl Token {
    /// The marker in its name.
    #[must_use]
    pub fn marker(&self) -> Option<Marker> {
        Marker::of_name(self.name.as_deref()?)
    }

    /// Whether its name carries this whole marker; nothing where it shows no name.
    #[must_use]
    pub fn carries(&self, marker: &Marker) -> Option<bool> {
        let name = self.name.as_deref()?;
        Some(Marker::of_name(name).as_ref() == Some(marker))
    }
}
