//! A profile with an endpoint and a credential, before anybody asks it anything.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

use super::Profile;
use super::plan::WayPlan;
use super::recorder::Recorder;
use super::secrets::Sessions;
use super::signed::known;
use crate::account::Gate;
use crate::clock::Clock;
use crate::http::{Certified, Challenge, InvalidEndpoint, Network, Transport, endpoint};
use crate::secret::{SecretValue, Unsendable};
use crate::text::Context;

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
    /// There are several ways to authenticate, and it is not plain which is meant.
    #[error("the credential has the parts of {given} of its ways: give those of {ways}")]
    Way {
        /// Whether it has those of none or of several.
        given: &'static str,
        /// All of them.
        ways: String,
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
    /// How the credential authenticates.
    pub(super) way: Arc<WayPlan>,
    /// The connections that show its certificate, where it has one.
    pub(super) certified: Option<Certified>,
    /// What HTTP Digest was last challenged with.
    pub(super) challenge: Challenge,
    /// What keeps the exchanges, where somebody makes examples of them.
    pub(super) recorder: Option<Arc<Recorder>>,
    pub(super) credential: SecretValue,
    pub(super) request_timeout: Duration,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    /// What every request passes, logins included, where there is something.
    pub(super) gate: Option<Arc<Gate>>,
    /// What logins gave, where the system has one.
    pub(super) sessions: Mutex<Sessions>,
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
        let way = profile.plan.way(&settings.credential)?;
        for part in &way.parts {
            let text = settings.credential.part(part);
            let Some(text) = text.filter(|text| !text.is_empty()) else {
                let part = part.clone();
                return Err(InvalidSettings::CredentialPart { part });
            };
            let usable = way.usable(part, text);
            usable.map_err(|problem| InvalidSettings::Unsendable {
                part: part.clone(),
                problem,
            })?;
        }
        let at_home = profile.endpoint.as_ref() == Some(&endpoint);
        let certified = way.certified(&settings.credential)?;
        let fields = way.opened(&settings.credential);
        let part = |name: &str| fields.get(name).or_else(|| settings.credential.part(name));
        let known = known(&way.known, part);
        Ok(Self {
            profile,
            endpoint,
            at_home,
            known,
            way,
            certified,
            challenge: Challenge::default(),
            recorder: None,
            credential: settings.credential,
            request_timeout: settings.request_timeout,
            transport,
            clock,
            gate: None,
            sessions: Mutex::default(),
        })
    }
}
