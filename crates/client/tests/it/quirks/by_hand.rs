//! Systems where only a person makes tokens: what nobody documents about their one harmless call.

use serde_json::json;
use tokenwright_client::{Issuer, SecretText, SecretValue};
use tokenwright_core::{Liveness, Parameters};
use tokenwright_sandbox::SystemName::{OnlineNet, Seenode, Transiyzi};

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
        let checked = issuer
            .check_with(&value, tokenwright_client::About::of(&project))
            .await;
        assert_eq!(checked, liveness, "{parameters}");
        let other = given(&[("project_id", "11111111-2222-4333-8444-555555555555")]);
        let checked = issuer
            .check_with(&value, tokenwright_client::About::of(&other))
            .await;
        assert_eq!(checked, Liveness::Unknown, "a project of somebody else");
        let checked = issuer
            .check_with(&value, tokenwright_client::About::of(&Parameters::new()))
            .await;
        assert_eq!(checked, Liveness::Unknown, "no project");
    }
}

#[tokio::test]
async fn a_dead_value_is_told_by_whatever_status_the_vendor_may_use() {
    for (system, switch, unauthorized, forbidden) in [
        (Seenode, "seenode", Liveness::Dead, Liveness::Dead),
        (OnlineNet, "online_net", Liveness::Dead, Liveness::Dead),
        // It may also be 403 for a project that is not the token's.
        (Transiyzi, "transiyzi", Liveness::Dead, Liveness::Unknown),
    ] {
        for (status, liveness) in [("unauthorized", unauthorized), ("forbidden", forbidden)] {
            let vendor = vendor(system, json!({ switch: { "dead_as": status } })).await;
            let issuer = vendor.issuer();
            let (part, _) = vendor.profile.value_parts().first_key_value().unwrap();
            let project = vendor.played.parameter("project_id");
            let parameters: Vec<_> = project.map(|id| ("project_id", id)).into_iter().collect();
            let parameters = given(&parameters);
            for (text, expected) in [
                (vendor.played.credential.as_str(), Liveness::Alive),
                ("not-a-value", liveness),
            ] {
                let text = SecretText::new(text.to_owned());
                let value = SecretValue::new([(part.clone(), text)]);
                let checked = issuer
                    .check_with(&value, tokenwright_client::About::of(&parameters))
                    .await;
                assert_eq!(checked, expected, "{system} {status}");
            }
        }
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
        let checked = vendor
            .issuer()
            .check_with(&value, tokenwright_client::About::of(&project))
            .await;
        assert_eq!(checked, liveness, "{form} {prefix:?}");
    }
}
