//! `token orphans --cluster`: what the ApiTokens of a cluster claim, and what none of them does.

use serde_json::json;
use tokenwright_core::{ManagerId, Marker, Nonce, Origin};
use tokenwright_sandbox::SystemName::Seeme;
use tokio::process::Command;

use crate::clusters::{NAMESPACE, World, token, world};
use crate::support::{Vendor, ended, program, start};

const FAR: &str = "2999-01-30T00:00:00Z";

fn asked(world: &World, vendor: &Vendor, more: &[&str]) -> Command {
    let mut command = world.command(&["token", "orphans", "--profile", "seeme", "--cluster"]);
    command
        .args(["--endpoint", &vendor.played.endpoint])
        .args(more)
        .env("SEEME_API_KEY", &vendor.played.credential);
    command
}

fn marker(origin: &str, uid: &str, nonce: u8) -> Marker {
    Marker {
        origin: Origin::of(origin),
        manager: ManagerId::of(uid),
        revision: 2,
        nonce: Nonce::from_bytes([nonce; 5]),
    }
}

#[tokio::test]
async fn what_status_and_secret_of_an_apitoken_name_is_claimed_and_the_rest_of_the_cluster_is_not()
{
    let (world, vendor) = (world().await, start(Seeme).await);
    let cluster = world.uid().await;

    let mut object = token("ci", FAR, &[]);
    let text = object["status"]["current"]["marker"].as_str().unwrap();
    let text = text.replace("dio4f", Origin::of(&cluster).as_str());
    object["status"]["current"]["marker"] = json!(text);
    object["status"]["attempts"] = json!([{
        "nonce": Nonce::from_bytes([4; 5]), "revision": 4,
        "deadline": FAR, "inputs": object["status"]["current"]["inputs"],
    }]);
    let made = world.ours("ApiToken", object).await;
    let uid = made.metadata.uid.clone().unwrap();
    let current: Marker = text
        .replace("lifkxs4uwjb5e", ManagerId::of(&uid).as_str())
        .parse()
        .unwrap();

    // The publish of revision 3 is not in the status yet.
    let published = marker(&cluster, &uid, 3);
    let held = json!({
        "token": { "id": "any", "marker": published, "endpoint": vendor.played.endpoint },
        "inputs": { "name": "ci", "scopes": [], "parameters": {}, "lifetime": "90d" },
        "createdAt": "2026-01-01T00:00:00Z",
    });
    let annotations = json!({
        "tokenwright.dev/manager-uid": uid,
        "tokenwright.dev/current": held.to_string(),
    });
    let secret = json!({ "metadata": { "name": "ci-token", "annotations": annotations } });
    world.create("v1", "Secret", NAMESPACE, secret).await;

    let gone = marker(&cluster, "an-object-that-is-gone", 1).remote_name("web");
    let unknown = marker(&cluster, &uid, 77).remote_name("unknown");
    for name in [
        &current.remote_name("ci"),
        &published.remote_name("ci"),
        &marker(&cluster, &uid, 4).remote_name("ci"),
        &marker("another-cluster", "any", 1).remote_name("foreign"),
        &gone,
        &unknown,
    ] {
        vendor.mint(name).await;
    }

    let ran = ended(asked(&world, &vendor, &[]).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert_eq!(ran.out.lines().count(), 3, "{}{}", ran.out, ran.err);
    let says = |name: &str, why: &str| {
        let found = ran.out.lines().find(|line| line.contains(name));
        assert!(found.is_some_and(|line| line.contains(why)), "{}", ran.out);
    };
    says(" unknown ", "ApiToken team-a/ci does not know it");
    says(" web ", "nothing of the cluster");
    assert!(ran.err.contains("1 of a lost answer"), "{}", ran.err);

    let end = ["--revoke", "--yes", "--older-than", "0s"];
    let ran = ended(asked(&world, &vendor, &end).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let ended: Vec<_> = vendor
        .ledger()
        .tokens
        .into_iter()
        .filter(|token| token.ended_at.is_some())
        .map(|token| token.name)
        .collect();
    assert_eq!(ended.len(), 2, "{ended:?}");
    assert!(
        ended.contains(&gone) && ended.contains(&unknown),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_cluster_that_does_not_tell_all_its_tokens_ends_nothing() {
    let (world, vendor) = (world().await, start(Seeme).await);
    let cluster = world.uid().await;
    vendor
        .mint(&marker(&cluster, "of-somebody", 1).remote_name("web"))
        .await;
    let unreadable = json!({ "metadata": { "name": "odd" }, "spec": { "secret": 7 } });
    world.ours("ApiToken", unreadable).await;
    let end = ["--revoke", "--yes", "--older-than", "0s"];
    let ran = ended(asked(&world, &vendor, &end).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("team-a/odd"), "{}", ran.err);
    assert_eq!(vendor.summary().live, 1);

    let arguments = [
        "token",
        "orphans",
        "--profile",
        "seeme",
        "--context",
        "prod",
    ];
    let ran = ended(program(&arguments).spawn().unwrap()).await;
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("give --cluster"), "{}", ran.err);
}
