//! `profile check`: whether a profile is right, as far as that can be told without its system.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokenwright_client::Profile;
use tokenwright_client::profile::InvalidProfile;
use tokenwright_client::profile::examples::{Examples, Failure, replay};

use super::{placed, read};
use crate::arguments::Check;
use crate::exit::Exit;
use crate::output::{chain, give, print};

/// What was checked, as far as it came, and what is wrong.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    passes: bool,
    file: String,
    profile: Option<Named>,
    examples: Option<Replayed>,
    problems: Vec<Problem>,
}

/// A profile that is right in itself.
#[derive(Debug, Serialize)]
struct Named {
    name: String,
    title: String,
}

/// Examples that were replayed.
#[derive(Debug, Serialize)]
struct Replayed {
    file: String,
    count: usize,
    failed: usize,
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
struct Problem {
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    /// The example that fails.
    example: Option<String>,
    problem: String,
    /// As people read it, with the line itself where there is one.
    #[serde(skip)]
    shown: String,
}

/// Validates the profile, then replays its examples, and says what was checked.
pub(crate) fn run(check: &Check) -> anyhow::Result<Exit> {
    let verdict = checked(check);
    give(check.output, &verdict, Verdict::tell)?;
    Ok(match verdict.passes {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

fn checked(check: &Check) -> Verdict {
    let mut verdict = Verdict {
        passes: false,
        file: check.file.display().to_string(),
        profile: None,
        examples: None,
        problems: Vec::new(),
    };
    let file = verdict.file.clone();
    let text = match read(&check.file) {
        Ok(text) => text,
        Err(error) => return verdict.but(Problem::of(&file, format!("{error:#}"))),
    };
    let profile = match Profile::parse(&text) {
        Ok(profile) => profile,
        Err(error) => return verdict.but(Problem::placed(&file, &error, &text)),
    };
    verdict.profile = Some(Named {
        name: profile.name().to_owned(),
        title: profile.title().to_owned(),
    });

    let path = check.examples.clone();
    let path = path.unwrap_or_else(|| beside(&check.file));
    let file = path.display().to_string();
    match examples(&path) {
        Ok(examples) => {
            let failures = replay(&Arc::new(profile), &examples);
            let mut names: Vec<_> = failures.iter().map(|f| f.example.as_str()).collect();
            names.dedup();
            verdict.passes = names.is_empty();
            verdict.examples = Some(Replayed {
                file: file.clone(),
                count: examples.len(),
                failed: names.len(),
            });
            let problems = failures
                .iter()
                .map(|failure| Problem::failed(&file, failure));
            verdict.problems.extend(problems);
        }
        Err(problem) => return verdict.but(Problem::of(&file, problem)),
    }
    verdict
}

/// The examples of a file, of which there must be one.
fn examples(path: &Path) -> Result<Examples, String> {
    let text = read(path).map_err(|e| {
        let advice = "a profile without examples is not checked: write some, or name their file with --examples";
        format!("{e:#}\n{advice}")
    })?;
    let examples = Examples::parse(&text).map_err(|e| e.to_string())?;
    match examples.is_empty() {
        true => Err("has no examples".to_owned()),
        false => Ok(examples),
    }
}

impl Problem {
    fn of(file: &str, problem: String) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            example: None,
            shown: problem.clone(),
            problem,
        }
    }

    fn placed(file: &str, error: &InvalidProfile, text: &str) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
            shown: placed(error, text),
            ..Self::of(file, chain(error))
        }
    }

    fn failed(file: &str, failure: &Failure) -> Self {
        Self {
            example: Some(failure.example.clone()),
            shown: format!("{}: {}", failure.example, failure.problem),
            ..Self::of(file, failure.problem.clone())
        }
    }
}

impl Verdict {
    fn but(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    fn tell(&self) {
        if let Some(Named { name, title }) = &self.profile {
            print(&format!("✓ {}: profile {name}, {title}\n", self.file));
        }
        let failed = |what: &dyn Display| {
            let shown = self.problems.iter().map(|problem| indented(&problem.shown));
            print(&format!("✗ {what}\n{}", shown.collect::<String>()));
        };
        match (&self.examples, self.problems.first()) {
            (
                Some(Replayed {
                    file,
                    count,
                    failed: 0,
                }),
                _,
            ) => {
                print(&format!("✓ {file}: {} replayed\n", counted(*count)));
            }
            (
                Some(Replayed {
                    file,
                    count,
                    failed: some,
                }),
                _,
            ) => {
                failed(&format_args!(
                    "{file}: {some} of {} failed",
                    counted(*count)
                ));
            }
            (None, Some(Problem { file, .. })) => failed(file),
            (None, None) => {}
        }
    }
}

/// `acme.yaml` has its examples in `acme.examples.yaml`.
fn beside(profile: &Path) -> PathBuf {
    profile.with_extension("examples.yaml")
}

fn counted(examples: usize) -> String {
    match examples {
        1 => "1 example".to_owned(),
        several => format!("{several} examples"),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
