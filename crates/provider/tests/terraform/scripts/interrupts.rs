//! Ctrl-C during a slow mint, once and twice.

use serde_json::json;

use super::{ADDRESS, APPLY, Script, apply, consumed, nobodys, rests, trigger};
use crate::support::processes::signal;
use crate::support::{World, seconds, until};

/// Interrupts an apply whose mint is on its way.
async fn interrupted(world: &World, times: u32) {
    let fault = world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "latency_ms": 1500 }),
    );
    let mut terraform = world.spawn(&APPLY);
    until("the mint reaches the vendor", || world.waiting(fault) == 1).await;
    for _ in 0..times {
        signal("-INT", terraform.id().unwrap());
        seconds(0.3).await;
    }
    terraform.wait().await.unwrap();
    let _ = std::fs::remove_file(world.path(".terraform.tfstate.lock.info"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_interrupt_in_a_rotation_lets_its_mint_end_and_loses_nothing() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
    apply(&world).await;
    world.configure(&consumed(&trigger(2, "")));
    interrupted(&world, 1).await;
    // The state has it, and its consumers are told.
    let planned = apply(&world).await.planned();
    assert!(!planned.contains_key(ADDRESS), "{planned:?}");
    let state = rests(&world).await;
    assert_eq!(state["revision"], 2);
    assert_eq!(world.summary().minted, 2);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_the_issuer_asks_to_wait_mints_nothing_and_a_plain_apply_goes_on() {
    let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
    let fault = world.fault(
        json!({ "operation": "mint", "count": 1 }),
        json!({ "status": 429, "retry_after": 20 }),
    );
    let mut terraform = world.spawn(&APPLY);
    until("the mint is put off", || world.hits(fault) == 1).await;
    signal("-INT", terraform.id().unwrap());
    assert!(!terraform.wait().await.unwrap().success());
    assert_eq!(world.summary().minted, 0);
    let planned = apply(&world).await.planned();
    assert_eq!(planned[ADDRESS], "create");
    rests(&world).await;
    assert_eq!(world.summary().minted, 1);
    world.ends().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_interrupts_in_a_mint_leave_nothing_that_no_run_names() {
    for first in [true, false] {
        let world = Script::new(86_400.0, &consumed(&trigger(1, ""))).await;
        if !first {
            apply(&world).await;
            world.configure(&consumed(&trigger(2, "")));
        }
        // Terraform ends its providers itself now, and gives them two seconds.
        interrupted(&world, 2).await;
        seconds(2.5).await;
        if first {
            world.apply().await;
        }
        apply(&world).await;
        let state = rests(&world).await;
        // Two seconds may be too short for a provider to take back what a create has minted: it is named.
        let left = nobodys(&state);
        assert!(first || left.is_empty(), "{state}");
        world.ends_beside(&left).await;
    }
}
