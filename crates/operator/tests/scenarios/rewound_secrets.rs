//! A store that is set back by so little that it has lost no change of an `ApiToken`: only what was written into a
//! Secret since.

use serde_json::json;
use tokenwright_api::names::label;
use tokenwright_testbed::memory::{Fault, Verb};

use crate::rewound::{HOUR, delivered, operator, pass_working, set_back};
use crate::world::TOKENS;

/// The status is written after the Secret: it is refused until the store is another one.
#[tokio::test(start_paused = true)]
async fn what_a_secret_lost_with_the_store_is_written_anew() {
    for has_lease in [true, false] {
        for others in [true, false] {
            for damage in [
                json!({ "data": { "token": "b3RoZXI=" } }),
                json!({ "metadata": { "labels": { label::SECRET: null } } }),
            ] {
                let telling = format!("lease: {has_lease}, others: {others}, {damage}");
                let (world, first) = delivered(has_lease).await;
                world.api.on_request(|seen| {
                    let writes = matches!(seen.verb, Verb::Update | Verb::Patch);
                    match writes && seen.resource == TOKENS {
                        true => Fault::refuse(500, "InternalError", "not now"),
                        false => Fault::Pass,
                    }
                });
                world.edit_secret(damage).await;
                let before = world.api.version();
                world.pass(2).await;
                let mended = world.api.version();
                assert!(mended > before, "{telling}: it mends nothing");
                set_back(&world, before, others).await;
                world.api.clear_faults();
                // An API server that begins anew over another store has no history, and lists.
                world.api.compact();
                world.api.cut_watches("first");
                world.pass(HOUR).await;
                // Whoever noticed is started again.
                let (serves, _stop) = match first.0.is_finished() {
                    true => operator(&world, has_lease),
                    false => first,
                };
                world.pass(600).await;
                assert_eq!(world.condition("Ready"), "True: Ready", "{telling}");
                pass_working(&world, HOUR).await;
                let secret = world.secret().unwrap();
                let labels = secret.metadata.labels.unwrap_or_default();
                assert!(labels.contains_key(label::SECRET), "{telling}");
                serves.abort();
            }
        }
    }
}
