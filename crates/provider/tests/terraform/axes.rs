//! One system of each axis of the profile language: requests and files that sign, answers in XML, a login
//! with an assertion, mints of two calls, ids that are the secrets. Each lives its whole life.

use serde_json::Value;
use tokenwright_client::profile::builtin_files;
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::World;

const ASSERTION: &str = include_str!("../../../client/tests/it/contract/google-assertion.yaml");
const ACCOUNTS: &str = include_str!("../../../client/tests/it/contract/grafana-accounts.yaml");
const ROLLBAR: &str = include_str!("../../../client/tests/it/contract/rollbar.yaml");

/// A token of a system by this profile, and what its configuration says but what changes.
struct Axis {
    world: World,
    wanted: &'static str,
}

impl Axis {
    async fn of(system: SystemName, profile: &str, wanted: &'static str) -> Self {
        let mut world = World::of(system, 86_400.0, "").await;
        // It stands in the configuration.
        world.credential = None;
        // Nothing lags here, and nobody waits for what does not.
        let profile = profile.lines().filter(|line| !line.starts_with("settle:"));
        let profile: Vec<_> = profile.chain(["settle: 1s"]).collect();
        std::fs::write(world.path("own.yaml"), profile.join("\n")).unwrap();
        Self { world, wanted }
    }

    /// The same with more attributes.
    fn configure(&self, more: &str) {
        let played = &self.world.played;
        let credential = match played.system {
            SystemName::AwsIam => format!(
                "credential_parts = {{ access_key_id = {:?}, secret_access_key = {:?} }}",
                played.parameter("access_key_id").unwrap(),
                played.credential
            ),
            _ => format!("credential = {:?}", played.credential),
        };
        let profile = std::fs::read_to_string(self.world.path("own.yaml")).unwrap();
        let required = |name: &str| {
            let begins = format!("{name}: {{ required");
            profile
                .lines()
                .any(|line| line.trim_start().starts_with(&begins))
        };
        let parameters = played.parameters.iter();
        let parameters = parameters.filter(|(name, _)| required(name));
        let parameters: Vec<_> = parameters
            .map(|(name, value)| format!("{name} = {value:?}"))
            .collect();
        self.world.write(&format!(
            "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n  vendor = {{\n profile = file(\"own.yaml\")\n endpoint = {:?}\n request_timeout = \"2s\"\n {credential}\n  }}\n }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n name = \"ci\"\n parameters = {{ {} }}\n {}\n {more}\n}}\n",
            played.endpoint,
            parameters.join(", "),
            self.wanted,
        ));
    }
}

