//! What the in-memory API can do to a client that a real server does only by accident.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{
    Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Error, ResourceExt as _};
use serde_json::json;
use tokenwright_testbed::memory::{Fault, Memory, Seen, StopPoint, Verb};

fn secrets(client: &Client) -> Api<Secret> {
    Api::namespaced(client.clone(), "default")
}

fn secret(name: &str) -> Result<Secret> {
    Ok(serde_json::from_value(
        json!({ "metadata": { "name": name } }),
    )?)
}

fn label(value: &str) -> Patch<serde_json::Value> {
    Patch::Merge(json!({ "metadata": { "labels": { "by": value } } }))
}

fn creates(seen: &Seen) -> bool {
    seen.verb == Verb::Create && seen.resource == "secrets" && !seen.dry_run
}

fn dry() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

fn code<T>(outcome: kube::Result<T>) -> Option<u16> {
    match outcome {
        Err(Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

/// The lines of the log as "who verb resource status".
fn log(memory: &Memory) -> Vec<String> {
    let line = |record: tokenwright_testbed::memory::Record| {
        let dry = if record.seen.dry_run { " dry" } else { "" };
        let status = record
            .status
            .map_or("-".to_owned(), |status| status.to_string());
        format!(
            "{} {:?}{dry} {} {status}",
            record.seen.who, record.seen.verb, record.seen.resource
        )
    };
    memory.requests().into_iter().map(line).collect()
}

#[tokio::test]
async fn a_lost_reply_leaves_the_effect() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.once(creates, Fault::LoseReply);
    let outcome = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(matches!(outcome, Err(Error::Service(_))), "got {outcome:?}");
    ensure!(
        memory.snapshot("Secret", "default", "a").is_some(),
        "no effect"
    );
    let again = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(
        code(again) == Some(409),
        "the second try must see the first"
    );
    ensure!(memory.unmet_faults() == 0, "the fault was not met");
    let expected = ["one Create secrets 201", "one Create secrets 409"];
    ensure!(log(&memory) == expected, "{:?}", log(&memory));
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_breaks_the_connection_over_http() -> Result<()> {
    let memory = Memory::new();
    let listener = memory.serve().await?;
    let config = kube::Config::new(format!("http://{}", listener.address()).parse()?);
    let api = secrets(&Client::try_from(config)?);
    memory.once(creates, Fault::LoseReply);
    let outcome = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(
        !matches!(outcome, Ok(_) | Err(Error::Api(_))),
        "got {outcome:?}"
    );
    ensure!(
        memory.snapshot("secrets", "default", "a").is_some(),
        "no effect"
    );
    Ok(())
}

#[tokio::test]
async fn a_lost_request_has_no_effect() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.once(creates, Fault::LoseRequest);
    let outcome = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(matches!(outcome, Err(Error::Service(_))), "got {outcome:?}");
    ensure!(
        memory.snapshot("secrets", "default", "a").is_none(),
        "an effect"
    );
    Ok(())
}

#[tokio::test]
async fn a_write_may_be_refused_whose_dry_run_passed() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.on_request(|seen| {
        if creates(seen) {
            Fault::refuse(403, "Forbidden", "exceeded quota")
        } else {
            Fault::Pass
        }
    });
    api.create(&dry(), &secret("a")?)
        .await
        .context("the dry run")?;
    let real = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(code(real) == Some(403), "the write came through");
    ensure!(
        memory.snapshot("secrets", "default", "a").is_none(),
        "an effect"
    );
    ensure!(
        memory.writes("one").len() == 1,
        "a dry run counts as a write"
    );
    memory.clear_faults();
    api.create(&PostParams::default(), &secret("a")?).await?;
    Ok(())
}

#[tokio::test]
async fn each_client_has_its_own_faults_and_its_own_lines_in_the_log() -> Result<()> {
    let memory = Memory::new();
    let (one, two) = (
        secrets(&memory.client("one")),
        secrets(&memory.client("two")),
    );
    memory.on_request(|seen| match seen.who.as_str() {
        "one" => Fault::refuse(500, "InternalError", "etcdserver: leader changed"),
        _ => Fault::Pass,
    });
    ensure!(code(one.get("a").await) == Some(500));
    ensure!(code(two.get("a").await) == Some(404));
    ensure!(
        log(&memory) == ["one Get secrets 500", "two Get secrets 404"],
        "{:?}",
        log(&memory)
    );
    Ok(())
}

#[tokio::test]
async fn a_client_is_stopped_just_before_or_just_after_an_effect() -> Result<()> {
    for after in [false, true] {
        let memory = Memory::new();
        let point = StopPoint::new();
        let fault = if after {
            Fault::StopAfter(point.clone())
        } else {
            Fault::StopBefore(point.clone())
        };
        memory.once(creates, fault);
        let api = secrets(&memory.client("one"));
        let wanted = secret("a")?;
        let client = tokio::spawn(async move { api.create(&PostParams::default(), &wanted).await });
        point.reached().await;
        client.abort();
        ensure!(
            client.await.is_err_and(|error| error.is_cancelled()),
            "it went on"
        );
        let stored = memory.snapshot("secrets", "default", "a").is_some();
        ensure!(stored == after, "after: {after}, stored: {stored}");
    }
    Ok(())
}

#[tokio::test]
async fn an_effect_may_come_after_the_client_has_given_up() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.once(creates, Fault::LateEffect(Duration::from_millis(200)));
    let outcome = api.create(&PostParams::default(), &secret("a")?).await;
    ensure!(matches!(outcome, Err(Error::Service(_))), "got {outcome:?}");
    ensure!(
        memory.snapshot("secrets", "default", "a").is_none(),
        "too early"
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    ensure!(
        memory.snapshot("secrets", "default", "a").is_some(),
        "no effect"
    );
    Ok(())
}

#[tokio::test]
async fn a_hanging_request_holds_nobody_else() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.once(creates, Fault::Hang);
    let wanted = secret("a")?;
    let params = PostParams::default();
    let hanging = tokio::time::timeout(Duration::from_millis(200), api.create(&params, &wanted));
    let (hanging, other) = tokio::join!(hanging, api.get("b"));
    ensure!(hanging.is_err(), "it does not hang");
    ensure!(code(other) == Some(404));
    Ok(())
}

