//! The resource in one process, on an issuer in memory and virtual time: what a real Terraform cannot
//! be made to show.

use jiff::SignedDuration;
use tfplugin::{Connection, Diagnostics, Import, Provider, RawState, Read, Value};
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::{Ended, Identity, Look, ManagerId, Marker, Nonce, Origin, Past, TokenId};
use tokio_util::sync::CancellationToken;

use crate::schema;
use crate::testing::{Run, Said, configuration, hours};

mod accounts;
mod blind;
mod credentials;
mod doubt;
mod ends;
mod ephemeral;
mod faults;
mod interrupts;
mod outputs;
mod promises;
mod reasons;
mod revokes;
mod rules;
mod stored;
mod suspended;
mod time;
mod updates;
mod waits;

async fn run(settings: MemorySettings) -> Run {
    Run::new(schema::API_TOKEN, config(&[]), settings).await
}

fn id(run: &Run) -> TokenId {
    TokenId::new(run.text("token_id"))
}

/// A configuration with some attributes of one's own.
fn config(more: &[(&str, Value)]) -> Value {
    let usual = [
        ("name", "ci".into()),
        ("lifetime", "30d".into()),
        ("rotation", rotation(&[])),
    ];
    configuration(schema::API_TOKEN, &[&usual[..], more].concat())
}

fn rotation(more: &[(&str, &str)]) -> Value {
    let names = ["renew_before", "every", "overlap", "allow_gap", "triggers"];
    let mut rotation = Value::object(names.map(|name| (name, Value::Null)));
    for (name, text) in more {
        rotation.insert(*name, *text);
    }
    rotation
}
