//! `profile new`: a first file of a token system, made of a few questions.
//!
//! The questions are those of the guide. Each has an answer that is taken where nothing is said, so that
//! the file is whole in any case; what the vendor says otherwise is then changed in it.

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value as Json};
use tokenwright_client::Profile;
use tokenwright_client::profile::builtin;

use super::placed;
use crate::arguments::New;
use crate::exit::Exit;
use crate::output::print;

/// What is asked, and what is taken where nothing is said.
const QUESTIONS: [(&str, &str, &str); 15] = [
    (
        "title",
        "What do people call the system?",
        "{name} API tokens",
    ),
    (
        "docs",
        "Which page of the vendor says how tokens are made?",
        "https://docs.example.com/tokens",
    ),
    (
        "endpoint",
        "Where does its API begin?",
        "https://api.example.com",
    ),
    (
        "header",
        "In which header does a token authenticate?",
        "Authorization",
    ),
    ("prefix", "What stands before the token there?", "Bearer "),
    (
        "env",
        "Which environment variable do its users know for one?",
        "{NAME}_TOKEN",
    ),
    (
        "path",
        "Under which path are tokens made and listed?",
        "/tokens",
    ),
    (
        "name",
        "Which field of a token is a name or description that the list shows again?",
        "name",
    ),
    ("max", "How many characters fit there?", "64"),
    ("id", "Which field of a token is its id?", "id"),
    (
        "expires",
        "Which field of a token is its expiry? (- for none)",
        "expires_at",
    ),
    (
        "lifetime",
        "Which field of a request asks for an expiry, in seconds from now? (- for none)",
        "expires_in",
    ),
    (
        "value",
        "Where does the value stand in the answer of a create, as a JSON pointer?",
        "/token",
    ),
    (
        "items",
        "In which field of its answer does the list stand? (- for the answer itself)",
        "-",
    ),
    (
        "check",
        "Which path is harmless, needs no right, and tells a good token from a bad one?",
        "/me",
    ),
];

/// Asks, and writes `NAME.yaml` and `NAME.examples.yaml`.
pub(crate) fn run(asked: &New) -> anyhow::Result<Exit> {
    let name = &asked.name;
    let file = format!("{name}.yaml");
    let examples = format!("{name}.examples.yaml");
    for path in [&file, &examples] {
        if Path::new(path).exists() {
            bail!("{path} is there already: remove it, or choose another name");
        }
    }
    if builtin(name).is_some() {
        bail!(
            "{name:?} is built in: choose another name, and start from what `tokenwright profile show {name}` prints"
        );
    }
    // Whoever takes all that is offered gets a profile, unless the name is none.
    if Profile::parse(&profile(name, &offered(name))).is_err() {
        bail!(
            "{name:?} is no name of a profile: it begins with a lower-case letter and has letters, digits and hyphens"
        );
    }
    let answers = answers(name, std::io::stdin().lock(), std::io::stderr().lock())?;
    let text = profile(name, &answers);
    if let Err(error) = Profile::parse(&text) {
        bail!(
            "with these answers it would be no profile: {}",
            placed(&error, &text)
        );
    }
    std::fs::write(&file, &text).with_context(|| format!("writing {file}"))?;
    let told = list_example(&answers);
    std::fs::write(&examples, told).with_context(|| format!("writing {examples}"))?;
    print(&format!(
        "{file} and {examples} are a beginning: change what the vendor says otherwise, and run\n  tokenwright profile check {file}\n"
    ));
    Ok(Exit::Done)
}

/// The answers by their keys. Whoever says nothing more takes the rest as it is.
fn answers(
    name: &str,
    mut from: impl BufRead,
    mut asked: impl Write,
) -> anyhow::Result<Map<String, Json>> {
    let mut answers = offered(name);
    for (key, question, _) in QUESTIONS {
        let otherwise = answers.get(key).and_then(Json::as_str).unwrap_or_default();
        // Nobody is left to be asked.
        let _ = write!(asked, "{question} [{otherwise}] ").and_then(|()| asked.flush());
        let mut line = String::new();
        from.read_line(&mut line).context("reading an answer")?;
        let line = line.trim_end_matches(['\n', '\r']);
        if !line.trim().is_empty() {
            answers.insert(key.to_owned(), Json::from(line));
        }
    }
    Ok(answers)
}

/// What is taken where nothing is said.
fn offered(name: &str) -> Map<String, Json> {
    let upper = name.to_uppercase().replace('-', "_");
    let offered = QUESTIONS.into_iter().map(|(key, _, otherwise)| {
        let otherwise = otherwise.replace("{name}", name).replace("{NAME}", &upper);
        (key.to_owned(), Json::from(otherwise))
    });
    offered.collect()
}

