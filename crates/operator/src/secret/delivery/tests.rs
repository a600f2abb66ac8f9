//! What the Secret says must be what was written, and only ours is believed.

use std::collections::BTreeMap;

use tokenwright_client::{SecretText, SecretValue};
use tokenwright_core::{
    Identity, Inputs, Lifetime, ManagerId, Marker, Nonce, Origin, Proven, TokenId, TokenRef,
};

use super::*;

fn manager(uid: &str) -> Manager {
    Manager {
        namespace: "team-a".to_owned(),
        name: "ci".to_owned(),
        uid: uid.to_owned(),
        origin: Origin::of("cluster"),
        id: ManagerId::of(uid),
    }
}

fn template(data: &[(&str, &str)]) -> SecretTemplate {
    serde_json::from_value(serde_json::json!({
        "name": "ci-token",
        "labels": { "team": "a" },
        "data": data.iter().copied().collect::<BTreeMap<_, _>>(),
    }))
    .unwrap()
}

fn token(manager: &Manager, revision: u32) -> TokenRef {
    TokenRef {
        id: TokenId::new(format!("SCW{revision}")),
        marker: Marker {
            origin: manager.origin.clone(),
            manager: manager.id.clone(),
            revision,
            nonce: Nonce::from_bytes([1, 2, 3, 4, u8::try_from(revision).unwrap()]),
        },
        parameters: BTreeMap::from([("application_id".to_owned(), "7f3c".to_owned())]),
        endpoint: "https://api.scaleway.com".to_owned(),
        identity: None,
    }
}

fn held(manager: &Manager) -> Held {
    Held {
        token: token(manager, 2),
        inputs: Inputs {
            name: "ci".to_owned(),
            scopes: ["read".to_owned()].into(),
            parameters: BTreeMap::from([("application_id".to_owned(), "7f3c".to_owned())]),
            lifetime: "90d".parse::<Lifetime>().unwrap(),
        },
        created_at: "2026-03-01T00:00:00.25Z".parse().unwrap(),
        expires_at: Some("2026-05-30T00:00:00Z".parse().unwrap()),
        proven: Proven::Yes,
        wished_end: None,
        disabled_by_us: false,
    }
}

fn retiring(manager: &Manager) -> Vec<Retiring> {
    vec![Retiring {
        token: token(manager, 1),
        not_before: "2026-03-02T00:00:00Z".parse().unwrap(),
        expires_at: None,
    }]
}

fn parts(secret: &str) -> Parts {
    let value = SecretValue::new([("secret_key".to_owned(), SecretText::new(secret.to_owned()))]);
    Parts::of(
        &value,
        &BTreeMap::from([("access_key".to_owned(), "SCW2".to_owned())]),
    )
}

fn build(
    manager: &Manager,
    data: &[(&str, &str)],
    existing: Option<&Secret>,
) -> Result<Secret, BuildError> {
    let template = template(data);
    build_as(manager, &template, &parts("hunter2"), existing)
}

fn build_as(
    manager: &Manager,
    template: &SecretTemplate,
    parts: &Parts,
    existing: Option<&Secret>,
) -> Result<Secret, BuildError> {
    let (held, retiring) = (held(manager), retiring(manager));
    let key = DigestKey::new(vec![7; 32]).unwrap();
    let delivery = Delivery {
        manager,
        template,
        token: Token::Minted {
            current: &held,
            retiring: &retiring,
            seals: &[key.seal(&retiring[0].token), key.seal(&held.token)],
        },
        parts,
        previous: &Parts::default(),
        key: &key,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(delivery.build(existing))
}

fn text<'a>(secret: &'a Secret, key: &str) -> &'a str {
    std::str::from_utf8(&secret.data.as_ref().unwrap()[key].0).unwrap()
}

#[test]
fn one_write_carries_the_value_and_everything_that_is_known_of_its_token() {
    let manager = manager("uid-1");
    let secret = build(
        &manager,
        &[(
            ".npmrc",
            "//registry/:_authToken=$(value.secret_key) # $(name) $(application_id)",
        )],
        None,
    )
    .unwrap();
    assert_eq!(text(&secret, "secret_key"), "hunter2");
    assert_eq!(text(&secret, "access_key"), "SCW2");
    assert_eq!(
        text(&secret, ".npmrc"),
        "//registry/:_authToken=hunter2 # ci 7f3c"
    );
    let said = carried(&secret, &manager).unwrap();
    assert_eq!(
        (said.current, said.retiring),
        (held(&manager), retiring(&manager))
    );
    assert_eq!(ownership(&secret, &manager), Ownership::Ours);
    assert_eq!(Parts::held_by(&secret).names(), "access_key,secret_key");
    assert!(
        secret.metadata.owner_references.is_none(),
        "foreground deletion would take the Secret before it is read"
    );
}

