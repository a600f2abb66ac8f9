//! What is measured, as whoever scrapes it sees it: every metric of the list, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use jiff::SignedDuration;
use kube::api::DeleteParams;
use serde_json::json;
use tokenwright_client::memory::Fault;
use tokenwright_client::{ErrorKind, MemorySettings, Operation};
use tokenwright_operator::Options;
use tokenwright_operator::health::Health;
use tokenwright_operator::metrics::{ALL, Metric, Sort};
use tower::ServiceExt as _;

use crate::world::{NAMESPACE, OPERATOR, TOKENS, World};

/// What `/metrics` answers: each line of a sample, with its value.
pub(crate) async fn scraped(health: &Health) -> BTreeMap<String, f64> {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = health.metrics().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

/// The metric that a line is of, with the names of its labels.
fn told(line: &str) -> (Metric, Vec<String>) {
    let (name, labels) = line.split_once('{').unwrap_or((line, ""));
    let of = |metric: &&Metric| match metric.sort {
        Sort::Counter | Sort::Gauge => metric.name == name,
        Sort::Histogram => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|end| name.strip_suffix(end) == Some(metric.name)),
    };
    let metric = ALL.iter().find(of);
    let metric = metric.unwrap_or_else(|| panic!("{name} is not in the list"));
    let labels = labels.trim_end_matches('}').split("\",");
    let labels = labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
    (*metric, labels.filter(|label| label != "le").collect())
}