/// Creates, rotates and destroys one token by this profile, and sees each step at the vendor.
async fn lives(system: SystemName, profile: &str, wanted: &'static str) {
    let axis = Axis::of(system, profile, wanted).await;
    let world = &axis.world;
    axis.configure("");
    world.apply().await;
    world.plans_nothing().await;
    assert_eq!(
        (world.summary().minted, world.summary().live),
        (1, 1),
        "{system}"
    );
    let first = world.state().await["token_id"].clone();
    axis.configure("rotation = { triggers = { a = \"now\" } }");
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

/// The switch is a call of two words at the one system, and one of two calls at the other; SeeMe's is blind.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_disabled_rotated_while_it_is_and_enabled_at_other_systems_too() {
    for (system, profile) in [
        (SystemName::AwsIam, "aws-iam"),
        (SystemName::GoogleServiceAccount, "google-service-account"),
    ] {
        let (profile, _) = builtin_files(profile).unwrap();
        let axis = Axis::of(system, profile, "lifetime = \"never\"").await;
        let world = &axis.world;
        let disabled = |id: &Value| {
            let lives = world.lives().into_iter();
            let mut of = lives.filter(|life| life.id == id.as_str().unwrap());
            of.next().unwrap().disabled
        };
        axis.configure("");
        world.apply().await;
        let first = world.state().await;
        assert_eq!(first["enabled"], true, "{system}");
        assert!(!disabled(&first["token_id"]), "{system}");

        axis.configure("enabled = false");
        let (action, _) = world.plan().await;
        assert_eq!(action, "update", "{system}");
        let change = world.planned().await;
        assert_eq!(change["after"]["enabled"], false, "{system}");
        assert_eq!(change["after"]["value"], first["value"], "{system}");
        world.apply().await;
        world.plans_nothing().await;
        let state = world.state().await;
        assert_eq!(state["status"], "disabled", "{system}");
        assert!(disabled(&first["token_id"]), "{system}");
        assert_eq!(world.summary().minted, 1, "{system}");

        // So is its successor.
        axis.configure("enabled = false\n rotation = { triggers = { a = \"now\" } }");
        world.apply().await;
        world.plans_nothing().await;
        let second = world.state().await;
        assert_ne!(second["token_id"], first["token_id"], "{system}");
        assert_eq!(second["status"], "disabled", "{system}");
        assert!(disabled(&second["token_id"]), "{system}");

        axis.configure("enabled = true\n rotation = { triggers = { a = \"now\" } }");
        world.apply().await;
        world.plans_nothing().await;
        let state = world.state().await;
        assert_eq!(state["status"], "active", "{system}");
        assert!(!disabled(&second["token_id"]), "{system}");
        assert!(
            disabled(&first["token_id"]),
            "{system}: nobody asked for it"
        );
        assert_eq!(state["value"], second["value"], "{system}");
        let count = |what| world.count(what);
        assert_eq!(
            [count(What::Disable), count(What::Enable)],
            [2, 1],
            "{system}"
        );
        world.destroy().await;
        world.nothing_lives();
    }
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
    lives(SystemName::Grafana, ACCOUNTS, "lifetime = \"never\"").await;
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

#[tokio::test(flavor = "multi_thread")]
async fn one_token_at_a_time_is_rotated_with_leave_alone() {
    let mut world = World::of(SystemName::AwsIam, 86_400.0, "").await;
    world.credential = None;
    let full = serde_json::json!({ "aws_iam": { "keys_max": 1 } });
    let settings = world.sandbox.settings().changed(full).unwrap();
    world.sandbox.set(settings).unwrap();
    let (profile, _) = builtin_files("aws-iam").unwrap();
    let own = format!(
        "{}one: true\n",
        profile.replace("settle: 60s", "settle: 1s")
    );
    std::fs::write(world.path("own.yaml"), own).unwrap();
    let configure = |rotation: &str| {
        world.write(&format!(
            "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n  vendor = {{\n profile = file(\"own.yaml\")\n endpoint = {:?}\n request_timeout = \"2s\"\n\
             credential_parts = {{ access_key_id = {:?}, secret_access_key = {:?} }}\n  }}\n }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n name = \"ci\"\n lifetime = \"never\"\n parameters = {{ user_name = \"ci\" }}\n {rotation}\n}}\n",
            world.played.endpoint,
            world.played.parameter("access_key_id").unwrap(),
            world.played.credential,
        ));
    };
    configure("rotation = { overlap = \"1h\" }");
    let plan = world.run(&["plan", "-json"]).await.failed();
    plan.says(&["rotation.overlap", "one token at a time"]);
    configure("rotation = { every = \"30d\" }");
    let plan = world.run(&["plan", "-json"]).await.failed();
    plan.says(&["rotation.allow_gap", "one token at a time"]);
    configure("");
    world.apply().await;
    configure("rotation = { triggers = { a = \"1\" } }");
    let plan = world.run(&["plan", "-json"]).await.failed();
    plan.says(&["without a gap", "allow_gap"]);
    assert_eq!((world.summary().minted, world.summary().live), (1, 1));
    configure("rotation = { allow_gap = true, triggers = { a = \"1\" } }");
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    world.apply().await;
    let state = world.state().await;
    assert_eq!(state["rotation_reason"], "trigger `a` changed");
    assert_eq!((world.summary().minted, world.summary().live), (2, 1));
    world.plans_nothing().await;

    // The mint after the end of the old one fails: the next apply mints, whatever else there is to do.
    let fault = world.fault(
        serde_json::json!({ "operation": "mint" }),
        serde_json::json!({ "status": 403 }),
    );
    configure("rotation = { allow_gap = true, triggers = { a = \"2\" } }");
    world.try_apply().await.failed();
    assert_eq!(world.summary().live, 0);
    world.sandbox.faults().remove(fault);
    world.apply().await;
    assert_eq!((world.summary().minted, world.summary().live), (3, 1));
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}
