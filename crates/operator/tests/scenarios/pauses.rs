//! An issuer that refuses, limits or hangs: one pause for all, told with its end, and nobody else waits.

use std::time::Duration;

use jiff::SignedDuration;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_testbed::memory::{Fault as Refusal, Verb};

use crate::adopt;
use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

/// How often the operator read a Secret.
fn reads_of_secrets(world: &World) -> usize {
    let requests = world.api.requests().into_iter();
    let reads = requests.filter(|request| {
        let seen = &request.seen;
        seen.who == OPERATOR && seen.verb == Verb::Get && seen.resource == "secrets"
    });
    reads.count()
}

fn limited(seconds: i64) -> ErrorKind {
    ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(seconds)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_asked_about_less_and_less_often_and_its_correction_is_tried_at_once()
 {
    let mut world = World::new().await;
    world.issuer_refuses(Operation::Identity, ErrorKind::Unauthenticated);
    world.ask(json!({})).await;
    world.start();
    world.pass(3600).await;
    let asked = world.issuer.count(Operation::Identity);
    assert!((10..=21).contains(&asked), "{asked} requests in an hour");
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("False: CredentialRefused: "), "{ready}");
    assert!(ready.contains("2026-03-01T01:0"), "{ready}");
    assert_eq!(world.condition("Ready"), "False: CredentialRefused");
    world.issuer.calm();
    world.set_credential("corrected").await;
    world.pass(5).await;
    world.the_secret_works();
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
}

/// A world with a token, whose issuer answers no listing any more.
async fn whose_list_is_refused(kind: ErrorKind) -> World {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.the_secret_works();
    world.issuer.hook(move |request, _| {
        (request.operation == Operation::List).then_some(Fault::Refuse(kind))
    });
    world
}

