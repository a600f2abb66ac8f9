//! The gate of an issuer: every request passes it, and a pause holds for all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokenwright_client::account::Why;
use tokenwright_client::account::sent::counted;
use tokenwright_client::{Clock, ErrorKind, Filter, Gate, Issuer, Limiter, ProfileIssuer, Rate};
use tokenwright_core::Parameters;

use crate::support::{Does, answer, json, serve};
use crate::tiny::{issuer, request};

const PAGES: &str = "{ send: GET /t, pages: { page: page, size: n, max: 1 } }";

fn gate(per_minute: u32, concurrency: u32) -> Arc<Gate> {
    let rate = Rate {
        per_minute,
        concurrency,
    };
    Gate::new(Limiter::new(rate), Clock::system())
}

fn refused(status: &str, wait: &str) -> Does {
    let head = format!("HTTP/1.1 {status}\r\nretry-after: {wait}\r\ncontent-length: 0");
    Does::Answers(format!("{head}\r\nconnection: close\r\n\r\n").into_bytes())
}

#[tokio::test]
async fn every_page_takes_a_slot_of_its_own() {
    let server = serve(|request| {
        let page = (1..=12).find(|n| request.contains(&format!("page={n}&")));
        let entries = page.map_or("[]".to_owned(), |n| format!("[{{\"id\": \"{n}\"}}]"));
        json("200 OK", &entries)
    })
    .await;
    // Ten at once, then one every 100 ms: thirteen pages take three of those.
    let issuer = issuer(&[("list", PAGES)], &server.endpoint).behind(gate(600, 4));
    let start = Instant::now();
    let (listed, sent) = counted(issuer.list(&Filter::default())).await;
    assert_eq!(listed.unwrap().len(), 12);
    assert_eq!((server.received().len(), sent), (13, 13));
    assert!(start.elapsed() >= Duration::from_millis(290));
}

#[tokio::test]
async fn a_wait_that_is_asked_for_at_one_call_is_kept_by_all() {
    for (status, wait, seconds) in [
        ("429 Too Many Requests", "600", 600),
        ("503 Service Unavailable", "600", 600),
        ("429 Too Many Requests", "99999999", 3600),
        ("429 Too Many Requests", "99999999999999999999", 3600),
    ] {
        let server = serve(move |_| refused(status, wait)).await;
        let gate = gate(600, 4);
        let issuer = issuer(&[], &server.endpoint).behind(Arc::clone(&gate));
        issuer.list(&Filter::default()).await.unwrap_err();
        let mint = issuer.mint(&request("1h")).await.unwrap_err();
        let ErrorKind::Paused { wait } = mint.kind else {
            panic!("{mint:?}")
        };
        assert!((seconds - 5..=seconds).contains(&wait.as_secs()), "{wait}");
        assert_eq!(server.received().len(), 1, "{status}");
        assert!(gate.pause().is_some());
    }
}

#[tokio::test]
async fn a_login_that_is_refused_makes_a_pause_and_a_permission_that_is_missing_none() {
    let login = "{ parts: { key: {} }, header: { name: X-Session, part: login }, \
                 login: { send: POST /login, put: { /key: key }, at: /token } }";
    let server = serve(|_| json("403 Forbidden", "{}")).await;
    let gates = [gate(600, 4), gate(600, 4)];
    let issuers: [ProfileIssuer; 2] = [
        issuer(&[("credential", login)], &server.endpoint).behind(Arc::clone(&gates[0])),
        issuer(&[], &server.endpoint).behind(Arc::clone(&gates[1])),
    ];
    for issuer in &issuers {
        issuer.list(&Filter::default()).await.unwrap_err();
    }
    assert!(gates[0].pause().is_some());
    assert_eq!(gates[1].pause(), None);
}

/// Whether nothing more is sent after this answer to a listing, and why.
async fn pause_after(
    errors: &str,
    status: &'static str,
    kind: &'static str,
    body: &'static str,
) -> Option<Why> {
    let server = serve(move |_| answer(status, kind, body)).await;
    let gate = gate(600, 4);
    let issuer = issuer(&[("errors", errors)], &server.endpoint).behind(Arc::clone(&gate));
    issuer.list(&Filter::default()).await.unwrap_err();
    gate.pause().map(|pause| pause.why)
}

