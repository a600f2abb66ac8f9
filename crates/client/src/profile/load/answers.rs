//! How answers are written, checked.

use super::{Loader, Problem};
use crate::profile::file::Format;
use crate::profile::format::FormatPlan;

impl Loader<'_> {
    pub(super) fn format(&self) -> Result<FormatPlan, Problem> {
        let Some(answers) = &self.file.answers else {
            return Ok(FormatPlan::Json);
        };
        let here = self.within("answers");
        match (answers.format, &answers.prefix) {
            (Format::Xml, Some(_)) => Err(here.field("prefix", "is for JSON alone")),
            (Format::Xml, None) => Ok(FormatPlan::Xml(answers.lists.clone())),
            (Format::Json, _) if !answers.lists.is_empty() => {
                Err(here.field("lists", "is for XML alone: JSON says itself what is a list"))
            }
            // Space around a body is cut off before it is looked for.
            (Format::Json, Some(prefix)) if prefix.trim().is_empty() => {
                Err(here.field("prefix", "must be more than space"))
            }
            (Format::Json, Some(prefix)) => Ok(FormatPlan::Prefixed(prefix.clone())),
            (Format::Json, None) => Ok(FormatPlan::Json),
        }
    }
}
