//! A system that mints and checks, and offers nothing else: what it cannot do is said, and nothing fails.

use crate::support::{CI, World, reached};

/// SeeMe without its listing and its revoke.
fn blind() -> String {
    let (profile, _) = tokenwright_client::profile::builtin_files("seeme").unwrap();
    let keep = |section: &&str| {
        let lost = ["list:", "toggle:", "revoke:"];
        !lost.iter().any(|name| section.starts_with(name))
    };
    let sections = profile
        .split_inclusive('\n')
        .fold(Vec::new(), |mut all: Vec<String>, line| {
            match all.last_mut() {
                Some(last) if line.starts_with(' ') => last.push_str(line),
                _ => all.push(line.to_owned()),
            }
            all
        });
    let kept: Vec<_> = sections.iter().map(String::as_str).filter(keep).collect();
    let text = kept.concat().replace("profile: seeme", "profile: blind");
    format!("{text}manual: Revoke it on the page of API keys.\n")
}

fn configure(world: &World, resource: &str) {
    world.write(&format!(
        "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n vendor = {{\n profile = file(\"blind.yaml\")\n endpoint = {:?}\n credential = {:?}\n }}\n }}\n}}\n\
         resource \"tokenwright_api_token\" \"ci\" {{\n{resource}\n}}\n",
        world.played.endpoint, world.played.credential
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_can_only_mint_and_check_is_managed_and_says_what_is_left_to_a_person() {
    // Thirty days last six seconds.
    let world = World::new(0.2, CI).await;
    std::fs::write(world.path("blind.yaml"), blind()).unwrap();
    let rotated = |n: u32| {
        format!("{CI}\n  rotation = {{ renew_before = \"20d\", triggers = {{ a = \"{n}\" }} }}")
    };
    configure(&world, &rotated(1));
    world.apply().await;
    let first = world.state().await;
    assert_eq!(first["status"], "active");
    world.plans_nothing().await;

    configure(&world, &rotated(2));
    world.apply().await;
    let second = world.state().await;
    assert_eq!(second["revision"], 2);
    assert!(world.works(&second["value"]).await);
    world.plans_nothing().await;

    // What is dead is minted anew.
    reached(&second["expires_at"]).await;
    world.apply().await;
    let third = world.state().await;
    assert!(world.works(&third["value"]).await);
    let ran = world.destroy().await;
    ran.warns(&[
        "Tokens stay alive",
        "Revoke it on the page of API keys.",
        third["token_id"].as_str().unwrap(),
    ]);
    assert!(world.state().await.is_null());
}