#[tokio::test(start_paused = true)]
async fn an_issuer_whose_list_is_a_login_page_is_not_ready_at_the_first_one_and_its_tokens_say_so()
{
    let world = whose_list_is_refused(ErrorKind::AnswerNotUnderstood).await;
    let before = world.issuer.count(Operation::List);
    while world.issuer.count(Operation::List) == before {
        world.pass(1).await;
    }
    world.pass(1).await;
    for _ in 0..20 {
        let ready = world.issuer_ready("issuer");
        let wanted = "False: IssuerNotReady: The list of tokens cannot be read";
        assert!(ready.starts_with(wanted), "{ready}");
        assert_eq!(world.condition("Reconciling"), "True: IssuerNotReady");
        assert_eq!(world.condition("Ready"), "True: Ready", "it works");
        world.pass(60).await;
    }
    world.issuer.calm();
    world.pass(200).await;
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
    assert_eq!(world.condition("Reconciling"), "False: Idle");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_too_long_for_the_memory_of_the_operator_is_told_as_that() {
    let world = whose_list_is_refused(ErrorKind::NoRoom).await;
    world.pass(1200).await;
    let issuer = world.issuer_ready("issuer");
    let token = world.message("Reconciling");
    assert!(issuer.starts_with("False: IssuerNotReady: "), "{issuer}");
    for told in [issuer, token] {
        assert!(
            told.contains("too long for the operator's memory"),
            "{told}"
        );
        assert!(told.contains("Raise `resources.limits.memory`"), "{told}");
        assert!(!told.contains("login page"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_away_is_ready_again_once_it_answers_and_not_once_a_pause_is_over() {
    for refusal in [
        ErrorKind::Unavailable,
        ErrorKind::Unauthenticated,
        limited(20),
    ] {
        let mut world = World::new().await;
        world.start();
        world.ask(json!({})).await;
        world.pass(30).await;
        assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
        world.issuer.outage(Some(refusal));
        let is_ready = |world: &World| world.issuer_ready("issuer").starts_with("True");
        let mut left = 1_800;
        while is_ready(&world) {
            world.pass(1).await;
            left -= 1;
            assert!(left > 0, "{refusal:?} is never told");
        }
        for second in 0..3_600 {
            world.pass(1).await;
            let ready = world.issuer_ready("issuer");
            assert!(
                ready.starts_with("False"),
                "{refusal:?}, {second} s: {ready}"
            );
        }
        assert_eq!(world.condition("Ready"), "True: Ready", "its token works");
        world.issuer.calm();
        world.pass(601).await;
        assert!(is_ready(&world), "{}", world.issuer_ready("issuer"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_nobody_asks_any_more_is_not_said_to_be_away_for_ever() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    while world.issuer_ready("issuer").starts_with("True") {
        world.pass(1).await;
    }
    // Somebody has no patience with it.
    world.delete().await;
    world
        .change(json!({ "metadata": { "finalizers": null } }))
        .await;
    world.pass(600).await;
    assert!(world.object().is_none());
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_an_issuer_asks_for_when_it_is_first_asked_is_kept() {
    let mut world = World::new().await;
    world
        .issuer
        .fault(Operation::Identity, Fault::Refuse(limited(1800)));
    world.ask(json!({})).await;
    world.start();
    world.pass(1790).await;
    assert_eq!(world.issuer.requests().len(), 1);
    let ready = world.issuer_ready("issuer");
    assert!(ready.starts_with("False: IssuerPaused: "), "{ready}");
    assert!(ready.contains("2026-03-01T00:30:00Z"), "{ready}");
    world.pass(60).await;
    world.the_secret_works();
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_one_listing_is_asked_for_holds_for_everything_at_that_issuer_and_is_told() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.the_secret_works();
    world
        .issuer
        .fault(Operation::List, Fault::Refuse(limited(600)));
    let before = world.issuer.count(Operation::List);
    while world.issuer.count(Operation::List) == before {
        world.pass(1).await;
    }
    let asked = world.issuer.requests().len();
    for n in 0..3 {
        let changes = json!({
            "token": { "parameters": { "team": n.to_string() } },
            "secret": { "name": format!("other-{n}") },
        });
        world.ask_as(&format!("other-{n}"), changes).await;
    }
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(560).await;
    assert_eq!(
        world.issuer.requests().len(),
        asked,
        "sent during the pause"
    );
    let ready = world.issuer_ready("issuer");
    assert!(
        ready.starts_with("False: IssuerPaused: No request is sent before 2026-"),
        "{ready}"
    );
    assert_eq!(world.condition("Reconciling"), "True: IssuerPaused");
    assert!(
        world
            .message("Reconciling")
            .contains("the issuer asked for fewer requests")
    );
    assert_eq!(world.condition("Ready"), "True: Ready");
    world.pass(120).await;
    assert_eq!(world.revision(), Some(2));
    assert!(world.secret_called("other-2").is_some());
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
}

/// A world with an adopted token and a minted one, and a Retry-After of half an hour that a request of one
/// of them met: nothing more was sent until then, whatever both were asked for, and both say so.
async fn paused_by(operation: Operation) {
    let (world, _) = adopt::delivered(json!({})).await;
    let other = json!({ "token": { "lifetime": "2h" }, "secret": { "name": "minted" } });
    world.ask_as("minted", other).await;
    world.pass(30).await;
    assert!(world.secret_called("minted").is_some());
    let before = world.issuer.count(operation);
    world.issuer.fault(operation, Fault::Refuse(limited(1_800)));
    while world.issuer.count(operation) == before {
        world.pass(1).await;
    }
    let asked = world.issuer.requests().len();
    let trigger = json!({ "spec": { "rotation": { "trigger": "now" } } });
    let merge = Patch::Merge(trigger);
    let tokens = world.tokens();
    tokens
        .patch("minted", &PatchParams::default(), &merge)
        .await
        .unwrap();
    world.fill("source", "another value").await;
    world.pass(1_780).await;
    let sent = world.issuer.requests().split_off(asked);
    assert!(
        sent.is_empty(),
        "{operation:?}: sent during the pause: {sent:?}"
    );
    assert_eq!(world.condition("Ready"), "True: Ready", "{operation:?}");
    let kind = TOKENS;
    let minted = world.condition_of(kind, "minted", "Reconciling");
    assert_eq!(minted, "True: IssuerPaused", "{operation:?}");
    assert_eq!(
        world.condition("Reconciling"),
        "True: IssuerPaused",
        "{operation:?}"
    );
    world.pass(200).await;
    let now_at = world.issuer.requests().len();
    assert!(now_at > asked, "{operation:?}: goes on after it");
}

#[tokio::test(start_paused = true)]
async fn one_pause_holds_for_what_is_minted_and_for_what_is_adopted_whoever_met_it() {
    for operation in [Operation::Check, Operation::List] {
        paused_by(operation).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_hangs_holds_up_nobody_else_and_not_the_end_of_the_operator() {
    let mut world = World::with(MemorySettings {
        request_timeout: Duration::from_secs(600),
        ..MemorySettings::default()
    })
    .await;
    let slow = json!({ "requestTimeout": "10m", "rate": { "perMinute": 600, "concurrency": 64 } });
    world.issuer_as("hangs", slow).await;
    let (_, value) = world.by_hand().await;
    for n in 0..40 {
        world
            .issuer
            .fault(Operation::Check, Fault::Delay(Duration::from_secs(599)));
        let source = format!("source-{n}");
        world.fill(&source, &value).await;
        let changes = json!({
            "issuerRef": { "name": "hangs" },
            "adopt": { "valueFrom": { "secretRef": { "name": source } } },
            "secret": { "name": format!("adopted-{n}") },
        });
        world.adopt_as(&format!("adopted-{n}"), changes).await;
    }
    world.start();
    world.pass(60).await;
    assert!(
        world.issuer.count(Operation::Check) >= 33,
        "more wait than there are slots"
    );
    world.ask(json!({})).await;
    world.pass(10).await;
    world.the_secret_works();
    let ended = world.shut_down();
    tokio::time::timeout(Duration::from_secs(46), ended)
        .await
        .expect("the operator ends although its issuer hangs")
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_told_to_end_waits_for_no_issuer_that_is_away() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    world.issuer.outage(Some(ErrorKind::Unavailable));
    world.pass(1_800).await;
    assert!(world.issuer.count(Operation::List) > 5, "it is asked again");
    // A rotation waits for the end of a pause, too.
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(5).await;
    let ended = world.shut_down();
    tokio::time::timeout(Duration::from_secs(2), ended)
        .await
        .expect("it ends at once")
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_is_deleted_while_its_issuer_is_gone_asks_neither_it_nor_the_api_all_the_time()
{
    let mut world = World::new().await;
    world.start();
    let count = 40;
    for n in 0..count {
        let changes = json!({ "secret": { "name": format!("ci-{n}") } });
        world.ask_as(&format!("ci-{n}"), changes).await;
    }
    world.pass(600).await;
    assert_eq!(world.issuer.live().len(), count);
    world.issuer.outage(Some(ErrorKind::Unavailable));
    for n in 0..count {
        let all = kube::api::DeleteParams::default();
        world
            .tokens()
            .delete(&format!("ci-{n}"), &all)
            .await
            .unwrap();
    }
    world.pass(1800).await;
    let (asked, read) = (world.issuer.requests().len(), reads_of_secrets(&world));
    world.pass(3600).await;
    let asked = world.issuer.requests().len() - asked;
    assert!(asked <= 80, "{asked} requests in an hour");
    let read = reads_of_secrets(&world) - read;
    assert!(read <= 80, "{read} reads of Secrets in an hour");
    world.issuer.calm();
    world.pass(1200).await;
    assert_eq!(world.issuer.live().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_nothing_can_explain_reads_its_secret_less_and_less_often() {
    let mut world = World::new().await;
    world.start();
    world.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    world.ask(json!({})).await;
    world.pass(1).await;
    // An answer that is not understood: the issuer is there, and its pause keeps nobody from asking.
    world.issuer.hook(|request, _| {
        let unreadable = Fault::Refuse(ErrorKind::AnswerNotUnderstood);
        (request.operation == Operation::List).then_some(unreadable)
    });
    world.pass(1800).await;
    let read = reads_of_secrets(&world);
    world.pass(3600).await;
    let read = reads_of_secrets(&world) - read;
    assert!(read <= 80, "{read} reads of Secrets in an hour");
    world.issuer.calm();
    world.pass(1200).await;
    world.the_only_token();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_the_operator_may_not_work_in_any_more_is_told_and_asked_less_and_less() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(60).await;
    world.the_only_token();
    world.api.on_request(|seen| {
        let ours = seen.who == OPERATOR && seen.namespace.as_deref() == Some(NAMESPACE);
        match ours {
            true => Refusal::refuse(403, "Forbidden", "no RoleBinding"),
            false => Refusal::Pass,
        }
    });
    world.delete().await;
    world.set_credential("corrected").await;
    world.pass(60).await;
    let said = world.readyz().await;
    assert!(
        said.contains("the work in the namespace team-a is refused"),
        "{said}"
    );
    world.api.cut_watches(OPERATOR);
    world.pass(1800).await;
    let said = world.readyz().await;
    assert!(said.contains("may not list or watch there"), "{said}");
    let calls = |world: &World| {
        let requests = world.api.requests().into_iter();
        let calls = requests.filter(|request| request.seen.who == OPERATOR);
        calls
            .filter(|request| !matches!(request.seen.verb, Verb::Watch | Verb::List))
            .count()
    };
    let before = calls(&world);
    world.pass(3600).await;
    let asked = calls(&world) - before;
    assert!(asked <= 80, "{asked} calls in an hour");
    world.api.clear_faults();
    world.pass(900).await;
    assert!(world.object().is_none());
    assert!(world.issuer.live().is_empty());
    assert_eq!(world.readyz().await, "ready\n");
}

#[tokio::test(start_paused = true)]
async fn mints_whose_answers_were_lost_are_tried_again_by_themselves_before_the_token_expires() {
    for outage in [66, 200] {
        let mut world = World::new().await;
        world.start();
        world
            .ask(json!({
                "token": { "lifetime": "10m" },
                "rotation": { "renewBefore": "5m", "overlap": "30s" },
            }))
            .await;
        world.pass(280).await;
        assert_eq!(world.revision(), Some(1));
        world.issuer.hook(|request, _| {
            let unreadable = Fault::Refuse(ErrorKind::OutcomeUnknown);
            (request.operation == Operation::Mint).then_some(unreadable)
        });
        world.pass(outage).await;
        assert!(
            world.issuer.count(Operation::Mint) >= 4,
            "one mint and three tries"
        );
        let status = world.object().unwrap().status.unwrap();
        assert!(status.failures.unwrap().unreadable >= 3);
        world.issuer.calm();
        for _ in 0..(320 - outage) {
            world.pass(1).await;
            world.the_secret_works();
        }
        assert!(world.revision() > Some(1), "outage of {outage} s");
        world.pass(600).await;
        assert_eq!(world.condition("Ready"), "True: Ready");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_tells_that_the_clock_is_ahead_of_its_own_for_as_long_as_it_is() {
    let mut world = World::new().await;
    world.ask(json!({})).await;
    world.start();
    world.pass(600).await;
    let ahead = || {
        world
            .issuer_ready("issuer")
            .contains("clock of the operator's node is ahead")
    };
    assert!(!ahead());
    world.date_answers(SignedDuration::from_secs(30));
    world.pass(1_200).await;
    assert!(!ahead(), "half a minute is none");
    world.date_answers(SignedDuration::from_hours(8));
    world.pass(1_200).await;
    assert!(ahead(), "{}", world.issuer_ready("issuer"));
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
    world.date_answers(SignedDuration::ZERO);
    world.pass(1_200).await;
    assert!(!ahead(), "{}", world.issuer_ready("issuer"));
}
