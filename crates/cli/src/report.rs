//! `report`: inventories as one page that needs nothing but a browser.
//!
//! Whatever an issuer shows is data in the page, never markup; the page forbids itself every request.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::arguments::Report;
use crate::exit::Exit;
use crate::output::{complain, print, tame};

const PAGE: &str = include_str!("report/page.html");
/// Where the data goes.
const DATA: &str = "@DATA@";

#[derive(Debug, Serialize)]
struct Data {
    /// The latest of the listings: what "now" is in the page.
    at: Timestamp,
    inventories: Vec<Value>,
}

/// Writes it.
pub(crate) fn run(asked: &Report) -> anyhow::Result<Exit> {
    let read = asked.inventories.iter().map(|path| inventory(path));
    let read = read.collect::<anyhow::Result<Vec<_>>>()?;
    let at = read.iter().map(|(at, _)| *at).max();
    let data = Data {
        at: at.context("there is no inventory")?,
        inventories: read.into_iter().map(|(_, inventory)| inventory).collect(),
    };
    let page = PAGE.replacen(DATA, &embedded(&data)?, 1);
    match &asked.out {
        None => print(&page),
        Some(path) => {
            std::fs::write(path, page).with_context(|| format!("writing {}", path.display()))?;
            complain(&format!(
                "{} is written: open it in a browser",
                path.display()
            ));
        }
    }
    Ok(Exit::Done)
}

/// As a script element holds it: nothing in it can end the element, or turn or hide what stands beside it.
fn embedded(data: &Data) -> anyhow::Result<String> {
    let text = serde_json::to_string(data).context("writing JSON")?;
    Ok(tame(&text).replace('<', "\\u003c"))
}

/// One inventory, and when it was listed.
fn inventory(path: &Path) -> anyhow::Result<(Timestamp, Value)> {
    let shown = path.display();
    let text = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("reading standard input")?;
            text
        }
        false => std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))?,
    };
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let at = value["listedAt"].as_str().and_then(|at| at.parse().ok());
    let tokens = value["tokens"].as_array();
    let whole = |token: &Value| {
        token["id"].is_string() && token["scopes"].is_array() && token["standing"]["is"].is_string()
    };
    match (at, tokens) {
        (Some(at), Some(tokens)) if tokens.iter().all(whole) && value["profile"].is_string() => {
            Ok((at, value))
        }
        _ => bail!("{shown} is no inventory: make one with `tokenwright token list -o json`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_name_of_a_token_ends_the_data_of_the_page() {
        let evil = "</script><script>alert(1)</script><!--";
        let data = Data {
            at: Timestamp::UNIX_EPOCH,
            inventories: vec![json!({ "tokens": [{ "name": evil }] })],
        };
        let text = embedded(&data).unwrap();
        assert!(!text.contains('<'), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["inventories"][0]["tokens"][0]["name"], evil);
    }

    #[test]
    fn no_name_of_a_token_turns_or_hides_what_the_page_shows() {
        let data = Data {
            at: Timestamp::UNIX_EPOCH,
            inventories: vec![
                json!({ "tokens": [{ "name": "ci \u{202e}toor\u{2066}", "id": "a\nb" }] }),
            ],
        };
        let read: Value = serde_json::from_str(&embedded(&data).unwrap()).unwrap();
        let shown = &read["inventories"][0]["tokens"][0];
        assert_eq!(shown, &json!({ "name": "ci ·toor·", "id": "a\nb" }));
    }
}
