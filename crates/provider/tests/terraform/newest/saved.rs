//! Actions in a plan that is saved, and applied after the world went on.

use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::ledger::What;

use super::actions::{ALL, ITS, actions, done, revoking_after_rotation, told};
use super::world;
use crate::support::{CI, Ran, World};

/// Plans this, and keeps the plan.
async fn save(world: &World, more: &[&str]) -> Ran {
    let plan = ["plan", "-json", "-out=plan"];
    world.run(&[&plan, more].concat()).await.succeeded()
}

async fn apply_saved(world: &World) -> Ran {
    world.run(&["apply", "-json", "plan"]).await
}

/// The kinds of the actions in the plan that was saved last.
async fn invoked(world: &World) -> Vec<String> {
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let all = shown["action_invocations"].as_array().into_iter().flatten();
    all.map(|one| one["type"].as_str().unwrap().to_owned())
        .collect()
}

/// A token, disabled if it is to be enabled, and a saved plan of one action on it.
async fn saved(verb: &str) -> World {
    let world = world().await;
    world.configure(&actions(ALL, CI, ITS));
    world.apply().await;
    if verb == "enable" {
        world.toggled().await;
    }
    save(&world, &[&format!("-invoke=action.tokenwright_{verb}.ci")]).await;
    assert_eq!(invoked(&world).await, [format!("tokenwright_{verb}")]);
    world
}

impl World {
    /// A person disables or enables the token of the state.
    async fn toggled(&self) {
        let id = self.state().await["token_id"].clone();
        self.by_hand(Method::PUT, &id).await;
    }
}

async fn ends(world: World) {
    world.sandbox.faults().clear();
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_does_its_action_when_it_is_applied_and_once() {
    for (verb, does) in [
        ("revoke", What::Revoke),
        ("disable", What::Disable),
        ("enable", What::Enable),
    ] {
        let world = saved(verb).await;
        let before = done(&world).len();
        let ran = apply_saved(&world).await.succeeded();
        assert!(told(&ran).contains(" is "), "{}", ran.text);
        assert_eq!(done(&world)[before..], [does], "{verb}");
        ends(world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_finds_what_a_person_did_in_the_meantime() {
    // Another person was there first.
    for (verb, is_done) in [("revoke", false), ("disable", true), ("enable", true)] {
        let world = saved(verb).await;
        match verb {
            "revoke" => {
                let id = world.state().await["token_id"].clone();
                world.by_hand(Method::DELETE, &id).await;
            }
            _ => world.toggled().await,
        }
        let before = done(&world).len();
        let ran = apply_saved(&world).await;
        match is_done {
            true => assert!(told(&ran.succeeded()).contains(" is "), "{verb}"),
            false => ran.failed().says(&["does not show it", "ended already"]),
        }
        assert_eq!(done(&world)[before..], [], "{verb}");
        ends(world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_another_run_came_before_does_nothing() {
    for verb in ["revoke", "disable", "enable"] {
        let world = saved(verb).await;
        let rotated = format!("{CI}\n  rotation = {{ triggers = {{ a = \"2\" }} }}");
        world.configure(&actions(ALL, &rotated, ITS));
        world.apply().await;
        let before = done(&world);
        let ran = apply_saved(&world).await.failed();
        assert!(ran.text.contains("Saved plan is stale"), "{}", ran.text);
        assert_eq!(done(&world), before, "{verb}");
        ends(world).await;
    }
}

/// No apply of a saved plan is told of a value that rests in the state.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_that_ends_the_credential_which_it_is_applied_with_says_that_it_may_be_done() {
    let mut world = saved("revoke").await;
    let value = world.state().await["value"].as_str().unwrap().to_owned();
    let persons = world.credential.replace(value);
    let ran = apply_saved(&world).await.failed();
    ran.says(&[
        "is not known",
        "accepted the revoke, and did not answer",
        "The next refresh of its resource shows it",
    ]);
    assert_eq!(done(&world).last(), Some(&What::Revoke));
    world.credential = persons;
    ends(world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_whose_issuer_fails_says_what_became_of_the_token() {
    for (verb, operation) in [
        ("revoke", "revoke"),
        ("disable", "toggle"),
        ("enable", "toggle"),
    ] {
        for (effect, takes_effect, words) in [
            (json!({ "status": 403 }), false, "The token is as it was"),
            (json!({ "lost_reply": true }), true, "may be invoked again"),
        ] {
            let world = saved(verb).await;
            let before = done(&world).len();
            world.fault(json!({ "operation": operation }), effect.clone());
            let ran = apply_saved(&world).await;
            // What was lost is looked for: a revoke is seen to be done.
            match ran.code {
                0 => assert!(takes_effect, "{verb} {effect}: {}", ran.text),
                _ => ran.says(&[words]),
            }
            assert_eq!(
                done(&world).len() - before,
                usize::from(takes_effect),
                "{verb} {effect}: {:?} {}",
                done(&world),
                ran.text
            );
            ends(world).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_rotation_ends_the_former_token_by_its_action_unless_a_person_did() {
    for by_hand in [false, true] {
        let world = world().await;
        let former = "caller.retiring[0].token_id";
        world.configure(&actions(&["revoke"], &revoking_after_rotation(1), former));
        world.apply().await;
        let first = world.state().await;
        world.configure(&actions(&["revoke"], &revoking_after_rotation(2), former));
        save(&world, &[]).await;
        assert_eq!(invoked(&world).await, ["tokenwright_revoke"]);
        if by_hand {
            world.by_hand(Method::DELETE, &first["token_id"]).await;
        }
        let ran = apply_saved(&world).await;
        match by_hand {
            // The rotation is done and kept; only the action has nothing to end.
            true => ran.failed().says(&["does not show it", "ended already"]),
            false => drop(ran.succeeded()),
        }
        let second = world.state().await;
        assert_eq!(second["revision"], 2);
        assert!(world.works(&second["value"]).await);
        assert!(!world.works(&first["value"]).await);
        assert_eq!(world.count(What::Revoke), 1);
        assert_eq!(world.count(What::Mint), 2);
        world.plans_nothing().await;
        ends(world).await;
    }
}