#[test]
fn a_seal_is_of_the_token_that_was_written_and_of_no_other() {
    let manager = manager("uid-1");
    let secret = build(&manager, &[], None).unwrap();
    let [key, other] = [7, 8].map(|byte| DigestKey::new(vec![byte; 32]).unwrap());
    let written = held(&manager).token;
    assert!(vouches(&secret, &written, &key));
    assert!(vouches(&secret, &retiring(&manager)[0].token, &key));
    assert!(!vouches(&secret, &written, &other));
    let mut with_another_id = written.clone();
    with_another_id.id = TokenId::new("theirs");
    let mut with_another_marker = written.clone();
    with_another_marker.marker.revision += 1;
    let mut at_another_endpoint = written.clone();
    at_another_endpoint.endpoint = "https://another".to_owned();
    let mut of_another_account = written.clone();
    of_another_account.identity = Some(Identity::new("another"));
    let mut elsewhere = written;
    elsewhere.parameters = [("user".to_owned(), "theirs".to_owned())].into();
    for forged in [
        with_another_id,
        with_another_marker,
        at_another_endpoint,
        of_another_account,
        elsewhere,
    ] {
        assert!(!vouches(&secret, &forged, &key));
    }
}

#[test]
fn what_others_put_on_the_secret_stays_but_the_data_is_ours() {
    let manager = manager("uid-1");
    let mut existing = build(&manager, &[("old", "1")], None).unwrap();
    existing.metadata.resource_version = Some("7".to_owned());
    existing.metadata.uid = Some("secret-uid".to_owned());
    existing
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert("reloader.stakater.com/match".to_owned(), "true".to_owned());
    let next = build(&manager, &[], Some(&existing)).unwrap();
    assert_eq!(
        next.metadata.annotations.as_ref().unwrap()["reloader.stakater.com/match"],
        "true"
    );
    assert_eq!(version(Some(&next)), version(Some(&existing)));
    assert!(!next.data.unwrap().contains_key("old"));
}

#[test]
fn what_a_template_cannot_ask_for_is_not_taken_off_whatever_the_secret_says() {
    let manager = manager("uid-1");
    let mut existing = build(&manager, &[], None).unwrap();
    let marks = [label::CREDENTIAL, "app.kubernetes.io/part-of", "cost"];
    let labels = existing.metadata.labels.as_mut().unwrap();
    labels.extend(marks.map(|key| (key.to_owned(), "x".to_owned())));
    let annotations = existing.metadata.annotations.as_mut().unwrap();
    annotations.insert(annotation::LABELS.to_owned(), marks.join(","));
    let next = build(&manager, &[], Some(&existing)).unwrap();
    let labels = next.labels();
    let left: Vec<_> = marks
        .iter()
        .filter(|key| labels.contains_key(**key))
        .collect();
    assert_eq!(left, [&label::CREDENTIAL, &"app.kubernetes.io/part-of"]);
    assert_eq!(next.annotations()[annotation::LABELS], "team");
}

#[test]
fn a_secret_of_before_is_not_rewritten_to_say_what_was_asked_for() {
    let manager = manager("uid-1");
    let wanted = build(&manager, &[], None).unwrap();
    let mut before = wanted.clone();
    let annotations = before.metadata.annotations.as_mut().unwrap();
    assert!(annotations.remove(annotation::LABELS).is_some());
    assert!(same_object(&before, &wanted));
}

#[test]
fn a_template_that_cannot_be_filled_is_an_error_that_names_the_key() {
    let manager = manager("uid-1");
    let unknown = build(&manager, &[("config", "$(value.other)")], None).unwrap_err();
    assert_eq!(unknown.to_string(), "spec.secret.data[\"config\"]");
    assert!(matches!(
        build(&manager, &[("secret_key", "x")], None),
        Err(BuildError::HidesPart(_))
    ));
}

