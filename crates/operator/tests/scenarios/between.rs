//! Another controller that writes between our read and our write, again and again, as one does that follows the
//! same watch: each of our writes meets a conflict, and nothing is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokenwright_client::Operation;
use tokenwright_testbed::memory::{Fault, Seen};

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

const MINUTE: u64 = 60;

/// So often the other one is quicker.
const TIMES: u32 = 6;

/// Writes an annotation of its own just before the next writes to these objects; how often it still will.
fn quicker(world: &World, resource: &'static str) -> Arc<AtomicU32> {
    let left = Arc::new(AtomicU32::new(TIMES));
    let (tokens, secrets, count) = (world.tokens(), world.secrets(), Arc::clone(&left));
    let concerns = move |seen: &Seen| {
        seen.who == OPERATOR
            && seen.is_write()
            && seen.resource == resource
            && seen.namespace.as_deref() == Some(NAMESPACE)
            && seen
                .name
                .as_deref()
                .is_some_and(|name| ["ci", "ci-token"].contains(&name))
    };
    world.api.on_request(move |seen| {
        let less = |left: u32| left.checked_sub(1);
        if !concerns(seen)
            || count
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_err()
        {
            return Fault::Pass;
        }
        let turn = seen.number.to_string();
        let change = json!({ "metadata": { "annotations": { "example.com/turn": turn } } });
        let (tokens, secrets) = (tokens.clone(), secrets.clone());
        tokio::spawn(async move {
            let (params, change) = (PatchParams::default(), Patch::Merge(change));
            match resource {
                TOKENS => drop(tokens.patch("ci", &params, &change).await),
                _ => drop(secrets.patch("ci-token", &params, &change).await),
            }
        });
        Fault::Delay(Duration::from_millis(50))
    });
    left
}

fn conflicts(world: &World) -> usize {
    let writes = world.api.writes(OPERATOR).into_iter();
    writes.filter(|write| write.status == Some(409)).count()
}

#[tokio::test(start_paused = true)]
async fn whoever_is_quicker_than_each_of_our_writes_has_nothing_minted_or_revoked_twice() {
    for resource in [TOKENS, "secrets"] {
        let mut world = World::new().await;
        world.start();
        world.pass(5).await;
        let left = quicker(&world, resource);
        world.ask(json!({})).await;
        world.pass(15 * MINUTE).await;
        assert_eq!(world.revision(), Some(1), "{resource}");
        assert_eq!(world.issuer.count(Operation::Mint), 1, "{resource}");
        let of_first = left.swap(TIMES, Ordering::Relaxed);
        assert!(resource != TOKENS || of_first == 0, "{of_first} are left");

        world
            .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
            .await;
        for _ in 0..15 {
            world.pass(MINUTE).await;
            world.the_secret_works();
        }
        assert_eq!(world.revision(), Some(2), "{resource}");
        assert_eq!(world.issuer.count(Operation::Mint), 2, "{resource}");
        assert_eq!(world.issuer.live().len(), 2, "{resource}");
        assert_eq!(left.swap(TIMES, Ordering::Relaxed), 0, "{resource}");
        assert!(conflicts(&world) >= 6, "{resource}: nothing was in our way");

        // The overlap ends, and the object with it.
        world.pass(75 * MINUTE).await;
        world.the_only_token();
        world.delete().await;
        world.pass(15 * MINUTE).await;
        assert!(world.object().is_none(), "{resource}");
        assert!(world.secret().is_none(), "{resource}");
        assert!(world.issuer.live().is_empty(), "{resource}");
        assert_eq!(world.issuer.count(Operation::Mint), 2, "{resource}");
    }
}
