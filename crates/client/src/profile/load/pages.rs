//! Pages: which key asks for the next one, where it stands, and what ends the list.

use super::calls::ANSWER;
use super::{Loader, Problem};
use crate::profile::file;
use crate::profile::plan::{By, PagesPlan};

impl Loader<'_> {
    /// A key that is a JSON pointer stands in the body, which must then be there.
    pub(super) fn pages_in_body(
        &self,
        list: &file::ListCall,
        pages: &file::Pages,
    ) -> Result<(), Problem> {
        let keys = [
            ("page", &pages.page),
            ("offset", &pages.offset),
            ("cursor", &pages.cursor),
            ("size", &pages.size),
        ];
        let placed =
            |(_, key): &(_, &Option<String>)| key.as_ref().is_some_and(|key| key.starts_with('/'));
        let Some((key, _)) = keys.into_iter().find(placed) else {
            return Ok(());
        };
        let bare = ["GET ", "HEAD "].iter().any(|m| list.send.starts_with(m));
        match list.form.is_some() || bare {
            true => {
                let problem = "is a place in a JSON body, which this call does not have";
                Err(self.field(key, problem))
            }
            false => Ok(()),
        }
    }

    pub(super) fn pages(&self, pages: &file::Pages) -> Result<PagesPlan, Problem> {
        let next = self.read("next", pages.next.as_ref(), &ANSWER.into())?;
        let by = match (&pages.page, &pages.offset, &pages.cursor, pages.link, next) {
            (Some(key), None, None, false, None) => By::Number {
                key: key.clone(),
                first: pages.first.unwrap_or(1),
            },
            (None, Some(key), None, false, None) => By::Offset { key: key.clone() },
            (None, None, Some(key), false, Some(next)) => By::Cursor {
                key: key.clone(),
                next,
            },
            (None, None, None, true, None) => By::Link,
            (None, None, None, false, Some(next)) => By::Url(next),
            _ => {
                let problem = "needs exactly one of page, offset, cursor with next, link, and next";
                return Err(self.field("pages", problem));
            }
        };
        let size = match (&pages.size, pages.max) {
            (Some(_), Some(0)) => return Err(self.field("max", "must be one entry at least")),
            (Some(key), Some(max)) => Some((key.clone(), max)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(self.field("pages", "size and max belong together"));
            }
        };
        if pages.first.is_some() && !matches!(by, By::Number { .. }) {
            return Err(self.field("first", "is for pages by number"));
        }
        if pages.more.is_some() && !matches!(by, By::Number { .. } | By::Offset { .. }) {
            return Err(self.field("more", "is for pages by number or offset"));
        }
        let counted = matches!(by, By::Number { .. } | By::Offset { .. });
        if pages.ends_empty && (counted || pages.total.is_some()) {
            let problem =
                "is for pages that name the next one and tell no total: others end so anyhow";
            return Err(self.field("endsEmpty", problem));
        }
        Ok(PagesPlan {
            by,
            size,
            ends_empty: pages.ends_empty,
            total: self.read("total", pages.total.as_ref(), &ANSWER.into())?,
            more: self.read("more", pages.more.as_ref(), &ANSWER.into())?,
        })
    }
}
