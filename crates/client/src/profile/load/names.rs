//! What a name must be able to carry: the marker, whatever else it is.

use tokenwright_core::marker::MAX_LEN;

use super::{Loader, Problem};
use crate::limits::CharClass;
use crate::profile::file::NameUnit;

/// What markers are written with.
const OF_MARKER: &str = "abcdefghijklmnopqrstuvwxyz0123456789-";

impl Loader<'_> {
    pub(super) fn name(&self) -> Result<(), Problem> {
        let Some(name) = &self.file.name else {
            return Ok(());
        };
        let here = self.within("name");
        let separator = self.separator()?.unwrap_or(' ');
        let before = match name.unit {
            NameUnit::Characters => 1,
            NameUnit::Bytes => separator.len_utf8(),
            NameUnit::Utf16 => separator.len_utf16(),
        };
        let least = MAX_LEN.saturating_add(before).saturating_add(1);
        if name.max < least {
            let problem = format!(
                "is too little for the marker, which needs {MAX_LEN}, with a separator and a name of one character before it: {least}"
            );
            return Err(here.field("max", problem));
        }
        if name.ascii && !separator.is_ascii() {
            return Err(here.field("separator", "must be ASCII, since nothing else may be sent"));
        }
        let written = || OF_MARKER.chars().chain([separator]);
        if let Some(c) = name
            .without
            .chars()
            .find(|c| written().any(|own| own == *c))
        {
            let problem = format!(
                "must not have {c:?}: the marker is written with lower-case letters, digits, hyphens and {separator:?} before it"
            );
            return Err(here.field("without", problem));
        }
        let allowed = self.allowed()?;
        let missing = allowed.and_then(|allowed| written().find(|c| !allowed.contains(*c)));
        match missing {
            Some(' ') => {
                let problem = "has no space, which stands before the marker: say in separator what stands there";
                Err(here.field("allowed", problem))
            }
            Some(c) => {
                let problem = format!(
                    "must have {c:?}: the marker is written with lower-case letters, digits, hyphens and {separator:?} before it, and without it no token can be found again"
                );
                Err(here.field("allowed", problem))
            }
            None => Ok(()),
        }
    }

    /// What stands before the marker, where that is no space.
    pub(super) fn separator(&self) -> Result<Option<char>, Problem> {
        let separator = self.file.name.as_ref().and_then(|n| n.separator.as_ref());
        let Some(separator) = separator else {
            return Ok(None);
        };
        let mut all = separator.chars();
        match (all.next(), all.next()) {
            (Some(c), None) if !c.is_alphanumeric() && !c.is_control() => Ok(Some(c)),
            _ => {
                let problem = "must be one character that is no letter and no digit";
                Err(self.within("name").field("separator", problem))
            }
        }
    }

    /// The characters that may be sent.
    pub(super) fn allowed(&self) -> Result<Option<CharClass>, Problem> {
        let allowed = self.file.name.as_ref().and_then(|n| n.allowed.as_ref());
        let class = allowed.map(|text| {
            CharClass::parse(text).ok_or_else(|| {
                let problem = format!(
                    "{text:?} is no class of characters, such as [A-Za-z0-9_-]; what must not be sent stands in without"
                );
                self.within("name").field("allowed", problem)
            })
        });
        class.transpose()
    }
}
