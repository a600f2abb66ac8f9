//! A profile with one thing changed: every way that is worth trying, and not one inside texts for people.

use std::fmt;

use serde_json::{Value as Json, json};

use super::expressions::{inside, of_expression};
use super::survivors::matches;

/// A profile with one thing changed.
pub(super) struct Mutant {
    /// Where, such as `mint.body.days`.
    pub(super) path: String,
    /// What was done there.
    pub(super) change: String,
    /// The whole file.
    pub(super) file: Json,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.change)
    }
}

/// Words of the profile language, of which one stands where another could.
const WORDS: [(&str, &[&str]); 5] = [
    ("scopes", &["none", "required", "optional", "expanded"]),
    (
        "lifetime.unit",
        &[
            "instant",
            "unix",
            "unixMillisecond",
            "date",
            "second",
            "millisecond",
            "minute",
            "hour",
            "day",
            "none",
        ],
    ),
    (
        "lifetime.never",
        &["impossible", "omit", "zero", "minusOne", "explicitNull"],
    ),
    ("name.unit", &["characters", "bytes", "utf16"]),
    (
        "update.can.*",
        &[
            "name",
            "scopes",
            "addExpiry",
            "shortenExpiry",
            "extendExpiry",
        ],
    ),
];

/// All mutants of one file.
pub(super) fn of(file: &Json) -> Vec<Mutant> {
    let mut found = Vec::new();
    walk(file, file, (&mut String::new(), ""), &mut found);
    found
}

/// Adds what can be done at one place and below; `at` is the place in words and as a pointer.
fn walk(file: &Json, node: &Json, at: (&mut String, &str), found: &mut Vec<Mutant>) {
    let (path, pointer) = at;
    let mut add = |change: String, edit: &dyn Fn(&mut Json)| {
        let mut file = file.clone();
        edit(file.pointer_mut(pointer).unwrap());
        let path = path.clone();
        found.push(Mutant { path, change, file });
    };
    match node {
        Json::Object(_) | Json::Array(_) => {}
        Json::Number(number) => {
            for step in [1, -1] {
                let other = number.as_i64().unwrap() + step;
                add(format!("is {other}"), &|place| *place = json!(other));
            }
        }
        Json::Bool(on) => add(format!("is {}", !on), &|place| *place = json!(!on)),
        Json::Null => add("is no null".to_owned(), &|place| *place = json!("nothing")),
        Json::String(text) => {
            for other in others(path, text, &parts(file)) {
                add(format!("is {other:?}"), &|place| *place = json!(other));
            }
        }
    }
    let children: Vec<(String, String, &Json)> = match node {
        Json::Object(map) => map
            .iter()
            .map(|(key, child)| {
                (
                    key.clone(),
                    key.replace('~', "~0").replace('/', "~1"),
                    child,
                )
            })
            .collect(),
        Json::Array(list) => list
            .iter()
            .enumerate()
            .map(|(nth, child)| (nth.to_string(), nth.to_string(), child))
            .collect(),
        _ => Vec::new(),
    };
    for (key, token, child) in children {
        let length = path.len();
        path.push_str(if length == 0 { "" } else { "." });
        path.push_str(&key);
        let mut without = file.clone();
        match without.pointer_mut(pointer).unwrap() {
            Json::Object(map) => drop(map.remove(&key)),
            Json::Array(list) => drop(list.remove(key.parse().unwrap())),
            _ => unreachable!("only these have children"),
        }
        found.push(Mutant {
            path: path.clone(),
            change: "is gone".to_owned(),
            file: without,
        });
        walk(file, child, (path, &format!("{pointer}/{token}")), found);
        path.truncate(length);
    }
}

/// What could stand at this place in place of the text.
fn others(path: &str, text: &str, parts: &[String]) -> Vec<String> {
    let last = path.rsplit('.').next().unwrap_or_default();
    let parent = path.rsplit('.').nth(1).unwrap_or_default();
    if let Some((_, words)) = WORDS.iter().find(|(place, _)| matches(place, path)) {
        let others = words.iter().filter(|word| **word != text);
        return others.map(|word| (*word).to_owned()).collect();
    }
    match (parent, last) {
        ("header" | "basic", "part" | "user" | "password") => parts
            .iter()
            .filter(|part| *part != text)
            .cloned()
            .chain(inside(text))
            .collect(),
        // The kinds of errors; none of the built-in profiles says this one.
        ("map", _) => vec!["Unexpected".to_owned()],
        (_, "send") => {
            let (method, path) = text.split_once(' ').unwrap();
            let method = if method == "POST" { "PUT" } else { "POST" };
            let mut others = vec![format!("{method} {path}"), format!("{text}0")];
            others.extend(inside(text));
            others
        }
        ("name", "without") => {
            let fewer = |c: char| text.chars().filter(|other| *other != c).collect();
            text.chars().map(fewer).collect()
        }
        _ => {
            let mut others = vec![format!("{text}0")];
            others.extend(match text.contains("$(") {
                true => inside(text),
                false if is_expression(path) => of_expression(text),
                false => Vec::new(),
            });
            others
        }
    }
}

/// The names of all parts of the credential and of values.
fn parts(file: &Json) -> Vec<String> {
    let maps = [&file["credential"]["parts"], &file["value"]];
    let maps = maps.into_iter().filter_map(Json::as_object);
    maps.flat_map(|map| map.keys().cloned()).collect()
}

fn is_expression(path: &str) -> bool {
    let keys = [
        "items",
        "item",
        "skip",
        "total",
        "more",
        "next",
        "aliveWhen",
        "read",
        "kind",
        "when",
        "message",
        "refuse",
    ];
    let last = path.rsplit('.').next().unwrap_or_default();
    let token = path.starts_with("token.") || path.contains(".token.");
    token || path.starts_with("public.") || keys.contains(&last)
}
