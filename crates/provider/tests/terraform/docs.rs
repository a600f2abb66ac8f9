//! The registry's pages: written by hand above a line, made from the schema below it.
//!
//! `TOKENWRIGHT_UPDATE=1` writes the lower part anew. The quickstart that they point to runs as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::Value;

use crate::examples::{LAYOUT, files, page};
use crate::go_host::protocol_schemas;
use crate::support::{CI, World, reached};

mod heads;

/// Everything after this line is made from the schema.
const LINE: &str = "<!-- Made from the schema: edit the descriptions there. -->";

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_pages_say_what_the_schema_says() {
    let world = World::new(86_400.0, CI).await;
    let ran = world
        .run(&["providers", "schema", "-json"])
        .await
        .succeeded();
    let schemas: Value = serde_json::from_str(&ran.text).unwrap();
    let provider = schemas["provider_schemas"].as_object().unwrap();
    let provider = provider.values().next().unwrap();
    let of_the_provider = &provider["provider"]["block"]["attributes"];
    let mut pages = vec![("docs/index.md".to_owned(), of_the_provider.clone())];
    for (kind, schemas) in [
        ("resources", "resource_schemas"),
        ("ephemeral-resources", "ephemeral_resource_schemas"),
        ("data-sources", "data_source_schemas"),
    ] {
        let all = provider[schemas].as_object().unwrap();
        pages.extend(all.iter().map(|(name, schema)| {
            let attributes = schema["block"]["attributes"].clone();
            (page(kind, name), attributes)
        }));
    }
    // Lists and actions, which Terraform 1.11 does not know.
    let schemas = protocol_schemas(&world).await;
    for (kind, of, within) in [
        ("list-resources", "listResourceSchemas", ""),
        ("actions", "actionSchemas", "/schema"),
    ] {
        let all = schemas[of].as_object().unwrap();
        pages.extend(all.iter().map(|(name, schema)| {
            let block = schema.pointer(within).unwrap();
            (page(kind, name), attributes(&block["block"]["attributes"]))
        }));
    }
    for (page, attributes) in pages {
        let profiles = match &*page {
            "docs/index.md" => profiles(),
            _ => String::new(),
        };
        says(&page, &format!("{profiles}{}", schema(&attributes)));
    }
    for (name, function) in schemas["functions"].as_object().unwrap() {
        says(&page("functions", name), &signature(name, function));
    }
    each_has_a_page_and_an_example(&schemas);
}

/// And nothing else has one.
fn each_has_a_page_and_an_example(schemas: &Value) {
    let examples = files();
    for (kind, of) in LAYOUT {
        let names: BTreeSet<_> = schemas[of].as_object().unwrap().keys().cloned().collect();
        let shown = examples.iter().filter(|[of, ..]| of == kind);
        let shown: BTreeSet<_> = shown.map(|[_, name, _]| name.clone()).collect();
        assert_eq!(shown, names, "examples/{kind}");
        let pages: BTreeSet<_> = names.iter().map(|name| page(kind, name)).collect();
        let found = std::fs::read_dir(repository().join("docs").join(kind)).unwrap();
        let found = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let found: BTreeSet<_> = found.map(|name| format!("docs/{kind}/{name}")).collect();
        assert_eq!(found, pages);
    }
}

/// The page has this below its line.
fn says(page: &str, made: &str) {
    let path = repository().join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (by_hand, _) = text
        .split_once(LINE)
        .unwrap_or_else(|| panic!("{page} has no line {LINE:?}"));
    let expected = format!("{by_hand}{LINE}\n\n{made}");
    if std::env::var_os("TOKENWRIGHT_UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    } else {
        assert!(
            text == expected,
            "{page} is stale: run this test with TOKENWRIGHT_UPDATE=1"
        );
    }
}

/// What a function takes and gives.
fn signature(name: &str, function: &Value) -> String {
    let words = |ty: &Value| kind(&of_base64(ty)).to_lowercase();
    let parameters = function["parameters"].as_array().unwrap();
    let listed = parameters.iter().map(|one| {
        let name = one["name"].as_str().unwrap();
        format!("{name} {}", words(&one["type"]))
    });
    let listed = listed.collect::<Vec<_>>().join(", ");
    let gives = words(&function["return"]["type"]);
    let mut text =
        format!("## Signature\n\n```text\n{name}({listed}) {gives}\n```\n\n## Arguments\n\n");
    for (at, one) in parameters.iter().enumerate() {
        let name = one["name"].as_str().unwrap();
        let description = one["description"].as_str().unwrap();
        let kind = kind(&of_base64(&one["type"]));
        writeln!(
            text,
            "{}. `{name}` ({kind}) {}",
            at + 1,
            sentences(description)
        )
        .unwrap();
    }
    text
}

fn of_base64(ty: &Value) -> Value {
    let ty = base64::engine::general_purpose::STANDARD
        .decode(ty.as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&ty).unwrap()
}

/// Attributes of the protocol, as Terraform prints those that it knows.
fn attributes(told: &Value) -> Value {
    let each = told.as_array().unwrap().iter().map(|told| {
        let mut attribute = told.clone();
        attribute["type"] = of_base64(&told["type"]);
        (told["name"].as_str().unwrap().to_owned(), attribute)
    });
    Value::Object(each.collect())
}

