//! What leaves Terraform: warnings before the end, values to consumers, and never a value anywhere else.

use tokenwright_client::Clock;
use tokenwright_sandbox::SystemName::Seenode;

use super::{declare, found, world};
use crate::support::{Ran, World, reached};

/// The warnings about tokens; Terraform itself warns of a provider that is taken from the build.
fn announced(ran: &Ran) -> Vec<&str> {
    let all = ran.lines.iter().map(|line| &line["diagnostic"]);
    let warnings = all.filter(|diagnostic| diagnostic["severity"] == "warning");
    let summaries = warnings.filter_map(|diagnostic| diagnostic["summary"].as_str());
    summaries.filter(|s| s.starts_with("Token ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_announced_once_in_a_run_and_louder_once_it_came() {
    let mut world = world(Seenode, "").await;
    world.variables.insert("key", world.made().await.1);
    let end = Clock::system().now() + jiff::SignedDuration::from_secs(25);
    let end = end.round(jiff::Unit::Second).unwrap().to_string();
    let at = |more: &str| format!("expires_at = {end:?}\n {more}");
    declare(&world, &at("warn_before = \"1s\""));
    assert!(announced(&world.apply().await).is_empty());
    assert_eq!(found(&world).await[1], "alive");
    assert!(announced(&world.plans_nothing().await).is_empty());

    declare(&world, &at("warn_before = \"1h\""));
    let words = [
        &*format!("\"deploy\" ends on {end}"),
        "make and delete keys in the dashboard",
    ];
    let ran = world.apply().await;
    ran.warns(&words);
    assert_eq!(announced(&ran).len(), 1, "{}", ran.text);
    assert_eq!(found(&world).await[1], "expires_soon");
    // Each run says it once, also one that changes something else.
    let ran = world.plans_nothing().await;
    ran.warns(&words);
    assert_eq!(announced(&ran).len(), 1, "{}", ran.text);
    world.variables.insert("key", world.made().await.1);
    let ran = world.apply().await;
    assert_eq!(announced(&ran).len(), 1, "{}", ran.text);

    reached(&end.as_str().into()).await;
    let ran = world.plans_nothing().await;
    ran.warns(&["\"deploy\" HAS ENDED, on", "[expires_at ="]);
    world
        .run(&["apply", "-refresh-only", "-auto-approve"])
        .await
        .succeeded();
    assert_eq!(found(&world).await[1], "expired");

    // A person gives the next value and its date.
    world.variables.insert("key", world.made().await.1);
    declare(&world, "expires_at = \"2999-01-01T00:00:00Z\"");
    world.apply().await;
    assert_eq!(found(&world).await[1], "alive");
    assert!(announced(&world.plans_nothing().await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_in_no_state_no_plan_no_log_and_no_message() {
    let mut world = world(Seenode, "timeouts = { update = \"1s\" }").await;
    let log = world.path("log");
    let (id, dead) = world.made().await;
    world.deleted(&id).await;
    let values = [world.made().await.1, world.made().await.1, dead];
    let mut written = String::new();
    for value in &values {
        world.variables.insert("key", value.clone());
        for args in [
            &["plan", "-json", "-out=plan"][..],
            &["show", "-json", "plan"],
            &["apply", "-auto-approve", "-json"],
            &["show", "-json"],
        ] {
            let mut command = world.command(args);
            command.env("TF_LOG", "TRACE").env("TF_LOG_PATH", &log);
            let output = command.output().await.unwrap();
            written += &String::from_utf8_lossy(&output.stdout);
            written += &String::from_utf8_lossy(&output.stderr);
        }
    }
    assert!(
        written.contains("does not authenticate"),
        "the last one is refused"
    );
    for file in [
        "log",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "plan",
    ] {
        written += &String::from_utf8_lossy(&std::fs::read(world.path(file)).unwrap());
    }
    assert!(written.contains("tokenwright_adopted_token") && written.contains("fingerprint"));
    for value in values {
        assert!(!written.contains(&value), "a value was written down");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_delivers_what_was_accepted_and_nothing_else() {
    let mut world = World::of(Seenode, 86_400.0, "").await;
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/terraform/adopted/main.tf"
    );
    std::fs::copy(example, world.path("main.tf")).unwrap();
    world
        .variables
        .insert("endpoint", world.played.endpoint.clone());
    world
        .variables
        .insert("expires_at", "2999-12-31T00:00:00Z".to_owned());
    let target = world.path("seenode.key");
    let delivered = || std::fs::read_to_string(&target).unwrap();

    let (_, first) = world.made().await;
    world.variables.insert("seenode_key", first.clone());
    world.apply().await;
    assert_eq!(delivered(), first);
    let ran = world.run(&["plan", "-detailed-exitcode"]).await;
    assert_eq!(ran.code, 0, "{}", ran.text);

    let (id, dead) = world.made().await;
    world.deleted(&id).await;
    world.variables.insert("seenode_key", dead);
    world
        .try_apply()
        .await
        .failed()
        .says(&["does not authenticate"]);
    assert_eq!(delivered(), first);

    let (_, second) = world.made().await;
    world.variables.insert("seenode_key", second.clone());
    world.apply().await;
    assert_eq!(delivered(), second);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&target).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "for its owner alone");
    world.destroy().await;
    assert!(world.works(&second.into()).await);
}
