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
}

impl Page {
    /// Reads a page.
    pub fn read(markdown: &str) -> Self {
        let mut blocks = Vec::new();
        let mut heading = String::new();
        let mut when = When::Always;
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
                let when = std::mem::replace(&mut when, When::Always);
                blocks.extend(action(language, &text).map(|action| Block {
                    heading: heading.clone(),
                    line: first,
                    when,
                    action,
                }));
            } else if line.starts_with('#') {
                line.trim_start_matches('#').trim().clone_into(&mut heading);
            } else if let Some(said) = comment(line) {
                when = said;
            }
        }
        Self(blocks)
    }
}

fn comment(line: &str) -> Option<When> {
    let text = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    match text.split_once(": ") {
        Some(("elsewhere", why)) => Some(When::Elsewhere(why.to_owned())),
        Some(_) => None,
        None => match text {
            "long" => Some(When::Long),
            "cluster" => Some(When::Cluster),
            _ => None,
        },
    }
}

fn action(language: &str, lines: &[&str]) -> Option<Action> {
    if language == "console" {
        return Some(Action::Type(typed(lines)));
    }
    // A name is one word with a dot: other comments are sentences.
    let name = lines.first()?.strip_prefix("# ")?;
    let is_name = name.contains('.') && !name.contains(' ') && !name.ends_with('.');
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    is_name.then(|| Action::Save(name.to_owned(), text))
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
                    <!-- cluster -->\n```console\nkubectl version\n```\n";
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
        let elsewhere = When::Elsewhere("needs a cluster".to_owned());
        assert_eq!(
            seen,
            [
                ("Title", 4, &When::Always, &typed("make\ncd there")),
                ("Then", 12, &elsewhere, &typed("kubectl get pods")),
                ("Then", 16, &When::Always, &saved),
                ("Then", 24, &When::Long, &typed("cargo build")),
                ("Then", 28, &When::Cluster, &typed("kubectl version")),
            ]
        );
    }
}
