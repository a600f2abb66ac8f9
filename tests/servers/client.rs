//! The client by its profiles, on the real servers.

use std::time::Duration;

use tokenwright_client::contract::{Sample, hold};
use tokenwright_client::{Clock, ProfileIssuer, ProfileSettings, SecretText, SecretValue, profile};
use tokenwright_core::Inputs;

/// An issuer of a built-in profile.
pub(crate) fn issuer(name: &str, endpoint: &str, credential: &[(&str, &str)]) -> ProfileIssuer {
    let parts = credential
        .iter()
        .map(|(part, text)| ((*part).to_owned(), SecretText::new((*text).to_owned())));
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential: SecretValue::new(parts),
        request_timeout: Duration::from_secs(30),
    };
    ProfileIssuer::new(profile::builtin(name).unwrap(), settings).unwrap()
}

pub(crate) fn inputs(parameters: &[(&str, &str)], scopes: &[&str], lifetime: &str) -> Inputs {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Inputs {
        name: "contract".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        parameters: parameters.collect(),
        lifetime: lifetime.parse().unwrap(),
    }
}

/// The clauses of the contract that the issuer does not hold, and how.
pub(crate) async fn broken(issuer: &ProfileIssuer, inputs: Inputs) -> Vec<String> {
    let sample = Sample {
        inputs,
        many: 5,
        clock: Clock::system(),
        settle: Duration::ZERO,
    };
    let broken = hold(issuer, &sample).await;
    broken.iter().map(ToString::to_string).collect()
}

/// Holds the issuer to the whole contract.
pub(crate) async fn assert_holds(issuer: &ProfileIssuer, inputs: Inputs) {
    let about = format!("{inputs:?}");
    let broken = broken(issuer, inputs).await;
    assert!(broken.is_empty(), "{about}: {broken:#?}");
}
