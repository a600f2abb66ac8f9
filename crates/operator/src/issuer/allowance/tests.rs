use serde_json::{Value, json};

use super::*;

fn issuer(allow: Value) -> ClusterTokenIssuer {
    serde_json::from_value(json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ClusterTokenIssuer",
        "metadata": { "name": "shared" }, "spec": { "profile": "memory", "allow": allow },
    }))
    .unwrap()
}

fn token(name: &str, created: &str) -> ApiToken {
    serde_json::from_value(json!({
        "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
        "metadata": { "name": name, "namespace": "team-a", "uid": name, "creationTimestamp": created },
        "spec": {
            "issuerRef": { "kind": "ClusterTokenIssuer", "name": "shared" },
            "token": { "name": "ci", "lifetime": "30d" },
            "secret": { "name": "ci-token" },
        },
    }))
    .unwrap()
}

const EARLY: &str = "2026-01-01T00:00:00Z";
const LATE: &str = "2026-01-01T00:00:01Z";

fn two(allow: Value) -> (Allowances, [ApiToken; 2]) {
    let allowances = Allowances::default();
    allowances.grant(&issuer(allow));
    let both = [token("a", LATE), token("b", EARLY)];
    for token in &both {
        allowances.there(token);
    }
    (allowances, both)
}

fn gone(allowances: &Allowances, token: &ApiToken) -> Vec<Arc<str>> {
    let uid = token.uid().unwrap();
    allowances.gone(Group::of(token).as_ref(), &uid)
}

fn told(uids: Vec<Arc<str>>) -> Vec<String> {
    uids.iter().map(ToString::to_string).collect()
}

#[test]
fn the_oldest_of_those_that_come_at_once_has_the_last_place_whoever_asks_first() {
    let (allowances, [late, early]) =
        two(json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]));
    let refused = allowances.check(&late).unwrap_err();
    assert_eq!(refused.faults, [(0, Fault::Full(1))]);
    assert_eq!(allowances.check(&early), Ok(()));
    assert!(allowances.check(&late).is_err());
}

#[test]
fn who_was_let_in_keeps_its_place_even_if_an_older_one_is_seen_later() {
    let allowances = Allowances::default();
    let entry = json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]);
    allowances.grant(&issuer(entry));
    assert_eq!(allowances.check(&token("a", LATE)), Ok(()));
    assert!(allowances.check(&token("b", EARLY)).is_err());
    assert_eq!(allowances.check(&token("a", LATE)), Ok(()));
}

#[test]
fn who_has_a_token_keeps_its_place_over_a_restart() {
    let (allowances, [mut late, early]) =
        two(json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 1 }]));
    late.status = Some(serde_json::from_value(json!({ "lastRevision": 1 })).unwrap());
    allowances.there(&late);
    assert!(allowances.check(&early).is_err());
    assert_eq!(allowances.check(&late), Ok(()));
    // It goes, and its place with it; who waits for it is woken.
    assert_eq!(told(gone(&allowances, &late)), ["b"]);
    assert_eq!(allowances.check(&early), Ok(()));
}

#[test]
fn whoever_asks_for_something_else_leaves_its_place_to_the_next() {
    let (allowances, [mut late, early]) = two(json!([
        { "namespaces": { "names": ["team-a"] }, "maxTokens": 1, "maxLifetime": "30d" },
    ]));
    assert!(allowances.check(&late).is_err());
    assert_eq!(allowances.check(&early), Ok(()));
    let longer = |token: &mut ApiToken| {
        let asked = token.spec.token.as_mut().unwrap();
        asked.lifetime = serde_json::from_value(json!("31d")).unwrap();
    };
    let mut changed = early;
    longer(&mut changed);
    assert_eq!(told(allowances.there(&changed)), ["a"]);
    assert_eq!(allowances.check(&late), Ok(()));
    longer(&mut late);
    assert!(allowances.there(&late).is_empty(), "nobody waits for it");
}

