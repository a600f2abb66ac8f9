//! Ctrl-C as a terminal does it, once and twice, while a request is on its way: the core, the provider and all
//! between them hear it.

use std::fs::{self, File};

use serde_json::json;
use tokenwright_sandbox::ledger::What;
use tokio::process::Child;

use super::ephemeral::{is_held, of_one_run};
use super::{ADDRESS, APPLY, Script, apply, consumed, held, living, nobodys, rests, trigger};
use crate::support::processes::signal_all;
use crate::support::{CI, World, until};

/// A run in a process group of its own, and what it says, in a file.
struct Terminal<'w> {
    world: &'w World,
    core: Child,
}

impl<'w> Terminal<'w> {
    fn starts(world: &'w World, args: &[&str]) -> Self {
        let said = File::create(world.path("said")).unwrap();
        let mut command = world.command(args);
        command
            .process_group(0)
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .kill_on_drop(true);
        let core = command.spawn().unwrap();
        Self { world, core }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.world.path("said")).unwrap()
    }

    /// While it waits for an answer, which comes once the core has heard it.
    async fn interrupted_before(&self, answer: u64, times: usize) {
        let arrived = || self.world.waiting(answer) == 1;
        until("the request reaches the vendor", arrived).await;
        self.interrupted_once().await;
        if times == 2 {
            self.interrupted("Two interrupts received").await;
        }
        self.world.sandbox.faults().remove(answer);
    }

    async fn interrupted_once(&self) {
        self.interrupted("Interrupt received").await;
    }

    async fn interrupted(&self, answer: &str) {
        signal_all("-INT", self.core.id().unwrap());
        until("the core hears it", || self.said().contains(answer)).await;
    }

    /// What it said until its end.
    async fn ends(mut self) -> String {
        self.core.wait().await.unwrap();
        let _ = fs::remove_file(self.world.path(".terraform.tfstate.lock.info"));
        self.said()
    }
}

/// A script whose requests wait for their answers until an interrupt was heard.
async fn patient(resource: &str) -> Script {
    with_days_of(86_400.0, resource).await
}

async fn with_days_of(seconds: f64, resource: &str) -> Script {
    let mut world = Script::new(seconds, resource).await;
    world.issuer = world.issuer.replace("2s", "1m");
    world.configure(resource);
    world
}

/// Tokens of one run live for a day.
///
/// Interrupted twice, a core gives its providers two seconds: on a machine that is busy, a token ends by itself.
async fn of_runs(times: usize) -> Script {
    let a_day = if times == 1 { 86_400.0 } else { 10.0 };
    with_days_of(a_day, CI).await
}

/// Holds back the answer to such a request, which has taken effect.
fn answered_late(world: &World, operation: &str) -> u64 {
    let matching = json!({ "operation": operation, "count": 1 });
    world.fault(matching, json!({ "latency_ms": 60_000 }))
}

async fn interrupted(world: &World, args: &[&str], operation: &str, times: usize) -> String {
    let answer = answered_late(world, operation);
    let run = Terminal::starts(world, args);
    run.interrupted_before(answer, times).await;
    run.ends().await
}

