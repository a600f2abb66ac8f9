//! Secrets in requests themselves, and in answers: where they may stand.

use std::collections::BTreeMap;

use super::{Loader, Problem};
use crate::profile::file::Parts;
use crate::profile::plan::{PutAt, PutPlan, SecretPlace};

/// Each place is looked for in every entry of an answer; no system has so many.
const MOST_PLACES: usize = 16;

impl Loader<'_> {
    /// The parts that stand in the request itself.
    pub(super) fn put(
        &self,
        put: &BTreeMap<String, String>,
        call: Parts<'_>,
        known: impl Fn(&str) -> bool,
    ) -> Result<Vec<PutPlan>, Problem> {
        let plans = put.iter().map(|(at, part)| {
            let wrong = |problem: String| Err(self.within("put").field(at, problem));
            if !known(part) {
                return wrong(format!(
                    "{part} is no part of it: name one of those that it has"
                ));
            }
            let place = match (at.split_at_checked(1), call.form) {
                (Some(("?", key)), _) if !key.is_empty() => PutAt::Query(key.to_owned()),
                (Some((":", name)), _) if !name.is_empty() => {
                    if !call.send.split('/').any(|segment| segment == at) {
                        return wrong(format!(
                            "is no segment of the path {:?}, where it would stand",
                            call.send
                        ));
                    }
                    PutAt::Segment(name.to_owned())
                }
                (Some(("/", key)), Some(_)) if !key.is_empty() => PutAt::Form(key.to_owned()),
                (Some(("/", _)), None) => PutAt::Body(at.clone()),
                (Some(_), Some(_)) => PutAt::Form(at.clone()),
                (Some(_) | None, _) => {
                    return wrong(format!(
                        "{at} is no JSON pointer, such as /password; without one it is a key of a form, which form must be there for, and may be empty"
                    ));
                }
            };
            let part = part.clone();
            Ok(PutPlan { at: place, part })
        });
        plans.collect()
    }

    /// The places of secrets in an answer.
    pub(super) fn secrets(&self, places: &[String]) -> Result<Vec<SecretPlace>, Problem> {
        if places.len() > MOST_PLACES {
            let problem = format!("has more than {MOST_PLACES} places: * stands for each entry");
            return Err(self.field("secrets", problem));
        }
        let places = places.iter().map(|pointer| {
            let steps = pointer.strip_prefix('/').ok_or_else(|| {
                let problem = format!(
                    "{pointer:?} is no JSON pointer, such as /tokens/*/secret, where * is each entry"
                );
                self.field("secrets", problem)
            })?;
            let unescaped = |step: &str| step.replace("~1", "/").replace("~0", "~");
            Ok(SecretPlace {
                pointer: pointer.clone(),
                steps: steps.split('/').map(unescaped).collect(),
            })
        });
        places.collect()
    }
}
