//! `profile try`: one token's whole life at a real issuer.
//!
//! The token is on [`loan`](crate::loan): whatever happens, it is revoked. `life` has the order of things,
//! `steps` are those between mint and revoke.

mod life;
mod steps;

use std::sync::Arc;

use anyhow::Context as _;
use tokenwright_core::{Inputs, Parameters};

use crate::arguments::Try;
use crate::exit::Exit;
use crate::loan::{Loan, Report, possible};
use crate::profile::find;
use crate::random;
use crate::reach::{Means, Reached, parameters, runtime};
use crate::signals;

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
    possible(&reached, &inputs).with_context(|| format!("cannot try {name}"))?;
    let report = Report::standard();
    report.heading(&reached.heading());
    let runtime = runtime()?;
    runtime.block_on(async {
        // Before anything is minted: a signal that came between would end the process.
        let signals = signals::listen(|signal, again| {
            let name = signal.name();
            match again {
                false => format!("{name}: ending what was minted; please wait"),
                true => format!("{name}: still ending what was minted"),
            }
        });
        let signals = signals.context("listening for signals")?;
        let loan = Loan {
            issuer: account.issuer.as_ref(),
            gate: &account.gate,
            inputs,
            marker: random::marker(random::OwnCommand::Try)?,
            report: &report,
            signals,
        };
        Ok(loan.tried().await)
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

#[cfg(test)]
mod tests;