/// A token, or its second one, while whose mint a run is interrupted.
async fn interrupted_in_a_mint(world: &World, first: bool, times: usize) -> String {
    if !first {
        apply(world).await;
        world.configure(&consumed(&trigger(2, "")));
    }
    interrupted(world, &APPLY, "mint", times).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_interrupt_in_a_mint_lets_it_end_and_loses_nothing() {
    for first in [true, false] {
        let world = patient(&consumed(&trigger(1, ""))).await;
        let said = interrupted_in_a_mint(&world, first, 1).await;
        let done = match first {
            true => "Creation complete",
            false => "Modifications complete",
        };
        assert!(said.contains(done), "{said}");
        // The state has it, and its consumers are told.
        let planned = apply(&world).await.planned();
        assert!(!planned.contains_key(ADDRESS), "{planned:?}");
        let state = rests(&world).await;
        let minted = if first { 1 } else { 2 };
        assert_eq!(state["revision"], minted);
        assert_eq!(world.summary().minted, minted);
        world.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_the_issuer_asks_to_wait_mints_nothing_and_a_plain_apply_goes_on() {
    for first in [true, false] {
        let world = patient(&consumed(&trigger(1, ""))).await;
        if !first {
            apply(&world).await;
            world.configure(&consumed(&trigger(2, "")));
        }
        let minted = world.summary().minted;
        let fault = world.fault(
            json!({ "operation": "mint", "count": 1 }),
            json!({ "status": 429, "retry_after": 20 }),
        );
        let run = Terminal::starts(&world, &APPLY);
        until("the mint is put off", || world.hits(fault) == 1).await;
        run.interrupted_once().await;
        let said = run.ends().await;
        assert!(said.contains("Nothing was minted."), "{said}");
        assert_eq!(world.summary().minted, minted);
        let planned = apply(&world).await.planned();
        assert_eq!(planned[ADDRESS], if first { "create" } else { "update" });
        rests(&world).await;
        assert_eq!(world.summary().minted, minted + 1);
        world.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_interrupts_in_a_mint_leave_nothing_that_no_run_names() {
    for first in [true, false] {
        let world = patient(&consumed(&trigger(1, ""))).await;
        // The core ends its providers itself now, and gives them two seconds.
        interrupted_in_a_mint(&world, first, 2).await;
        if first {
            world.apply().await;
        }
        let ran = apply(&world).await;
        let state = rests(&world).await;
        // Two seconds may be too short for a provider to take back what a create has minted: it is named.
        let left = nobodys(&state);
        assert!(first || left.is_empty(), "{state}");
        for id in &left {
            ran.warns(&[id]);
        }
        world.ends_beside(&left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupts_in_a_destroy_forget_no_token() {
    for times in [1, 2] {
        let world = patient(&consumed(CI)).await;
        apply(&world).await;
        let value = held(&world);
        let destroy = ["destroy", "-auto-approve", "-no-color"];
        interrupted(&world, &destroy, "revoke", times).await;
        assert!(!world.works(&value).await, "the revoke was on its way");
        world.ends_with(Some(&value), &[]).await;
        assert!(world.state().await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_a_token_of_one_run_is_minted_leaves_none() {
    for times in [1, 2] {
        for args in [&["plan", "-no-color"][..], &APPLY] {
            let world = of_runs(times).await;
            of_one_run(&world, "true");
            interrupted(&world, args, "mint", times).await;
            assert_eq!(world.count(What::Mint), 1);
            if times == 2 {
                until("it ends", || living(&world).is_empty()).await;
            }
            world.ended(None).await;
        }
    }
}

/// Asks for all tokens once a file lets it.
const READ_BESIDE_IT: &str = r#"
resource "terraform_data" "gate" {
  provisioner "local-exec" {
    command = "while [ ! -e open ]; do sleep 0.1; done"
  }
}
data "tokenwright_api_tokens" "all" {
  issuer     = "vendor"
  depends_on = [terraform_data.gate]
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_a_run_uses_its_token_ends_that() {
    for times in [1, 2] {
        let world = of_runs(times).await;
        // Whoever hears it goes on: only the core decides when the run is over.
        let until_its_end = "trap '' INT; printf %s \"$VALUE\" > held; while :; do sleep 0.1; done";
        of_one_run(&world, until_its_end);
        fs::write(world.path("beside.tf"), READ_BESIDE_IT).unwrap();
        let run = Terminal::starts(&world, &APPLY);
        is_held(&world).await;
        // The core ends what uses the token at once; only a request on its way keeps it for the second one.
        let answer = answered_late(&world, "list");
        fs::write(world.path("open"), "").unwrap();
        run.interrupted_before(answer, times).await;
        run.ends().await;
        if times == 2 {
            until("it ends", || living(&world).is_empty()).await;
        }
        world.ended(Some(&held(&world))).await;
    }
}