#[test]
fn a_crowd_that_waits_for_few_places_costs_each_of_it_a_few_steps() {
    const CROWD: usize = 5_000;
    let allowances = Allowances::default();
    allowances.grant(&issuer(
        json!([{ "namespaces": { "names": ["team-a"] }, "maxTokens": 10 }]),
    ));
    let all: Vec<_> = (0..CROWD)
        .map(|n| token(&format!("{n:05}"), EARLY))
        .collect();
    for token in all.iter().rev() {
        allowances.there(token);
    }
    let let_in = all.iter().filter(|token| allowances.check(token).is_ok());
    assert_eq!(let_in.count(), 10);
    // Each that goes leaves its place to one, who looks again and has it.
    let mut told = 0;
    let (last, before) = all.split_last().unwrap();
    for left in before {
        for uid in gone(&allowances, left) {
            let next = &all[uid.parse::<usize>().unwrap()];
            assert_eq!(allowances.check(next), Ok(()));
            told += 1;
        }
    }
    assert_eq!(told, CROWD - 10);
    let looked_at = allowances.0.lock().crowds["team-a"]["shared"]
        .places
        .looked_at;
    assert!(looked_at <= 6 * CROWD, "{looked_at}");
    assert!(gone(&allowances, last).is_empty());
    let forgotten = allowances.0.lock().crowds.is_empty();
    assert!(forgotten, "whoever is gone is forgotten");
}

#[test]
fn a_withdrawn_grant_counts_at_once_and_so_does_a_changed_label() {
    let (allowances, [one, _]) =
        two(json!([{ "namespaces": { "selector": { "matchLabels": { "tier": "gold" } } } }]));
    assert!(allowances.check(&one).is_err(), "no labels are known yet");
    let gold: Labels = [("tier".to_owned(), "gold".to_owned())].into();
    let mut concerned = allowances.label("team-a", Some(&gold));
    concerned.sort();
    assert_eq!(concerned, ["a", "b"]);
    assert_eq!(allowances.check(&one), Ok(()));
    assert!(allowances.label("team-a", Some(&gold)).is_empty());
    allowances.label("team-a", Some(&Labels::new()));
    assert!(allowances.check(&one).is_err());
    allowances.grant(&issuer(json!([{ "namespaces": { "names": ["team-a"] } }])));
    assert_eq!(allowances.check(&one), Ok(()));
    allowances.grant(&issuer(json!([])));
    let refused = allowances.check(&one).unwrap_err();
    assert!(refused.to_string().contains("no entry of its spec.allow"));
}

#[test]
fn a_mint_that_was_begun_is_granted_as_far_as_one_that_is_asked_for_now() {
    let entry =
        json!({ "namespaces": { "names": ["team-a"] }, "maxTokens": 1, "maxLifetime": "30d" });
    let (allowances, [late, early]) = two(json!([entry]));
    let inputs = |lifetime: &str| Inputs {
        name: "ci".to_owned(),
        scopes: [].into(),
        parameters: [].into(),
        lifetime: lifetime.parse().unwrap(),
    };
    assert!(allowances.grants(&early, &inputs("30d")));
    assert!(!allowances.grants(&early, &inputs("31d")));
    assert!(!allowances.grants(&late, &inputs("30d")), "it has no place");
}

#[test]
fn a_mint_that_was_begun_is_granted_whatever_its_manager_asks_for_now() {
    let entry = |scope: &str, most: Value| {
        let mut entry = json!({ "namespaces": { "names": ["team-a"] }, "scopes": [scope] });
        entry["maxTokens"] = most;
        entry
    };
    for read in [json!(5), Value::Null] {
        let (allowances, [late, early]) =
            two(json!([entry("admin", json!(1)), entry("read", read)]));
        let asking = |token: &ApiToken, scope: &str| {
            let mut token = token.clone();
            token.spec.token.as_mut().unwrap().scopes = vec![scope.to_owned()];
            token
        };
        let admin = Inputs {
            name: "ci".to_owned(),
            scopes: ["admin".to_owned()].into(),
            parameters: [].into(),
            lifetime: "30d".parse().unwrap(),
        };
        assert_eq!(allowances.check(&asking(&early, "admin")), Ok(()));
        for now in ["read", "other"] {
            let early = asking(&early, now);
            allowances.there(&early);
            assert!(allowances.grants(&early, &admin), "{now}");
        }
        // Another one has its place by now.
        let early = asking(&early, "read");
        assert_eq!(allowances.check(&early), Ok(()));
        assert_eq!(allowances.check(&asking(&late, "admin")), Ok(()));
        assert!(allowances.grants(&early, &admin));
        let nobody = asking(&early, "other");
        allowances.there(&nobody);
        assert!(!allowances.grants(&nobody, &admin), "it has no place");
    }
}
