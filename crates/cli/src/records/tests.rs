//! States of every form that was ever written, and what a marker is to them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

fn marker(origin: &str, instance: &str, revision: u32, nonce: u8) -> Marker {
    Marker {
        origin: Origin::of(origin),
        manager: ManagerId::of(instance),
        revision,
        nonce: Nonce::from_bytes([nonce; 5]),
    }
}

fn state(attributes: serde_json::Value) -> String {
    json!({
        "version": 4,
        "resources": [
            { "mode": "data", "type": "tokenwright_api_token", "name": "seen", "instances": [{ "attributes": {} }] },
            { "mode": "managed", "type": "random_id", "name": "x", "instances": [{ "attributes": { "retiring": 7 } }] },
            {
                "module": "module.net",
                "mode": "managed",
                "type": "tokenwright_api_token",
                "name": "ci",
                "instances": [{ "index_key": "prod", "attributes": attributes }],
            },
        ],
    })
    .to_string()
}

fn read(attributes: serde_json::Value) -> Records {
    let mut records = Records::default();
    terraform::parse(&state(attributes), &mut records).unwrap();
    records
}

#[test]
fn a_state_claims_its_tokens_by_the_whole_marker_in_every_form_that_was_released() {
    let (current, retiring) = (marker("acme", "i-1", 2, 2), marker("acme", "i-1", 1, 1));
    let next = Nonce::from_bytes([3; 5]);
    let record = json!({ "instance": "i-1", "next_nonce": next }).to_string();
    let short = json!({ "i": "i-1", "n": next }).to_string();
    let shared = json!({
        "remote_name": current.remote_name("ci"),
        "retiring": [{ "remote_name": retiring.remote_name("ci") }],
        "value": "hunter2",
    });
    for more in [
        json!({ "record": URL_SAFE_NO_PAD.encode(&short) }),
        json!({ "record": URL_SAFE_NO_PAD.encode(&record) }),
        json!({ "record": record }),
        json!({ "instance": "i-1", "next_nonce": next }),
    ] {
        let mut attributes = shared.clone();
        let fields = more.as_object().unwrap().clone();
        attributes.as_object_mut().unwrap().extend(fields);
        let records = read(attributes);
        let who = "module.net.tokenwright_api_token.ci[\"prod\"]".to_owned();
        for claimed in [&current, &retiring] {
            assert_eq!(
                records.standing(Some(claimed)),
                Standing::Managed(who.clone())
            );
        }
        let lost = marker("acme", "i-1", 3, 3);
        assert_eq!(records.standing(Some(&lost)), Standing::LostAnswer(who));
        let left = marker("acme", "i-1", 2, 9);
        assert!(matches!(records.standing(Some(&left)), Standing::Orphan(_)));
        // Its own state may be another one of the same manager.
        let other = marker("acme", "i-2", 1, 1);
        assert_eq!(records.standing(Some(&other)), Standing::Unclaimed);
        let foreign = marker("globex", "i-2", 1, 1);
        assert_eq!(records.standing(Some(&foreign)), Standing::Elsewhere);
        assert_eq!(records.standing(None), Standing::Unmarked);
    }
}

#[test]
fn of_a_manager_whose_states_are_all_given_what_nobody_claims_is_an_orphan() {
    let asked = arguments::Records {
        states: Vec::new(),
        managers: vec!["acme".to_owned()],
        cluster: false,
        reach: arguments::Cluster::default(),
    };
    let records = Records::read(&asked).unwrap();
    assert!(records.tell_orphans());
    let left = marker("acme", "i-1", 1, 1);
    assert!(matches!(records.standing(Some(&left)), Standing::Orphan(_)));
    let foreign = marker("", "i-1", 1, 1);
    assert_eq!(records.standing(Some(&foreign)), Standing::Elsewhere);
}

#[test]
fn what_is_no_state_is_refused_and_never_quoted() {
    for (text, told) in [
        (
            "{\"version\": \"hunter2\"}".to_owned(),
            "is no Terraform state",
        ),
        ("{\"version\": 3}".to_owned(), "has the version 3"),
        (state(json!({})), "has no record"),
        (state(json!({ "record": "hunter2" })), "cannot be read"),
    ] {
        let mut records = Records::default();
        let error = terraform::parse(&text, &mut records).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(told), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn an_imported_token_is_told_by_the_manager_of_its_markers() {
    let (current, left) = (marker("acme", "i-1", 2, 2), marker("acme", "i-1", 1, 1));
    let record = json!({ "instance": "i-2", "manager": current.manager });
    let records = read(json!({
        "remote_name": current.remote_name("ci"),
        "record": URL_SAFE_NO_PAD.encode(record.to_string()),
    }));
    assert!(matches!(
        records.standing(Some(&current)),
        Standing::Managed(_)
    ));
    assert!(matches!(records.standing(Some(&left)), Standing::Orphan(_)));
}

#[test]
fn what_was_minted_after_a_state_was_written_is_no_orphan_by_that_state() {
    let next = Nonce::from_bytes([3; 5]);
    let old = read(json!({
        "remote_name": marker("acme", "i-1", 2, 2).remote_name("ci"),
        "record": json!({ "instance": "i-1", "next_nonce": next }).to_string(),
    }));
    let standing = |revision, nonce| old.standing(Some(&marker("acme", "i-1", revision, nonce)));
    assert!(matches!(standing(3, 3), Standing::LostAnswer(_)));
    assert!(matches!(standing(4, 4), Standing::Newer(_)));
    assert!(matches!(standing(3, 5), Standing::Newer(_)));
    assert!(matches!(standing(2, 9), Standing::Orphan(_)));
    assert!(matches!(standing(1, 9), Standing::Orphan(_)));
}

#[test]
fn the_token_of_a_run_is_no_orphan_of_the_states_that_are_all_given() {
    let mut records = Records::default();
    let name = "acme".to_owned();
    records.whole.insert(Origin::of(&name), name);
    let ephemeral = marker("acme", ManagerId::EPHEMERAL, 1, 1);
    assert_eq!(records.standing(Some(&ephemeral)), Standing::Ephemeral);
    let left = marker("acme", "i-1", 1, 1);
    assert!(matches!(records.standing(Some(&left)), Standing::Orphan(_)));
}