#[test]
fn a_tenants_texts_are_bounded_and_the_refusal_names_the_key() {
    let big = "$(application_id)";
    for (text, told) in [
        (
            "$(['xxxxxxxxxxxxxxxx'] * 99999999)".to_owned(),
            "multiplies",
        ),
        (big.repeat(4_000), "more than 200 expressions"),
        ("$(1)".repeat(60_000), "more than 200 expressions"),
    ] {
        let refused = build(&manager("uid-1"), &[("x", &text)], None).unwrap_err();
        let invalid = refused.as_invalid().to_string();
        assert!(
            invalid.contains("spec.secret.data[\"x\"]"),
            "{invalid:.300}"
        );
        assert!(invalid.contains(told), "{invalid:.300}");
    }
}

#[test]
fn a_document_that_a_value_could_break_is_refused_at_the_rehearsal() {
    let manager = manager("uid-1");
    let sizes = BTreeMap::from([("secret_key".to_owned(), 64)]);
    let worst = Parts::placeholder(&sizes, &["access_key".to_owned()]);
    let document = |slot: &str| {
        let text = format!(r#"{{"auths": {{"r": {{"username": "u", "password": {slot}}}}}}}"#);
        SecretTemplate {
            type_: "kubernetes.io/dockerconfigjson".to_owned(),
            ..template(&[(".dockerconfigjson", &text)])
        }
    };
    for good in [
        r#""$(value.secret_key|json)""#,
        "$(value.secret_key|json)",
        r#""$(value.secret_key|b64)""#,
    ] {
        let built = build_as(&manager, &document(good), &worst, None);
        assert!(built.is_ok(), "{good}: {built:?}");
    }
    let raw = document(r#""$(value.secret_key)""#);
    let refused = build_as(&manager, &raw, &worst, None)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(".dockerconfigjson") && refused.contains("$(value.PART|json)"),
        "{refused}"
    );
    // What holds nothing to escape stays as it was.
    assert!(build_as(&manager, &raw, &parts("hunter2"), None).is_ok());
}

#[test]
fn a_secret_that_is_an_issuers_credential_keeps_its_finalizer_and_one_that_was_a_source_does_not() {
    let ours = manager("uid");
    for (labelled, kept) in [(label::CREDENTIAL, true), (label::SECRET, false)] {
        let existing = Secret {
            metadata: ObjectMeta {
                labels: Some([(labelled.to_owned(), "x".to_owned())].into()),
                finalizers: Some(vec![
                    finalizer::IN_USE.to_owned(),
                    "acme.example/keep".to_owned(),
                ]),
                ..ObjectMeta::default()
            },
            ..Secret::default()
        };
        let built = build(&ours, &[], Some(&existing)).unwrap();
        let finalizers = built.metadata.finalizers.unwrap();
        let held = finalizers.iter().any(|name| name == finalizer::IN_USE);
        assert_eq!(held, kept, "{labelled}");
        assert!(finalizers.contains(&"acme.example/keep".to_owned()));
    }
}

#[test]
fn a_secret_of_somebody_else_is_foreign_unless_it_is_offered_or_of_a_predecessor() {
    let ours = build(&manager("uid-1"), &[], None).unwrap();
    let again = manager("uid-2");
    assert_eq!(
        ownership(&ours, &again),
        Ownership::Predecessor {
            uid: "uid-1".to_owned()
        }
    );
    assert!(
        carried(&ours, &again).is_none(),
        "the token of a predecessor is not ours to revoke"
    );

    let other = Manager {
        name: "other".to_owned(),
        ..manager("uid-3")
    };
    assert_eq!(ownership(&ours, &other), Ownership::Foreign);
    assert_eq!(ownership(&Secret::default(), &other), Ownership::Foreign);

    let mut offered = Secret::default();
    offered.metadata.annotations = Some(BTreeMap::from([(
        annotation::ALLOW_TAKEOVER_BY.to_owned(),
        "other".to_owned(),
    )]));
    assert_eq!(ownership(&offered, &other), Ownership::Offered);
    let taken = build(&other, &[], Some(&offered)).unwrap();
    assert!(
        !taken
            .metadata
            .annotations
            .unwrap()
            .contains_key(annotation::ALLOW_TAKEOVER_BY)
    );
}

#[test]
fn a_retiring_token_with_the_marker_of_another_manager_is_not_believed() {
    let (us, them) = (manager("uid-1"), manager("uid-2"));
    let mut secret = build(&us, &[], None).unwrap();
    let forged = serde_json::to_string(&retiring(&them)).unwrap();
    secret
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert(annotation::RETIRING.to_owned(), forged);
    assert!(carried(&secret, &us).unwrap().retiring.is_empty());
}
