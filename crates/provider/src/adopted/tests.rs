//! The resource in one process, on an issuer in memory and virtual time: what a real Terraform cannot
//! be made to show.

use tfplugin::{Connection, Diagnostics, Provider, RawState, Value};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::TokenId;

use crate::schema;
use crate::testing::{Run, agrees, configuration, hours};

mod answers;
mod dates;
mod ignored;
mod plans;
mod stored;

async fn run(settings: MemorySettings) -> Run {
    let config = configuration(schema::ADOPTED_TOKEN, &[("name", "deploy".into())]);
    let run = Run::new(schema::ADOPTED_TOKEN, config, settings).await;
    // The value itself authenticates: nobody needs a credential.
    *run.credential.lock().unwrap() = None;
    run
}

/// A person makes a token at the vendor: its id, and its value as it is shown.
async fn made(run: &Run) -> (TokenId, Value) {
    run.mint("by hand").await
}

/// With a value that was accepted.
async fn adopted() -> (Run, TokenId) {
    let mut run = run(MemorySettings::default()).await;
    let (id, value) = made(&run).await;
    run.config.insert("value_wo", value);
    let said = run.apply().await;
    assert!(said.errors.is_empty() && said.warnings.is_empty());
    (run, id)
}

/// Nobody can say whether a value authenticates.
fn silence(run: &Run) {
    run.issuer.hook(|request, _| {
        (request.operation == Operation::Check).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
}

fn version(run: &Run) -> i64 {
    run.state.get("value_version").as_i64().unwrap()
}
