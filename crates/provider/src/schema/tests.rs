//! The name of an attribute stands once: in the table, and as a text nowhere else in this program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tfplugin::{Attribute, ProviderSchema, Schema, Type};

use super::names::{SECRETS, TIMEOUTS};
use super::schema;

/// Where the same text is something else, or must stay what it is whatever the table says.
const SOMETHING_ELSE: [(&str, &[&str]); 5] = [
    // The words of a sentence.
    ("actions.rs", &["enabled"]),
    ("token/apply.rs", &["enabled"]),
    // The parameters of a function.
    ("schema/function.rs", &["encrypted_value", "identity"]),
    // The attributes of other providers.
    (
        "token/moved.rs",
        &[
            "created_at",
            "expires_at",
            "name",
            "name_prefix",
            "scopes",
            "value",
        ],
    ),
    // What earlier releases wrote.
    (
        "token/state/bookkeeping.rs",
        &[
            "fingerprint",
            "manager",
            "on_missing_value",
            "public_parts",
            "record",
            "retiring",
            "revision",
            "status",
            "token_id",
            "value",
        ],
    ),
];

/// Whatever has attributes.
fn blocks(schema: &ProviderSchema) -> impl Iterator<Item = &Schema> {
    let kinds = [
        &schema.resources,
        &schema.data_sources,
        &schema.ephemerals,
        &schema.lists,
        &schema.actions,
    ];
    let blocks = kinds.into_iter().flat_map(BTreeMap::values);
    blocks.chain([&schema.provider])
}

/// The names of all attributes that there are.
fn names() -> BTreeSet<String> {
    let schema = schema();
    let mut found = BTreeSet::new();
    for block in blocks(&schema) {
        within(&block.ty(), &mut found);
    }
    for identity in schema.identities.values() {
        within(&identity.ty(), &mut found);
    }
    // Those of `timeouts` stand in a table of the plugin server.
    for elsewhere in [TIMEOUTS.as_str(), "create", "read", "update", "delete"] {
        assert!(found.remove(elsewhere));
    }
    found
}

fn within(ty: &Type, found: &mut BTreeSet<String>) {
    match ty {
        Type::Object(attributes) => {
            for (name, ty) in attributes {
                found.insert(name.clone());
                within(ty, found);
            }
        }
        Type::List(element) | Type::Set(element) | Type::Map(element) => within(element, found),
        _ => {}
    }
}

/// The files of the program, tests left out: they say for themselves what they expect.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let tests = ["tests", "testing", "unknowns"].contains(&name);
        match path.is_dir() {
            _ if tests => {}
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// How often each name is a text of its own in a file.
fn texts(file: &Path, names: &BTreeSet<String>) -> BTreeMap<String, usize> {
    let source = std::fs::read_to_string(file).unwrap();
    let code = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<_> = code.collect();
    let count = |name: &String| {
        let text = format!("\"{name}\"");
        code.iter().map(|line| line.matches(&text).count()).sum()
    };
    let counted = names.iter().map(|name| (name.clone(), count(name)));
    counted.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn the_name_of_an_attribute_stands_once() {
    let (root, names) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), names());
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut elsewhere = BTreeMap::from(SOMETHING_ELSE);
    for file in all {
        let place = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let texts = texts(&file, &names);
        if place == "schema/names.rs" {
            assert!(texts.keys().eq(&names), "the table has {:?}", texts.keys());
            // An identity has no maps, so that its parameters are of another type.
            let twice = texts.iter().filter(|(_, count)| **count > 1);
            assert_eq!(twice.collect::<Vec<_>>(), [(&"parameters".to_owned(), &2)]);
        } else {
            let expected = elsewhere.remove(place).unwrap_or_default();
            let found: Vec<_> = texts.keys().map(String::as_str).collect();
            assert_eq!(found, expected, "in {place}, beside the table");
        }
    }
    assert!(elsewhere.is_empty(), "no such files: {elsewhere:?}");
}

#[test]
fn no_log_line_shows_what_a_schema_calls_a_secret() {
    fn secrets(attributes: &[Attribute]) -> Vec<&str> {
        let found = attributes.iter().flat_map(|attribute| {
            let inside = attribute.objects().map_or(&[][..], |(_, inside)| inside);
            let own = attribute.is_secret().then_some(attribute.name());
            own.into_iter().chain(secrets(inside))
        });
        found.collect()
    }
    let masked = SECRETS.map(AsRef::as_ref);
    let schema = schema();
    let found: Vec<_> = blocks(&schema)
        .flat_map(|block| secrets(&block.attributes))
        .collect();
    assert!(found.len() > 4, "{found:?}");
    for secret in found {
        assert!(masked.contains(&secret), "{secret} is not masked in logs");
    }
}
