use minijinja::Value;
use proptest::prelude::*;
use serde_json::json;

use super::{Compiled, Context, Names, Template, Tree, of_json};

fn context() -> Context {
    let json = json!({"id": "a/b ü", "n": 3, "none": null, "list": ["x"], "item": {"a": {"b": 1}}});
    let map = json.as_object().unwrap().clone();
    map.into_iter().map(|(k, v)| (k, of_json(&v))).collect()
}

fn names() -> Names<'static> {
    ["id", "n", "none", "list", "item"].into()
}

#[test]
fn what_is_one_expression_keeps_its_type_and_nothing_is_left_out() {
    let source = json!({
        "n": "$(n)", "list": "$(list)", "text": "n=$(n)", "none": "$(none)", "missing": "$(item.x.y)",
        "or": "$(none or id)", "fixed": 0, "deep": {"gone": "$(none)"}, "paren": "$((n|int + 1) * 2)",
        "quoted": "$(')' ~ n)", "plain": "costs $5",
    });
    let tree = Tree::new(&source, &names()).unwrap();
    assert_eq!(
        tree.fill(&context()).unwrap().unwrap(),
        json!({
            "n": 3, "list": ["x"], "text": "n=3", "or": "a/b ü", "fixed": 0, "deep": {}, "paren": 8,
            "quoted": ")3", "plain": "costs $5",
        })
    );
}

#[test]
fn a_text_around_a_nothing_goes_with_its_key() {
    let source = json!({
        "ttl": "$(none)s", "before": "s$(none)", "both": "$(id)-$(item.x)", "list": ["$(none)s", "$(n)s"],
        "deep": {"ttl": "$(none)s"},
    });
    let tree = Tree::new(&source, &names()).unwrap();
    let filled = tree.fill(&context()).unwrap().unwrap();
    assert_eq!(filled, json!({"list": ["3s"], "deep": {}}));
}

#[test]
fn a_path_segment_is_encoded_and_never_empty_or_a_dot() {
    let path = |source: &str| Template::new(source, &names()).unwrap().path(&context());
    assert_eq!(path("/keys/$(id)/x").unwrap(), "/keys/a%2Fb%20%C3%BC/x");
    for bad in [
        "/keys/$(none)",
        "/keys/$('')",
        "/keys/$('..')",
        "/keys/$('.')",
        "/keys/$('.')$('.')",
        "/keys/.$('.')",
        "/keys/$('.').",
    ] {
        assert!(path(bad).is_err(), "{bad}");
    }
}

#[test]
fn unknown_names_long_and_broken_expressions_are_refused() {
    for bad in [
        "$(nmae)",
        "$(id",
        "$(1 +)",
        "$(range(9))",
        "$(id}})",
        "$(debug())",
    ] {
        assert!(Template::new(bad, &names()).is_err(), "{bad}");
    }
    let long = format!("$({}n)", "n+".repeat(300));
    assert!(Template::new(&long, &names()).is_err());
}

