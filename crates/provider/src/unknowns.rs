//! Every attribute unknown, null and set in turn: derived from the schema, on an issuer in memory. For tests
//! alone.
//!
//! A value that is not known before something else is applied must give no error that each of its values
//! would not have given, and what was planned must hold whatever it turns out to be.

use tfplugin::{Attribute, Diagnostics, Nesting, Schema, Value};
use tokenwright_client::MemorySettings;

use crate::schema;
use crate::testing::{Run, configuration};

/// The names from the top to an attribute, or to the entry of a map.
type Place = Vec<String>;

/// Every place in these attributes that a person can write to.
fn places(attributes: &[Attribute], above: &[String], found: &mut Vec<Place>) {
    for attribute in attributes.iter().filter(|a| a.is_configurable()) {
        let mut place = above.to_vec();
        place.push(attribute.name().to_owned());
        found.push(place.clone());
        match attribute.objects() {
            Some((Nesting::Map, inner)) => {
                place.push("vendor".to_owned());
                found.push(place.clone());
                places(inner, &place, found);
            }
            Some((Nesting::Single, inner)) => places(inner, &place, found),
            Some((Nesting::List | Nesting::Set, _)) => panic!("no test writes into {place:?}"),
            None => {}
        }
    }
}

fn put(value: &mut Value, place: &[String], new: Value) {
    let (first, rest) = place.split_first().unwrap();
    let mut inner = value.get(first).clone();
    match rest.is_empty() {
        true => inner = new,
        false => {
            if inner.is_null() {
                inner = Value::Object(Default::default());
            }
            put(&mut inner, rest, new);
        }
    }
    value.insert(first.as_str(), inner);
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(
        entries
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect(),
    )
}

/// Values of a place: good ones, bad ones, and such as are bad only beside others.
fn values(place: &Place) -> Vec<Value> {
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::from(*text)).collect();
    let optional = |mut values: Vec<Value>| {
        values.push(Value::Null);
        values
    };
    let name = place.join(".");
    match name.as_str() {
        "token_id" => texts(&["token-1", "token-2"]),
        "name" => texts(&["ci", " ", "tw1-aaaaaaaaaaaa-bbbbbbbbbbbb-1-cccccccccccc"]),
        "lifetime" => optional(texts(&["30d", "1h", "never", "0d", "soon"])),
        "issuer" => optional(texts(&["vendor", "other"])),
        "scopes" => optional(vec![Value::Set(vec!["read".into()]), Value::Set(vec![])]),
        "parameters" => optional(vec![
            map(&[]),
            map(&[("team", "a".into())]),
            map(&[("project", "a".into())]),
        ]),
        "rotation" => optional(vec![Value::object([("overlap", "20d".into())])]),
        "rotation.renew_before" => optional(texts(&["1d", "25%", "40d", "0%", "soon"])),
        "rotation.every" => optional(texts(&["10d", "0s", "soon"])),
        "rotation.overlap" => optional(texts(&["1h", "11d", "70d", "soon"])),
        "rotation.allow_gap" => optional(vec![true.into(), false.into()]),
        "rotation.triggers" => optional(vec![map(&[("a", "1".into())])]),
        "enabled" => optional(vec![true.into(), false.into()]),
        "on_loss" => optional(texts(&["report", "panic"])),
        "on_missing_value" => optional(texts(&["rotate", "panic"])),
        "on_destroy" => optional(texts(&["retain", "panic"])),
        "secret_output" => optional(texts(&["state", "encrypted", "hidden"])),
        "recipients" => optional(vec![
            Value::Set(vec![
                "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc".into(),
            ]),
            Value::Set(vec![]),
            Value::Set(vec!["ssh-ed25519 AAAA".into()]),
        ]),
        "timeouts" => optional(vec![Value::object([("create", "1m".into())])]),
        _ if place[0] == "timeouts" => optional(texts(&["1m", "soon"])),
        "value_wo" => optional(texts(&["a-value"])),
        "values_wo" => optional(vec![map(&[("token", "a-value".into())])]),
        "value_wo_version" => optional(vec![1.into(), 2.into()]),
        "expires_at" => optional(texts(&["2027-01-31T00:00:00Z", "soon"])),
        "warn_before" => optional(texts(&["2w", "soon"])),
        "manager" => optional(texts(&["test"])),
        "issuers" => vec![map(&[]), map(&[("vendor", issuer())])],
        "issuers.vendor" => vec![issuer()],
        "issuers.vendor.profile" => texts(&["seeme", "seemee", "profile: x\ntitle: y\n"]),
        "issuers.vendor.endpoint" => optional(texts(&[
            "https://example.com",
            "example.com",
            "http://a.com",
        ])),
        "issuers.vendor.credential" => optional(texts(&["a"])),
        "issuers.vendor.credential_parts" => optional(vec![map(&[("key", "a".into())])]),
        "issuers.vendor.request_timeout" => optional(texts(&["30s", "0s", "fast"])),
        _ => panic!("this test needs values of {name}"),
    }
}

fn issuer() -> Value {
    Value::object([("profile", "seeme".into())])
}

/// The resources; each is tried.
const ALL: [&str; 3] = [schema::API_TOKEN, schema::ADOPTED_TOKEN, schema::RETIREMENT];

