//! The samples of the guide to the command line are what the program prints.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokenwright_sandbox::SystemName::Seeme;

use crate::clusters::{NAMESPACE, condition, token, world};
use crate::runs::running;
use crate::support::{Ran, ended, run, start};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

/// What stands below a command in the guide.
fn sample(typed: &str) -> Vec<String> {
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let (_, below) = guide.split_once(&format!("$ {typed}\n")).unwrap();
    let (sample, _) = below.split_once("```").unwrap();
    sample.lines().map(shape).collect()
}

/// A line without what differs from run to run: each word with a digit is as good as another.
fn shape(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let number = word.chars().any(|letter| letter.is_ascii_digit());
        if number { "#" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Holds a sample against a run, line by line; one that ends with `…` shows the beginning alone.
fn shows(typed: &str, ran: &Ran) {
    let mut shown = sample(typed);
    let printed = ran.out.lines().chain(ran.err.lines());
    let mut printed: Vec<String> = printed.map(shape).collect();
    if shown.last().is_some_and(|last| last == "…") {
        shown.pop();
        printed.truncate(shown.len());
    }
    // What goes to either output is one sequence on a terminal, and two here.
    shown.sort();
    printed.sort();
    assert_eq!(shown, printed, "{typed}:\n{}{}", ran.out, ran.err);
}

#[tokio::test]
async fn the_samples_of_explanations_are_what_is_printed() {
    for typed in ["explain CredentialRefused", "profile explain seeme"] {
        let arguments: Vec<&str> = typed.split(' ').collect();
        shows(&format!("tokenwright {typed}"), &run(&arguments).await);
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program reads the clock, too"
)]
async fn the_sample_of_why_is_what_is_printed_of_a_token_that_is_due() {
    let world = world().await;
    let now = Timestamp::now();
    let due = (now - SignedDuration::from_mins(2)).to_string();
    let mut due = token("ci", &due, &[condition("Ready", "True", "Ready", "")]);
    due["status"]["current"]["expiresAt"] = json!(now + SignedDuration::from_hours(30 * 24));
    let due = world.ours("ApiToken", due).await;
    world.secret_of(&due).await;
    let arguments = ["why", "-n", NAMESPACE, "ci"];
    let ran = ended(world.command(&arguments).spawn().unwrap()).await;
    shows("tokenwright why -n team-a ci", &ran);
}

#[tokio::test]
async fn the_samples_of_a_trial_and_of_a_run_are_what_is_printed() {
    let vendor = start(Seeme).await;
    shows(
        "tokenwright profile try seeme --endpoint https://api.seeme.ai/api/v1 --scope models:read",
        &vendor.tried("seeme", &[]).await,
    );
    let ran = ended(running(&vendor, &[], "exit 0").spawn().unwrap()).await;
    shows(
        "tokenwright run --profile seeme --scope models:read --lifetime 1d -- ./publish.sh",
        &ran,
    );
}