#[tokio::test]
async fn a_wish_for_fewer_requests_and_a_refused_credential_are_told_by_words_as_well_as_by_a_status()
 {
    let errors = "{ when: answer.code, kind: answer.code, map: { slow: RateLimited, who: Unauthenticated, no: Forbidden } }";
    let json = "application/json";
    for (status, body, why) in [
        ("403 Forbidden", r#"{"code": "slow"}"#, Some(Why::Asked)),
        ("400 Bad Request", r#"{"code": "slow"}"#, Some(Why::Asked)),
        ("200 OK", r#"{"code": "slow"}"#, Some(Why::Asked)),
        (
            "400 Bad Request",
            r#"{"code": "who"}"#,
            Some(Why::CredentialRefused),
        ),
        ("200 OK", r#"{"code": "who"}"#, Some(Why::CredentialRefused)),
        ("401 Unauthorized", "{}", Some(Why::CredentialRefused)),
        ("401 Unauthorized", r#"{"code": "no"}"#, None),
        ("403 Forbidden", "{}", None),
    ] {
        assert_eq!(
            pause_after(errors, status, json, body).await,
            why,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_know_us_says_nothing_about_the_credential() {
    let page = "<html><title>Please log in</title></html>";
    for (status, kind, body) in [
        ("401 Unauthorized", "text/html", page),
        ("401 Unauthorized", "text/plain", ""),
        ("403 Forbidden", "text/html", page),
    ] {
        assert_eq!(
            pause_after("{}", status, kind, body).await,
            None,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_clock_that_is_ahead_of_the_issuer_s_is_noticed_by_its_answers_and_by_no_copy_of_one() {
    let dated = |more: &'static str| {
        move |_: &str| {
            let head = format!("HTTP/1.1 200 OK\r\ndate: Wed, 21 Oct 2015 07:28:00 GMT\r\n{more}");
            let rest = "content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
            Does::Answers(format!("{head}{rest}").into_bytes())
        }
    };
    for (more, ahead) in [("", true), ("age: 3600\r\n", false)] {
        let server = serve(dated(more)).await;
        let gate = gate(600, 4);
        let issuer = issuer(&[], &server.endpoint).behind(Arc::clone(&gate));
        issuer.list(&Filter::default()).await.unwrap();
        assert_eq!(gate.ahead().as_hours() == 24, ahead, "{more}");
    }
    let gate = gate(600, 4);
    for (seconds, ahead, apart) in [
        (60, 0, 0),
        (61, 61, 61),
        (-60, 0, 0),
        (-3_600, 0, -3_600),
        (-90_000, 0, -86_400),
        (7_200, 7_200, 7_200),
        (0, 0, 0),
    ] {
        gate.heard(SignedDuration::from_secs(seconds));
        let kept = (gate.ahead().as_secs(), gate.apart().unwrap().as_secs());
        assert_eq!(kept, (ahead, apart), "{seconds}");
    }
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_left_alone_for_a_while() {
    let gone = serve(|_| Does::Closes).await;
    let broken = serve(|_| answer("502 Bad Gateway", "text/html", "<html>")).await;
    for server in [&gone, &broken] {
        let gate = gate(600, 4);
        let issuer = issuer(&[], &server.endpoint).behind(Arc::clone(&gate));
        for _ in 0..20 {
            issuer.list(&Filter::default()).await.unwrap_err();
        }
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn only_the_parameters_that_stand_in_the_listing_make_a_listing_of_their_own() {
    let parameters = |pairs: &[(&str, &str)]| -> Parameters {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        owned.collect()
    };
    let scaleway = crate::support::issuer("scaleway", "http://127.0.0.1:9", Duration::from_secs(1));
    let asked = parameters(&[("application_id", "a"), ("default_project_id", "p")]);
    assert_eq!(
        scaleway.list_parameters(&asked),
        parameters(&[("application_id", "a")])
    );
    // What only a reading of the token uses changes the listing, too.
    let issuer = issuer(
        &[
            ("parameters", "{ team: {}, hue: {}, colour: {} }"),
            ("token", "{ id: item.id, name: item.name, owner: team }"),
            ("list", "{ send: GET /tokens, skip: item.hue != hue }"),
        ],
        "http://127.0.0.1:9",
    );
    // And so does what leaves entries out.
    let asked = parameters(&[("team", "a"), ("hue", "b"), ("colour", "red")]);
    let used = parameters(&[("team", "a"), ("hue", "b")]);
    assert_eq!(issuer.list_parameters(&asked), used);
}