/// A valid configuration of each resource.
fn valid(of: &str) -> Value {
    let own: &[(&str, Value)] = match of {
        schema::API_TOKEN => &[("name", "ci".into()), ("lifetime", "30d".into())],
        schema::ADOPTED_TOKEN => &[("name", "ci".into()), ("value_wo", "a-value".into())],
        schema::RETIREMENT => &[("token_id", "token-1".into())],
        other => panic!("this test needs a configuration of {other}"),
    };
    configuration(of, own)
}

async fn errors(run: &Run, config: &Value) -> Vec<String> {
    let mut diags = Diagnostics::new();
    run.validate(config, &mut diags).await;
    diags.iter().map(|d| d.summary.clone()).collect()
}

/// With each of these places unknown in turn, and all others with all of their values, two at a time.
async fn unknown_gives_no_error_of_its_own(run: &Run, valid: &Value, places: &[Place]) {
    for unknown in places {
        let others: Vec<_> = places.iter().filter(|p| !touches(p, unknown)).collect();
        for (count, first) in others.iter().enumerate() {
            for second in &others[count..] {
                for (a, b) in pairs(first, second) {
                    let mut config = valid.clone();
                    put(&mut config, first, a.clone());
                    put(&mut config, second, b.clone());
                    judge(run, &config, unknown).await;
                }
            }
        }
        judge(run, valid, unknown).await;
    }
}

async fn judge(run: &Run, config: &Value, unknown: &Place) {
    let mut open = config.clone();
    put(&mut open, unknown, Value::Unknown);
    let said = errors(run, &open).await;
    if said.is_empty() {
        return;
    }
    for value in values(unknown) {
        let mut known = config.clone();
        put(&mut known, unknown, value.clone());
        assert!(
            !errors(run, &known).await.is_empty(),
            "{unknown:?} unknown gives {said:?} in {config:?}, and {value:?} none"
        );
    }
}

fn touches(a: &Place, b: &Place) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn pairs(first: &Place, second: &Place) -> Vec<(Value, Value)> {
    if first == second {
        return values(first).into_iter().map(|v| (v.clone(), v)).collect();
    }
    if touches(first, second) {
        return Vec::new();
    }
    let all = values(first);
    let pairs = all
        .iter()
        .flat_map(|a| values(second).into_iter().map(|b| (a.clone(), b)));
    pairs.collect()
}

fn places_of(run: &Run) -> Vec<Place> {
    let mut all = schema::schema();
    let schema = match run.of {
        "" => all.provider,
        of => all.resources.remove(of).unwrap(),
    };
    let mut found = Vec::new();
    places(&schema.attributes, &[], &mut found);
    found
}

#[tokio::test(start_paused = true)]
async fn validation_judges_only_what_is_known() {
    let all = schema::schema();
    for of in ALL {
        assert!(all.resources.contains_key(of));
        let run = Run::new(of, valid(of), MemorySettings::default()).await;
        unknown_gives_no_error_of_its_own(&run, &valid(of), &places_of(&run)).await;
    }
    assert_eq!(
        all.resources.len(),
        ALL.len(),
        "a resource that is not tried"
    );
}

fn said(schema: &Schema, config: &Value) -> Vec<String> {
    let mut diags = Diagnostics::new();
    schema.check(config, &mut diags);
    let paths = diags.iter().map(|d| d.path.clone().unwrap_or_default());
    paths.map(|path| path.to_string()).collect()
}

#[test]
fn required_is_not_null_and_what_is_computed_cannot_be_set() {
    let all = schema::schema();
    let mut diags = Diagnostics::new();
    all.check_definitions(&mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    let block = Value::object([("issuers", map(&[("vendor", issuer())]))]);
    let mut tried = vec![("provider", all.provider.clone(), block)];
    for (name, schema) in &all.resources {
        tried.push((name.as_str(), schema.clone(), valid(name)));
    }
    for (of, schema, valid) in tried {
        assert!(said(&schema, &valid).is_empty(), "{of}");
        for attribute in &schema.attributes {
            let name = attribute.name();
            for (value, wrong) in [
                (Value::Null, attribute.is_required()),
                (Value::Unknown, !attribute.is_configurable()),
            ] {
                let mut config = valid.clone();
                config.insert(name, value);
                let expected = if wrong { vec![name] } else { vec![] };
                assert_eq!(said(&schema, &config), expected, "{of}.{name}");
            }
        }
    }
}

#[test]
fn an_issuer_needs_its_profile() {
    let block = |issuer: Value| Value::object([("issuers", map(&[("vendor", issuer)]))]);
    let schema = schema::schema().provider;
    let without = Value::object([("endpoint", "https://example.com".into())]);
    let missing = "issuers[\"vendor\"].profile";
    assert_eq!(said(&schema, &block(without)), [missing]);
    assert_eq!(said(&schema, &block(Value::Null)), ["issuers[\"vendor\"]"]);
    assert!(said(&schema, &block(Value::Unknown)).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_provider_block_is_judged_only_where_it_is_known() {
    let block = map(&[("vendor", issuer())]);
    let block = Value::object([("issuers", block)]);
    let run = Run::new("", block.clone(), MemorySettings::default()).await;
    unknown_gives_no_error_of_its_own(&run, &block, &places_of(&run)).await;
}

mod plans;
