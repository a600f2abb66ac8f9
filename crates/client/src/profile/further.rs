//! The further calls of a mint that takes more than one.

use jiff::Timestamp;

use super::ProfileIssuer;
use super::answered::Answered;
use super::asking::Takes;
use super::plan::MintPlan;
use crate::error::{Error, ErrorKind, Operation};
use crate::text::{Context, of_json};

/// What the answers before the last are called.
pub(super) const ORDINALS: [&str; 3] = ["first", "second", "third"];

impl ProfileIssuer {
    /// Makes them, and gives the last answer with all that was taken out of any. Something was made by the
    /// first already: what goes wrong here leaves open what, and is healed like a lost answer.
    pub(super) async fn further(
        &self,
        plan: &MintPlan,
        context: &mut Context,
        (first, send_by): (Answered, Option<Timestamp>),
    ) -> Result<Answered, Error> {
        let mut last = first;
        for (call, name) in plan.then.iter().zip(ORDINALS) {
            context.insert(name.to_owned(), of_json(&last.json));
            let mut asking = self.asking(Operation::Mint, call, context.clone());
            asking.takes = Takes::Value(&self.profile.plan.value);
            asking.send_by = send_by;
            let answered = self.ask(&asking).await;
            let mut answered = answered.map_err(|error| Error {
                kind: ErrorKind::OutcomeUnknown,
                detail: Some(format!(
                    "a further call of the mint failed: {}",
                    error.sentence()
                )),
                ..error
            })?;
            let before = last.taken.value.take().unwrap_or_default();
            let taken = answered.taken.value.take().unwrap_or_default();
            answered.taken.value = Some(before.and(taken));
            last = answered;
        }
        Ok(last)
    }
}