/// The built-in profiles: those whose tokens can be minted, and those whose tokens people make.
fn profiles() -> String {
    let mut minted = String::from(
        "## Built-in profiles\n\n| profile | system | credential | environment variable | parameters |\n|---|---|---|---|---|\n",
    );
    let mut by_hand = String::from(
        "Tokens of these systems are made by people; `tokenwright_adopted_token` checks and follows them, and needs no credential:\n\n\
         | profile | system | parameters |\n|---|---|---|\n",
    );
    let code = |names: Vec<&str>| {
        let names = names.iter().map(|name| format!("`{name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    for name in tokenwright_client::profile::builtins() {
        let profile = tokenwright_client::profile::builtin(name).unwrap();
        let title = profile.title();
        let parameters = code(profile.parameters().keys().map(String::as_str).collect());
        if !profile.mints() {
            writeln!(by_hand, "| `{name}` | {title} | {parameters} |").unwrap();
            continue;
        }
        let credential = profile.credential();
        let variables = credential.values().filter_map(|part| part.env.as_deref());
        writeln!(
            minted,
            "| `{name}` | {title} | {} | {} | {parameters} |",
            code(credential.keys().map(String::as_str).collect()),
            code(variables.collect()),
        )
        .unwrap();
    }
    format!("{minted}\n{by_hand}\n")
}

fn schema(attributes: &Value) -> String {
    let mut text = String::from("## Schema\n");
    let mut nested = Vec::new();
    for (title, filter) in [
        (
            "Required",
            (|a| a["required"] == true) as fn(&Value) -> bool,
        ),
        ("Optional", |a| a["optional"] == true),
        ("Read-Only", |a| {
            a["required"] != true && a["optional"] != true
        }),
    ] {
        section(
            &mut text,
            ("###", title),
            attributes,
            (filter, &mut nested, ""),
        );
    }
    let mut at = 0;
    while let Some((path, inner)) = nested.get(at).cloned() {
        at += 1;
        write!(
            text,
            "\n<a id=\"nestedatt--{}\"></a>\n### Nested Schema for `{path}`\n",
            path.replace('.', "--")
        )
        .unwrap();
        for (title, filter) in [
            (
                "Required:",
                (|a| a["required"] == true) as fn(&Value) -> bool,
            ),
            ("Optional:", |a| a["optional"] == true),
            ("Read-Only:", |a| {
                a["required"] != true && a["optional"] != true
            }),
        ] {
            section(&mut text, ("", title), &inner, (filter, &mut nested, &path));
        }
    }
    text
}

type Nested = Vec<(String, Value)>;

fn section(
    text: &mut String,
    (level, title): (&str, &str),
    attributes: &Value,
    (filter, nested, path): (fn(&Value) -> bool, &mut Nested, &str),
) {
    let chosen: Vec<_> = attributes
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, a)| filter(a))
        .collect();
    if chosen.is_empty() {
        return;
    }
    write!(text, "\n{}\n\n", format!("{level} {title}").trim()).unwrap();
    for (name, attribute) in chosen {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let (kind, link) = match attribute.get("nested_type") {
            Some(inner) => {
                nested.push((path.clone(), inner["attributes"].clone()));
                let kind = match inner["nesting_mode"].as_str().unwrap() {
                    "map" => "Attributes Map",
                    "list" => "Attributes List",
                    _ => "Attributes",
                };
                (
                    kind.to_owned(),
                    format!(
                        " (see [below for nested schema](#nestedatt--{}))",
                        path.replace('.', "--")
                    ),
                )
            }
            None => (kind(&attribute["type"]), String::new()),
        };
        let sensitive = match (&attribute["sensitive"], &attribute["write_only"]) {
            (_, Value::Bool(true)) => {
                ", [Write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)"
            }
            (Value::Bool(true), _) => ", Sensitive",
            _ => "",
        };
        let description = attribute["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "{path} is not described");
        writeln!(
            text,
            "- `{name}` ({kind}{sensitive}) {}{link}",
            sentences(description)
        )
        .unwrap();
    }
}

fn kind(json: &Value) -> String {
    let name = |text: &str| match text {
        "bool" => "Boolean".to_owned(),
        text => text[..1].to_uppercase() + &text[1..],
    };
    match json.as_array() {
        Some(parts) => format!(
            "{} of {}",
            name(parts[0].as_str().unwrap()),
            kind(&parts[1])
        ),
        None => name(json.as_str().unwrap()),
    }
}

/// One sentence per line.
fn sentences(text: &str) -> String {
    text.split(". ").collect::<Vec<_>>().join(".\n  ")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_rotates_with_both_values_alive_and_leaves_nothing() {
    let world = World::new(1.0, "").await;
    let example = repository().join("examples/terraform/quickstart/main.tf");
    std::fs::copy(example, world.path("main.tf")).unwrap();
    let endpoint = format!("-var=endpoint={}", world.played.endpoint);
    let arguments = [
        "-auto-approve",
        "-json",
        &endpoint,
        "-var=request_timeout=2s",
    ];
    let apply = [&["apply"], &arguments[..]].concat();
    let destroy = [&["destroy"], &arguments[..]].concat();
    // 20 days of one second each: due when a third is left.
    world.run(&apply).await.succeeded();
    let first = world.state().await;
    reached(&first["renew_at"]).await;
    world.run(&apply).await.succeeded();
    let second = world.state().await;
    assert_eq!(second["revision"], 2);
    let output = world.run(&["output", "-raw", "token_id"]).await.succeeded();
    assert_eq!(second["token_id"], output.text.as_str());
    assert!(world.works(&first["value"]).await && world.works(&second["value"]).await);
    world.run(&destroy).await.succeeded();
    assert!(!world.works(&first["value"]).await && !world.works(&second["value"]).await);
    world.nothing_lives();
}
