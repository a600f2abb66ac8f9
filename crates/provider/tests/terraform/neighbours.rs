//! Resources with tokens of one name, side by side: nobody's is taken for an orphan.

use serde_json::Value;

use crate::support::{CI, Ran, World};

/// A configuration with other text around the resource, and another manager or none.
fn configure(world: &World, manager: &str, resources: &str) {
    world.write(&format!(
        "provider \"tokenwright\" {{\n {manager}\n issuers = {{\n  vendor = {{\n profile = \"seeme\"\n {}\n  }}\n }}\n}}\n{resources}",
        world.issuer
    ));
}

const MANAGED: &str = "manager = \"test\"";

fn says_nothing_of_other_tokens(ran: &Ran) {
    let said = ran.said("warning");
    assert!(!said.contains("other tokens"), "{said}");
}

/// Not a word about tokens that somebody manages.
async fn calls_nobody_an_orphan(world: &World, ran: Ran) {
    says_nothing_of_other_tokens(&ran);
    let shown = world.run(&["show", "-json"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let resources = shown["values"]["root_module"]["resources"].as_array();
    for resource in resources.unwrap() {
        let orphans = &resource["values"]["orphans"];
        assert_eq!(orphans.as_array().unwrap().len(), 0, "{orphans}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replaced_by_create_before_destroy_is_no_orphan() {
    let world = World::new(86_400.0, CI).await;
    let resource = format!(
        "resource \"tokenwright_api_token\" \"ci\" {{\n{CI}\n lifecycle {{\n create_before_destroy = true\n }}\n}}\n"
    );
    configure(&world, MANAGED, &resource);
    world.apply().await;
    let replace = [
        "apply",
        "-auto-approve",
        "-json",
        "-replace=tokenwright_api_token.ci",
    ];
    let ran = world.run(&replace).await.succeeded();
    calls_nobody_an_orphan(&world, ran).await;
    let ran = world.apply().await;
    calls_nobody_an_orphan(&world, ran).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_one_name_that_are_counted_and_then_keyed_are_no_orphans_of_each_other() {
    let world = World::new(86_400.0, CI).await;
    let instances =
        |how: &str| format!("resource \"tokenwright_api_token\" \"ci\" {{\n {how}\n{CI}\n}}\n");
    for how in [
        "count = 2",
        "count = 4",
        "for_each = toset([\"a\", \"b\", \"c\"])",
    ] {
        configure(&world, MANAGED, &instances(how));
        for _ in 0..2 {
            let ran = world.apply().await;
            calls_nobody_an_orphan(&world, ran).await;
        }
    }
    assert_eq!(world.summary().live, 3);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_another_resource_takes_up_is_none_any_more() {
    let world = World::new(86_400.0, CI).await;
    let named = |name: &str| format!("resource \"tokenwright_api_token\" {name:?} {{\n{CI}\n}}\n");
    configure(&world, MANAGED, &named("ci"));
    let elsewhere = ["apply", "-auto-approve", "-json", "-state=lost.tfstate"];
    world.run(&elsewhere).await.succeeded();
    let lost = world.lives()[0].id.clone();
    for _ in 0..2 {
        world.apply().await;
    }
    let orphans = world.state().await["orphans"].clone();
    assert_eq!(orphans[0]["token_id"], lost.as_str(), "{orphans}");

    configure(&world, MANAGED, &[named("ci"), named("found")].concat());
    let import = ["import", "-no-color", "tokenwright_api_token.found", &lost];
    world.run(&import).await.succeeded();
    for _ in 0..2 {
        let ran = world.apply().await;
        says_nothing_of_other_tokens(&ran);
    }
    let ran = world.apply().await;
    calls_nobody_an_orphan(&world, ran).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_manager_the_tokens_of_another_state_are_no_orphans() {
    let world = World::new(86_400.0, CI).await;
    let resource = format!("resource \"tokenwright_api_token\" \"ci\" {{\n{CI}\n}}\n");
    configure(&world, "", &resource);
    let states = ["-state=one.tfstate", "-state=two.tfstate"];
    for state in [states[0], states[1], states[0], states[1]] {
        let ran = world.run(&["apply", "-auto-approve", "-json", state]).await;
        says_nothing_of_other_tokens(&ran.succeeded());
    }
    assert_eq!(world.summary().live, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_looked_at_one_after_the_other_is_told_of_neighbours_with_doubt_and_a_plain_run_ends_that()
 {
    let world = World::new(86_400.0, CI).await;
    let named = |name: &str| format!("resource \"tokenwright_api_token\" {name:?} {{\n{CI}\n}}\n");
    let mut resources = String::new();
    for name in ["c", "b", "a"] {
        resources += &named(name);
        configure(&world, MANAGED, &resources);
        let one = ["apply", "-auto-approve", "-json", "-parallelism=1"];
        world.run(&one).await.succeeded();
    }
    // Whoever comes first hears of no other, in an order that the core draws.
    let one = ["plan", "-json", "-out=plan", "-parallelism=1"];
    let ran = world.run(&one).await.succeeded();
    if ran.said("warning").contains("other tokens") {
        ran.warns(&["with -target or -parallelism=1 those are few"]);
    }
    // A run in which they hear of each other forgets what was named.
    world.apply().await;
    let ran = world.apply().await;
    calls_nobody_an_orphan(&world, ran).await;
    assert_eq!(world.summary().live, 3);
    world.destroy().await;
    world.nothing_lives();
}
