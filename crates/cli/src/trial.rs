//! `profile try`: one token's whole life at a real issuer.
//!
//! The token is on [`loan`](crate::loan): whatever happens, it is revoked. `life` has the order of things,
//! `steps` are those between mint and revoke.

mod life;
mod steps;

use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokenwright_client::profile::examples::{Recorded, Recording};
use tokenwright_core::{Inputs, Parameters};

use crate::arguments::Try;
use crate::exit::Exit;
use crate::loan::{Loan, Report, possible};
use crate::output::yaml;
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
    let recording = Rc::new(OnceCell::new());
    let kept = Rc::clone(&recording);
    let records = asked.record.clone();
    if let Some(file) = records.as_ref().filter(|file| file.exists()) {
        bail!("--record: {} is there already", file.display());
    }
    let reached = match &records {
        None => Reached::new(Arc::clone(&profile), means)?,
        Some(_) => Reached::through(Arc::clone(&profile), means, |profile, settings, gate| {
            let made = Arc::new(Recording::new(profile, settings, gate)?);
            let made = kept.get_or_init(|| made);
            Ok(Arc::clone(made) as _)
        })?,
    };
    let account = &reached.account;
    let inputs = inputs(asked, reached.parameters.clone());
    possible(&reached, &inputs).with_context(|| format!("cannot try {name}"))?;
    let report = Report::standard();
    report.heading(&reached.heading());
    let runtime = runtime()?;
    let exit = runtime.block_on(async {
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
        anyhow::Ok(loan.tried().await)
    })?;
    if let (Some(file), Some(recording)) = (&records, recording.get()) {
        let told = written(file, &recording.recorded())?;
        report.heading(&told);
    }
    Ok(exit)
}

/// Writes the examples, and says what was written.
fn written(file: &Path, recorded: &Recorded) -> anyhow::Result<String> {
    let shown = file.display();
    let Some(document) = &recorded.document else {
        return Ok(format!(
            "nothing happened that could be replayed: {shown} is not written"
        ));
    };
    let text = yaml(document)?;
    std::fs::write(file, text).with_context(|| format!("writing {shown}"))?;
    let left_out = match recorded.left_out {
        0 => String::new(),
        n => format!(" ({n} that do not replay are left out)"),
    };
    Ok(format!(
        "{} examples are in {shown}{left_out}: look through them before you give them away, since only secrets were replaced",
        recorded.kept
    ))
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
