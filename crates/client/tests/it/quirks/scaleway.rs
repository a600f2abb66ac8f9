//! Scaleway's bearers, rights, limits and quota.

use std::time::Duration;

use serde_json::json;
use tokenwright_client::contract::{Sample, hold};
use tokenwright_client::{Clock, ErrorKind, Issuer};
use tokenwright_core::{Liveness, Parameters};
use tokenwright_sandbox::SystemName::Scaleway;

use super::{Vendor, given, inputs, list, mint, refusal, until_not_alive, vendor};

async fn with(switches: serde_json::Value) -> Vendor {
    vendor(Scaleway, json!({ "scaleway": switches })).await
}

fn application(vendor: &Vendor) -> Parameters {
    given(&[("application_id", &vendor.parameter("application_id"))])
}

#[tokio::test]
async fn a_key_of_a_user_is_as_good_as_one_of_an_application() {
    for switches in [json!({}), json!({ "description_filter": "partial" })] {
        let vendor = with(switches).await;
        let user = given(&[("user_id", &vendor.parameter("user_id"))]);
        let sample = Sample {
            inputs: inputs(&user, &[], "1h"),
            many: 3,
            clock: Clock::system(),
            settle: Duration::ZERO,
        };
        let broken = hold(&vendor.issuer(), &sample).await;
        // The management key is of this user, too, and is left alone.
        let clauses: Vec<_> = broken.iter().map(|broken| broken.clause).collect();
        assert_eq!(clauses, [""; 0]);
        let left = list(&vendor.issuer(), &user).await.unwrap();
        let names: Vec<_> = left.iter().filter_map(|key| key.name.as_deref()).collect();
        assert_eq!(names, ["management"]);
    }
}

#[tokio::test]
async fn what_the_organization_does_not_allow_is_told_apart() {
    let stranger = "11111111-1111-4111-8111-111111111111";
    let max = json!({ "max_api_key_expiration_seconds": 3600 });
    for (switches, bearer, lifetime, kind) in [
        (max.clone(), None, "never", ErrorKind::Invalid),
        (max, None, "2h", ErrorKind::Invalid),
        (
            json!({ "keys_max": 1 }),
            None,
            "1h",
            ErrorKind::LimitReached,
        ),
        (
            json!({}),
            Some(("user_id", stranger)),
            "1h",
            ErrorKind::Forbidden,
        ),
        (
            json!({}),
            Some(("application_id", stranger)),
            "1h",
            ErrorKind::NotFound,
        ),
    ] {
        let vendor = with(switches.clone()).await;
        let bearer = bearer.map(|bearer| given(&[bearer]));
        let bearer = bearer.unwrap_or_else(|| application(&vendor));
        let kind_of = refusal(&vendor.issuer(), inputs(&bearer, &[], lifetime)).await;
        assert_eq!(kind_of, kind, "{switches} {bearer:?} {lifetime}");
        assert_eq!(vendor.minted(), 0);
    }
}

#[tokio::test]
async fn a_key_without_rights_is_alive_and_cannot_mint() {
    for (rights, listing, minting) in [
        (
            "nothing",
            Some(ErrorKind::Forbidden),
            Some(ErrorKind::Forbidden),
        ),
        ("read", None, Some(ErrorKind::Forbidden)),
        ("manage", None, None),
    ] {
        let vendor = with(json!({ "application_rights": rights })).await;
        let bearer = application(&vendor);
        let minted = mint(&vendor.issuer(), inputs(&bearer, &[], "1h"))
            .await
            .unwrap();
        let checked = vendor.issuer().check(&minted.value).await;
        assert_eq!(checked, Liveness::Alive, "{rights}");
        // As the credential of another issuer.
        let issuer = vendor.issuer();
        let own = tokenwright_client::ProfileIssuer::new(
            vendor.profile.clone(),
            tokenwright_client::ProfileSettings {
                endpoint: Some(issuer.endpoint().to_owned()),
                credential: minted.value,
                request_timeout: Duration::from_secs(5),
            },
        );
        let own = own.unwrap();
        let listed = list(&own, &bearer).await.err().map(|error| error.kind);
        assert_eq!(listed, listing, "{rights}");
        let made = mint(&own, inputs(&bearer, &[], "1h")).await;
        assert_eq!(made.err().map(|error| error.kind), minting, "{rights}");
    }
}

#[tokio::test]
async fn an_expired_key_is_dead_and_stays_listed_and_counts_until_it_is_deleted() {
    let vendor = with(json!({ "keys_max": 2 })).await;
    let issuer = vendor.issuer();
    let bearer = application(&vendor);
    let minted = mint(&issuer, inputs(&bearer, &[], "2s")).await.unwrap();
    assert_eq!(
        until_not_alive(&issuer, &minted.value).await,
        Liveness::Dead
    );
    let listed = list(&issuer, &bearer).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].expires_at, minted.token.expires_at);
    let shown = issuer.get(&minted.token.id, &bearer).await.unwrap();
    assert_eq!(shown.unwrap().id, minted.token.id);
    let full = refusal(&issuer, inputs(&bearer, &[], "1h")).await;
    assert_eq!(full, ErrorKind::LimitReached);
}