#[test]
fn work_is_bounded_and_errors_show_no_value() {
    let mut context = context();
    context.insert("id".to_owned(), Value::from("hunter2"));
    context.insert("list".to_owned(), Value::from_iter(0..100_000));
    for bad in [
        "id + 1",
        "id[1:2:0]",
        "list|map('int')|list|sort|map('int')|list|map('abs')|list",
    ] {
        let compiled = Compiled::new(bad, &names()).unwrap();
        if let Err(error) = compiled.eval(&context) {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_template_or_an_error(text in "[ -~]{0,80}|\\$\\([a-z0-9 +*()\\[\\]{}'\"|.,]{0,60}\\)") {
        if let Ok(template) = Template::new(&text, &names()) {
            let _ = template.value(&context());
            let path = template.path(&context());
            prop_assert!(path.is_ok() || path.is_err());
        }
    }
}

fn told(expression: &str, context: &Context) -> Result<serde_json::Value, String> {
    let names: Names<'_> = context.keys().map(String::as_str).collect();
    let compiled = Compiled::new(expression, &names).map_err(|e| e.to_string())?;
    let value = compiled.eval(context).map_err(|e| e.to_string())?;
    Ok(value.map_or(json!(null), |value| serde_json::to_value(value).unwrap()))
}

#[test]
fn later_adds_up_what_a_system_says_and_knows_its_nevers() {
    let json = json!({
        "at": "2026-11-22T23:28:14.577+00:00", "zoneless": "2026-11-22T23:28:14", "n": null,
        "big": 2_147_483_647_i64, "text": "hunter2", "item": {"days": 1},
    });
    let json = json.as_object().unwrap().clone();
    let context: Context = json.into_iter().map(|(k, v)| (k, of_json(&v))).collect();
    let start = 1_795_390_094_i64;
    for (expression, expected) in [
        (
            "later(at, days=1, hours=0, minutes=0)",
            json!(start + 86_400),
        ),
        ("later(zoneless, days=item.days)", json!(start + 86_400)),
        (
            "later(1795390094, hours=1, minutes=2, seconds=3)",
            json!(start + 3_723),
        ),
        // Born expired.
        ("later(at, days=1, hours=-24)", json!(start)),
        ("later(at, days=1, hours=-48)", json!(start - 86_400)),
        // Never.
        ("later(at)", json!(null)),
        (
            "later(at, days=0, hours=-1, minutes=n, seconds=item.none)",
            json!(null),
        ),
        ("later(n, days=1)", json!(null)),
        ("later(item.none, days=1)", json!(null)),
        ("later(at, days=big, hours=big, minutes=big)", json!(null)),
        ("later(0, days=1)", json!(null)),
    ] {
        assert_eq!(told(expression, &context), Ok(expected), "{expression}");
    }
    for wrong in [
        "later(text, days=1)",
        "later(at, days=text)",
        "later(at, days=1.5)",
        "later(at, weeks=1)",
        "later(item, days=1)",
        "later()",
        "later(at, 1)",
    ] {
        let error = told(wrong, &context).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn objects_wraps_every_entry() {
    let json = json!({"list": ["a", "b"], "n": null, "text": "hunter2"});
    let json = json.as_object().unwrap().clone();
    let context: Context = json.into_iter().map(|(k, v)| (k, of_json(&v))).collect();
    let wrapped = told("objects(list, 'id')", &context).unwrap();
    assert_eq!(wrapped, json!([{"id": "a"}, {"id": "b"}]));
    assert_eq!(told("objects(n, 'id')", &context), Ok(json!(null)));
    let beside = told("objects(list, 'id', {'of': {'n': 1}, 'id': 2})", &context);
    let expected = json!([{"id": "a", "of": {"n": 1}}, {"id": "b", "of": {"n": 1}}]);
    assert_eq!(beside, Ok(expected));
    assert!(told("objects(1, 'id')", &context).is_err());
    assert!(told("objects(list, 'id', 1)", &context).is_err());
}

#[test]
fn only_the_own_functions_can_be_called() {
    for foreign in [
        "range(9)",
        "dict(a=1)",
        "debug()",
        "namespace()",
        "lipsum()",
        "id()()",
    ] {
        assert!(Compiled::new(foreign, &names()).is_err(), "{foreign}");
    }
    let message = Compiled::new("later(nmae)", &names())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("uses nmae") && message.contains("later, objects"),
        "{message}"
    );
}

#[test]
fn nothing_is_repeated_without_end() {
    for bad in [
        "'a' * 100000000",
        "[1] * 9",
        "9 * 'a'",
        "list[0] * n",
        "\"*\" * 2",
        // Whatever an answer has there.
        "item.list * 986343",
        "986343 * item.list",
        "n * 2",
        "(n + 1) * 2",
        "(item.list or 1) * 9",
        "(item.list if n else 1) * 9",
        "objects(item.list * 9, 'a')",
        "9 in item.list * 9",
        "(item.list|list) * 9",
    ] {
        let message = Compiled::new(bad, &names()).unwrap_err().to_string();
        let expected = format!("{bad:?} multiplies what may be a text or a list");
        assert!(message.starts_with(&expected), "{message}");
    }
    for good in [
        "{'*': 'a'}",
        "n|int * 2",
        "(n|int + 1) * (item.a|length)",
        "-n * (n - 1) * 2.5",
        "(1 if n else 2) * 3",
        "'*' ~ id",
        "'it\\'s *'",
        "2 * n|float",
    ] {
        let compiled = Compiled::new(good, &names());
        assert!(compiled.is_ok(), "{good}: {:?}", compiled.err());
    }
    let mut context = context();
    context.insert("list".to_owned(), Value::from_iter(0..100_000));
    assert_eq!(told("[1, 'a']|join('-')", &context), Ok(json!("1-a")));
    assert!(told("list|join('-')", &context).is_err());
    assert!(told("id|replace('a', 'b')", &context).is_err());
}

#[test]
fn what_does_not_exist_is_refused_wherever_it_would_be_called() {
    for (bad, told) in [
        ("id|nope", "filter nope"),
        // Removed on purpose.
        ("id|replace('a', 'b')", "filter replace"),
        ("id|tojson", "filter tojson"),
        ("id|a.b", "filter a.b"),
        ("id is nope", "test nope"),
        ("id is not nope", "test nope"),
        ("id is nope 3", "test nope"),
        ("n(1)", "function n"),
        ("item.keys()", "method keys"),
        ("item['a']()", "a value as a function"),
        ("id()()", "a value as a function"),
        // On a branch that is not taken, and deep inside.
        ("id if true else id|nope", "filter nope"),
        ("id if id is nope else n", "test nope"),
        ("true or id|nope", "filter nope"),
        ("[1, {'a': (id|nope, 2)}]", "filter nope"),
        ("{id|nope: 1}", "filter nope"),
        ("list[id|nope]", "filter nope"),
        ("list[0:n|nope]", "filter nope"),
        ("-(n|nope)", "filter nope"),
        ("1 < n < (n|nope)", "filter nope"),
        ("(id|nope).a", "filter nope"),
        ("(id|nope)|int", "filter nope"),
        ("id|default(n|nope)", "filter nope"),
        ("id|default(value=n|nope)", "filter nope"),
        ("id|default(*list|nope)", "filter nope"),
        ("id is equalto(n|nope)", "filter nope"),
        ("later(n, days=n|nope)", "filter nope"),
        // Named by a text.
        ("list|map('nope')", "filter nope"),
        ("list|select('nope', 1)", "test nope"),
        ("list|reject('nope')", "test nope"),
        ("list|selectattr('a', 'nope')", "test nope"),
        ("list|rejectattr('a', 'nope', 1)", "test nope"),
    ] {
        let message = Compiled::new(bad, &names()).unwrap_err().to_string();
        let expected = format!("{bad:?} uses {told}, which is not known here");
        assert_eq!(message, expected);
    }
    for good in [
        "'|nope' ~ id",
        "'x is nope'",
        "\"id|nope()\"",
        "item['a|nope']",
        "item.nope",
        "item.is",
        "{'is': n}.is",
        "list|map('int')|map(attribute='nope')|list",
        "list|map(attribute='a', default='nope')",
        "list|select|list",
        "list|selectattr('nope')|list",
        "list|select('startingwith', 'nope')|first",
        "list|join('nope')|lower|int(0)",
        "n is divisibleby 3 and n is not none",
        "id is in list",
    ] {
        let compiled = Compiled::new(good, &names());
        assert!(compiled.is_ok(), "{good}: {:?}", compiled.err());
    }
}

#[test]
fn nothing_passes_through_every_filter_as_nothing() {
    for filter in [
        "lower",
        "upper",
        "title",
        "capitalize",
        "length",
        "count",
        "dictsort",
        "items",
        "reverse",
        "trim",
        "split(' ')",
        "lines",
        "round",
        "abs",
        "int",
        "float",
        "attr('a')",
        "first",
        "last",
        "min",
        "max",
        "sort",
        "list",
        "string",
        "bool",
        "sum",
        "select",
        "reject",
        "selectattr('a')",
        "rejectattr('a')",
        "map('int')",
        "unique",
        "join(' ')",
        "split(' ')|first|upper|list",
        "int|string",
    ] {
        for missing in ["item.x", "item.x.y", "none", "item['x']"] {
            let expression = format!("{missing}|{filter}");
            assert_eq!(
                told(&expression, &context()),
                Ok(json!(null)),
                "{expression}"
            );
        }
    }
    assert_eq!(
        told("item.x|split(' ')|default('d')", &context()),
        Ok(json!("d"))
    );
    assert_eq!(told("item.a.b|int + 1", &context()), Ok(json!(2)));
    // What is empty is there.
    assert_eq!(told("''|length", &context()), Ok(json!(0)));
    assert_eq!(told("[]|join(' ')", &context()), Ok(json!("")));
}
