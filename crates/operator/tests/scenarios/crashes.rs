//! The operator dies at every point at which it can: before and after each of its writes and each of
//! its requests to the issuer. A new one heals whatever it finds.

use serde_json::json;
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::{Look, LostAnswer, UpdateKind};
use tokenwright_testbed::memory::{Fault, StopPoint};

use crate::points::{self, Story};
use crate::world::{NAMESPACE, OPERATOR, World};

/// What is done with the operator, from a world in which it is quiet.
#[derive(Debug, Clone, Copy)]
enum Scenario {
    FirstMint,
    Rotation,
    Trigger,
    ChangedInputs,
    ChangedInPlace,
    LostSecret,
    Disabled,
    Enabled,
    Deletion,
}

/// A scenario at a system that repairs lost answers in its way.
#[derive(Debug, Clone, Copy)]
struct Played(Scenario, LostAnswer);

impl Story for Played {
    /// The world just before it.
    async fn prepared(self) -> World {
        let Self(scenario, lost_answer) = self;
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = lost_answer;
        let kinds = [UpdateKind::ShortenExpiry, UpdateKind::ExtendExpiry];
        settings.capabilities.update.extend(kinds);
        if lost_answer == LostAnswer::CannotList {
            settings.capabilities.look = Look::Nothing;
        }
        let mut world = World::with(settings).await;
        match scenario {
            Scenario::FirstMint => {}
            Scenario::Rotation => {
                world.start();
                // Due two minutes after its mint, with an overlap of half a minute.
                world.ask(json!({ "token": { "lifetime": "10m" }, "rotation": { "renewBefore": "8m", "overlap": "30s" } })).await;
                world.pass(60).await;
            }
            Scenario::Trigger
            | Scenario::ChangedInputs
            | Scenario::ChangedInPlace
            | Scenario::LostSecret
            | Scenario::Disabled
            | Scenario::Deletion => {
                world.start();
                world.ask(json!({ "rotation": { "overlap": "30s" } })).await;
                world.pass(60).await;
            }
            Scenario::Enabled => {
                world.start();
                world.ask(json!({ "state": "Disabled" })).await;
                world.pass(700).await;
            }
        }
        world
    }

    /// What a person does, and the time that it takes when nothing goes wrong.
    async fn play(self, world: &mut World) -> u64 {
        match self.0 {
            Scenario::FirstMint => {
                world.start();
                world.ask(json!({})).await;
                20
            }
            Scenario::Rotation => 120,
            Scenario::Trigger => {
                world
                    .change(json!({ "spec": { "rotation": { "trigger": "again" } } }))
                    .await;
                60
            }
            Scenario::ChangedInputs => {
                world
                    .change(json!({ "spec": { "token": { "scopes": ["read"] } } }))
                    .await;
                60
            }
            Scenario::ChangedInPlace => {
                let wish = json!({ "name": "web", "lifetime": "80d" });
                world.change(json!({ "spec": { "token": wish } })).await;
                60
            }
            Scenario::LostSecret => {
                world
                    .secrets()
                    .delete("ci-token", &Default::default())
                    .await
                    .unwrap();
                60
            }
            Scenario::Disabled | Scenario::Enabled => {
                let state = format!("{:?}", self.0);
                world.change(json!({ "spec": { "state": state } })).await;
                60
            }
            Scenario::Deletion => {
                world.delete().await;
                60
            }
        }
    }

    /// What holds whatever happened on the way.
    fn holds(self, world: &World, story: &str) {
        // What the Secret holds was not revoked, at no time.
        if let Some(value) = world.data("token") {
            let owner = world
                .issuer
                .owner_of(&value)
                .unwrap_or_else(|| panic!("{story}: nobody's value"));
            assert!(
                owner.revoked_at.is_none(),
                "{story}: the Secret holds a revoked token"
            );
        }
    }

