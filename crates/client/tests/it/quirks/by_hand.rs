//! What the documentation of Transiyzi leaves open about its one harmless call.

use serde_json::json;
use tokenwright_client::{Issuer, SecretText, SecretValue};
use tokenwright_core::{Liveness, Parameters};
use tokenwright_sandbox::SystemName::Transiyzi;

use super::{given, vendor};

#[tokio::test]
async fn a_living_token_is_never_called_dead_for_want_of_a_parameter() {
    for (parameters, liveness) in [
        ("query", Liveness::Alive),
        ("both", Liveness::Alive),
        // The server answers that the project is missing, which says nothing of the token.
        ("body", Liveness::Unknown),
    ] {
        let switches = json!({ "transiyzi": { "export_parameters": parameters } });
        let vendor = vendor(Transiyzi, switches).await;
        let issuer = vendor.issuer();
        let token = SecretText::new(vendor.played.credential.clone());
        let value = SecretValue::new([("token".to_owned(), token)]);
        let project = given(&[("project_id", &vendor.parameter("project_id"))]);
        let checked = issuer.check_with(&value, &project).await;
        assert_eq!(checked, liveness, "{parameters}");
        let other = given(&[("project_id", "11111111-2222-4333-8444-555555555555")]);
        let checked = issuer.check_with(&value, &other).await;
        assert_eq!(checked, Liveness::Unknown, "a project of somebody else");
        let checked = issuer.check_with(&value, &Parameters::new()).await;
        assert_eq!(checked, Liveness::Unknown, "no project");
    }
}

#[tokio::test]
async fn the_printed_colon_is_one_word_of_the_profile() {
    for (form, prefix, liveness) in [
        ("bearer", "Bearer ", Liveness::Alive),
        ("both", "Bearer ", Liveness::Alive),
        ("bearer_colon", "Bearer ", Liveness::Dead),
        ("bearer_colon", "Bearer: ", Liveness::Alive),
    ] {
        let switches = json!({ "transiyzi": { "authorization": form } });
        let mut vendor = vendor(Transiyzi, switches).await;
        let profile = tokenwright_client::profile::builtin_files("transiyzi")
            .unwrap()
            .0;
        let profile = profile.replace("prefix: \"Bearer \"", &format!("prefix: \"{prefix}\""));
        vendor.profile = std::sync::Arc::new(tokenwright_client::Profile::parse(&profile).unwrap());
        let token = SecretText::new(vendor.played.credential.clone());
        let value = SecretValue::new([("token".to_owned(), token)]);
        let project = given(&[("project_id", &vendor.parameter("project_id"))]);
        let checked = vendor.issuer().check_with(&value, &project).await;
        assert_eq!(checked, liveness, "{form} {prefix:?}");
    }
}
