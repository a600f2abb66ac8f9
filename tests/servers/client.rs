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

pub(crate) fn inputs(user: &str, scopes: &[&str], lifetime: &str) -> Inputs {
    Inputs {
        name: "contract".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        parameters: [("user".to_owned(), user.to_owned())].into(),
        lifetime: lifetime.parse().unwrap(),
    }
}

/// Holds the issuer to the whole contract.
pub(crate) async fn assert_holds(issuer: &ProfileIssuer, inputs: Inputs) {
    let about = format!("{inputs:?}");
    let sample = Sample {
        inputs,
        many: 5,
        clock: Clock::system(),
        settle: Duration::ZERO,
    };
    let broken = hold(issuer, &sample).await;
    let lines: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{about}: {lines:#?}");
}
