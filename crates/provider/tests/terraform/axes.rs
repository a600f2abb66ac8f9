//! One system of each axis of the profile language: requests and files that sign, answers in XML, a login
//! with an assertion, mints of two calls, ids that are the secrets. Each lives its whole life.

use tokenwright_client::profile::builtin_files;
use tokenwright_sandbox::SystemName;

use crate::support::World;

const ASSERTION: &str = include_str!("../../../client/tests/it/contract/google-assertion.yaml");
const ACCOUNTS: &str = include_str!("../../../client/tests/it/contract/grafana-accounts.yaml");
const ROLLBAR: &str = include_str!("../../../client/tests/it/contract/rollbar.yaml");

/// Creates, rotates and destroys one token by this profile, and sees each step at the vendor.
async fn lives(system: SystemName, profile: &str, wanted: &str) {
    let world = World::of(system, 86_400.0, "").await;
    // Nothing lags here, and nobody waits for what does not.
    let profile = profile.lines().filter(|line| !line.starts_with("settle:"));
    let profile: Vec<_> = profile.chain(["settle: 1s"]).collect();
    std::fs::write(world.path("own.yaml"), profile.join("\n")).unwrap();
    let credential = match system {
        SystemName::AwsIam => format!(
            "credential_parts = {{ access_key_id = {:?}, secret_access_key = {:?} }}",
            world.played.parameter("access_key_id").unwrap(),
            world.played.credential
        ),
        _ => format!("credential = {:?}", world.played.credential),
    };
    let parameters = world.played.parameters.iter();
    let parameters = parameters.filter(|(name, _)| {
        profile.iter().any(|line| {
            line.trim_start()
                .starts_with(&format!("{name}: {{ required"))
        })
    });
    let parameters: Vec<_> = parameters
        .map(|(name, value)| format!("{name} = {value:?}"))
        .collect();
    let configure = |more: &str| {
        world.write(&format!(
            "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n  vendor = {{\n profile = file(\"own.yaml\")\n endpoint = {:?}\n request_timeout = \"2s\"\n {credential}\n  }}\n }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n name = \"ci\"\n parameters = {{ {} }}\n {wanted}\n {more}\n}}\n",
            world.played.endpoint,
            parameters.join(", "),
        ));
    };
    configure("");
    world.apply().await;
    world.plans_nothing().await;
    assert_eq!(
        (world.summary().minted, world.summary().live),
        (1, 1),
        "{system}"
    );
    let first = world.state().await["token_id"].clone();
    configure("rotation = { triggers = { a = \"now\" } }");
    world.apply().await;
    let second = world.state().await["token_id"].clone();
    assert_ne!(first, second, "{system}");
    assert_eq!(
        (world.summary().minted, world.summary().live),
        (2, 2),
        "{system}"
    );
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_requests_and_answers_in_xml_live_a_whole_life() {
    let (profile, _) = builtin_files("aws-iam").unwrap();
    lives(SystemName::AwsIam, profile, "lifetime = \"never\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_sign_live_a_whole_life() {
    let (profile, _) = builtin_files("google-service-account").unwrap();
    lives(
        SystemName::GoogleServiceAccount,
        profile,
        "lifetime = \"never\"",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_an_assertion_serves_a_whole_life() {
    lives(
        SystemName::GoogleServiceAccount,
        ASSERTION,
        "lifetime = \"never\"",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mint_of_two_calls_lives_a_whole_life() {
    lives(SystemName::Grafana, ACCOUNTS, "lifetime = \"30d\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_the_secrets_live_a_whole_life() {
    lives(
        SystemName::Rollbar,
        ROLLBAR,
        "scopes = [\"read\"]\n lifetime = \"never\"",
    )
    .await;
}