#[tokio::test]
async fn a_delayed_request_is_answered_later() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    memory.once(creates, Fault::Delay(Duration::from_millis(200)));
    let start = tokio::time::Instant::now();
    api.create(&PostParams::default(), &secret("a")?).await?;
    ensure!(
        start.elapsed() >= Duration::from_millis(200),
        "after {:?}",
        start.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn a_refusal_carries_its_retry_after() -> Result<()> {
    let memory = Memory::new();
    let mut status = tokenwright_testbed::memory::refusal(429, "TooManyRequests", "slow down");
    status.details = Some(serde_json::from_value(json!({ "retryAfterSeconds": 3 }))?);
    memory.once(|_| true, Fault::Refuse(Box::new(status)));
    let request = http::Request::get("/api/v1/secrets").body(kube::client::Body::empty())?;
    let reply = memory.client("one").send(request).await?;
    ensure!(reply.status() == 429);
    ensure!(reply.headers()["retry-after"] == "3");
    Ok(())
}

#[tokio::test]
async fn a_pinned_client_reads_an_older_state_and_writes_to_the_newest() -> Result<()> {
    let memory = Memory::new();
    let (stale, fresh) = (
        secrets(&memory.client("stale")),
        secrets(&memory.client("fresh")),
    );
    let old = fresh.create(&PostParams::default(), &secret("a")?).await?;
    memory.pin("stale", "secrets");
    fresh
        .patch("a", &PatchParams::default(), &label("fresh"))
        .await?;
    fresh.create(&PostParams::default(), &secret("b")?).await?;

    ensure!(
        stale.get("a").await?.resource_version() == old.resource_version(),
        "sees the change"
    );
    let list = stale.list(&ListParams::default()).await?;
    ensure!(list.items.len() == 1, "sees the new object");
    ensure!(
        fresh.list(&ListParams::default()).await?.items.len() == 2,
        "all are stale"
    );
    let late = stale.replace("a", &PostParams::default(), &old).await;
    ensure!(code(late) == Some(409), "a stale write came through");
    let maps: Api<ConfigMap> = Api::namespaced(memory.client("stale"), "default");
    maps.list(&ListParams::default())
        .await
        .context("another kind is not stale")?;

    memory.release("stale", "secrets");
    ensure!(
        stale.get("a").await?.labels()["by"] == "fresh",
        "still stale"
    );
    Ok(())
}

#[tokio::test]
async fn a_pinned_watch_falls_silent_and_then_catches_up() -> Result<()> {
    let memory = Memory::new();
    let (stale, fresh) = (
        secrets(&memory.client("stale")),
        secrets(&memory.client("fresh")),
    );
    let mut events = pin!(watcher(stale.clone(), watcher::Config::default()));
    for _ in ["Init", "InitDone"] {
        events.next().await.context("ended")??;
    }
    // The watch itself opens with the next poll.
    fresh.create(&PostParams::default(), &secret("a")?).await?;
    ensure!(events.next().await.context("ended")??.to_string() == "Apply(a)");
    memory.pin("stale", "secrets");
    fresh.create(&PostParams::default(), &secret("b")?).await?;
    let silence = tokio::time::timeout(Duration::from_millis(200), events.next()).await;
    ensure!(silence.is_err(), "it told of {silence:?}");
    memory.release("stale", "secrets");
    ensure!(events.next().await.context("ended")??.to_string() == "Apply(b)");
    Ok(())
}

#[tokio::test]
async fn a_client_can_be_sent_back_to_an_earlier_state() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    api.create(&PostParams::default(), &secret("a")?).await?;
    let then = memory.version();
    api.delete("a", &DeleteParams::default()).await?;
    memory.pin_at("one", "secrets", then)?;
    api.get("a").await.context("it was there then")?;
    ensure!(
        memory.snapshot("Secret", "default", "a").is_none(),
        "the truth is stale"
    );
    memory.compact();
    let forgotten = memory.pin_at("one", "secrets", then);
    ensure!(
        forgotten.is_err_and(|status| status.code == 410),
        "a forgotten state is shown"
    );
    Ok(())
}

