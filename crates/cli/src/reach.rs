//! The account at an issuer that a command uses: the profile found, the credential read, one gate for all
//! requests. Nobody is asked yet.

mod credential;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use jiff::SignedDuration;
use tokenwright_client::account::{Account, Gate, Limiter, RECHECK, Rate};
use tokenwright_client::{Clock, Issuer, Profile, ProfileIssuer, ProfileSettings};
use tokenwright_core::Parameters;

use crate::arguments::Reach;
use crate::profile;

/// What one host is asked at most: one person waits.
const RATE: Rate = Rate {
    per_minute: 600,
    concurrency: 4,
};

/// An account, and what a command tells of it.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) profile: Arc<Profile>,
    pub(crate) account: Account,
    pub(crate) parameters: Parameters,
    /// Where the credential came from, in words.
    pub(crate) sources: String,
}

impl Reached {
    /// The account that the arguments name.
    pub(crate) fn by(asked: Reach) -> anyhow::Result<Self> {
        let profile = profile::find_in(&asked.profile, asked.profiles.as_deref())?;
        if asked.endpoint.is_none() && profile.default_endpoint().is_none() {
            bail!(
                "{} has no endpoint of its own: give --endpoint URL",
                profile.name()
            );
        }
        let parameters = parameters(asked.parameters)?;
        known(&profile, &parameters)?;
        Self::new(
            profile,
            Means {
                endpoint: asked.endpoint,
                credential_files: &asked.credential_files,
                request_timeout: asked.request_timeout,
                parameters,
            },
        )
    }

    /// The account that this profile and these means lead to.
    pub(crate) fn new(profile: Arc<Profile>, means: Means<'_>) -> anyhow::Result<Self> {
        Self::through(profile, means, |profile, settings, gate| {
            let issuer = ProfileIssuer::new(profile, settings)?;
            Ok(Arc::new(issuer.behind(gate)))
        })
    }

    /// The same, asked through an issuer that is made here.
    pub(crate) fn through(
        profile: Arc<Profile>,
        means: Means<'_>,
        make: impl FnOnce(Arc<Profile>, ProfileSettings, Arc<Gate>) -> anyhow::Result<Arc<dyn Issuer>>,
    ) -> anyhow::Result<Self> {
        let (credential, sources) = credential::read(&profile, means.credential_files)?;
        let request_timeout = Duration::try_from(means.request_timeout).unwrap_or_default();
        if request_timeout.is_zero() {
            bail!("--request-timeout: must be longer than nothing");
        }
        let settings = ProfileSettings {
            endpoint: means.endpoint,
            credential,
            request_timeout,
        };
        let name = profile.name().to_owned();
        let gate = Gate::new(Limiter::new(RATE), Clock::system());
        let issuer = make(Arc::clone(&profile), settings, Arc::clone(&gate));
        let issuer = issuer.with_context(|| format!("cannot use {name}"))?;
        Ok(Self {
            account: Account::new(issuer, gate, RECHECK, Clock::system()),
            profile,
            parameters: means.parameters,
            sources,
        })
    }

    /// Who is asked, for people.
    pub(crate) fn heading(&self) -> String {
        let credential = match self.sources.is_empty() {
            true => "no credential".to_owned(),
            false => format!("credential from {}", self.sources),
        };
        let endpoint = self.account.issuer.endpoint();
        format!("{} at {endpoint}, {credential}", self.profile.name())
    }
}

/// What leads to an account beside its profile.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    pub(crate) endpoint: Option<String>,
    pub(crate) credential_files: &'a [(String, String)],
    pub(crate) request_timeout: SignedDuration,
    pub(crate) parameters: Parameters,
}

/// The parameters, each given once.
pub(crate) fn parameters(given: Vec<(String, String)>) -> anyhow::Result<Parameters> {
    let count = given.len();
    let parameters: Parameters = given.into_iter().collect();
    if parameters.len() != count {
        bail!("--parameter: one is given twice");
    }
    Ok(parameters)
}

fn known(profile: &Profile, parameters: &Parameters) -> anyhow::Result<()> {
    let known = profile.parameters();
    let Some(unknown) = parameters.keys().find(|name| !known.contains_key(*name)) else {
        return Ok(());
    };
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    Err(anyhow!(
        "--parameter: {} has no parameter {unknown:?}; it has {}",
        profile.name(),
        names.join(", ")
    ))
}

/// The runtime of a command that asks somebody.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    runtime.context("starting the runtime")
}