    /// What holds in the end.
    fn ends_well(self, world: &World, story: &str) {
        let mints = world.issuer.count(Operation::Mint);
        match self.0 {
            Scenario::Deletion => {
                assert!(
                    world.object().is_none(),
                    "{story}: the object is still there: {}",
                    world.message("Ready")
                );
                assert!(
                    world.secret().is_none(),
                    "{story}: the Secret is still there"
                );
                assert!(
                    world.issuer.live().is_empty(),
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                assert_eq!(mints, 1, "{story}");
            }
            Scenario::FirstMint
            | Scenario::Trigger
            | Scenario::ChangedInputs
            | Scenario::LostSecret => {
                // Where no listing tells, an attempt whose answer was lost stays open for hours, or is counted.
                let status = world.object().unwrap().status.unwrap();
                let suspects = usize::try_from(status.suspects).unwrap();
                let lost = suspects + status.attempts.len();
                let tells = [LostAnswer::FindByMarker, LostAnswer::Replay].contains(&self.1);
                assert!(!tells || lost == 0, "{story}: {lost} lost");
                assert!(
                    world.issuer.live().len() <= 1 + lost,
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                assert_eq!(world.condition("RevokeFailed"), "absent", "{story}");
                if status.attempts.is_empty() {
                    world.the_secret_works();
                    assert_eq!(world.condition("Ready"), "True: Ready", "{story}");
                }
                let reasons = if matches!(self.0, Scenario::FirstMint) {
                    1
                } else {
                    2
                };
                assert!(mints <= reasons + 1, "{story}: {mints} mints");
            }
            Scenario::Disabled | Scenario::Enabled => {
                let [only] = &world.issuer.live()[..] else {
                    panic!("{story}: {:#?}", world.issuer.live());
                };
                let (works, ready) = match self.0 {
                    Scenario::Enabled => (true, "True: Ready"),
                    _ => (false, "False: Disabled"),
                };
                assert_eq!(only.token.enabled.unwrap_or(true), works, "{story}");
                assert_eq!(world.condition("Ready"), ready, "{story}");
                assert_eq!(mints, 1, "{story}");
            }
            Scenario::ChangedInPlace => {
                let token = world.the_only_token().token;
                assert!(token.name.unwrap().starts_with("web "), "{story}");
                let (from, to) = (token.details.created_at.unwrap(), token.expires_at.unwrap());
                assert_eq!(to.duration_since(from).as_hours(), 80 * 24, "{story}");
                let status = world.object().unwrap().status.unwrap();
                let shown = status.current.unwrap().expires_at.unwrap();
                assert_eq!(shown.as_second(), to.as_second(), "{story}");
                assert_eq!(world.condition("Ready"), "True: Ready", "{story}");
                assert_eq!(mints, 1, "{story}");
            }
            Scenario::Rotation => {
                // Rotations go on; what matters is that there is one current token and no orphan.
                world.the_secret_works();
                assert!(
                    world.issuer.live().len() <= 2,
                    "{story}: {:#?}",
                    world.issuer.live()
                );
                assert_eq!(world.condition("Ready"), "True: Ready", "{story}");
            }
        }
    }
}

async fn dies_everywhere(scenario: Scenario, at_least: usize) {
    dies_with(scenario, LostAnswer::FindByMarker, at_least).await;
}

async fn dies_with(scenario: Scenario, lost_answer: LostAnswer, at_least: usize) {
    points::dies_everywhere(Played(scenario, lost_answer), at_least).await;
}

#[tokio::test(start_paused = true)]
async fn a_first_mint_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::FirstMint, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_rotation_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Rotation, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_triggered_rotation_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Trigger, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_inputs_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::ChangedInputs, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_in_place_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::ChangedInPlace, 12).await;
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_the_secret_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::LostSecret, 16).await;
}

#[tokio::test(start_paused = true)]
async fn a_switch_survives_a_crash_at_every_point() {
    for lost_answer in [
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
        LostAnswer::CannotList,
    ] {
        dies_with(Scenario::Disabled, lost_answer, 4).await;
        dies_with(Scenario::Enabled, lost_answer, 4).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Deletion, 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_answers_again_survives_a_crash_at_every_point() {
    for scenario in [Scenario::FirstMint, Scenario::Trigger, Scenario::Deletion] {
        dies_with(scenario, LostAnswer::Replay, 8).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_that_shows_no_names_survives_a_crash_at_every_point() {
    for lost_answer in [LostAnswer::CannotAttribute, LostAnswer::CannotList] {
        for scenario in [
            Scenario::FirstMint,
            Scenario::Trigger,
            Scenario::LostSecret,
            Scenario::Deletion,
        ] {
            dies_with(scenario, lost_answer, 8).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_somebody_changes_between_its_publish_and_a_restart_is_not_taken_for_ours() {
    for begun in [false, true] {
        let mut world = World::new().await;
        world.start();
        if begun {
            world.ask(json!({})).await;
            world.pass(30).await;
        }
        let published = StopPoint::new();
        let held = published.clone();
        world.api.on_request(move |seen| {
            let named = seen.name.as_deref().is_none_or(|name| name == "ci-token");
            let ours = named && seen.namespace.as_deref() == Some(NAMESPACE);
            let publishes = ours && seen.is_write() && seen.resource == "secrets" && !seen.dry_run;
            match publishes && seen.who == OPERATOR {
                true => Fault::StopAfter(held.clone()),
                false => Fault::Pass,
            }
        });
        match begun {
            true => {
                let wish = json!({ "spec": { "rotation": { "trigger": "again" } } });
                world.change(wish).await;
            }
            false => world.ask(json!({})).await,
        }
        published.reached().await;
        world.crash().await;
        world.api.clear_faults();
        let edit = json!({ "stringData": { "token": "somebody else's" } });
        world.edit_secret(edit).await;
        world.start();
        world.pass(120).await;
        world.the_secret_works();
        assert_eq!(world.condition("Ready"), "True: Ready");
        world.pass(7_200).await;
        world.the_only_token();
    }
}
