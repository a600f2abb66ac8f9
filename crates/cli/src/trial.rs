//! `profile try`: one token's whole life at a real issuer.
//!
//! What it minted it revokes: after the last step, after a step that failed, on Ctrl-C, SIGTERM and
//! SIGHUP, and also when the mint's answer was lost. Only a mint is never interrupted, since an
//! unheard answer would be a lost one. `report` serves; `life` has the
//! order of things; `steps` are those between mint and revoke; `ending` revokes; `lost` finds.

mod ending;
mod life;
mod lost;
mod report;
mod steps;

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use tokenwright_client::{Issuer, Profile};
use tokenwright_core::{Inputs, InvalidSpec, Marker, Parameters};

use crate::arguments::Try;
use crate::exit::Exit;
use crate::profile::find;
use crate::random;
use crate::reach::{Means, Reached, parameters, runtime};
use crate::signals;
use life::Trial;
use report::Report;

/// Refuses what cannot be; then tries the rest.
pub(crate) fn run(asked: Try) -> anyhow::Result<Exit> {
    let profile = find(&asked.profile)?;
    let name = profile.name().to_owned();
    let means = Means {
        endpoint: Some(asked.endpoint.clone()),
        credential_files: &asked.credential_files,
        request_timeout: asked.request_timeout,
        parameters: parameters(asked.parameters.clone())?,
    };
    let reached = Reached::new(Arc::clone(&profile), means)?;
    let account = &reached.account;
    let inputs = inputs(asked, reached.parameters.clone());
    possible(&profile, account.issuer.as_ref(), &inputs)
        .with_context(|| format!("cannot try {name}"))?;
    let report = Report::standard();
    report.heading(&reached.heading());
    let runtime = runtime()?;
    runtime.block_on(async {
        // Before anything is minted: a signal that came between would end the process.
        let signals = signals::listen().context("listening for signals")?;
        let trial = Trial {
            issuer: account.issuer.as_ref(),
            gate: &account.gate,
            inputs,
            marker: random::marker()?,
            report: &report,
            signals,
        };
        Ok(trial.run().await)
    })
}

fn inputs(asked: Try, parameters: Parameters) -> Inputs {
    Inputs {
        name: asked.name,
        scopes: asked.scopes.into_iter().collect(),
        parameters,
        lifetime: asked.lifetime,
    }
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
        // About the system, not about an option.
        _ => return anyhow!(spec.message.clone()),
    };
    anyhow!("{option}: {}", spec.message)
}

#[cfg(test)]
mod tests;
