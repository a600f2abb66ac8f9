use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{EVERYTHING, SECRET, STATUSES, answers, credential, expression, profile};

/// Every file of a folder of `corpora/`.
fn corpus(folder: &str, read: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpora")
        .join(folder);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        read(&bytes);
        count += 1;
    }
    assert!(count >= 10, "{count} files");
}

#[test]
fn the_corpus_of_profiles_holds() {
    corpus("profiles", |bytes| profile(&String::from_utf8_lossy(bytes)));
}

#[test]
fn the_corpus_of_expressions_holds() {
    corpus("expressions", |bytes| {
        expression(&String::from_utf8_lossy(bytes))
    });
}

#[test]
fn the_corpus_of_answers_holds() {
    corpus("answers", |bytes| {
        for status in STATUSES {
            answers(status, bytes);
        }
    });
}

#[test]
fn the_corpus_of_credentials_holds() {
    corpus("credentials", |bytes| {
        credential(&String::from_utf8_lossy(bytes));
    });
}

/// Answers of nearly the right shape.
fn answer() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        Just(Json::from(SECRET)),
        Just(Json::from("k-1")),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z?".prop_map(Json::from),
        "\\PC{0,8}".prop_map(Json::from),
        Just(Json::from("h.eyJqdGkiOiJqLTEiLCJleHAiOjE3OTU0NzYzNDl9.s")),
    ];
    let key = prop::sample::select(vec![
        "id",
        "key",
        "secret",
        "name",
        "scopes",
        "owner",
        "items",
        "days",
        "next",
        "skip",
        "ok",
        "code",
        "enabled",
        "created_at",
        "expires_at",
        "access_key",
        "secret_key",
        "api_keys",
        "total_count",
        "disabled",
        "description",
        "type",
    ]);
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(key.clone(), inner, 0..8).prop_map(|map| json!(map)),
        ]
    })
}

/// A key as vendors hand them out; nobody's.
const KEY: &str = include_str!("../../../tests/keys/p256-pkcs8.pem");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_answer_is_read_or_refused(status in prop::sample::select(vec![200_u16, 201, 204, 400, 401, 403, 404, 429, 500]), answer in answer(), cut in 0_usize..400) {
        let mut body = answer.to_string().into_bytes();
        if cut < 40 {
            body.truncate(cut);
        }
        answers(status, &body);
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        answers(200, &body);
    }

    #[test]
    fn any_text_is_a_profile_or_an_error(at in 0..EVERYTHING.len(), cut in 0_usize..60, noise in "\\PC{0,12}|[\\[{&*!|>%@`:,$() -]{0,12}") {
        let (before, after) = (EVERYTHING.get(..at), EVERYTHING.get((at + cut).min(EVERYTHING.len())..));
        profile(&format!("{}{noise}{}", before.unwrap_or_default(), after.unwrap_or_default()));
    }

    #[test]
    fn any_text_is_a_credential_or_an_error(at in 0..KEY.len(), cut in 0_usize..200, noise in "\\PC{0,12}|[\\r\\n=+/ -]{0,12}") {
        let (before, after) = (KEY.get(..at), KEY.get((at + cut).min(KEY.len())..));
        credential(&format!("{}{noise}{}", before.unwrap_or_default(), after.unwrap_or_default()));
    }

    #[test]
    fn any_text_is_an_expression_or_an_error(words in prop::collection::vec(prop::sample::select(vec![
        "item", ".id", ".map", "answer", "[0]", "[::2]", "list", "name", "(", ")", "|", "map", "('a')", "join", "int", "sort",
        "items", "last", "later(", "days=", "objects(", ",", "+", "-", "*", "//", "%", "~", "==", "<", " in ", " not ", " or ",
        " and ", " if ", " else ", " is ", "none", "true", "1", "99999999999", "'a'", "{", "}", ":", "\"", "$(", "range(9)",
    ]), 0..24)) {
        expression(&words.concat());
    }
}
