//! Tokens of one run: many runs, runs that are killed, runs side by side.

use serde_json::json;
use tokenwright_sandbox::ledger::What;
use tokio::process::Child;

use super::{Script, apply};
use crate::support::processes::{kill, kill_provider, providers, runs};
use crate::support::{CI, World, seconds, until};

/// An ephemeral token that a command holds for a while.
pub(super) fn of_one_run(world: &World, command: &str) {
    world.write(&format!(
        r#"
provider "tokenwright" {{
  manager = "test"
  issuers = {{ vendor = {{ profile = "seeme", {} }} }}
}}
ephemeral "tokenwright_api_token" "run" {{
  name     = "run"
  scopes   = ["models:read"]
  lifetime = "1d"
}}
resource "terraform_data" "consumer" {{
  provisioner "local-exec" {{
    command     = {command:?}
    environment = {{ VALUE = ephemeral.tokenwright_api_token.run.value }}
  }}
}}
"#,
        world.issuer.replace('\n', ",")
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_twenty_plans_ends_the_token_that_it_made() {
    let world = Script::new(86_400.0, CI).await;
    of_one_run(&world, "true");
    for _ in 0..20 {
        world.run(&["plan", "-json"]).await.succeeded();
    }
    assert_eq!(world.count(What::Mint), world.count(What::Revoke));
    assert!(world.count(What::Mint) >= 20);
    world.ended(None).await;
}

/// A run whose command holds its token for a while.
async fn holding(world: &World) -> Child {
    of_one_run(world, "printf %s \"$VALUE\" > held; sleep 20");
    let terraform = world.spawn(&super::APPLY);
    is_held(world).await;
    terraform
}

/// Waits until the command of a run has its token, which works.
pub(super) async fn is_held(world: &World) {
    until("the run holds its token", || {
        let held = std::fs::read_to_string(world.path("held"));
        held.is_ok_and(|held| !held.is_empty())
    })
    .await;
    assert!(world.works(&super::held(world)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_whose_provider_was_killed_before_its_end_leaves_ends_by_itself_and_the_next_removes_it()
 {
    // A day lasts four seconds.
    let world = Script::new(4.0, CI).await;
    let mut terraform = holding(&world).await;
    kill_provider(&terraform);
    // Its command would sleep on.
    let _ = terraform.start_kill();
    terraform.wait().await.unwrap();
    let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
    seconds(4.2).await;
    assert!(!world.works(&super::held(&world)).await);
    of_one_run(&world, "true");
    apply(&world).await;
    // Also the one that had ended by itself.
    assert_eq!(world.count(What::Mint), world.count(What::Revoke));
    world.ends_with(Some(&super::held(&world)), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_run_whose_core_was_killed_before_its_end_is_ended_by_the_provider() {
    let world = Script::new(86_400.0, CI).await;
    let mut terraform = holding(&world).await;
    kill(terraform.id().unwrap());
    terraform.wait().await.unwrap();
    until("the provider ends it", || world.summary().live == 0).await;
    world.ended(Some(&super::held(&world))).await;
}

/// Nobody has its value: a provider that sees its core gone takes it back, and what nobody can take back ends.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_that_was_killed_in_its_mint_leaves_is_taken_back_or_ends_by_itself() {
    let killed = |of_core: bool, of_provider: bool| async move {
        // A day lasts four seconds.
        let world = Script::new(4.0, CI).await;
        of_one_run(&world, "true");
        let fault = world.fault(
            json!({ "operation": "mint", "count": 1 }),
            json!({ "latency_ms": 1500 }),
        );
        let mut terraform = world.spawn(&super::APPLY);
        until("the mint reaches the vendor", || world.waiting(fault) == 1).await;
        let all = providers(&terraform);
        if of_core {
            kill(terraform.id().unwrap());
        }
        if of_provider {
            all.iter().copied().for_each(kill);
        }
        assert!(!terraform.wait().await.unwrap().success());
        until("nothing of it runs any more", || {
            !all.iter().copied().any(runs)
        })
        .await;
        let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
        let taken_back = world.count(What::Revoke);
        assert_eq!(taken_back, usize::from(!of_provider), "{of_core}");
        seconds(4.2).await;
        assert!(world.lives()[0].ended_at.is_some() || of_provider);
        apply(&world).await;
        // Also the one that had ended by itself.
        assert_eq!(world.count(What::Mint), world.count(What::Revoke));
        world.ended(None).await;
    };
    tokio::join!(killed(true, false), killed(false, true), killed(true, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_side_by_side_end_their_own_tokens_alone() {
    let world = Script::new(86_400.0, CI).await;
    let check = format!(
        "sleep 2; curl -sf -H \"Authorization: Bearer $VALUE\" {}/models > /dev/null",
        world.played.endpoint
    );
    of_one_run(&world, &check);
    let run = |state: &'static str| {
        let args = ["apply", "-auto-approve", "-json", state];
        let world = &world;
        async move { world.run(&args).await.succeeded() }
    };
    tokio::join!(run("-state=one.tfstate"), run("-state=two.tfstate"));
    assert!(world.count(What::Mint) >= 2);
    assert_eq!(world.count(What::Mint), world.count(What::Revoke));
    assert_eq!(world.count(What::Refused), 0, "nobody's was ended early");
    world.ended(None).await;
}
