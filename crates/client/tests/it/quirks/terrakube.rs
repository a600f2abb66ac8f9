//! Terrakube, whose answers were recorded from the real server.

use serde_json::json;
use tokenwright_client::{ErrorKind, Issuer};
use tokenwright_core::{Inputs, Liveness, Parameters};
use tokenwright_sandbox::SystemName::{self, TerrakubeTeam, TerrakubeUser};

use super::{Vendor, given, inputs, list, mint, mint_as, refusal, until_not_alive, vendor};

const BOTH: [SystemName; 2] = [TerrakubeTeam, TerrakubeUser];

fn parameters(vendor: &Vendor) -> Parameters {
    match vendor.played.system {
        TerrakubeTeam => given(&[("team", "DEVS")]),
        _ => Parameters::new(),
    }
}

#[tokio::test]
async fn a_base_url_that_ends_in_a_slash_is_the_same_server() {
    for system in BOTH {
        let vendor = vendor(system, json!({})).await;
        let parameters = parameters(&vendor);
        let endpoint = format!("{}/", vendor.played.endpoint);
        let issuer = vendor.issuer_at(&endpoint, &vendor.played.credential);
        assert_eq!(issuer.endpoint(), vendor.played.endpoint);
        let minted = mint(&issuer, inputs(&parameters, &[], "1d")).await.unwrap();
        let listed = list(&issuer, &parameters).await.unwrap();
        assert_eq!(listed.len(), 1, "{system}");
        let checked = issuer
            .check_with(&minted.value, tokenwright_client::About::of(&parameters))
            .await;
        assert_eq!(checked, Liveness::Alive, "{system}");
    }
}

#[tokio::test]
async fn a_description_that_kills_its_token_is_refused_and_found_out_where_it_was_sent() {
    for (dex, liveness) in [
        ("reachable", Liveness::Dead),
        // Nobody can tell such a token from a server that is ill.
        ("unreachable", Liveness::Unknown),
    ] {
        let vendor = vendor(TerrakubeTeam, json!({ "terrakube": { "dex": dex } })).await;
        let issuer = vendor.issuer();
        let wanted = inputs(&parameters(&vendor), &[], "1d");
        let name = "why???".to_owned();
        let refused = Inputs {
            name,
            ..wanted.clone()
        };
        assert_eq!(issuer.validate(&refused).unwrap_err().field, "name");
        let minted = mint_as(&issuer, "why???", wanted).await.unwrap();
        let checked = issuer.check(&minted.value).await;
        assert_eq!(checked, liveness, "{dex}");
    }
}

#[tokio::test]
async fn the_same_description_is_harmless_in_a_user_token() {
    let vendor = vendor(TerrakubeUser, json!({})).await;
    let issuer = vendor.issuer();
    let mut inputs = inputs(&Parameters::new(), &[], "1d");
    "why??? ~~~ añoñ".clone_into(&mut inputs.name);
    issuer.validate(&inputs).unwrap();
    let minted = mint(&issuer, inputs).await.unwrap();
    assert_eq!(issuer.check(&minted.value).await, Liveness::Alive);
}

#[tokio::test]
async fn a_server_whose_secret_is_too_long_makes_dead_tokens_and_one_too_short_none() {
    for system in BOTH {
        for secret in ["bytes48", "bytes64"] {
            let switches = json!({ "terrakube": { "pat_secret": secret } });
            let vendor = vendor(system, switches).await;
            let issuer = vendor.issuer();
            let wanted = inputs(&parameters(&vendor), &[], "1d");
            let minted = mint(&issuer, wanted).await.unwrap();
            let checked = issuer.check(&minted.value).await;
            assert_eq!(checked, Liveness::Dead, "{system} {secret}");
        }
        let switches = json!({ "terrakube": { "pat_secret": "bytes16" } });
        let vendor = vendor(system, switches).await;
        let wanted = inputs(&parameters(&vendor), &[], "1d");
        let kind = refusal(&vendor.issuer(), wanted).await;
        assert_eq!(kind, ErrorKind::OutcomeUnknown, "{system}");
        assert_eq!(vendor.minted(), 0);
    }
}

#[tokio::test]
async fn a_bearer_that_cannot_be_read_is_the_credentials_fault_on_writes_too() {
    for system in BOTH {
        let vendor = vendor(system, json!({})).await;
        let parameters = parameters(&vendor);
        let issuer = vendor.issuer_as("no,bearer");
        // 403 with a body, where a read is 401.
        let kind = refusal(&issuer, inputs(&parameters, &[], "1d")).await;
        assert_eq!(kind, ErrorKind::Unauthenticated, "{system}");
        let read = list(&issuer, &parameters).await.unwrap_err();
        assert_eq!(read.kind, ErrorKind::Unauthenticated, "{system}");
        assert_eq!(vendor.minted(), 0);
    }
}

