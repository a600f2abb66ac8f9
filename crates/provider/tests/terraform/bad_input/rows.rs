//! What cannot be is said at its attribute at the earliest moment, once, and before anybody is asked; what works
//! and is likely not meant is told as well.

mod at_plan;
mod at_validate;

use self::at_plan::{AT_PLAN, QUIET, TOLD_AT_PLAN, TOLD_AT_VALIDATE};
use self::at_validate::AT_VALIDATE;
use super::sheet::{Row, Said, judged};
use crate::support::World;

/// What is amiss with what is said of a row: it has one message of this severity, with its words.
fn amiss_of(row: &Row, severity: &str, said: &Said) -> Option<String> {
    let Row(_, text, words) = row;
    let [(of, message)] = said.as_slice() else {
        return Some(format!("{text}: one message, and not {said:#?}"));
    };
    let lacks = words.iter().find(|word| !message.contains(**word));
    match lacks {
        _ if of != severity => Some(format!("{text}: {of}, {message}")),
        Some(word) => Some(format!("{text}: {word:?} is not in {message}")),
        None => None,
    }
}

/// Each row is told as it should be.
async fn say(command: &str, severity: &str, rows: &[Row]) {
    let world = World::new(86_400.0, "").await;
    let all = judged(&world, command, rows).await;
    let amiss = rows.iter().zip(&all);
    let amiss: Vec<_> = amiss
        .filter_map(|(row, said)| amiss_of(row, severity, said))
        .collect();
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_once_at_its_attribute_at_validate_and_nobody_is_asked() {
    say("validate", "error", AT_VALIDATE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_system_cannot_take_is_said_once_at_its_attribute_at_plan_and_nobody_is_asked() {
    say("plan", "error", AT_PLAN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_works_and_is_likely_not_meant_is_told_with_both_values() {
    say("validate", "warning", TOLD_AT_VALIDATE).await;
    say("plan", "warning", TOLD_AT_PLAN).await;
    let world = World::new(86_400.0, "").await;
    for command in ["validate", "plan"] {
        for (row, said) in QUIET.iter().zip(judged(&world, command, QUIET).await) {
            assert!(said.is_empty(), "{row:?}: {said:?}");
        }
    }
}