fn said<'a>(answers: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    let answer = answers.get(key).and_then(Json::as_str);
    answer.map(str::trim_start).filter(|answer| *answer != "-")
}

/// A text as YAML writes it in quotes.
fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

fn profile(name: &str, answers: &Map<String, Json>) -> String {
    let get = |key: &str| said(answers, key).unwrap_or_default();
    let text = |key: &str| quoted(get(key));
    let expires = said(answers, "expires").map(|field| format!("  expires: item.{field}\n"));
    let (unit, lifetime) = match said(answers, "lifetime") {
        Some(field) => (
            "{ unit: second, never: omit }",
            format!("    {field}: $(lifetime)\n"),
        ),
        None => ("{ unit: none }", String::new()),
    };
    let items = said(answers, "items").map(|field| format!("  items: answer.{field}\n"));
    format!(
        "profile: {name}\n\
         title: {title}\n\
         docs: {docs}\n\
         endpoint: {endpoint}\n\
         credential:\n  parts:\n    token: {{ env: {env} }}\n  \
         header: {{ name: {header}, prefix: {prefix}, part: token }}\n\
         name: {{ max: {max} }}\n\
         scopes: none # or required or optional; then scopes: $(scopes) in mint.body\n\
         lifetime: {unit}\n\
         token:\n  id: item.{id}\n  name: item.{label}\n{expires}\
         value:\n  token: {{ at: {value} }}\n\
         mint:\n  send: POST {path}\n  body:\n    {label}: $(name)\n{lifetime}  \
         # item: answer.data, where the token does not stand at the top of the answer\n\
         list:\n  send: GET {path}\n{items}  \
         # pages: {{ page: page, size: per_page, max: 100, total: answer.total }}\n\
         check:\n  send: GET {check}\n\
         revoke:\n  send: DELETE {path}/$(id)\n\
         errors:\n  message: answer.message\n",
        title = text("title"),
        docs = text("docs"),
        endpoint = text("endpoint"),
        env = text("env"),
        header = text("header"),
        prefix = quoted(
            answers
                .get("prefix")
                .and_then(Json::as_str)
                .unwrap_or_default()
        ),
        max = get("max"),
        id = get("id"),
        label = get("name"),
        expires = expires.unwrap_or_default(),
        value = text("value"),
        path = get("path"),
        items = items.unwrap_or_default(),
        check = get("check"),
    )
}

/// The first example, which shows how the others are written.
fn list_example(answers: &Map<String, Json>) -> String {
    let fields = said(answers, "items").map(|items| items.split('.').rev());
    let body = fields
        .into_iter()
        .flatten()
        .fold(Json::Array(Vec::new()), |inner, field| {
            Json::Object(Map::from_iter([(field.to_owned(), inner)]))
        });
    format!(
        "examples:\n  - name: no tokens yet\n    source: {docs}\n    ask: {{ operation: list }}\n    exchanges:\n      \
         - request: {{ method: GET, path: {path} }}\n        answer: {{ status: 200, body: {body} }}\n    \
         expect: {{ tokens: [] }}\n",
        docs = quoted(said(answers, "docs").unwrap_or_default()),
        path = quoted(said(answers, "path").unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenwright_client::profile::examples::{Examples, replay};

    use super::*;

    fn made(lines: &str) -> (String, String) {
        let answers = answers("acme-cloud", lines.as_bytes(), std::io::sink()).unwrap();
        (profile("acme-cloud", &answers), list_example(&answers))
    }

    #[test]
    fn whatever_is_answered_and_whatever_is_not_the_file_loads_and_its_example_passes() {
        let all = "\"Acme\": tokens\n\nhttps://acme.example/v2\nX-Key\nkey \nACME\n/v2/keys\nlabel\n80\nuid\n-\n-\n/data/secret\ndata.keys\n/whoami\n";
        for lines in ["", "\n\n", all] {
            let (text, examples) = made(lines);
            let profile = Profile::parse(&text).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
            let examples = Examples::parse(&examples).unwrap();
            assert_eq!(replay(&Arc::new(profile), &examples), [], "{text}");
        }
        let (text, _) = made(all);
        for says in [
            r#"title: "\"Acme\": tokens""#,
            r#"prefix: "key ""#,
            "items: answer.data.keys",
            "unit: none",
            "DELETE /v2/keys/$(id)",
        ] {
            assert!(text.contains(says), "{says}\n{text}");
        }
        assert!(!text.contains("expires:") && made("").0.contains("ACME_CLOUD_TOKEN"));
    }
}
