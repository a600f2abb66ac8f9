//! Actions under a core that knows them, by hand and beside the changes of other resources.

use tokenwright_sandbox::ledger::What;

use super::{example, planned, world};
use crate::support::{CI, Ran, World, seconds};

pub(super) const ALL: &[&str] = &["revoke", "disable", "enable"];

/// These after the resource: the actions as the examples have them, on this token.
pub(super) fn actions(verbs: &[&str], resource: &str, token_id: &str) -> String {
    let one = |verb: &&str| example(&format!("actions/tokenwright_{verb}/action.tf"));
    let all: String = verbs.iter().map(one).collect();
    assert_eq!(all.matches(ITS).count(), verbs.len());
    let all = all.replace(ITS, token_id);
    let all = all.trim_end().strip_suffix('}').unwrap().to_owned();
    format!("{resource}\n}}\n{all}")
}

pub(super) const ITS: &str = "tokenwright_api_token.ci.token_id";

async fn invoke(world: &World, verb: &str) -> Ran {
    let invoke = format!("-invoke=action.tokenwright_{verb}.ci");
    world
        .run(&["apply", "-auto-approve", "-json", &invoke])
        .await
}

/// What an action told on the way.
pub(super) fn told(ran: &Ran) -> String {
    let lines = ran
        .lines
        .iter()
        .filter(|line| line["type"] == "action_progress");
    let told: Vec<_> = lines
        .map(|line| line["hook"]["message"].as_str().unwrap())
        .collect();
    told.join("\n")
}

