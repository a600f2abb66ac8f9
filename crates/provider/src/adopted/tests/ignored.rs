//! `ignore_changes` on each attribute that a user may write.

use std::collections::BTreeMap;

use super::*;

/// What stands beside an attribute at first, and what it is changed to while it is ignored.
type Case = (&'static str, Vec<(&'static str, Value)>, Value);

fn cases(value: &Value, another: &Value) -> Vec<Case> {
    let one = |name: &str, text: &Value| Value::Map([(name.to_owned(), text.clone())].into());
    let timeouts =
        |create: &str| Value::object([("create", create.into()), ("update", Value::Null)]);
    let ends = ("expires_at", Value::from("2027-01-01T00:00:00Z"));
    let case = |name, first: Value, other: Value| (name, vec![(name, first)], other);
    vec![
        case("name", "deploy".into(), "other".into()),
        case("issuer", "vendor".into(), "other".into()),
        case("value_wo", value.clone(), another.clone()),
        (
            "values_wo",
            vec![
                ("value_wo", Value::Null),
                ("values_wo", one("token", value)),
            ],
            one("token", another),
        ),
        case("value_wo_version", 1.into(), 2.into()),
        case(
            "parameters",
            one("project", &"a".into()),
            one("project", &"b".into()),
        ),
        case("expires_at", ends.1.clone(), "2026-01-02T00:00:00Z".into()),
        (
            "warn_before",
            vec![ends, ("warn_before", "30d".into())],
            "500d".into(),
        ),
        case("timeouts", timeouts("1m"), timeouts("2m")),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_attribute_that_is_ignored_changes_nothing_whatever_else_does() {
    let schema = schema::schema()
        .resources
        .remove(schema::ADOPTED_TOKEN)
        .unwrap();
    let written = schema.attributes.iter().filter(|a| a.is_configurable());
    let mut written: Vec<_> = written.map(|a| a.name().to_owned()).collect();
    let nothing = cases(&Value::Null, &Value::Null);
    let mut known: Vec<_> = nothing
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    written.sort();
    known.sort();
    assert_eq!(known, written);

    for at in 0..known.len() {
        let mut run = run(MemorySettings::default()).await;
        let (value, another) = (made(&run).await.1, made(&run).await.1);
        let (ignored, first, other) = cases(&value, &another).swap_remove(at);
        let first = [vec![("value_wo", value)], first].concat();
        first
            .into_iter()
            .for_each(|(name, value)| run.config.insert(name, value));
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{ignored}: {:?}", said.errors);
        let (before, asked) = (run.state.clone(), run.issuer.count(Operation::Check));
        run.config.insert(ignored, other);
        run.ignored = vec![ignored];
        run.read().await;
        assert!(run.plans_nothing().await, "{ignored} alone");

        let beside = match ignored {
            "name" => (
                "timeouts",
                Value::object([("create", "3m".into()), ("update", Value::Null)]),
            ),
            _ => ("name", "renamed".into()),
        };
        run.config.insert(beside.0, beside.1.clone());
        let said = run.apply().await;
        let told = [said.errors, said.warnings].concat();
        assert!(told.is_empty(), "{ignored}: {told:?}");
        let mut expected: BTreeMap<_, _> = before.as_map().unwrap().clone();
        expected.insert(beside.0.to_owned(), beside.1);
        assert_eq!(run.state.as_map(), Some(&expected), "{ignored}");
        assert_eq!(run.issuer.count(Operation::Check), asked, "{ignored}");
        assert!(run.plans_nothing().await, "{ignored} and another");

        // And where the value is taken up once more.
        if ignored == "value_wo_version" {
            continue;
        }
        run.config.insert("value_wo_version", 7);
        let said = run.apply().await;
        let told = [said.errors, said.warnings].concat();
        assert!(told.is_empty(), "{ignored}: {told:?}");
        expected.insert("value_wo_version".to_owned(), 7.into());
        let offered = !["value_wo", "values_wo"].contains(&ignored);
        if offered {
            let next = before.get("value_version").as_i64().unwrap() + 1;
            expected.insert("value_version".to_owned(), next.into());
            expected.insert(
                "verified_at".to_owned(),
                run.state.get("verified_at").clone(),
            );
        }
        assert_eq!(run.state.as_map(), Some(&expected), "{ignored}");
        let taken_up = run.issuer.count(Operation::Check) > asked;
        assert_eq!(taken_up, offered, "{ignored}");
        assert!(run.plans_nothing().await, "{ignored}");
    }
}
