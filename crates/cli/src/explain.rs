//! `explain`: what the words mean that conditions, events, diagnostics and errors carry, and what Terraform says,
//! without any network.

use serde::Serialize;
use tokenwright_api::names::told;
use tokenwright_client::ErrorKind;

use crate::arguments::ExplainWord;
use crate::exit::Exit;
use crate::output::{Cell, complain, give, print, show, tame};
use crate::profile::nearest;

mod messages;

/// Where the guides are read.
const GUIDES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/guides");

/// One word or message, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Word {
    name: String,
    means: String,
    advice: String,
    /// The paragraph about it.
    page: String,
}

/// Prints what is known of a word, or of all.
pub(crate) fn run(asked: &ExplainWord) -> anyhow::Result<Exit> {
    let text = asked.words.join(" ");
    let found = match text.is_empty() {
        true => all(),
        false => found(&text),
    };
    if found.is_empty() {
        complain(&unknown(&text));
        return Ok(Exit::Failed);
    }
    give(asked.output, &found, |found| match text.is_empty() {
        true => list(found),
        false => {
            let told: Vec<String> = found.iter().map(Word::told).collect();
            print(&told.join("\n"));
        }
    })?;
    Ok(Exit::Done)
}

fn list(words: &[Word]) {
    let rows = words
        .iter()
        .map(|word| vec![Cell::from(&word.name), Cell::from(&word.means)]);
    show(&["WORD", "MEANS"], rows.collect());
}

/// All that is known.
fn all() -> Vec<Word> {
    let messages = messages::messages().into_iter().map(Word::from);
    words().into_iter().chain(messages).collect()
}

/// What a text names.
fn found(text: &str) -> Vec<Word> {
    let words = words().into_iter().filter(|word| word.is_in(text));
    let messages = messages::messages().into_iter();
    let said = messages.filter(|message| message.is_in(text));
    words.chain(said.map(Word::from)).collect()
}

/// The reasons of conditions, events and diagnostics, and the kinds of errors at an issuer.
fn words() -> Vec<Word> {
    let reasons = told().into_values().map(|told| Word {
        name: told.name.to_owned(),
        means: told.sentence.to_owned(),
        advice: told.advice.to_owned(),
        page: format!("{GUIDES}/troubleshooting.md#{}", anchor(told.name)),
    });
    let kinds = ErrorKind::ALL.into_iter().map(|kind| Word {
        name: kind.name().to_owned(),
        means: format!("The message says: {}.", kind.sentence()),
        advice: kind.advice().to_owned(),
        page: format!("{GUIDES}/troubleshooting.md#issuer-{}", anchor(kind.name())),
    });
    reasons.chain(kinds).collect()
}

/// As the guide names the paragraph of a word.
fn anchor(name: &str) -> String {
    name.to_lowercase()
}

impl From<messages::Message> for Word {
    fn from(message: messages::Message) -> Self {
        Self {
            name: message.title,
            means: message.means,
            advice: message.advice,
            page: format!("{GUIDES}/terraform-messages.md#{}", message.anchor),
        }
    }
}

impl Word {
    /// Whether a text names it, however it is written, or holds its sentence.
    fn is_in(&self, text: &str) -> bool {
        let mut names = text.split(|c: char| !c.is_ascii_alphanumeric());
        let text = text.to_lowercase();
        let sentence = self.means.trim_start_matches("The message says: ");
        let sentence = sentence.trim_end_matches('.').to_lowercase();
        names.any(|name| name.eq_ignore_ascii_case(&self.name)) && self.is_meant(&text)
            || text.contains(&sentence)
    }

    /// A word of two or more is a name wherever it stands; one that is a word of every day, such as `Quiet`,
    /// is meant where it stands alone or is followed by a colon.
    fn is_meant(&self, text: &str) -> bool {
        let every_day = !self.name.chars().skip(1).any(char::is_uppercase);
        let name = self.name.to_lowercase();
        !every_day || text.trim() == name || text.contains(&format!("{name}:"))
    }

    fn told(&self) -> String {
        format!(
            "{}\n  means  {}\n  you    {}\n  page   {}\n",
            self.name, self.means, self.advice, self.page
        )
    }
}

fn unknown(text: &str) -> String {
    let wanted = text.to_lowercase();
    let all = all();
    let names = all.iter().map(|word| word.name.as_str());
    let near = nearest(names, |name| strsim::jaro_winkler(&anchor(name), &wanted));
    let meant = near.map(|name| format!("did you mean {name}? "));
    format!(
        "error: no word or sentence in {:?} is known: {}`tokenwright explain` lists all words",
        tame(text),
        meant.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let found = super::found(text).into_iter();
        found.map(|word| word.name).collect()
    }

    #[test]
    fn a_reason_is_found_by_its_name_and_in_every_message_that_carries_it_or_its_sentence() {
        for (text, names) in [
            ("CredentialRefused", vec!["CredentialRefused"]),
            ("credentialrefused", vec!["CredentialRefused"]),
            ("quiet", vec!["Quiet"]),
            ("team-a/scaleway, RevokeFailed: 403", vec!["RevokeFailed"]),
            (
                "error: list at seeme: the issuer cannot be reached: connection refused",
                vec!["Unavailable"],
            ),
            ("all is quiet here", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(found(text), names, "{text}");
        }
    }

    #[test]
    fn each_word_has_a_paragraph_of_its_own_in_the_guide_at_the_place_that_is_told() {
        let guide = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/guides/troubleshooting.md"
        );
        let guide = std::fs::read_to_string(guide).unwrap();
        assert!(words().len() > 90);
        for word in words() {
            let (page, anchor) = word.page.split_once('#').unwrap();
            assert!(page.ends_with("/docs/guides/troubleshooting.md"), "{page}");
            let place = format!("| <a id=\"{anchor}\"></a>`{}` | ", word.name);
            assert_eq!(guide.matches(&place).count(), 1, "{place}");
            assert!(found(&word.name).contains(&word.name), "{}", word.name);
        }
    }
}
