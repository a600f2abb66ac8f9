//! All tokens: every kind of page, bare ids, entries that are none.

use jiff::SignedDuration;
use tokenwright_client::{Clock, ErrorKind as K, Filter, Gate, Issuer, Limiter, Rate};

use crate::support::{Does, Server, answer, json, serve};
use crate::tiny::{chain, issuer};

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn entries(ids: &[&str]) -> String {
    let entries: Vec<_> = ids
        .iter()
        .map(|id| format!("{{\"id\": \"{id}\"}}"))
        .collect();
    format!("[{}]", entries.join(","))
}

/// The number after a key of the query.
fn asked(request: &str, key: &str) -> Option<usize> {
    let (_, rest) = request.lines().next()?.split_once(key)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

async fn listed(server: &Server, list: &str) -> Result<Vec<String>, K> {
    let issuer = issuer(&[("list", list)], &server.endpoint);
    let tokens = issuer.list(&Filter::default()).await.map_err(|e| e.kind)?;
    Ok(tokens.iter().map(|token| token.id.to_string()).collect())
}

#[tokio::test]
async fn every_kind_of_page_gives_the_whole_list() {
    let two = |start: usize| entries(&IDS[start.min(5)..(start + 2).min(5)]);
    for (about, list, pages) in [
        ("number", "{ page: page, size: n, max: 2 }", 4),
        ("first is 0", "{ page: page, first: 0, size: n, max: 2 }", 4),
        (
            "total",
            "{ page: page, size: n, max: 2, total: \"headers['x-total']\" }",
            3,
        ),
        (
            "more",
            "{ page: page, more: \"headers['x-more'] == 'yes'\" }",
            3,
        ),
        ("offset", "{ offset: skip, size: n, max: 2 }", 4),
        (
            "offset and total",
            "{ offset: skip, total: \"headers['x-total']\" }",
            3,
        ),
        ("link", "{ link: true, size: n, max: 2 }", 3),
        ("next", "{ next: \"headers['x-next']\" }", 3),
        (
            "cursor",
            "{ cursor: skip, next: \"headers['x-cursor']\" }",
            3,
        ),
    ] {
        let zero = list.contains("first: 0");
        let server = serve(move |request| {
            let page = asked(request, "page=").map(|page| page - usize::from(!zero));
            let start = asked(request, "skip=").or(page.map(|p| p * 2)).unwrap_or(0);
            let next = start + 2;
            let mut head = "200 OK\r\nx-total: 5".to_owned();
            if next < 5 {
                head += &format!("\r\nx-more: yes\r\nx-next: /t?skip={next}\r\nx-cursor: {next}");
                head +=
                    &format!("\r\nlink: </t?skip=0>; rel=first, </t?skip={next}>; rel=\"next\"");
            }
            answer(&head, "application/json", &two(start))
        })
        .await;
        let ids = listed(&server, &format!("{{ send: GET /t, pages: {list} }}")).await;
        assert_eq!(ids.unwrap(), IDS, "{about}");
        assert_eq!(server.received().len(), pages, "{about}");
    }
}

#[tokio::test]
async fn the_next_page_is_never_asked_for_elsewhere() {
    let other = serve(|_| json("200 OK", "[]")).await;
    let host = other.endpoint.clone();
    for next in [
        host.clone(),
        format!("{host}/t?page=2"),
        host.replace("http:", ""),
        "/other/t".to_owned(),
        "/api".to_owned(),
        "/api/../t".to_owned(),
        "https://user@example.com/api/t".to_owned(),
        "ftp://example.com/api/t".to_owned(),
        "http://[".to_owned(),
    ] {
        let shown = next.clone();
        let server = serve(move |_| {
            let body = format!("{{\"list\": [], \"next\": \"{next}\"}}");
            json("200 OK", &body)
        })
        .await;
        let list = "{ send: GET /t, items: answer.list, pages: { next: answer.next } }";
        let issuer = issuer(&[("list", list)], &format!("{}/api/", server.endpoint));
        let error = issuer.list(&Filter::default()).await.unwrap_err();
        assert_eq!(error.kind, K::AnswerNotUnderstood, "{shown}");
        let told = chain(&error);
        let here = format!("and not under {}/api", server.endpoint);
        assert!(
            told.contains("the next page lies at ") && told.contains(&here),
            "{told}"
        );
        if shown.starts_with(&host) {
            assert!(told.contains(&format!("lies at {host}, ")), "{told}");
        }
        assert_eq!(server.received().len(), 1, "{shown}");
    }
    assert_eq!(other.received().len(), 0);
}

#[tokio::test]
async fn pages_that_go_round_or_shift_are_no_listing() {
    for (pages, body, kind, sent) in [
        (
            "{ cursor: c, next: \"'x' if answer is not none\" }",
            "[]",
            K::AnswerNotUnderstood,
            2,
        ),
        (
            "{ next: \"'/t?x' if answer is not none\" }",
            "[]",
            K::AnswerNotUnderstood,
            2,
        ),
        ("{ page: p }", "[{\"id\": \"a\"}]", K::Unavailable, 6),
        (
            "{ page: p, total: \"'7' if answer is not none\" }",
            "[]",
            K::AnswerNotUnderstood,
            1,
        ),
        (
            "{ page: p, total: \"'x' if answer is not none\" }",
            "[]",
            K::AnswerNotUnderstood,
            1,
        ),
        (
            "{ page: p, total: answer.none }",
            "[]",
            K::AnswerNotUnderstood,
            1,
        ),
    ] {
        let server = serve(move |_| json("200 OK", body)).await;
        let ids = listed(&server, &format!("{{ send: GET /t, pages: {pages} }}")).await;
        assert_eq!(ids, Err(kind), "{pages}");
        assert_eq!(server.received().len(), sent, "{pages}");
    }
}

#[tokio::test]
async fn a_listing_of_pages_has_a_bound_in_bytes() {
    let filler = "x".repeat(7 * 1024 * 1024);
    let server = serve(move |request| {
        let page = asked(request, "p=").unwrap_or(0);
        json(
            "200 OK",
            &format!("[{{\"id\": \"{page}\", \"more\": \"{filler}\"}}]"),
        )
    })
    .await;
    let ids = listed(&server, "{ send: GET /t, pages: { page: p } }").await;
    assert_eq!(ids, Err(K::AnswerNotUnderstood));
    assert!(server.received().len() < 12);
}

const BARE: &str = "{ send: LIST /ids, items: answer.keys, \
    each: { send: POST /look, body: { id: $(id) }, gone: [410], item: answer.data } }";

fn looked(request: &str, about_b: Does) -> Does {
    match request {
        r if r.starts_with("LIST /ids ") => json("200 OK", "{\"keys\": [\"a\", \"b\"]}"),
        r if r.ends_with("{\"id\":\"b\"}") => about_b,
        _ => json("200 OK", "{\"data\": {\"id\": \"a\", \"name\": \"n\"}}"),
    }
}

#[tokio::test]
async fn bare_ids_are_looked_at_one_by_one_and_what_ended_meanwhile_is_dropped() {
    let b = "{\"data\": {\"id\": \"b\"}}";
    for (about_b, ids) in [
        (json("200 OK", b), Ok(vec!["a".to_owned(), "b".to_owned()])),
        (json("410 Gone", "{}"), Ok(vec!["a".to_owned()])),
        (json("403 No", "{}"), Err(K::Forbidden)),
        (json("500 Oops", "{}"), Err(K::Unavailable)),
        (Does::Closes, Err(K::Unavailable)),
        (
            json("200 OK", &b.replace('b', "c")),
            Err(K::AnswerNotUnderstood),
        ),
    ] {
        let server = serve(move |request| looked(request, about_b.clone())).await;
        assert_eq!(listed(&server, BARE).await, ids);
        assert_eq!(server.received().len(), 3);
    }
}

#[tokio::test]
async fn more_bare_ids_than_can_be_looked_at_are_an_error() {
    let keys: Vec<_> = (0..1001).map(|n| format!("\"{n}\"")).collect();
    let keys = format!("{{\"keys\": [{}]}}", keys.join(","));
    let server = serve(move |_| json("200 OK", &keys)).await;
    assert_eq!(listed(&server, BARE).await, Err(K::AnswerNotUnderstood));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn entries_that_are_no_tokens_are_left_out_and_maps_are_lists_too() {
    let body = r#"{"a": {"kind": "api"}, "b": {"kind": "config"}, "c": {"kind": "api"}}"#;
    let server = serve(move |_| json("200 OK", body)).await;
    let list = "{ send: GET /t, items: answer|items, skip: \"item[1].kind == 'config'\", \
        token: { id: 'item[0]', name: 'item[1].kind' } }";
    assert_eq!(listed(&server, list).await.unwrap(), ["a", "c"]);
}

#[tokio::test]
async fn what_has_ended_by_a_clock_that_is_ahead_of_the_issuer_s_is_listed_all_the_same() {
    let hour = 3_600;
    let now = Clock::system().now().as_second();
    let body = format!(
        r#"[{{"id": "a", "ends": {}}}, {{"id": "b", "ends": {}}}]"#,
        now - hour,
        now - 3 * hour
    );
    let server = serve(move |_| json("200 OK", &body)).await;
    let list = "{ send: GET /t, skip: \"item.ends < now\" }";
    assert!(listed(&server, list).await.unwrap().is_empty());
    let rate = Rate {
        per_minute: 60,
        concurrency: 1,
    };
    let gate = Gate::new(Limiter::new(rate), Clock::system());
    gate.heard(SignedDuration::from_hours(2));
    let issuer = issuer(&[("list", list)], &server.endpoint).behind(gate);
    let tokens = issuer.list(&Filter::default()).await.unwrap();
    let ids: Vec<_> = tokens.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids, ["a"]);
}