#[tokio::test]
async fn a_refused_team_token_looks_like_a_success_and_is_none() {
    let vendor = vendor(TerrakubeTeam, json!({})).await;
    let team = given(&[("team", "OPS")]);
    let kind = refusal(&vendor.issuer(), inputs(&team, &[], "1d")).await;
    assert_eq!(kind, ErrorKind::Forbidden);
    // Administrators get no exception.
    let admin = vendor.issuer_as(&vendor.parameter("admin_credential"));
    let kind = refusal(&admin, inputs(&parameters(&vendor), &[], "1d")).await;
    assert_eq!(kind, ErrorKind::Forbidden);
    assert_eq!(vendor.minted(), 0);
}

#[tokio::test]
async fn a_create_that_is_answered_with_406_has_made_a_token_that_the_list_shows() {
    for system in BOTH {
        let vendor = vendor(system, json!({})).await;
        let issuer = vendor.issuer();
        let parameters = parameters(&vendor);
        // Made, and answered so all the same.
        let effect = json!({ "five_xx": 406 });
        vendor.fault(json!({ "operation": "mint", "count": 1 }), effect);
        let kind = refusal(&issuer, inputs(&parameters, &[], "1d")).await;
        assert_eq!(kind, ErrorKind::OutcomeUnknown, "{system}");
        assert_eq!(vendor.minted(), 1);
        let listed = list(&issuer, &parameters).await.unwrap();
        let names: Vec<_> = listed.iter().filter_map(|t| t.name.as_deref()).collect();
        assert_eq!(names, ["quirk"], "{system}: it is found by its name");
    }
}

#[tokio::test]
async fn an_expired_token_works_for_its_grace_and_stays_listed_after_it() {
    let switches = json!({ "terrakube": { "seconds_per_minute": 0.5, "grace_seconds": 3 } });
    let vendor = vendor(TerrakubeTeam, switches).await;
    let issuer = vendor.issuer();
    let parameters = parameters(&vendor);
    let wanted = inputs(&parameters, &[], "2m");
    let minted = mint(&issuer, wanted).await.unwrap();
    let expires = minted.token.expires_at.unwrap();
    let now = || tokenwright_client::Clock::system().now();
    while now() < expires {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let checked = issuer.check(&minted.value).await;
    assert_eq!(
        checked,
        Liveness::Alive,
        "what the server says is the truth"
    );
    assert_eq!(
        until_not_alive(&issuer, &minted.value).await,
        Liveness::Dead
    );
    assert!(now() >= expires);
    let listed = list(&issuer, &parameters).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|token| &token.id).collect();
    assert_eq!(ids, [&minted.token.id], "expired ones stay");
}

#[tokio::test]
async fn what_others_summed_up_is_read_as_the_server_sums() {
    let vendor = vendor(TerrakubeTeam, json!({})).await;
    let issuer = vendor.issuer();
    let keys = format!("{}/access-token/v1/teams", vendor.played.endpoint);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for (days, hours, minutes, seconds) in [
        (1, 2, 3, Some(93_780)),
        (0, 0, 0, None),
        (-1, -1, -1, None),
        (1, -24, 1, Some(60)),
        (1, -24, 0, Some(0)),
        (1, -48, 0, Some(-86_400)),
        (2_147_483_647, 2_147_483_647, 2_147_483_647, None),
    ] {
        let body = json!({ "group": "DEVS", "days": days, "hours": hours, "minutes": minutes });
        let sent = http.post(&keys).bearer_auth(&vendor.played.credential);
        assert_eq!(sent.json(&body).send().await.unwrap().status(), 201);
        let listed = list(&issuer, &parameters(&vendor)).await.unwrap();
        let last = listed.last().unwrap();
        let life = last
            .expires_at
            .map(|at| at.as_second() - last.details.created_at.unwrap().as_second());
        assert_eq!(life, seconds, "{days} {hours} {minutes}");
    }
}

#[tokio::test]
async fn a_bearer_that_no_request_has_room_for_is_no_value() {
    for system in BOTH {
        let vendor = vendor(system, json!({})).await;
        let max = vendor.profile.value_parts()["token"];
        // What stands beside it in a request of ours.
        let beside = "GET /access-token/v1/teams/current-teams HTTP/1.1\r\nauthorization: Bearer \r\n\
                      accept: application/json\r\nuser-agent: tokenwright/10.10.10\r\nhost: \r\n\r\n";
        let host = 128;
        assert!(max + beside.len() + host <= 8192, "{system}: {max}");
        assert!(max >= 7819, "{system}: 280 groups still worked");
    }
}
