//! Each rule of an entry, in tables.

use serde_json::{Value, json};

use super::*;

fn grant(more: Value) -> Grant {
    let mut grant = json!({ "namespaces": { "names": ["team-a"] } });
    for (key, value) in more.as_object().unwrap() {
        grant[key] = value.clone();
    }
    serde_json::from_value(grant).unwrap()
}

fn asked(more: Value) -> Asked {
    let mut token = json!({ "name": "ci", "lifetime": "30d" });
    for (key, value) in more.as_object().unwrap() {
        token[key] = value.clone();
    }
    let spec = json!({
        "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" },
        "token": token,
        "secret": { "name": "ci-token" },
    });
    Asked::of(&serde_json::from_value(spec).unwrap())
}

fn adopting(parameters: Value) -> Asked {
    let spec = json!({
        "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" },
        "adopt": { "valueFrom": { "secretRef": { "name": "source" } }, "parameters": parameters },
        "secret": { "name": "ci-token" },
    });
    Asked::of(&serde_json::from_value(spec).unwrap())
}

#[test]
fn an_entry_grants_what_it_speaks_of_and_nothing_else() {
    let table = [
        (json!({}), json!({}), "granted"),
        (
            json!({}),
            json!({ "scopes": ["read"] }),
            "it grants no scopes, and \"read\" is asked for",
        ),
        (
            json!({}),
            json!({ "parameters": { "org": "a" } }),
            "it grants no parameter \"org\"",
        ),
        (json!({}), json!({ "lifetime": "never" }), "granted"),
        (
            json!({ "scopes": ["read:*", "write:packages"] }),
            json!({ "scopes": ["read:org", "write:packages"] }),
            "granted",
        ),
        (
            json!({ "scopes": ["read:*", "write:packages"] }),
            json!({ "scopes": ["read:org", "write:org"] }),
            "the scope \"write:org\" matches none of read:*, write:packages",
        ),
        // At some systems a token without scopes has all of them.
        (
            json!({ "scopes": ["read:*"] }),
            json!({}),
            "it grants only tokens with scopes (read:*), and none is asked for",
        ),
        (
            json!({ "parameters": { "org": ["a", "b-*"] } }),
            json!({ "parameters": { "org": "b-1" } }),
            "granted",
        ),
        (
            json!({ "parameters": { "org": ["a", "b-*"] } }),
            json!({ "parameters": { "org": "c" } }),
            "the parameter \"org\" is \"c\", which matches none of a, b-*",
        ),
        // Left out, it may mean all of them.
        (
            json!({ "parameters": { "org": ["a"] } }),
            json!({}),
            "the parameter \"org\" must be given",
        ),
        (
            json!({ "parameters": { "org": ["a"] } }),
            json!({ "parameters": { "org": "a", "team": "x" } }),
            "it grants no parameter \"team\"",
        ),
        (
            json!({ "maxLifetime": "30d" }),
            json!({ "lifetime": "720h" }),
            "granted",
        ),
        (
            json!({ "maxLifetime": "30d" }),
            json!({ "lifetime": "721h" }),
            "the lifetime 721h is longer than 30d",
        ),
        (
            json!({ "maxLifetime": "30d" }),
            json!({ "lifetime": "never" }),
            "the lifetime never is longer than 30d",
        ),
    ];
    for (entry, wish, wanted) in table {
        let said = match covers(&grant(entry.clone()), &asked(wish.clone())) {
            Ok(()) => "granted".to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(said, wanted, "{entry} {wish}");
    }
}

#[test]
fn adopting_is_granted_only_where_an_entry_says_so_and_with_its_parameters() {
    let with = grant(json!({ "adopt": true, "parameters": { "org": ["a"] }, "scopes": ["read"] }));
    assert_eq!(
        covers(&grant(json!({})), &adopting(json!({}))),
        Err(Fault::Adopt)
    );
    assert_eq!(covers(&with, &adopting(json!({ "org": "a" }))), Ok(()));
    assert!(matches!(
        covers(&with, &adopting(json!({ "org": "b" }))),
        Err(Fault::Parameter { .. })
    ));
}

#[test]
fn a_star_is_any_text_and_everything_else_is_itself() {
    let table = [
        ("*", "", true),
        ("*", "a.b/c", true),
        ("a", "a", true),
        ("a", "ab", false),
        ("a*", "a", true),
        ("*a", "ba", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("a**c", "abc", true),
        ("a.c", "abc", false),
        ("[a]*", "a", false),
        ("*ab*ab", "ab", false),
        ("*ab*ab", "abab", true),
        ("A*", "ab", false),
    ];
    for (pattern, text, wanted) in table {
        assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
    }
    let pattern = "*a".repeat(126);
    assert!(!matches(&format!("{pattern}b"), &"a".repeat(100_000)));
}

#[test]
fn namespaces_are_chosen_by_name_or_by_label() {
    let labels: Labels = [("tier".to_owned(), "gold".to_owned())].into();
    let table = [
        (json!({ "names": ["team-a", "team-b"] }), true),
        (json!({ "names": ["team-b"] }), false),
        (json!({ "names": ["team-"] }), false),
        (json!({ "selector": {} }), true),
        (
            json!({ "selector": { "matchLabels": { "tier": "gold" } } }),
            true,
        ),
        (
            json!({ "selector": { "matchLabels": { "tier": "tin" } } }),
            false,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["gold"] }] } }),
            true,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] } }),
            false,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "Perhaps" }] } }),
            false,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": ["tin"] }] } }),
            true,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "NotIn", "values": [] }] } }),
            false,
        ),
        (
            json!({ "selector": { "matchExpressions": [{ "key": "tier", "operator": "NotIn" }] } }),
            false,
        ),
        (json!({}), false),
    ];
    for (namespaces, wanted) in table {
        let namespaces: Namespaces = serde_json::from_value(namespaces).unwrap();
        assert_eq!(
            is_for(&namespaces, "team-a", &labels),
            wanted,
            "{namespaces:?}"
        );
    }
}

