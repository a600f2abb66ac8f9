//! `profile check`: whether a profile is right, as far as that can be told without its system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenwright_client::Profile;
use tokenwright_client::profile::examples::{Examples, replay};

use super::{placed, read};
use crate::arguments::Check;
use crate::exit::Exit;
use crate::output::print;

/// Validates the profile, then replays its examples, and says what was checked.
pub(crate) fn run(check: &Check) -> anyhow::Result<Exit> {
    let outcome = checked(check);
    let exit = if outcome.is_ok() {
        Exit::Done
    } else {
        Exit::Failed
    };
    if let Err(problem) = outcome {
        print(&problem);
    }
    Ok(exit)
}

fn checked(check: &Check) -> Result<(), String> {
    let file = check.file.display();
    let failed =
        |what: &dyn std::fmt::Display, problem: String| format!("✗ {what}\n{}", indented(&problem));
    let text = read(&check.file).map_err(|e| failed(&file, format!("{e:#}")))?;
    let profile = Profile::parse(&text).map_err(|e| failed(&file, placed(&e, &text)))?;
    print(&format!(
        "✓ {file}: profile {}, {}\n",
        profile.name(),
        profile.title()
    ));

    let path = check.examples.clone();
    let path = path.unwrap_or_else(|| beside(&check.file));
    let file = path.display();
    let text = read(&path).map_err(|e| {
        let advice = "a profile without examples is not checked: write some, or name their file with --examples";
        failed(&file, format!("{e:#}\n{advice}"))
    })?;
    let examples = Examples::parse(&text).map_err(|e| failed(&file, e.to_string()))?;
    if examples.is_empty() {
        return Err(failed(&file, "has no examples".to_owned()));
    }
    let failures = replay(&Arc::new(profile), &examples);
    if failures.is_empty() {
        print(&format!("✓ {file}: {} replayed\n", counted(examples.len())));
        return Ok(());
    }
    let mut names: Vec<_> = failures.iter().map(|f| f.example.as_str()).collect();
    names.dedup();
    let what = format!(
        "{file}: {} of {} failed",
        names.len(),
        counted(examples.len())
    );
    let problems = failures
        .iter()
        .map(|f| format!("{}: {}\n", f.example, f.problem));
    Err(failed(&what, problems.collect()))
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