#[tokio::test]
async fn a_watcher_lists_again_after_410() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    let other = secrets(&memory.client("two"));
    other.create(&PostParams::default(), &secret("a")?).await?;
    let mut events = pin!(watcher(api, watcher::Config::default()));
    for expected in ["Init", "InitApply(a)", "InitDone"] {
        ensure!(events.next().await.context("ended")??.to_string() == expected);
    }
    // It listed, but has not begun to watch: what it missed is forgotten meanwhile.
    other.delete("a", &DeleteParams::default()).await?;
    other.create(&PostParams::default(), &secret("b")?).await?;
    memory.compact();
    let told = events.next().await.context("ended")?;
    let Err(watcher::Error::WatchError(status)) = told else {
        anyhow::bail!("got {told:?}");
    };
    ensure!(
        status.code == 410 && status.reason == "Expired",
        "got {status:?}"
    );
    for expected in ["Init", "InitApply(b)", "InitDone"] {
        ensure!(events.next().await.context("ended")??.to_string() == expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_page_of_a_forgotten_list_is_gone() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &secret(name)?).await?;
    }
    let page = api.list(&ListParams::default().limit(1)).await?;
    let token = page.metadata.continue_.context("no token")?;
    api.delete("b", &DeleteParams::default()).await?;
    memory.compact();
    let next = api
        .list(&ListParams::default().limit(1).continue_token(&token))
        .await;
    ensure!(code(next) == Some(410));
    Ok(())
}

#[tokio::test]
async fn a_cut_watch_fails_and_is_resumed_without_loss() -> Result<()> {
    let memory = Memory::new();
    let (one, two) = (
        secrets(&memory.client("one")),
        secrets(&memory.client("two")),
    );
    let mut events = pin!(watcher(one, watcher::Config::default()));
    for _ in ["Init", "InitDone"] {
        events.next().await.context("ended")??;
    }
    two.create(&PostParams::default(), &secret("a")?).await?;
    ensure!(events.next().await.context("ended")??.to_string() == "Apply(a)");
    memory.cut_watches("one");
    let cut = events.next().await.context("ended")?;
    ensure!(
        matches!(cut, Err(watcher::Error::WatchFailed(_))),
        "got {cut:?}"
    );
    two.create(&PostParams::default(), &secret("b")?).await?;
    let next = events.next().await.context("ended")??;
    ensure!(
        matches!(&next, Event::Apply(found) if found.name_any() == "b"),
        "got {next}"
    );
    Ok(())
}

#[tokio::test]
async fn a_bookmark_moves_a_quiet_watch_on() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    let from = memory.version().to_string();
    let mut events = pin!(api.watch(&WatchParams::default(), &from).await?);
    let maps: Api<ConfigMap> = Api::namespaced(memory.client("two"), "default");
    let map = serde_json::from_value(json!({ "metadata": { "name": "a" } }))?;
    maps.create(&PostParams::default(), &map).await?;
    memory.bookmark();
    let WatchEvent::Bookmark(mark) = events.next().await.context("ended")?? else {
        anyhow::bail!("no bookmark");
    };
    ensure!(
        mark.metadata.resource_version == memory.version().to_string(),
        "it stays behind"
    );
    Ok(())
}

#[tokio::test]
async fn the_clock_is_the_tests_own() -> Result<()> {
    let memory = Memory::with_clock(|| jiff::Timestamp::UNIX_EPOCH);
    let made = secrets(&memory.client("one"))
        .create(&PostParams::default(), &secret("a")?)
        .await?;
    let time = made.metadata.creation_timestamp.context("no time")?;
    ensure!(time.0 == jiff::Timestamp::UNIX_EPOCH, "got {time:?}");
    Ok(())
}

#[tokio::test]
async fn an_erased_object_is_gone_in_spite_of_its_finalizer() -> Result<()> {
    let memory = Memory::new();
    let api = secrets(&memory.client("one"));
    let mut held = secret("a")?;
    held.finalizers_mut()
        .push("tokenwright.dev/hold".to_owned());
    api.create(&PostParams::default(), &held).await?;
    ensure!(memory.erase("Secret", "default", "a"), "not found");
    ensure!(code(api.get("a").await) == Some(404));
    Ok(())
}
