//! The blocks of a page that a reader acts on, in their order.

/// A page, as far as a reader acts on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page(pub Vec<Block>);

/// One block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The last heading before it.
    pub heading: String,
    /// The line on which its text begins.
    pub line: usize,
    /// Whether it is acted on here.
    pub when: When,
    /// What a reader does with it.
    pub action: Action,
}

/// Whether a block is acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// By everybody.
    Always,
    /// By whoever has minutes.
    Long,
    /// By whoever has a cluster.
    Cluster,
    /// Not here, for this reason.
    Elsewhere(String),
}

/// What a reader does with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Types it.
    Type(String),
    /// Saves it under this name.
    Save(String, String),
    /// Changes this file: where it has the first text, it has the second.
    Change(String, String, String),
    /// Compares it with what the block before has printed.
    See(String),
}

impl Page {
    /// Reads a page.
    pub fn read(markdown: &str) -> Self {
        let mut blocks = Vec::new();
        let mut heading = String::new();
        let mut said = Said::When(When::Always);
        let mut lines = markdown.lines().enumerate();
        while let Some((_, line)) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let inside: Vec<_> = lines
                    .by_ref()
                    .take_while(|(_, line)| *line != "```")
                    .collect();
                let first = inside.first().map_or(0, |(number, _)| number + 1);
                let text: Vec<&str> = inside.into_iter().map(|(_, line)| line).collect();
                // What was said of this block says nothing of the next.
                let said = std::mem::replace(&mut said, Said::When(When::Always));
                let (when, action) = match said {
                    Said::When(when) => (when, action(language, &text)),
                    Said::Printed => (When::Always, Some(Action::See(joined(&text)))),
                };
                blocks.extend(action.map(|action| Block {
                    heading: heading.clone(),
                    line: first,
                    when,
                    action,
                }));
            } else if line.starts_with('#') {
                line.trim_start_matches('#').trim().clone_into(&mut heading);
            } else if let Some(comment) = comment(line) {
                said = comment;
            }
        }
        Self(blocks)
    }
}

/// What a comment says of the block below it.
enum Said {
    When(When),
    Printed,
}

fn comment(line: &str) -> Option<Said> {
    let text = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    match text.split_once(": ") {
        Some(("elsewhere", why)) => Some(Said::When(When::Elsewhere(why.to_owned()))),
        Some(_) => None,
        None => match text {
            "long" => Some(Said::When(When::Long)),
            "cluster" => Some(Said::When(When::Cluster)),
            "printed" => Some(Said::Printed),
            _ => None,
        },
    }
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn action(language: &str, lines: &[&str]) -> Option<Action> {
    if language == "console" {
        return Some(Action::Type(typed(lines)));
    }
    // A name is one word with a dot: other comments are sentences.
    let name = lines.first()?.strip_prefix("# ")?;
    let is_name = name.contains('.') && !name.contains(' ') && !name.ends_with('.');
    if !is_name {
        return None;
    }
    Some(match language {
        "diff" => change(name, lines.get(1..).unwrap_or_default()),
        _ => Action::Save(name.to_owned(), joined(lines)),
    })
}

/// What a difference says: the lines that stay stand in both texts.
fn change(name: &str, lines: &[&str]) -> Action {
    let without = |other: char| {
        let kept = lines.iter().filter(|line| !line.starts_with(other));
        let kept: Vec<&str> = kept.map(|line| line.get(1..).unwrap_or_default()).collect();
        joined(&kept)
    };
    Action::Change(name.to_owned(), without('+'), without('-'))
}

/// What is typed: where a block shows a prompt, the rest is what the commands print.
fn typed(lines: &[&str]) -> String {
    let prompted: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    match prompted.is_empty() {
        true => lines.join("\n"),
        false => prompted.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Page, When};

    #[test]
    fn commands_and_files_are_read_with_what_a_comment_says_of_them() {
        let page = "# Title\n\n```console\nmake\ncd there\n```\n## Then\n\n<!-- elsewhere: needs a cluster -->\n\n\
                    ```console\n$ kubectl get pods\nNAME\n```\n```hcl\n# main.tf\nx = 1\n```\n\
                    ```yaml\n# A sentence.\n```\n<!-- long -->\n```console\ncargo build\n```\n\
                    <!-- cluster -->\n```console\nkubectl version\n```\n<!-- printed -->\n```text\nv1\n```\n\
                    ```diff\n# main.tf\n a\n-b\n+c\n```\n";
        let read = Page::read(page).0;
        let seen: Vec<_> = read
            .iter()
            .map(|block| {
                (
                    block.heading.as_str(),
                    block.line,
                    &block.when,
                    &block.action,
                )
            })
            .collect();
        let typed = |text: &str| Action::Type(text.to_owned());
        let saved = Action::Save("main.tf".to_owned(), "# main.tf\nx = 1\n".to_owned());
        let see = Action::See("v1\n".to_owned());
        let [name, old, new] = ["main.tf", "a\nb\n", "a\nc\n"].map(str::to_owned);
        let change = Action::Change(name, old, new);
        let elsewhere = When::Elsewhere("needs a cluster".to_owned());
        assert_eq!(
            seen,
            [
                ("Title", 4, &When::Always, &typed("make\ncd there")),
                ("Then", 12, &elsewhere, &typed("kubectl get pods")),
                ("Then", 16, &When::Always, &saved),
                ("Then", 24, &When::Long, &typed("cargo build")),
                ("Then", 28, &When::Cluster, &typed("kubectl version")),
                ("Then", 32, &When::Always, &see),
                ("Then", 35, &When::Always, &change),
            ]
        );
    }
}
