//! Many rows of bad input in one configuration, each in blocks of its own: one run judges all of them, and what
//! it says is sorted by the lines that it says it of.

use serde_json::{Value, json};

use crate::support::{Ran, World};

/// Where the text of a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Block {
    /// In a token; what it needs beside is added.
    Token,
    /// In the only issuer of a provider block, whose token is well.
    Issuer,
    /// In a provider block, whose token is well.
    Provider,
    /// In none.
    Beside,
}

/// Input, and the words that its message must have; the code that it points at stands in brackets.
#[derive(Debug)]
pub(crate) struct Row(
    pub(super) Block,
    pub(super) &'static str,
    pub(super) &'static [&'static str],
);

/// Before the blocks of each row.
const MARK: &str = "# row ";

/// What a token needs.
const USUAL: [(&str, &str); 3] = [
    ("name", "\"ci\""),
    ("scopes", "[\"models:read\"]"),
    ("lifetime", "\"30d\""),
];

impl Row {
    fn written(&self, at: usize) -> String {
        let Self(block, text, _) = self;
        let token = |more: &str| {
            let mut body = more.to_owned();
            for (name, usual) in USUAL {
                let start = format!("{name} =");
                if !more
                    .lines()
                    .any(|line| line.trim_start().starts_with(&start))
                {
                    body += &format!("\n  {start} {usual}");
                }
            }
            format!("resource \"tokenwright_api_token\" \"r{at}\" {{\n  {body}\n}}\n")
        };
        let provider = |body: &str| {
            let well = token(&format!("provider = tokenwright.r{at}"));
            format!("provider \"tokenwright\" {{\n  alias = \"r{at}\"\n  {body}\n}}\n{well}")
        };
        let blocks = match block {
            Block::Token => token(text),
            Block::Issuer => provider(&format!("issuers = {{ vendor = {{\n    {text}\n  }} }}")),
            Block::Provider => provider(text),
            Block::Beside => (*text).to_owned(),
        };
        format!("{MARK}{at}\n{blocks}\n")
    }
}

/// What a run says of one row: the severity, and the words with the code that they point at.
pub(super) type Said = Vec<(String, String)>;

/// All rows in one configuration, and what `validate` or `plan` says of each. Nobody is asked.
pub(super) async fn judged(world: &World, command: &str, rows: &[Row]) -> Vec<Said> {
    let endpoint = &world.played.endpoint;
    let mut text = format!(
        "provider \"tokenwright\" {{\n  manager = \"test\"\n  issuers = {{ vendor = {{\n    profile = \"seeme\"\n    endpoint = {endpoint:?}\n  }} }}\n}}\n"
    );
    rows.iter()
        .enumerate()
        .for_each(|(at, row)| text += &row.written(at));
    world.write(&text);
    let requests = world.fault(json!({}), json!({ "latency_ms": 1 }));
    let ran = world.run(&[command, "-json"]).await;
    assert_eq!(world.hits(requests), 0, "somebody was asked");
    let file = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let mut all: Vec<Said> = rows.iter().map(|_| Vec::new()).collect();
    for diagnostic in diagnostics(&ran) {
        let line = diagnostic["range"]["start"]["line"].as_u64();
        let line = line.unwrap_or_else(|| panic!("it points nowhere: {diagnostic}"));
        let above = file.lines().take(line.try_into().unwrap());
        let row = above.filter_map(|line| line.strip_prefix(MARK)).last();
        let row = row.unwrap_or_else(|| panic!("it is about no row: {diagnostic}"));
        let text = |name: &str| diagnostic[name].as_str().unwrap_or_default();
        let code = diagnostic["snippet"]["code"].as_str().unwrap_or_default();
        let words = format!("{}: {} [{}]", text("summary"), text("detail"), code.trim());
        let severity = text("severity").to_owned();
        all[row.parse::<usize>().unwrap()].push((severity, words));
    }
    all
}

/// `validate` answers one object, `plan` a line for each; the provider comes from a build, which is told in both.
fn diagnostics(ran: &Ran) -> Vec<Value> {
    let all = match serde_json::from_str::<Value>(&ran.text) {
        Ok(whole) => whole["diagnostics"].as_array().cloned().unwrap_or_default(),
        Err(_) => ran
            .lines
            .iter()
            .map(|line| line["diagnostic"].clone())
            .collect(),
    };
    let told = all.into_iter().filter(|one| {
        let summary = one["summary"].as_str().unwrap_or_default();
        !one.is_null() && !summary.contains("development overrides")
    });
    told.collect()
}
