//! A fixed end in place of a lifetime, under a real Terraform.

use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::World;

/// So many days from now, to the second.
fn in_days(days: i64) -> String {
    let now = tokenwright_client::Clock::system().now();
    let second = jiff::Timestamp::from_second(now.as_second()).unwrap();
    let end = second + jiff::SignedDuration::from_hours(24 * days);
    end.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_end_is_what_the_issuer_gives_and_the_state_keeps_and_it_can_be_moved() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    let wants = |end: &str| {
        world.configure(&format!(
            "  name = \"ci\"\n  expires_at = {end:?}\n  parameters = {{ application_id = {application:?} }}"
        ));
    };
    let (first, later) = (in_days(30), in_days(60));
    wants(&first);
    world.apply().await;
    let state = world.state().await;
    assert_eq!(state["expires_at"], first.as_str());
    assert!(state["lifetime"].is_null());
    let end = world.lives()[0].expires_at.unwrap();
    assert_eq!(
        end.as_second(),
        first.parse::<jiff::Timestamp>().unwrap().as_second()
    );
    world.plans_nothing().await;

    wants(&later);
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    assert_eq!(world.planned().await["after"]["expires_at"], later.as_str());
    world.apply().await;
    assert_eq!(world.state().await["expires_at"], later.as_str());
    assert!(world.count(What::Mint) <= 2);
    world.plans_nothing().await;

    wants("2020-01-01T00:00:00Z");
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["expires_at lies behind", "expires_at = "]);
    wants(&later);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_an_end_or_with_two_is_an_error_at_its_attribute() {
    let world = World::new(86_400.0, "").await;
    for (resource, words) in [
        (
            "  name = \"ci\"",
            ["lifetime is required", "expires_at in its place"],
        ),
        (
            "  name = \"ci\"\n  lifetime = \"30d\"\n  expires_at = \"2030-01-01T00:00:00Z\"",
            ["expires_at stands beside lifetime", "[expires_at ="],
        ),
        (
            "  name = \"ci\"\n  expires_at = \"2030-01-01T00:00:00Z\"\n  rotation = { every = \"10d\" }",
            ["rotation.every needs a lifetime", "expires_at is moved"],
        ),
    ] {
        world.configure(resource);
        let ran = world.run(&["validate", "-json"]).await.failed();
        let said = ran.text.replace("\\\"", "\"");
        for word in &words[..1] {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
        let ran = world.run(&["plan", "-json"]).await.failed();
        ran.says(&words);
    }
}
