//! What Terraform says, as the page about it lists it: the first line of each diagnostic of the provider.

/// The page. Each row of its tables is a message; `…` stands for what differs.
const PAGE: &str = include_str!("../../../../docs/guides/terraform-messages.md");

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) title: String,
    pub(super) means: String,
    pub(super) advice: String,
    /// The part of the page that it stands in.
    pub(super) anchor: String,
}

pub(super) fn messages() -> Vec<Message> {
    let mut anchor = String::new();
    let mut all = Vec::new();
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            anchor = heading.to_lowercase().replace(' ', "-").replace(',', "");
        }
        let row = line
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"));
        let cells: Vec<_> = row.into_iter().flat_map(|row| row.split(" | ")).collect();
        if let [title, means, advice] = cells[..]
            && title.contains('`')
        {
            all.push(Message {
                title: title.replace('`', ""),
                means: sentence(means),
                advice: sentence(advice),
                anchor: anchor.clone(),
            });
        }
    }
    all
}

/// A cell as a sentence, without what only a page shows.
fn sentence(cell: &str) -> String {
    let mut text = String::new();
    let mut rest = cell;
    while let Some((before, link)) = rest.split_once('[') {
        let (words, after) = link.split_once(']').unwrap_or((link, ""));
        text.push_str(before);
        text.push_str(words);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

impl Message {
    /// Whether a text has a line that is this message, as Terraform prints it or its first line alone.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.lines().any(|line| self.is(bare(line)))
    }

    fn is(&self, line: &str) -> bool {
        let mut parts = self.title.split('…').map(str::trim);
        let begins = parts.next().unwrap_or_default();
        let Some(mut rest) = line.strip_prefix(begins) else {
            return false;
        };
        let mut last = begins;
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            (rest, last) = (after, part);
        }
        // What begins with anything must end as it is written, or every sentence would be a message.
        !begins.is_empty() || line.ends_with(last)
    }
}

/// A line without the frame that Terraform draws, and without what it puts before a message.
fn bare(line: &str) -> &str {
    let line = line.trim_start_matches(['│', '╷', '╵', ' ']).trim_end();
    let line = line.strip_prefix("Error: ").unwrap_or(line);
    line.strip_prefix("Warning: ").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let found = messages().into_iter().filter(|message| message.is_in(text));
        found.map(|message| message.title).collect()
    }

    #[test]
    fn a_message_is_found_by_its_first_line_as_terraform_prints_it() {
        let framed = "╷\n│ Warning: The value of token 4711 is not in the state\n│ \n│   with tokenwright_api_token.ci,\n╵";
        for (text, title) in [
            (framed, "The value of token … is not in the state"),
            (
                "Error: Issuer \"seeme\" did not answer",
                "Issuer … did not answer",
            ),
            (
                "Token 4711 (\"ci tw1-a\") does not work any more",
                "… does not work any more",
            ),
            ("rotation.every is no duration", "… is no duration"),
            (
                "Token \"deploy\" HAS ENDED, on 2027-01-31",
                "Token … HAS ENDED …",
            ),
        ] {
            assert_eq!(found(text), [title], "{text}");
        }
        for other in ["", "a name is required here", "it is no duration of mine"] {
            assert!(found(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn each_message_says_what_it_means_and_what_to_do_by_itself() {
        let all = messages();
        assert!(all.len() > 100, "{}", all.len());
        for Message {
            title,
            means,
            advice,
            anchor,
        } in all
        {
            for said in [&means, &advice] {
                assert!(!said.contains("he same"), "{title}: {said}");
                assert!(!said.contains("]("), "{title}: {said}");
            }
            assert!(!anchor.is_empty(), "{title}");
        }
    }
}
