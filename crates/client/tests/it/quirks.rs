//! What is peculiar to the vendors, met through the client: each test plays one quirk, and fails where
//! profile or engine forget it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokenwright_client::{
    Clock, Error, ErrorKind, Filter, Issuer, MintRequest, Minted, Profile, ProfileIssuer,
    ProfileSettings, SecretText, SecretValue, Token, profile,
};
use tokenwright_core::{Inputs, Liveness, Parameters};
use tokenwright_sandbox::faults::Fault;
use tokenwright_sandbox::{Options, Played, Sandbox, Settings, SystemName};

mod by_hand;
mod scaleway;
mod seeme;
mod terrakube;

/// A played vendor and the profile of its name.
struct Vendor {
    sandbox: Sandbox,
    played: Played,
    profile: Arc<Profile>,
}

async fn vendor(system: SystemName, switches: serde_json::Value) -> Vendor {
    let options = Options {
        settings: Settings::default().changed(switches).unwrap(),
        ..Options::new([system])
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    Vendor {
        played: sandbox.system(system).unwrap().clone(),
        profile: profile::builtin(system.as_str()).unwrap(),
        sandbox,
    }
}

impl Vendor {
    fn parameter(&self, name: &str) -> String {
        self.played.parameter(name).unwrap().to_owned()
    }

    /// With the management credential.
    fn issuer(&self) -> ProfileIssuer {
        self.issuer_as(&self.played.credential)
    }

    fn issuer_as(&self, credential: &str) -> ProfileIssuer {
        self.issuer_at(&self.played.endpoint, credential)
    }

    fn issuer_at(&self, endpoint: &str, credential: &str) -> ProfileIssuer {
        let parts = self.profile.credential().keys().cloned();
        let parts = parts.map(|part| (part, SecretText::new(credential.to_owned())));
        let settings = ProfileSettings {
            endpoint: Some(endpoint.to_owned()),
            credential: SecretValue::new(parts),
            request_timeout: Duration::from_secs(5),
        };
        ProfileIssuer::new(Arc::clone(&self.profile), settings).unwrap()
    }

    fn fault(&self, matching: serde_json::Value, effect: serde_json::Value) {
        let fault = json!({ "match": matching, "effect": effect });
        let fault: Fault = serde_json::from_value(fault).unwrap();
        self.sandbox.faults().add(fault).unwrap();
    }

    fn minted(&self) -> usize {
        self.sandbox.ledger(None).unwrap().summary.minted
    }
}

fn given(parameters: &[(&str, &str)]) -> Parameters {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    parameters.iter().map(owned).collect()
}

fn inputs(parameters: &Parameters, scopes: &[&str], lifetime: &str) -> Inputs {
    Inputs {
        name: "quirk".to_owned(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        parameters: parameters.clone(),
        lifetime: lifetime.parse().unwrap(),
    }
}

/// Mints under the name of the inputs.
async fn mint(issuer: &ProfileIssuer, inputs: Inputs) -> Result<Minted, Error> {
    let name = inputs.name.clone();
    mint_as(issuer, &name, inputs).await
}

/// Mints under a name that was not looked at.
async fn mint_as(
    issuer: &ProfileIssuer,
    remote_name: &str,
    inputs: Inputs,
) -> Result<Minted, Error> {
    let request = MintRequest {
        remote_name: remote_name.to_owned(),
        inputs,
        at: Clock::system().now(),
        idempotency_key: "key".to_owned(),
        send_by: None,
    };
    issuer.mint(&request).await
}

/// Mints, and says what came of it where that was an error.
async fn refusal(issuer: &ProfileIssuer, inputs: Inputs) -> ErrorKind {
    let minted = mint(issuer, inputs).await;
    minted.map(|minted| minted.token).unwrap_err().kind
}

async fn list(issuer: &ProfileIssuer, parameters: &Parameters) -> Result<Vec<Token>, Error> {
    let filter = Filter::of(parameters.clone());
    issuer.list(&filter).await
}

/// Waits until a value is no longer alive, for at most ten seconds.
async fn until_not_alive(issuer: &ProfileIssuer, value: &SecretValue) -> Liveness {
    for _ in 0..200 {
        let liveness = issuer
            .check_with(value, tokenwright_client::About::of(&Parameters::new()))
            .await;
        if liveness != Liveness::Alive {
            return liveness;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Liveness::Alive
}
