//! What is measured of the issuers and of the work, by its value: a fact is made, and the line of `/metrics` that
//! tells it is read and held against the books of the issuer.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_core::LostAnswer;
use tokenwright_testbed::memory::Fault as ApiFault;

use crate::metrics::scraped;
use crate::world::{NAMESPACE, OPERATOR, World};

const HOUR: u64 = 3_600;

/// The lines of one metric that say more than nothing, by their labels, without the issuer that all are of.
async fn lines(world: &World, metric: &str) -> BTreeMap<String, f64> {
    let samples = scraped(&world.health).await;
    let of = samples.iter().filter_map(|(line, value)| {
        let labels = line.strip_prefix(metric)?.strip_prefix('{')?;
        let own = labels.strip_prefix(r#"issuer="team-a/issuer""#)?;
        let own = own.trim_start_matches(',').trim_end_matches('}');
        (*value != 0.0).then(|| (own.replace('"', ""), *value))
    });
    of.collect()
}

/// The same as text.
fn told<const N: usize>(lines: [(&str, f64); N]) -> BTreeMap<String, f64> {
    let owned = lines.map(|(labels, value)| (labels.to_owned(), value));
    owned.into()
}

/// The value of a metric that has no label but the issuer.
pub(crate) async fn value(world: &World, metric: &str) -> f64 {
    let line = format!(r#"{metric}{{issuer="team-a/issuer"}}"#);
    scraped(&world.health).await[&line]
}

async fn rotate(world: &World, trigger: &str) {
    let wish = json!({ "spec": { "rotation": { "trigger": trigger } } });
    world.change(wish).await;
}

/// How each request ended, as the issuer's own books have it.
fn in_the_books(world: &World) -> BTreeMap<String, f64> {
    let mut books = BTreeMap::new();
    for request in world.issuer.requests() {
        let kind = match request.fault {
            Some(Fault::Refuse(kind)) => kind.name(),
            Some(Fault::LoseAnswer) => ErrorKind::OutcomeUnknown.name(),
            _ => "Ok",
        };
        let line = format!("operation={},kind={kind}", request.operation);
        *books.entry(line).or_default() += 1.0;
    }
    books
}

#[tokio::test(start_paused = true)]
async fn each_request_to_an_issuer_is_counted_by_what_it_asked_and_how_it_ended() {
    let mut world = World::new().await;
    for (operation, kind) in [
        (Operation::Mint, ErrorKind::Forbidden),
        (Operation::List, ErrorKind::AnswerNotUnderstood),
        (Operation::Revoke, ErrorKind::Conflict),
        (Operation::Check, ErrorKind::Unavailable),
    ] {
        world.issuer.fault(operation, Fault::Refuse(kind));
    }
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    world.pass(300).await;
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    rotate(&world, "one").await;
    world.pass(HOUR).await;
    rotate(&world, "two").await;
    world.pass(HOUR).await;
    world.the_only_token();
    let books = in_the_books(&world);
    for line in [
        "operation=mint,kind=Ok",
        "operation=mint,kind=Forbidden",
        "operation=mint,kind=OutcomeUnknown",
        "operation=list,kind=Ok",
        "operation=list,kind=AnswerNotUnderstood",
        "operation=revoke,kind=Ok",
        "operation=revoke,kind=Conflict",
        "operation=check,kind=Unavailable",
        "operation=identity,kind=Ok",
    ] {
        assert!(books.contains_key(line), "{line} never came: {books:?}");
    }
    let mut counted = lines(&world, "tokenwright_issuer_requests_total").await;
    // What was not sent, since the answer that was lost made a pause, is in nobody's books.
    counted.retain(|line, _| !line.ends_with("kind=Paused"));
    assert_eq!(counted, books);
    let mut sent = BTreeMap::new();
    for (line, count) in books {
        let operation = line.split(',').next().unwrap().to_owned();
        *sent.entry(operation).or_default() += count;
    }
    let counted = lines(&world, "tokenwright_issuer_requests_sent_total").await;
    assert_eq!(counted, sent);
}

#[tokio::test(start_paused = true)]
async fn how_long_an_issuer_takes_is_measured_by_what_it_was_asked() {
    let mut world = World::new().await;
    let slow = Fault::Delay(Duration::from_secs(7));
    world.issuer.fault(Operation::Mint, slow);
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let of = "tokenwright_issuer_request_duration_seconds";
    let (count, sum) = (
        lines(&world, &format!("{of}_count")).await,
        lines(&world, &format!("{of}_sum")).await,
    );
    let mut books = BTreeMap::new();
    for request in world.issuer.requests() {
        let line = format!("operation={},kind=Ok", request.operation);
        *books.entry(line).or_default() += 1.0;
    }
    assert_eq!(count, books);
    let mints = sum["operation=mint,kind=Ok"];
    assert!((7.0..7.1).contains(&mints), "{mints}");
    let all: f64 = sum.values().sum();
    assert!(all < 7.2, "nothing else was slow: {sum:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_is_counted_each_time_by_what_it_is() {
    let mut world = World::new().await;
    let refuse = |operation, times: usize| {
        for _ in 0..times {
            let refused = Fault::Refuse(ErrorKind::Forbidden);
            world.issuer.fault(operation, refused);
        }
    };
    refuse(Operation::Mint, 2);
    refuse(Operation::List, 3);
    refuse(Operation::Revoke, 4);
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    world.pass(HOUR).await;
    world.the_only_token();
    let retries = "tokenwright_issuer_retries_total";
    let before = told([("operation=mint", 2.0), ("operation=list", 3.0)]);
    assert_eq!(lines(&world, retries).await, before);
    rotate(&world, "next").await;
    world.pass(6 * HOUR).await;
    world.the_only_token();
    let after = told([
        ("operation=mint", 2.0),
        ("operation=list", 3.0),
        ("operation=revoke", 4.0),
    ]);
    assert_eq!(lines(&world, retries).await, after);
}

#[tokio::test(start_paused = true)]
async fn mints_are_counted_by_how_they_ended() {
    let mut world = World::new().await;
    world.start();
    world.issuer.fault(Operation::Mint, Fault::BornDead);
    let refused = Fault::Refuse(ErrorKind::Forbidden);
    world.issuer.fault(Operation::Mint, refused);
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    world.ask(json!({})).await;
    world.pass(HOUR).await;
    world.the_only_token();
    let ended = told([
        ("result=MintedValueRefused", 1.0),
        ("result=MintRefused", 1.0),
        ("result=OutcomeUnknown", 1.0),
        ("result=Published", 1.0),
    ]);
    assert_eq!(lines(&world, "tokenwright_mints_total").await, ended);
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_tokens_are_counted_by_how_they_ended_and_an_obstacle_once() {
    let mut world = World::new().await;
    let revokes = "tokenwright_revokes_total";
    world.start();
    world.ask(json!({ "rotation": { "overlap": "1m" } })).await;
    world.pass(60).await;
    // Refused again and again, and then done.
    world.issuer_refuses(Operation::Revoke, ErrorKind::Forbidden);
    rotate(&world, "one").await;
    world.pass(HOUR).await;
    assert!(world.issuer.count(Operation::Revoke) > 3);
    let mut counted = told([("result=RevokeFailed", 1.0)]);
    assert_eq!(lines(&world, revokes).await, counted);
    world.issuer.calm();
    world.pass(6 * HOUR).await;
    counted.insert("result=Revoked".to_owned(), 1.0);
    assert_eq!(lines(&world, revokes).await, counted);
    // Done by its word alone.
    world.issuer.fault(Operation::Revoke, Fault::Pretend);
    rotate(&world, "two").await;
    world.pass(HOUR).await;
    counted.insert("result=RevokeNotSeen".to_owned(), 1.0);
    counted.insert("result=Revoked".to_owned(), 2.0);
    assert_eq!(lines(&world, revokes).await, counted);
    // A person made it theirs.
    let former = world.the_only_token().token.id;
    rotate(&world, "three").await;
    world.pass(30).await;
    world.issuer.rename_by_hand(&former, "a name of its own");
    world.pass(HOUR).await;
    counted.insert("result=NotProven".to_owned(), 1.0);
    assert_eq!(lines(&world, revokes).await, counted);
}

#[tokio::test(start_paused = true)]
async fn a_live_token_of_a_lost_answer_is_an_orphan_until_it_is_revoked_restarts_included() {
    let mut world = World::new().await;
    world.issuer.hook(|request, nth| match request.operation {
        Operation::Mint if nth == 1 => Some(Fault::LoseAnswer),
        Operation::Revoke => Some(Fault::Refuse(ErrorKind::Forbidden)),
        _ => None,
    });
    let orphans = "tokenwright_orphans";
    world.start();
    world.ask(json!({})).await;
    world.pass(600).await;
    assert_eq!(world.issuer.live().len(), 2);
    assert_eq!(value(&world, orphans).await, 1.0);
    // What only retires is none.
    rotate(&world, "next").await;
    world.pass(60).await;
    assert_eq!(world.issuer.live().len(), 3);
    assert_eq!(value(&world, orphans).await, 1.0);
    world.crash().await;
    world.start();
    world.pass(60).await;
    assert_eq!(value(&world, orphans).await, 1.0);
    world.issuer.calm();
    world.pass(24 * HOUR).await;
    world.the_only_token();
    assert_eq!(value(&world, orphans).await, 0.0);
}

#[tokio::test(start_paused = true)]
async fn each_lost_mint_that_nobody_can_find_is_a_suspect_until_its_object_is_gone() {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
    let mut world = World::with(settings).await;
    let suspects = "tokenwright_suspects";
    for _ in 0..2 {
        world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    }
    world.start();
    world.ask(json!({})).await;
    world.pass(HOUR).await;
    world.the_secret_works();
    assert_eq!(world.issuer.minted().len(), 3);
    assert_eq!(value(&world, suspects).await, 2.0);
    world.crash().await;
    world.start();
    world.pass(60).await;
    assert_eq!(value(&world, suspects).await, 2.0);
    world.delete().await;
    world.pass(HOUR).await;
    assert!(world.object().is_none());
    assert_eq!(lines(&world, suspects).await, told([]));
}

#[tokio::test(start_paused = true)]
async fn a_suspect_is_named_by_when_it_was_asked_for_until_a_person_ends_it_or_its_time_is_over() {
    for keeps_to_lifetimes in [true, false] {
        let mut settings = MemorySettings::default();
        settings.capabilities.lost_answer = LostAnswer::CannotAttribute;
        settings.capabilities.lifetime_ignored = !keeps_to_lifetimes;
        let mut world = World::with(settings).await;
        let suspects = "tokenwright_suspects";
        for _ in 0..2 {
            world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
        }
        world.start();
        world.ask(json!({ "token": { "lifetime": "4h" } })).await;
        world.pass(HOUR / 2).await;
        assert_eq!(value(&world, suspects).await, 2.0);
        let told = world.message("Ambiguous");
        for (lost, revision) in world.issuer.minted().into_iter().take(2).zip(1..) {
            let (_, when) = told
                .split_once(&format!("revision {revision} between "))
                .unwrap();
            let (from, when) = when.split_once(" and ").unwrap();
            let (until, nonce) = when.split_once(", nonce ").unwrap();
            let made = lost.minted_at;
            assert!(
                from.parse::<Timestamp>().unwrap() <= made && made <= until.parse().unwrap(),
                "{told}"
            );
            let name = lost.token.name.unwrap();
            assert!(name.ends_with(&nonce[..8]), "{name}: {told}");
        }
        let said = "tokenwright.dev/acknowledge-suspects";
        assert!(told.ends_with(&format!("{said}=1,2.")), "{told}");
        let ended = json!({ "metadata": { "annotations": { said: "1" } } });
        world.change(ended).await;
        world.pass(60).await;
        assert_eq!(value(&world, suspects).await, 1.0);
        world.crash().await;
        world.start();
        world.pass(60).await;
        assert_eq!(value(&world, suspects).await, 1.0);
        let told = world.message("Ambiguous");
        assert!(
            told.ends_with("=2.") && !told.contains("revision 1"),
            "{told}"
        );
        world.pass(4 * HOUR).await;
        match keeps_to_lifetimes {
            true => assert_eq!(world.condition("Ambiguous"), "absent"),
            false => assert_eq!(value(&world, suspects).await, 1.0),
        }
        let ended = json!({ "metadata": { "annotations": { said: "1, 2" } } });
        world.change(ended).await;
        world.pass(60).await;
        assert_eq!(world.condition("Ambiguous"), "absent");
        assert_eq!(value(&world, suspects).await, 0.0);
        world.the_secret_works();
    }
}

#[tokio::test(start_paused = true)]
async fn the_load_of_an_issuer_is_what_its_tokens_need_of_its_rate_as_they_come_and_go() {
    let mut world = World::new().await;
    world.start();
    // Replaced after forty minutes at the latest, for four requests, and listed on one page each ten minutes.
    let (each, listing) = (4.0 / 40.0, 1.0 / 10.0);
    for n in 0..30 {
        let name = format!("ci-{n}");
        let wish = json!({ "token": { "lifetime": "1h" }, "secret": { "name": name } });
        world.ask_as(&name, wish).await;
    }
    world.pass(120).await;
    let load = "tokenwright_issuer_load_ratio";
    let all = value(&world, load).await;
    let least = (29.99 * each + listing) / 60.0;
    // Each may be replaced a fiftieth of its life earlier.
    assert!((least..least * 1.05).contains(&all), "{all} of {least}");
    for n in 0..20 {
        let suspend = json!({ "spec": { "suspend": true } });
        world.change_as(&format!("ci-{n}"), suspend).await;
    }
    world.pass(120).await;
    let some = value(&world, load).await;
    let least = (9.99 * each + listing) / 60.0;
    assert!((least..least * 1.05).contains(&some), "{some} of {least}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_at_an_issuer_that_is_paused_is_counted_by_what_for_and_nobody_afterwards() {
    let mut world = World::new().await;
    world.start();
    let [queue, paused] = [
        "tokenwright_issuer_queue_length",
        "tokenwright_issuer_paused",
    ];
    // One that is due in the pause, one that is asked for in it, and one whose former token ends in it.
    let due = json!({ "token": { "lifetime": "30m" }, "rotation": { "renewBefore": "15m" } });
    for (name, wish) in [("ci", json!({})), ("due", due), ("former", json!({}))] {
        let mut wish = wish;
        wish["secret"] = json!({ "name": name });
        wish["rotation"]["overlap"] = json!("10m");
        world.ask_as(name, wish).await;
    }
    world.pass(600).await;
    let wish = json!({ "spec": { "rotation": { "trigger": "one" } } });
    world.change_as("former", wish).await;
    world.pass(60).await;
    assert_eq!(value(&world, paused).await, 0.0);
    assert_eq!(lines(&world, queue).await, told([]));
    let limited = ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(1_500)),
    };
    world.issuer.hook(move |request, _| {
        let list = request.operation == Operation::Mint;
        list.then_some(Fault::Refuse(limited))
    });
    for name in ["refused", "new", "newer"] {
        world
            .ask_as(name, json!({ "secret": { "name": name } }))
            .await;
        world.pass(5).await;
    }
    rotate(&world, "one").await;
    world.pass(900).await;
    assert_eq!(value(&world, paused).await, 1.0);
    let waiting = told([
        ("class=Scheduled", 1.0),
        ("class=Triggered", 1.0),
        ("class=First", 2.0),
        ("class=Revoke", 1.0),
    ]);
    let mut seen = lines(&world, queue).await;
    // The one that was refused waits for itself first.
    if let Some(first) = seen.get_mut("class=First") {
        *first = first.min(2.0);
    }
    assert_eq!(seen, waiting);
    world.issuer.calm();
    world.pass(2 * HOUR).await;
    assert_eq!(value(&world, paused).await, 0.0);
    assert_eq!(lines(&world, queue).await, told([]));
}

/// The value of a metric of one kind.
async fn of_kind(world: &World, metric: &str, kind: &str) -> f64 {
    let line = format!(r#"{metric}{{kind="{kind}"}}"#);
    let samples = scraped(&world.health).await;
    samples.get(&line).copied().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn work_that_fails_is_counted_by_the_kind_of_its_object_and_ends_with_its_cause() {
    let failures = "tokenwright_reconcile_failures_total";
    for (kind, resource) in [
        ("ApiToken", "apitokens.tokenwright.dev"),
        ("TokenIssuer", "tokenissuers.tokenwright.dev"),
    ] {
        let world = World::new().await;
        world.api.on_request(move |seen| {
            let ours = seen.who == OPERATOR && seen.namespace.as_deref() == Some(NAMESPACE);
            match ours && seen.is_write() && seen.resource == resource {
                true => ApiFault::refuse(500, "InternalError", "etcd is down"),
                false => ApiFault::Pass,
            }
        });
        let refused = || {
            let requests = world.api.requests().into_iter();
            let refused = requests.filter(|request| {
                request.seen.who == OPERATOR
                    && request.seen.is_write()
                    && request.seen.resource == resource
            });
            refused.count()
        };
        let _operator = world.spawn_with(tokenwright_operator::Options::default());
        world.ask(json!({})).await;
        world.pass(300).await;
        let failed = of_kind(&world, failures, kind).await;
        let refused = refused();
        assert!(refused > 3, "{kind}: {refused}");
        assert_eq!(failed as usize, refused, "{kind}");
        for other in ["ApiToken", "TokenIssuer", "TokenProfile", "Secret"] {
            if other != kind {
                assert_eq!(of_kind(&world, failures, other).await, 0.0, "{kind}");
            }
        }
        world.api.clear_faults();
        world.pass(600).await;
        world.the_only_token();
        let healed = of_kind(&world, failures, kind).await;
        world.pass(HOUR).await;
        assert_eq!(of_kind(&world, failures, kind).await, healed, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn how_long_work_takes_is_measured_by_the_kind_of_its_object_waits_for_an_issuer_included() {
    let mut world = World::new().await;
    let slow = Fault::Delay(Duration::from_secs(9));
    world.issuer.fault(Operation::Identity, slow);
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.the_only_token();
    let of = "tokenwright_reconcile_duration_seconds";
    let sum = of_kind(&world, &format!("{of}_sum"), "TokenIssuer").await;
    assert!((9.0..9.5).contains(&sum), "{sum}");
    let tokens = of_kind(&world, &format!("{of}_sum"), "ApiToken").await;
    assert!(tokens < 1.0, "{tokens}");
    let count = |kind| of_kind(&world, "tokenwright_reconcile_duration_seconds_count", kind);
    let before = [count("ApiToken").await, count("TokenIssuer").await];
    assert!(before[0] >= 3.0 && before[1] >= 1.0, "{before:?}");
    // Each piece of work counts once.
    rotate(&world, "one").await;
    world.pass(10).await;
    assert!(count("ApiToken").await > before[0]);
}
