//! What the life of a token costs the API server, counted request by request.

use std::time::Duration;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;
use tokenwright_api::ApiToken;
use tokenwright_client::Operation;
use tokenwright_client::memory::Fault as Slow;
use tokenwright_testbed::memory::{Fault, Record, Verb};

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

/// What the operator asked for since the first `skip` requests, watches apart.
fn asked(world: &World, skip: usize) -> Vec<Record> {
    let requests = world.api.requests().into_iter().skip(skip);
    let ours = |record: &Record| record.seen.who == OPERATOR && record.seen.verb != Verb::Watch;
    requests.filter(ours).collect()
}

/// Looks at one `ApiToken` that say whether the store goes on: all who are to end something then share one.
fn is_shared_look(record: &Record) -> bool {
    record.seen.verb == Verb::Get && record.seen.resource == TOKENS
}

/// A look of a watch that ends, once in some minutes, whatever happens to anybody.
fn is_of_a_watch(record: &Record) -> bool {
    record.seen.verb == Verb::List && record.seen.resource == TOKENS
}

fn shared_looks(world: &World, skip: usize) -> usize {
    let asked = asked(world, skip).into_iter();
    asked.filter(is_shared_look).count()
}

/// What is about tokens and what is delivered, and shared with nobody, one line each.
fn about_tokens(world: &World, skip: usize) -> Vec<String> {
    let about = |record: &Record| {
        let seen = &record.seen;
        let issuer = ["credential", "issuer", "tokenwright-digest-key"];
        let of_issuer = seen
            .name
            .as_deref()
            .is_some_and(|name| issuer.contains(&name));
        let kinds = ["secrets", TOKENS, "events.events.k8s.io"];
        seen.namespace.is_some() && !of_issuer && kinds.contains(&seen.resource.as_str())
    };
    let line = |record: Record| {
        let seen = record.seen;
        let sub = seen.subresource.unwrap_or_default();
        let dry = if seen.dry_run { "dry run" } else { "" };
        format!(
            "{:?} {} {sub} {dry} {:?}",
            seen.verb, seen.resource, record.status
        )
    };
    asked(world, skip)
        .into_iter()
        .filter(|record| about(record) && !is_shared_look(record) && !is_of_a_watch(record))
        .map(line)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_first_mint_takes_six_requests_a_rotation_seven_and_a_deletion_five() {
    let mut world = World::new().await;
    world.start();
    world.pass(60).await;
    let before = world.api.requests().len();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let minting = about_tokens(&world, before);
    assert_eq!(minting.len(), 6, "{minting:#?}");
    assert_eq!(shared_looks(&world, before), 0, "nothing ends");

    let before = world.api.requests().len();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    // The overlap is an hour.
    world.pass(4_000).await;
    world.the_only_token();
    assert_eq!(world.revision(), Some(2));
    let rotating = about_tokens(&world, before);
    assert_eq!(rotating.len(), 7, "{rotating:#?}");
    assert_eq!(shared_looks(&world, before), 1);

    let before = world.api.requests().len();
    world.delete().await;
    world.pass(60).await;
    assert!(world.object().is_none());
    assert!(world.issuer.live().is_empty());
    let deleting = about_tokens(&world, before);
    assert_eq!(deleting.len(), 5, "{deleting:#?}");
    assert_eq!(shared_looks(&world, before), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_a_moment_for_a_turn_at_the_issuer_asks_for_no_more() {
    const MANY: usize = 30;
    let mut world = World::new().await;
    let one_at_once = json!({ "rate": { "perMinute": 6000, "concurrency": 1 } });
    world.issuer_as("narrow", one_at_once).await;
    world.issuer.hook(|request, _| {
        let late = Slow::Delay(Duration::from_millis(500));
        (request.operation == Operation::Mint).then_some(late)
    });
    world.start();
    world.pass(60).await;
    let before = world.api.requests().len();
    for number in 0..MANY {
        let name = format!("many-{number}");
        let asked = json!({ "issuerRef": { "name": "narrow" }, "secret": { "name": name } });
        world.ask_as(&name, asked).await;
    }
    world.pass(2).await;
    let all = world.tokens().list(&ListParams::default()).await.unwrap();
    let said = |token: &&ApiToken| {
        let status = token.status.as_ref();
        status.is_some_and(|status| !status.conditions.is_empty())
    };
    let said = all.iter().filter(said).count();
    assert!(
        said < MANY / 2,
        "the definition's own status says of the others that nothing is done: {said}"
    );
    world.pass(17).await;
    assert_eq!(world.issuer.live().len(), MANY);
    let asked = about_tokens(&world, before);
    assert_eq!(asked.len(), MANY * 6, "{asked:#?}");
}

/// Whoever waits is served within minutes, and would say that it waits in the meantime.
#[tokio::test(start_paused = true)]
async fn a_long_queue_that_moves_asks_for_no_more_and_one_that_stands_says_so_within_half_a_minute()
{
    const MANY: usize = 200;
    let mut world = World::new().await;
    let one_at_once = json!({ "rate": { "perMinute": 6000, "concurrency": 1 } });
    world.issuer_as("narrow", one_at_once).await;
    let slow = |world: &World, delay| {
        world.issuer.hook(move |request, _| {
            (request.operation == Operation::Mint).then_some(Slow::Delay(delay))
        });
    };
    slow(&world, Duration::from_millis(500));
    world.start();
    world.pass(60).await;
    let before = world.api.requests().len();
    let ask = async |world: &World, number: usize| {
        let name = format!("many-{number}");
        let asked = json!({ "issuerRef": { "name": "narrow" }, "secret": { "name": name } });
        world.ask_as(&name, asked).await;
    };
    for number in 0..MANY {
        ask(&world, number).await;
    }
    world.pass(150).await;
    assert_eq!(world.issuer.live().len(), MANY);
    let asked = about_tokens(&world, before).len();
    assert_eq!(asked, MANY * 6, "{asked} requests");

    world.pass(60).await;
    slow(&world, Duration::from_secs(600));
    for number in MANY..MANY + 3 {
        ask(&world, number).await;
    }
    world.pass(30).await;
    let says = |number: usize| {
        let name = format!("many-{number}");
        world.shown_of("apitokens", NAMESPACE, &name, "Reconciling")
    };
    let last = says(MANY + 2);
    assert!(last.starts_with("True: "), "{last}");
}

/// A turn that is granted is nobody else's until its object comes for it: that one goes before the thousands that
/// are only looked at for the first time.
#[tokio::test(start_paused = true)]
async fn where_the_api_server_is_slow_a_crowd_of_new_ones_asks_for_no_more() {
    const MANY: usize = 600;
    let mut world = World::new().await;
    let wide = json!({ "rate": { "perMinute": 60000, "concurrency": 4 } });
    world.issuer_as("wide", wide).await;
    world.start();
    world.pass(60).await;
    // The finalizer is what a first look waits for.
    world.api.on_request(|seen| match seen.verb {
        Verb::Patch => Fault::Delay(Duration::from_secs(2)),
        _ => Fault::Delay(Duration::from_millis(50)),
    });
    let before = world.api.requests().len();
    for number in 0..MANY {
        let name = format!("many-{number}");
        let asked = json!({ "issuerRef": { "name": "wide" }, "secret": { "name": name } });
        world.ask_as(&name, asked).await;
    }
    world.pass(300).await;
    assert_eq!(world.issuer.live().len(), MANY);
    let asked = about_tokens(&world, before).len();
    assert_eq!(asked, MANY * 6, "{asked} requests");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_end_at_the_same_time_share_the_looks_that_say_whether_the_store_goes_on() {
    const MANY: usize = 30;
    let mut world = World::new().await;
    world.start();
    for number in 0..MANY {
        let name = format!("many-{number}");
        let secret = json!({ "secret": { "name": name } });
        world.ask_as(&name, secret).await;
    }
    world.pass(660).await;
    // A real API server takes its time.
    world.api.on_request(|seen| match seen.verb {
        Verb::Get => Fault::Delay(Duration::from_millis(20)),
        _ => Fault::Pass,
    });
    let before = world.api.requests().len();
    for number in 0..MANY {
        let name = format!("many-{number}");
        let deleted = world.tokens().delete(&name, &DeleteParams::default()).await;
        deleted.unwrap();
    }
    world.pass(120).await;
    assert!(world.issuer.live().is_empty());
    let looks = shared_looks(&world, before);
    assert!((1..=MANY / 3).contains(&looks), "{looks}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_lags_costs_no_read_of_what_was_just_written() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.api.pin(OPERATOR, "secrets");
    let before = world.api.requests().len();
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    // The overlap is an hour.
    world.pass(4_000).await;
    let rotating = about_tokens(&world, before);
    assert_eq!(rotating.len(), 7, "{rotating:#?}");
    world.api.release(OPERATOR, "secrets");
    world.pass(60).await;
    world.the_only_token();
    assert_eq!(world.revision(), Some(2));
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_for_nothing_of_each_token_and_what_was_edited_meanwhile_is_still_found() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    for number in 0..20 {
        let name = format!("more-{number}");
        let secret = json!({ "secret": { "name": name } });
        world.ask_as(&name, secret).await;
    }
    world.pass(600).await;
    assert_eq!(world.issuer.live().len(), 21);
    world.crash().await;
    let before = world.api.requests().len();
    world.start();
    world.pass(60).await;
    let restarting = about_tokens(&world, before);
    // Lists alone, which are of no token.
    let of_tokens: Vec<_> = restarting
        .iter()
        .filter(|line| !line.starts_with("List"))
        .collect();
    assert!(of_tokens.is_empty(), "{of_tokens:#?}");
    let all = asked(&world, before).len();
    assert!(all < 20, "{all} requests beside watches");
    let read = asked(&world, before).into_iter();
    let read = read.filter(|record| record.seen.name.as_deref() == Some("credential"));
    assert_eq!(read.count(), 0, "the list shows the credential");

    world.crash().await;
    world
        .edit_secret(json!({ "data": { "token": "ZWRpdGVk" } }))
        .await;
    world.start();
    world.pass(60).await;
    assert_eq!(world.revision(), Some(2), "the edited value is replaced");
    world.the_secret_works();
}

/// Issuers that each have a credential and a token of their own.
async fn many_issuers(world: &World) {
    for number in 0..30 {
        let name = format!("of-{number}");
        let credential = json!({ "metadata": { "name": name, "namespace": NAMESPACE }, "data": { "token": "cmlnaHQ=" } });
        world.make("v1", "Secret", credential).await;
        let named = json!({ "credential": { "secretRef": { "name": name } } });
        world.issuer_as(&name, named).await;
        let secret =
            json!({ "issuerRef": { "name": name }, "secret": { "name": format!("{name}-token") } });
        world.ask_as(&name, secret).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_less_than_twenty_requests_however_many_issuers_and_tokens_there_are() {
    let mut world = World::new().await;
    many_issuers(&world).await;
    // An issuer that nobody needs is looked at each minute, since its credential is not marked.
    world.ask(json!({})).await;
    world.start_everywhere();
    world.pass(120).await;
    assert_eq!(world.issuer.live().len(), 31);
    world.crash().await;
    let before = world.api.requests().len();
    world.start_everywhere();
    // Shorter than a watch lasts.
    world.pass(200).await;
    assert!(world.issuer_ready("of-7").starts_with("True"));
    let all = world.api.requests().into_iter().skip(before);
    let all: Vec<_> = all.filter(|record| record.seen.who == OPERATOR).collect();
    assert!(all.len() < 20, "{all:#?}");
}

#[tokio::test(start_paused = true)]
async fn where_credentials_cannot_be_listed_each_is_read() {
    let mut world = World::new().await;
    many_issuers(&world).await;
    world.start_everywhere();
    world.pass(120).await;
    world.crash().await;
    world.api.on_request(|seen| match seen.verb {
        Verb::List if seen.resource == "secrets" => Fault::refuse(403, "Forbidden", "no list"),
        _ => Fault::Pass,
    });
    world.start_everywhere();
    world.pass(60).await;
    for number in [0, 29] {
        let ready = world.issuer_ready(&format!("of-{number}"));
        assert!(ready.starts_with("True"), "{ready}");
    }
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    let all = world.tokens();
    let params = PatchParams::default();
    all.patch("of-29", &params, &Patch::Merge(trigger))
        .await
        .unwrap();
    world.pass(60).await;
    assert_eq!(world.issuer.minted().len(), 31, "it is used");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_corrected_while_the_operator_starts_is_used() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.crash().await;
    world.set_credential("wrong").await;
    world.start();
    world.pass(10).await;
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("False: CredentialNotFound"), "{ready}");
    world.set_credential("corrected").await;
    world.pass(10).await;
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("True"), "{ready}");
}

/// Nobody looks for tokens that people made: each is asked about by its value, and the issuer lists none.
#[tokio::test(start_paused = true)]
async fn a_crowd_of_adopted_tokens_costs_so_much_for_each_and_no_listing() {
    const MANY: usize = 100;
    let mut world = World::new().await;
    for number in 0..MANY {
        let (_, value) = world.by_hand().await;
        world.fill(&format!("source-{number}"), &value).await;
    }
    world.start();
    world.pass(60).await;
    let before = world.api.requests().len();
    for number in 0..MANY {
        let name = format!("many-{number}");
        let source = json!({ "secretRef": { "name": format!("source-{number}") } });
        let adopt = json!({ "adopt": { "valueFrom": source }, "secret": { "name": name } });
        world.adopt_as(&name, adopt).await;
    }
    // A burst of ten, and one each second.
    world.pass(120).await;
    for number in 0..MANY {
        let name = format!("many-{number}");
        let ready = world.condition_of(TOKENS, &name, "Ready");
        assert_eq!(ready, "True: Ready", "{name}");
    }
    let of_issuer = |operation| world.issuer.count(operation) as usize;
    let asked = about_tokens(&world, before);
    // Most say once that they wait, and look at both Secrets again when it is their turn.
    assert!(asked.len() <= MANY * 18, "{}: {asked:#?}", asked.len());
    assert_eq!(of_issuer(Operation::Check), MANY);
    assert_eq!(of_issuer(Operation::List), 0);
    // Each is asked about once more after each ten minutes, and read for that.
    let before = world.api.requests().len();
    world.pass(3_600).await;
    let asked = about_tokens(&world, before);
    let checks = of_issuer(Operation::Check) - MANY;
    assert!((5 * MANY..=6 * MANY).contains(&checks), "{checks}");
    assert!(asked.len() <= 6 * checks, "{} for {checks}", asked.len());
    assert_eq!(of_issuer(Operation::List), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_ends_itself_is_told_by_its_issuer_as_no_loss() {
    let mut world = World::new().await;
    world.start();
    let names: Vec<String> = (0..30).map(|number| format!("many-{number}")).collect();
    for name in &names {
        let secret = json!({ "secret": { "name": name } });
        world.ask_as(name, secret).await;
    }
    world.pass(660).await;
    assert_eq!(world.issuer.live().len(), 30);
    let before = world.api.requests().len();
    for name in &names {
        let deleted = world.tokens().delete(name, &DeleteParams::default()).await;
        deleted.unwrap();
    }
    world.pass(120).await;
    assert!(world.issuer.live().is_empty());
    let of_issuers = |record: &Record| {
        record.seen.resource.starts_with("tokenissuers") && record.seen.subresource.is_some()
    };
    let told: Vec<_> = asked(&world, before)
        .into_iter()
        .filter(of_issuers)
        .collect();
    assert!(told.len() <= 1, "{told:#?}");
}