#[tokio::test(start_paused = true)]
async fn whoever_scrapes_sees_every_metric_of_the_list_and_no_other() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    let change = json!({ "spec": { "rotation": { "trigger": "now", "overlap": "1m" } } });
    world.change(change).await;
    world.pass(300).await;
    // A refused mint that is tried again.
    let refused = Fault::Refuse(ErrorKind::Unavailable);
    world.issuer.fault(Operation::Mint, refused);
    let secret = json!({ "secret": { "name": "again" } });
    world.ask_as("again", secret).await;
    world.pass(900).await;
    let limited = ErrorKind::RateLimited {
        retry_after: Some(SignedDuration::from_secs(900)),
    };
    // The first of the three is refused, and the others wait.
    let fault = Fault::Refuse(limited);
    world.issuer.fault(Operation::Mint, fault);
    for name in ["a", "b", "c"] {
        let secret = json!({ "secret": { "name": name } });
        world.ask_as(name, secret).await;
    }
    world
        .make_token("unreadable", json!({ "spec": { "state": "Paused" } }))
        .await;
    world.pass(60).await;

    let samples = scraped(&world.health).await;
    let mut seen = BTreeSet::new();
    for line in samples.keys() {
        let (metric, labels) = told(line);
        assert_eq!(labels, metric.labels, "{line}");
        seen.insert(metric.name);
    }
    let all: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "{missing:?}");

    let at = |line: &str| {
        *samples
            .get(line)
            .unwrap_or_else(|| panic!("{line}: {samples:#?}"))
    };
    let current = world.object().unwrap().status.unwrap().current.unwrap();
    let labels = format!(r#"{{namespace="{NAMESPACE}",name="ci",issuer="team-a/issuer"}}"#);
    let expiry = at(&format!(
        "tokenwright_token_expiry_timestamp_seconds{labels}"
    ));
    let renewal = at(&format!(
        "tokenwright_token_renewal_timestamp_seconds{labels}"
    ));
    let second = |at: jiff::Timestamp| at.as_second();
    assert_eq!(expiry.floor() as i64, second(current.expires_at.unwrap()));
    assert_eq!(renewal.floor() as i64, second(current.renew_at.unwrap()));
    let of_issuer =
        |name: &str, more: &str| at(&format!(r#"{name}{{issuer="team-a/issuer"{more}}}"#));
    assert_eq!(
        of_issuer("tokenwright_mints_total", r#",result="Published""#),
        3.0
    );
    assert_eq!(
        of_issuer("tokenwright_mints_total", r#",result="MintRefused""#),
        1.0
    );
    assert_eq!(
        of_issuer("tokenwright_revokes_total", r#",result="Revoked""#),
        1.0
    );
    assert_eq!(of_issuer("tokenwright_issuer_paused", ""), 1.0);
    assert_eq!(
        of_issuer("tokenwright_issuer_queue_length", r#",class="First""#),
        2.0
    );
    let limited = r#",operation="mint",kind="RateLimited""#;
    assert_eq!(of_issuer("tokenwright_issuer_requests_total", limited), 1.0);
    assert_eq!(at("tokenwright_unreadable_objects"), 1.0);
    let again = r#",operation="mint""#;
    assert_eq!(of_issuer("tokenwright_issuer_retries_total", again), 1.0);
    assert_eq!(at("tokenwright_leader"), 1.0);
    assert_eq!(at("tokenwright_handovers_total"), 0.0, "no Lease is shared");
}

/// Of a number that begins at 1, nobody sees that it grew.
#[tokio::test(start_paused = true)]
async fn what_is_counted_begins_at_0() {
    let mut world = World::new().await;
    world.start();
    world.pass(10).await;
    let issuer = r#"{issuer="team-a/issuer","#;
    let counted = [
        format!(r#"tokenwright_mints_total{issuer}result="MintedValueRefused"}}"#),
        format!(r#"tokenwright_revokes_total{issuer}result="Revoked"}}"#),
        format!(r#"tokenwright_issuer_requests_total{issuer}operation="mint",kind="Ok"}}"#),
        format!(r#"tokenwright_issuer_requests_total{issuer}operation="list",kind="NoRoom"}}"#),
        format!(r#"tokenwright_issuer_retries_total{issuer}operation="revoke"}}"#),
        r#"tokenwright_reconcile_failures_total{kind="TokenIssuer"}"#.to_owned(),
    ];
    let samples = scraped(&world.health).await;
    for line in &counted {
        assert_eq!(samples.get(line), Some(&0.0), "{line}");
    }
    let delete = kube::api::DeleteParams::default();
    world.issuers().delete("issuer", &delete).await.unwrap();
    // Whoever asks soon gets the answer from before.
    world.pass(20).await;
    let samples = scraped(&world.health).await;
    let left: Vec<_> = samples
        .keys()
        .filter(|line| line.contains(issuer))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_that_is_refused_leaves_the_former_one_at_work_which_is_told_and_measured()
{
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(30).await;
    let metric = r#"tokenwright_issuer_former_credential{issuer="team-a/issuer"}"#;
    assert_eq!(scraped(&world.health).await[metric], 0.0);
    world.issuer_refuses(Operation::Identity, ErrorKind::Unauthenticated);
    world.set_credential("corrected").await;
    world.pass(600).await;
    let ready = world.issuer_ready("issuer");
    let wanted = "False: NewCredentialRefused: The credential that the Secret holds now is not taken up: the issuer does not accept the credential. The former one serves the ApiTokens on. It is asked again at 2026-";
    assert!(ready.starts_with(wanted), "{ready}");
    assert_eq!(scraped(&world.health).await[metric], 1.0);
    let change = json!({ "spec": { "rotation": { "trigger": "now" } } });
    world.change(change).await;
    world.pass(30).await;
    assert_eq!(world.revision(), Some(2));
    world.issuer.calm();
    world.pass(400).await;
    assert!(world.issuer_ready("issuer").starts_with("True: Ready"));
    assert_eq!(scraped(&world.health).await[metric], 0.0);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_measured_no_more_and_whoever_stands_by_says_so() {
    let mut world = World::new().await;
    assert_eq!(scraped(&world.health).await["tokenwright_leader"], 0.0);
    world.ask(json!({})).await;
    let elsewhere = json!({ "secret": { "name": "other-token" } });
    world.ask_as("other", elsewhere).await;
    world.start();
    world.pass(60).await;
    let of_tokens = |samples: &BTreeMap<String, f64>| {
        let per_token = samples.keys().filter(|line| line.contains(r#"name=""#));
        per_token.count()
    };
    assert_eq!(of_tokens(&scraped(&world.health).await), 4);
    world.delete().await;
    world.pass(600).await;
    assert_eq!(of_tokens(&scraped(&world.health).await), 2);
    // This one goes while nobody watches.
    world.api.cut_watches(OPERATOR);
    assert!(world.api.erase(TOKENS, NAMESPACE, "other"));
    world.api.compact();
    world.pass(60).await;
    assert_eq!(of_tokens(&scraped(&world.health).await), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_very_many_tokens_may_leave_out_what_there_is_of_each() {
    let world = World::new().await;
    world
        .ask(json!({
            "token": { "lifetime": "12h" },
            "rotation": { "renewBefore": "4h", "overlap": "1h" },
        }))
        .await;
    let options = Options {
        metrics_per_token: false,
        ..Options::default()
    };
    let _operator = world.spawn_with(options);
    world.pass(60).await;
    world.the_only_token();
    let samples = scraped(&world.health).await;
    assert!(
        !samples.keys().any(|line| line.contains("name=")),
        "{samples:#?}"
    );
    assert_eq!(samples["tokenwright_leader"], 1.0);

    // Whether one is late or has ended can be told without them.
    let status = world.object().unwrap().status.unwrap();
    let current = status.current.unwrap();
    world.issuer.outage(Some(ErrorKind::Unavailable));
    let amiss = async |at: jiff::Timestamp, more: i64| {
        let wait = at.duration_since(world.clock.now()).as_secs() + more;
        world.pass(wait.try_into().unwrap()).await;
        let samples = scraped(&world.health).await;
        ["expired_tokens", "overdue_rotations"]
            .map(|name| samples[&format!(r#"tokenwright_{name}{{issuer="team-a/issuer"}}"#)])
    };
    let (renews, ends) = (current.renew_at.unwrap(), current.expires_at.unwrap());
    assert_eq!(amiss(renews, 3_500).await, [0.0, 0.0]);
    assert_eq!(amiss(renews, 3_700).await, [0.0, 1.0]);
    assert_eq!(amiss(ends, 10).await, [1.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_something_stands_in_the_way_of_is_measured_until_it_is_done_restarts_included()
 {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    world.issuer.hook(|request, _| {
        let revokes = request.operation == Operation::Revoke;
        revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let change = json!({ "spec": { "rotation": { "trigger": "now", "overlap": "1m" } } });
    world.change(change).await;
    let metric = r#"tokenwright_stuck_revokes{issuer="team-a/issuer"}"#;
    assert_eq!(scraped(&world.health).await[metric], 0.0);
    world.pass(300).await;
    assert_eq!(scraped(&world.health).await[metric], 1.0);
    world.crash().await;
    world.start();
    world.pass(7200).await;
    assert_eq!(scraped(&world.health).await[metric], 1.0);
    world.issuer.calm();
    world.pass(2 * 86400).await;
    assert_eq!(scraped(&world.health).await[metric], 0.0);
}

#[tokio::test(start_paused = true)]
async fn whoever_gets_no_token_is_measured_for_as_long_as_that_is_so_restarts_included() {
    let mut world = World::new().await;
    world.start();
    world.ask(json!({})).await;
    world.pass(60).await;
    let metric = r#"tokenwright_failing_mints{issuer="team-a/issuer"}"#;
    assert_eq!(scraped(&world.health).await[metric], 0.0);
    world.issuer.hook(|request, _| {
        let mints = request.operation == Operation::Mint;
        mints.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    // One that has no token yet, and one that has.
    let other = json!({ "secret": { "name": "other" } });
    world.ask_as("other", other).await;
    world
        .change(json!({ "spec": { "rotation": { "trigger": "now" } } }))
        .await;
    world.pass(60).await;
    // Each pause between two tries is longer than the one before, up to an hour.
    for hour in 0..5 {
        let samples = scraped(&world.health).await;
        assert_eq!(samples[metric], 2.0, "hour {hour}");
        if hour == 2 {
            world.crash().await;
            world.start();
        }
        world.pass(3600).await;
    }
    world.issuer.calm();
    world.pass(2 * 3600).await;
    assert_eq!(scraped(&world.health).await[metric], 0.0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stalled_gets_no_token_and_is_measured() {
    let mut world = World::new().await;
    world.start();
    let never = json!({ "token": { "lifetime": "1h" }, "rotation": { "renewBefore": "2h" } });
    world.ask(never).await;
    world.pass(60).await;
    assert!(world.condition("Stalled").starts_with("True"));
    let metric = r#"tokenwright_failing_mints{issuer="team-a/issuer"}"#;
    assert_eq!(scraped(&world.health).await[metric], 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_adopted_token_is_measured_and_so_is_what_stands_in_its_way() {
    let (mut world, id, _) = World::offering(MemorySettings {
        values_name_ids: true,
        ..MemorySettings::default()
    })
    .await;
    world.start();
    let named = json!({ "adopt": { "tokenID": id.to_string() } });
    world.adopt(named).await;
    world.pass(5).await;
    world.issuer.hook(|request, _| {
        let revokes = request.operation == Operation::Revoke;
        revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let stuck = r#"tokenwright_stuck_revokes{issuer="team-a/issuer"}"#;
    let revokes = |result: &str| {
        format!(r#"tokenwright_revokes_total{{issuer="team-a/issuer",result="{result}"}}"#)
    };
    assert_eq!(scraped(&world.health).await[stuck], 0.0);
    world.delete().await;
    world.pass(300).await;
    let samples = scraped(&world.health).await;
    assert!(world.issuer.count(Operation::Revoke) > 1);
    assert_eq!(
        (samples[stuck], samples[&revokes("RevokeFailed")]),
        (1.0, 1.0)
    );
    assert!(world.message("RevokeFailed").contains(&id.to_string()));
    assert_eq!(world.notes("RevokeFailed").len(), 1);
    world.crash().await;
    world.start();
    world.pass(60).await;
    assert_eq!(scraped(&world.health).await[stuck], 1.0);
    world.issuer.calm();
    world.pass(900).await;
    assert!(world.object().is_none());
    let samples = scraped(&world.health).await;
    assert_eq!(
        (samples.get(stuck), samples[&revokes("Revoked")]),
        (None, 1.0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_adopted_token_that_is_another_one_or_gone_is_counted_and_told_once() {
    let counted = |result: &str| {
        format!(r#"tokenwright_revokes_total{{issuer="team-a/issuer",result="{result}"}}"#)
    };
    for (gone, result, event, told) in [
        (false, "NotProven", "LeftBehind", "Left alive: token"),
        (true, "Gone", "Revoked", "was gone already"),
    ] {
        let mut world = World::with(MemorySettings {
            values_name_ids: true,
            ..MemorySettings::default()
        })
        .await;
        let (id, value) = world.by_hand().await;
        let (other, _) = world.by_hand().await;
        world.fill("source", &value).await;
        world.start();
        let named = if gone { &id } else { &other };
        world
            .adopt(json!({ "adopt": { "tokenID": named.to_string() } }))
            .await;
        world.pass(5).await;
        if gone {
            world.issuer.revoke_by_hand(&id);
        }
        world.delete().await;
        world.pass(300).await;
        assert!(world.object().is_none());
        assert_eq!(world.issuer.count(Operation::Revoke), 0);
        assert_eq!(world.issuer.live().len(), if gone { 1 } else { 2 });
        let samples = scraped(&world.health).await;
        assert_eq!(samples[&counted(result)], 1.0);
        let revokes = samples.iter();
        let revokes = revokes.filter(|(line, _)| line.contains("_revokes_total"));
        let all: f64 = revokes.map(|(_, counted)| counted).sum();
        assert_eq!(all, 1.0, "nothing else is counted");
        let stuck = samples.get(r#"tokenwright_stuck_revokes{issuer="team-a/issuer"}"#);
        assert!(stuck.is_none_or(|stuck| *stuck == 0.0));
        let notes = world.notes(event);
        assert!(
            notes.len() == 1 && notes[0].contains(told) && notes[0].contains(&named.to_string()),
            "{notes:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_hundred_issuers_that_were_made_and_deleted_nothing_is_measured_any_more() {
    let mut world = World::new().await;
    world.start();
    for number in 0..110 {
        world.issuer_as(&format!("more-{number}"), json!({})).await;
    }
    world.pass(60).await;
    let of_them = |samples: &BTreeMap<String, f64>| {
        let lines = samples.keys();
        lines.filter(|line| line.contains("team-a/more-")).count()
    };
    assert!(of_them(&scraped(&world.health).await) >= 100);
    for number in 0..100 {
        let name = format!("more-{number}");
        if number % 2 == 0 {
            let issuers = world.issuers();
            issuers
                .delete(&name, &DeleteParams::default())
                .await
                .unwrap();
        } else {
            assert!(world.api.erase("TokenIssuer", NAMESPACE, &name));
        }
    }
    // And some while nobody watches.
    world.api.cut_watches(OPERATOR);
    for number in 100..110 {
        let name = format!("more-{number}");
        assert!(world.api.erase("TokenIssuer", NAMESPACE, &name));
    }
    world.api.compact();
    world.pass(600).await;
    let samples = scraped(&world.health).await;
    assert_eq!(of_them(&samples), 0, "{samples:#?}");
}

#[tokio::test(start_paused = true)]
async fn who_takes_over_the_lease_of_another_counts_a_hand_over_and_the_first_of_all_counts_none() {
    let world = World::new().await;
    for (instance, handovers) in [("first", 0.0), ("second", 1.0)] {
        let replica = world.spawn_with(Options {
            lease: Some("operator".to_owned()),
            instance: instance.to_owned(),
            ..Options::default()
        });
        world.pass(60).await;
        let samples = scraped(&world.health).await;
        assert_eq!(samples["tokenwright_handovers_total"], handovers);
        replica.abort();
    }
}
