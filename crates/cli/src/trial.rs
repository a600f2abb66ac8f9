//! `profile try`: one token's whole life at a real issuer.
//!
//! What it minted it revokes: after the last step, after a step that failed, on Ctrl-C, SIGTERM and
//! SIGHUP, and also when the mint's answer was lost. Only a mint is never interrupted, since an
//! unheard answer would be a lost one. `credential` and `report` serve; `signals` listens; `life` has the
//! order of things; `steps` are those between mint and revoke; `ending` revokes; `lost` finds.

mod credential;
mod ending;
mod life;
mod lost;
mod report;
mod signals;
mod steps;

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokenwright_client::{Issuer, Profile, ProfileIssuer, ProfileSettings};
use tokenwright_core::{Inputs, InvalidSpec, Marker};

use crate::arguments::Try;
use crate::exit::Exit;
use crate::profile::find;
use crate::random;
use life::Trial;
use report::Report;

/// Refuses what cannot be; then tries the rest.
pub(crate) fn run(asked: Try) -> anyhow::Result<Exit> {
    let profile = find(&asked.profile)?;
    let (credential, sources) = credential::read(&profile, &asked.credential_files)?;
    let timeout = Duration::try_from(asked.request_timeout).unwrap_or_default();
    if timeout.is_zero() {
        bail!("--request-timeout: must be longer than nothing");
    }
    let settings = ProfileSettings {
        endpoint: Some(asked.endpoint.clone()),
        credential,
        request_timeout: timeout,
    };
    let name = profile.name().to_owned();
    let issuer = ProfileIssuer::new(std::sync::Arc::clone(&profile), settings);
    let issuer = issuer.with_context(|| format!("cannot try {name}"))?;
    let inputs = inputs(asked)?;
    possible(&profile, &issuer, &inputs).with_context(|| format!("cannot try {name}"))?;
    let report = Report::standard();
    report.heading(&format!(
        "{name} at {}, credential from {sources}",
        issuer.endpoint()
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("starting the runtime")?;
    runtime.block_on(async {
        // Before anything is minted: a signal that came between would end the process.
        let signals = signals::listen().context("listening for signals")?;
        let trial = Trial {
            issuer: &issuer,
            inputs,
            marker: random::marker()?,
            report: &report,
            signals,
        };
        Ok(trial.run().await)
    })
}

fn inputs(asked: Try) -> anyhow::Result<Inputs> {
    let count = asked.parameters.len();
    let parameters: tokenwright_core::Parameters = asked.parameters.into_iter().collect();
    if parameters.len() != count {
        bail!("--parameter: one is given twice");
    }
    Ok(Inputs {
        name: asked.name,
        scopes: asked.scopes.into_iter().collect(),
        parameters,
        lifetime: asked.lifetime,
    })
}

/// Whether this can be tried at all; nothing has been sent yet.
fn possible(profile: &Profile, issuer: &dyn Issuer, inputs: &Inputs) -> anyhow::Result<()> {
    let name = &inputs.name;
    if name.trim().is_empty() || Marker::occurs_in(name) {
        bail!("--name: must be a name, and none that reads as a marker");
    }
    issuer.validate(inputs).map_err(|spec| refused(&spec))?;
    if !issuer.capabilities().revoke {
        let manual = profile.manual().map(|manual| format!(": {manual}"));
        let manual = manual.unwrap_or_default();
        bail!("the system cannot revoke, so the token would stay alive{manual}");
    }
    Ok(())
}

/// A refusal in the words of the command line.
fn refused(spec: &InvalidSpec) -> anyhow::Error {
    let option = match spec.field {
        "name" => "--name",
        "scopes" => "--scope",
        "parameters" => "--parameter",
        "lifetime" => "--lifetime",
        other => other,
    };
    anyhow!("{option}: {}", spec.message)
}

#[cfg(test)]
mod tests;
