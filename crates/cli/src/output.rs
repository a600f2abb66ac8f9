//! Writing for people and programs. A reader that went away is no reason to stop: somebody may have to
//! revoke a token, whoever looks on.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde::Serialize;
use tokenwright_client::http::steers;

use crate::arguments::Format;

/// Writes to standard output.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody is left to be told that nobody is left.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes one line to standard error.
pub(crate) fn complain(line: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{line}");
}

/// A text of somebody else's on one line, without what a terminal would obey.
pub(crate) fn tame(text: &str) -> String {
    let tamed = text.chars().map(|c| if steers(c) { '·' } else { c });
    tamed.collect()
}

/// A cell of a table, and how it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// What a colour says. No tone says anything that the text does not say, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// A heading.
    Strong,
    /// Less than the rest.
    Faint,
    /// As it should be.
    Good,
    /// To be looked at soon.
    Warning,
    /// To be looked at now.
    Bad,
}

impl Cell {
    /// A text of somebody else's, tamed, in a tone.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self {
            text: tame(text.as_ref()),
            tone,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

impl Tone {
    fn paint(self, text: &str, coloured: bool) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
        };
        match coloured && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// Whether standard output shows colours: a terminal that can, and nobody who objects.
pub(crate) fn coloured() -> bool {
    std::io::stdout().is_terminal() && wants_colours(|name| std::env::var(name).ok())
}

/// What the environment says of a terminal; an empty variable says nothing.
fn wants_colours(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let dumb = set("TERM").is_none_or(|term| term == "dumb");
    set("NO_COLOR").is_none() && !dumb
}

/// Rows under headings, each column as wide as its widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let cells = |row: &Vec<String>| row.iter().map(Cell::from).collect();
    let rows: Vec<Vec<Cell>> = rows.iter().map(cells).collect();
    painted(&rows, false)
}

/// Rows for people, the first of them the headings, with colours where they are shown.
pub(crate) fn show(headings: &[&str], rows: Vec<Vec<Cell>>) {
    let headings = headings.iter().map(|text| Cell::toned(text, Tone::Strong));
    let rows: Vec<Vec<Cell>> = [headings.collect()].into_iter().chain(rows).collect();
    print(&painted(&rows, coloured()));
}

fn painted(rows: &[Vec<Cell>], coloured: bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.text.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.take_while(|(column, _)| last.is_some_and(|last| *column <= last));
        let line: Vec<String> = cells
            .map(|(column, (cell, width))| {
                // Nothing after the last: no line ends with blanks.
                let pad = match Some(column) == last {
                    true => 0,
                    false => width.saturating_sub(cell.text.chars().count()),
                };
                format!("{}{:pad$}", cell.tone.paint(&cell.text, coloured), "")
            })
            .collect();
        format!("{}\n", line.join("  "))
    };
    rows.iter().map(line).collect()
}

/// What programs read, as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    Ok(format!("{text}\n"))
}

/// What programs read, as YAML.
pub(crate) fn yaml(value: &impl Serialize) -> anyhow::Result<String> {
    serde_saphyr::to_string(value).context("writing YAML")
}

/// Gives something to programs as they ask for it; `told` tells it to people.
pub(crate) fn give<T: Serialize>(
    format: Format,
    value: &T,
    told: impl FnOnce(&T),
) -> anyhow::Result<()> {
    match format {
        Format::Table => told(value),
        Format::Json => print(&json(value)?),
        Format::Yaml => print(&yaml(value)?),
    }
    Ok(())
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

/// Asks a person, who says yes or does not.
///
/// # Errors
/// Nobody is there to be asked.
pub(crate) fn confirmed(question: &str, otherwise: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("nobody is there to confirm it: {otherwise}");
    }
    print(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_colours_unless_it_cannot_or_somebody_objects() {
        for (term, no_color, shown) in [
            (Some("xterm"), None, true),
            (Some("xterm"), Some(""), true),
            (Some("xterm"), Some("1"), false),
            (Some("dumb"), None, false),
            (None, None, false),
        ] {
            let variable = |name: &str| match name {
                "TERM" => term.map(str::to_owned),
                _ => no_color.map(str::to_owned),
            };
            assert_eq!(wants_colours(variable), shown, "{term:?} {no_color:?}");
        }
    }

    #[test]
    fn a_text_of_somebody_else_moves_hides_and_turns_nothing_on_a_terminal() {
        for (text, shown) in [
            ("ci\u{1b}[2K\rroot", "ci·[2K·root"),
            ("ci \u{202e}toor\u{202c}", "ci ·toor·"),
            ("\u{2066}a\u{2069}\u{200f}b\u{2028}c", "·a··b·c"),
            ("a\u{200b}b\u{feff}", "a·b·"),
            ("токен-é-نمی‌خواهم", "токен-é-نمی‌خواهم"),
        ] {
            assert_eq!(tame(text), shown);
        }
    }

    #[test]
    fn colours_move_no_column_and_no_line_ends_with_blanks() {
        let rows = vec![
            vec![Cell::toned("NAME", Tone::Strong), "AGE".into(), "".into()],
            vec!["a".into(), Cell::toned("3d", Tone::Bad), "".into()],
            vec![Cell::toned("longer", Tone::Good), "".into(), "x".into()],
        ];
        let plain = painted(&rows, false);
        assert_eq!(plain, "NAME    AGE\na       3d\nlonger       x\n");
        let coloured = painted(&rows, true);
        let mut bare = coloured.clone();
        for code in ["1", "31", "32", "0"] {
            bare = bare.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(bare, plain);
        assert!(coloured.contains("\u{1b}[31m3d\u{1b}[0m"), "{coloured:?}");
    }
}