#[test]
fn a_refusal_says_who_and_what_each_entry_lacks() {
    let refusal = |faults| NotAllowed {
        issuer: "shared".to_owned(),
        namespace: "team-a".to_owned(),
        faults,
    };
    assert_eq!(
        refusal(Vec::new()).to_string(),
        "The ClusterTokenIssuer shared does not allow this to the namespace team-a: no entry of its spec.allow is for this namespace."
    );
    let faults = vec![(1, Fault::Adopt), (3, Fault::Full(2))];
    assert_eq!(
        refusal(faults).to_string(),
        "The ClusterTokenIssuer shared does not allow this to the namespace team-a: spec.allow[1]: it does not allow to adopt; spec.allow[3]: all of its maxTokens (2) are taken by other ApiTokens of the namespace."
    );
    let many = (0..6).map(|entry| (entry, Fault::Adopt)).collect();
    assert!(refusal(many).to_string().ends_with("; and 2 more entries."));
}

#[test]
fn what_the_admission_policy_lets_through_and_refuses_is_what_is_granted() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("asked.json")).unwrap();
    let labels: Labels = [("tier".to_owned(), "gold".to_owned())].into();
    for case in cases {
        let grants: Vec<Grant> = serde_json::from_value(case["allow"].clone()).unwrap();
        let wanted = asked(case["asked"].clone());
        let entries = grants.iter().enumerate();
        let entries = entries.filter(|(_, grant)| is_for(&grant.namespaces, "team-a", &labels));
        let (granted, faults): (Vec<_>, Vec<_>) = entries
            .map(|(n, grant)| covers(grant, &wanted).map_err(|fault| (n, fault)))
            .partition(Result::is_ok);
        let refused = NotAllowed {
            issuer: "shared".to_owned(),
            namespace: "team-a".to_owned(),
            faults: faults.into_iter().filter_map(Result::err).collect(),
        };
        match case["refused"].as_str() {
            None => assert!(!granted.is_empty(), "{}: {refused}", case["what"]),
            Some(words) => {
                assert!(granted.is_empty(), "{}", case["what"]);
                let told = refused.to_string();
                assert!(told.contains(words), "{}: {told}", case["what"]);
            }
        }
    }
}

#[test]
fn what_asks_with_more_text_than_can_be_recorded_is_granted_by_no_entry_and_not_kept() {
    let long: Vec<_> = (0..2).map(|n| format!("{n}").repeat(9_000)).collect();
    let parameters = json!({ "a": long[0], "b": long[1] });
    let all = grant(json!({
        "scopes": ["*"], "adopt": true, "parameters": { "a": ["*"], "b": ["*"] },
    }));
    for asked in [
        asked(json!({ "scopes": long, "parameters": { "a": "1", "b": "2" } })),
        asked(json!({ "parameters": parameters, "scopes": ["read"] })),
        adopting(parameters),
    ] {
        assert_eq!(covers(&all, &asked), Err(Fault::Overlong));
        assert_eq!((asked.token, asked.adopt), (None, None));
    }
    let one = long[0].as_str();
    let fits = asked(json!({ "scopes": [one], "parameters": { "a": one, "b": "2" } }));
    assert_eq!(covers(&all, &fits), Ok(()));
}
