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
        "or": "$(none or id)", "fixed": 0, "deep": {"gone": "$(none)"}, "paren": "$((n + 1) * 2)",
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
fn a_path_segment_is_encoded_and_never_empty_or_a_dot() {
    let path = |source: &str| Template::new(source, &names()).unwrap().path(&context());
    assert_eq!(path("/keys/$(id)/x").unwrap(), "/keys/a%2Fb%20%C3%BC/x");
    for bad in [
        "/keys/$(none)",
        "/keys/$('')",
        "/keys/$('..')",
        "/keys/$('.')",
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
        "id.x.y()",
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