/// What the vendor was asked to do, in this order; what was only asked about is left out.
pub(super) fn done(world: &World) -> Vec<What> {
    let ledger = world.sandbox.ledger(None).unwrap();
    let all = ledger.events.iter().map(|entry| entry.what);
    all.filter(|what| !matches!(what, What::Use | What::Refused))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_disabled_enabled_and_revoked_by_hand_and_the_next_plan_sees_it() {
    let world = world().await;
    world.configure(&actions(ALL, CI, ITS));
    world.apply().await;
    let value = world.state().await["value"].clone();
    for (verb, past, works) in [
        ("disable", "is disabled", false),
        ("enable", "is enabled", true),
        ("revoke", "is revoked", false),
    ] {
        let ran = invoke(&world, verb).await.succeeded();
        assert!(told(&ran).contains(past), "{}", ran.text);
        assert_eq!(world.works(&value).await, works, "{verb}");
        if verb != "revoke" {
            world.plans_nothing().await;
            let status = ["disabled", "active"][usize::from(works)];
            world
                .run(&["apply", "-refresh-only", "-auto-approve", "-json"])
                .await
                .succeeded();
            assert_eq!(world.state().await["status"], status);
        }
    }
    assert_eq!(
        done(&world),
        [What::Mint, What::Disable, What::Enable, What::Revoke]
    );
    // A listing is believed once it must show the token: ten seconds after its mint.
    seconds(10.2).await;
    world.apply().await;
    assert_eq!(
        world.state().await["rotation_reason"],
        "missing at the issuer"
    );
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_action_may_not_do_is_an_error_at_its_attribute_and_nothing_is_done() {
    let world = world().await;
    let by_hand = world.made_by_api().await;
    world.configure(&actions(ALL, CI, &format!("{by_hand:?}")));
    world.apply().await;
    for verb in ["revoke", "disable", "enable"] {
        let ran = invoke(&world, verb).await.failed();
        ran.says(&["without a marker of this provider's `manager`", "token_id"]);
    }
    assert_eq!(done(&world), [What::Mint, What::Mint]);
    world.destroy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_while_a_resource_changes_and_ends_with_it_by_its_triggers() {
    let world = world().await;
    let job = |round: u32| {
        let job = format!(
            r#"{CI}
}}
resource "terraform_data" "job" {{
  input = "{round}"
  lifecycle {{
    action_trigger {{
      events  = [before_update]
      actions = [action.tokenwright_enable.ci]
    }}
    action_trigger {{
      events  = [after_create, after_update]
      actions = [action.tokenwright_disable.ci]
    }}
    action_trigger {{
      events  = [before_destroy]
      actions = [action.tokenwright_revoke.ci]
    }}
  }}
"#
        );
        actions(ALL, &job, ITS)
    };
    world.configure(&job(1));
    // The id is known once the token is minted, in the middle of this apply.
    world.apply().await;
    let first = world.state().await;
    assert_eq!(done(&world), [What::Mint, What::Disable]);
    world.plans_nothing().await;

    world.configure(&job(2));
    world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
    assert_eq!(
        planned(&world).await.into_values().collect::<Vec<_>>(),
        ["update"]
    );
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    assert_eq!(done(&world)[2..], [What::Enable, What::Disable]);
    assert_eq!(world.state().await["token_id"], first["token_id"]);
    world.plans_nothing().await;

    // The token is revoked before the job ends, and its own destroy finds that done.
    world.destroy().await;
    assert_eq!(done(&world)[4..], [What::Revoke]);
    world.nothing_lives();
}

/// A resource that rotates with each round, and an action that revokes after that.
pub(super) fn revoking_after_rotation(round: u32) -> String {
    format!(
        r#"{CI}
  rotation = {{ triggers = {{ round = "{round}" }} }}
  lifecycle {{
    action_trigger {{
      events  = [after_update]
      actions = [action.tokenwright_revoke.ci]
    }}
  }}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_former_token_ends_in_the_apply_that_rotates_it_by_an_action_of_its_own_resource() {
    let world = world().await;
    let of_caller = "caller.retiring[0].token_id";
    world.configure(&actions(
        &["revoke"],
        &revoking_after_rotation(1),
        of_caller,
    ));
    world.apply().await;
    let first = world.state().await;
    world.configure(&actions(
        &["revoke"],
        &revoking_after_rotation(2),
        of_caller,
    ));
    world.apply().await;
    let second = world.state().await;
    assert_eq!(done(&world), [What::Mint, What::Mint, What::Revoke]);
    assert_eq!(world.lives()[0].id, first["token_id"]);
    assert!(world.lives()[0].revoked_at.is_some());
    assert!(world.works(&second["value"]).await);
    assert!(!world.works(&first["value"]).await);
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_after_a_rotation_that_names_the_new_token_ends_nothing_and_says_whom_to_name() {
    let world = world().await;
    let of_caller = "caller.token_id";
    world.configure(&actions(
        &["revoke"],
        &revoking_after_rotation(1),
        of_caller,
    ));
    world.apply().await;
    world.configure(&actions(
        &["revoke"],
        &revoking_after_rotation(2),
        of_caller,
    ));
    let ran = world.try_apply().await.failed();
    ran.says(&["took the place of another", "caller.retiring[0].token_id"]);
    let state = world.state().await;
    assert_eq!(done(&world), [What::Mint, What::Mint]);
    assert!(world.works(&state["value"]).await);
    world.plans_nothing().await;
    // By hand, in a run of its own, it is ended.
    let untriggered = format!("{CI}\n  rotation = {{ triggers = {{ round = \"2\" }} }}");
    world.configure(&actions(&["revoke"], &untriggered, ITS));
    invoke(&world, "revoke").await.succeeded();
    assert!(!world.works(&state["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_after_a_create_that_names_the_new_token_ends_nothing_and_says_what_to_write() {
    let world = world().await;
    let triggered = revoking_after_rotation(1).replace("after_update", "after_create");
    world.configure(&actions(&["revoke"], &triggered, ITS));
    let ran = world.try_apply().await.failed();
    ran.says(&["minted in this very run", "ephemeral tokenwright_api_token"]);
    let state = world.state().await;
    assert_eq!(done(&world), [What::Mint]);
    assert!(world.works(&state["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_action_ends_or_disables_the_credential_of_its_own_run() {
    let mut world = world().await;
    world.configure(&actions(ALL, CI, ITS));
    world.apply().await;
    let value = world.state().await["value"].clone();
    let persons = world.credential.replace(value.as_str().unwrap().to_owned());
    for verb in ["revoke", "disable"] {
        let invoke_it = format!("-invoke=action.tokenwright_{verb}.ci");
        let plan = world.run(&["plan", "-json", &invoke_it]).await.failed();
        for ran in [plan, invoke(&world, verb).await.failed()] {
            ran.says(&["this run's own credential"]);
        }
        let unseen = [
            "apply",
            "-auto-approve",
            "-json",
            "-refresh=false",
            &invoke_it,
        ];
        world
            .run(&unseen)
            .await
            .failed()
            .says(&["this run's own credential"]);
    }
    // By its id alone, beside the change of another resource.
    let id = world.state().await["token_id"].clone();
    let other = format!(
        "{CI}\n}}\nresource \"terraform_data\" \"job\" {{\n  input = 1\n  lifecycle {{\n    action_trigger {{\n      events  = [after_create]\n      actions = [action.tokenwright_revoke.ci]\n    }}\n  }}\n"
    );
    world.configure(&actions(&["revoke"], &other, &id.to_string()));
    world
        .try_apply()
        .await
        .failed()
        .says(&["this run's own credential"]);
    assert!(world.works(&value).await);
    world.credential = persons;
    world.destroy().await;
    world.nothing_lives();
}
