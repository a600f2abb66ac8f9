use tokenwright_client::{Details, Told};
use tokenwright_core::TokenId;

use super::*;

fn token(name: &str) -> Token {
    Token {
        id: TokenId::new("token-1"),
        name: Some(name.to_owned()),
        expires_at: "2026-03-01T00:00:00Z".parse().ok(),
        enabled: Some(true),
        details: Details::from(Told {
            owner: Some("somebody".to_owned()),
            created_at: "2026-01-01T00:00:00Z".parse().ok(),
            ..Told::default()
        }),
    }
}

fn pass(filter: (&str, Value), token: &Token) -> bool {
    let filters = Filters::read(&Value::object([filter]));
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    filters.pass(token, &Origin::of("ours"), now)
}

#[test]
fn each_filter_lets_pass_what_it_names_and_nothing_else() {
    let marked = format!("ci tw1-{}-pbxlat5kpvwjw-4-jv6qt26p", Origin::of("ours"));
    for (filter, value, passes) in [
        ("name_prefix", Value::from("c"), true),
        ("name_prefix", Value::from("ci tw1"), false),
        ("owner", Value::from("somebody"), true),
        ("owner", Value::from("nobody"), false),
        ("managed", Value::from(true), true),
        ("managed", Value::from(false), false),
        ("ours", Value::from(true), true),
        ("ours", Value::from(false), false),
        ("enabled", Value::from(true), true),
        ("enabled", Value::from(false), false),
        ("expires_within", Value::from("30d"), true),
        ("expires_within", Value::from("1w"), false),
        ("unused_for", Value::from("30d"), true),
        ("unused_for", Value::from("32d"), false),
    ] {
        assert_eq!(
            pass((filter, value.clone()), &token(&marked)),
            passes,
            "{filter} {value:?}"
        );
    }
}

#[test]
fn what_an_issuer_does_not_tell_passes_no_filter_that_asks_for_it() {
    let silent = Token {
        name: None,
        expires_at: None,
        enabled: None,
        details: Details::default(),
        ..token("ci")
    };
    for (filter, value) in [
        ("name_prefix", Value::from("")),
        ("owner", Value::from("somebody")),
        ("managed", Value::from(true)),
        ("ours", Value::from(true)),
        ("enabled", Value::from(true)),
        ("enabled", Value::from(false)),
        ("expires_within", Value::from("30d")),
        ("unused_for", Value::from("30d")),
    ] {
        assert!(!pass((filter, value), &silent), "{filter}");
    }
    assert!(pass(("managed", Value::from(false)), &silent));
}
