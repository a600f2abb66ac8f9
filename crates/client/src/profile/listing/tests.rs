use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use jiff::SignedDuration;
use tokenwright_core::Parameters;

use crate::account::Inventory;
use crate::clock::ManualClock;
use crate::error::ErrorKind;
use crate::http::{Body, Incoming, NoAnswer, Outgoing, Transport};
use crate::profile::{Profile, ProfileIssuer, ProfileSettings};
use crate::room::tests::{MIB, own_room};
use crate::room::{Held, Share};
use crate::secret::{SecretText, SecretValue};

const LISTS: &str = r#"
profile: lists
title: A system with long names
endpoint: https://api.example.com
credential: { parts: { key: {} }, header: { name: Authorization, part: key } }
name: { max: 80 }
scopes: none
lifetime: { unit: none }
token: { id: item.id, name: item.label }
value: { token: { at: /secret } }
mint: { send: POST /tokens, body: { label: $(name) } }
list: { send: GET /tokens, items: answer }
revoke: { send: DELETE /tokens/$(id) }
"#;

/// So many tokens with names of ten KiB, on one page.
#[derive(Debug)]
struct Long(usize);

#[async_trait]
impl Transport for Long {
    async fn send(&self, _: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        let name = "n".repeat(10 * 1024);
        let tokens = (0..self.0).map(|n| serde_json::json!({ "id": n, "label": name }));
        let page = serde_json::to_vec(&tokens.collect::<Vec<_>>()).unwrap();
        Ok(Incoming {
            status: 200,
            headers: HeaderMap::new(),
            body: Ok(Body::new(page)),
        })
    }
}

fn inventory(tokens: usize, clock: &ManualClock) -> Inventory {
    let settings = ProfileSettings {
        endpoint: None,
        credential: SecretValue::new([("key".to_owned(), SecretText::new("k".to_owned()))]),
        request_timeout: Duration::from_secs(1),
    };
    let profile = Arc::new(Profile::parse(LISTS).unwrap());
    let over = (Arc::new(Long(tokens)) as _, clock.clock());
    let issuer = ProfileIssuer::over(profile, settings, over).unwrap();
    Inventory::new(Arc::new(issuer), RECHECK, clock.clock())
}

const RECHECK: SignedDuration = SignedDuration::from_mins(10);

#[tokio::test]
async fn the_longest_listing_that_has_room_is_listed_again_and_again() {
    own_room(16 * MIB);
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let all = Parameters::new();
    // First more than one page may have, then more than a listing may.
    let mut tokens = 1_000;
    let longest = loop {
        let inventory = inventory(tokens, &clock);
        match inventory.recent(&all).await {
            Ok(_) => break inventory,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::NoRoom);
                tokens = (tokens - 1).min(300);
            }
        }
    };
    assert!(tokens > 100, "{tokens}");
    let mut others = Vec::new();
    for _ in 0..5 {
        clock.advance(RECHECK * 2);
        let listing = longest.recent(&all).await.unwrap();
        assert_eq!(
            (listing.tokens.len(), listing.started_at),
            (tokens, clock.now())
        );
        others.push(Held::of(MIB, Share::LISTING).unwrap());
    }
}
