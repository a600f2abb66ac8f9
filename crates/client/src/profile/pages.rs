//! From page to page: which is next, and whether the pages belong together.

use http::HeaderMap;
use minijinja::Value;
use serde_json::Value as Json;
use url::Url;

use super::asking::Asking;
use super::plan::{By, PagesPlan};
use super::read::{Unreadable, text_of};
use crate::text::{Compiled, Scope};

/// The entries of one page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) headers: HeaderMap,
    /// What expressions over the answer see.
    pub(super) seen: Scope,
    pub(super) items: Vec<Value>,
}

/// What comes after a page.
pub(super) enum Next {
    Page,
    End,
    /// Tokens came or went between two pages.
    Disturbed,
}

/// How far a listing is.
pub(super) struct Turn<'a> {
    plan: Option<&'a PagesPlan>,
    pages: usize,
    entries: usize,
    total: Option<usize>,
    cursor: Option<String>,
    url: Option<Url>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(plan: Option<&'a PagesPlan>) -> Self {
        Self {
            plan,
            pages: 0,
            entries: 0,
            total: None,
            cursor: None,
            url: None,
        }
    }

    /// Asks for the page whose turn it is.
    pub(super) fn ask(&self, asking: &mut Asking<'_>) {
        let Some(plan) = self.plan else { return };
        // A key that is a JSON pointer stands in the body.
        let mut put = |key: &str, value: Json| match (key.starts_with('/'), value) {
            (true, value) => asking.placed.push((key.to_owned(), value)),
            (false, Json::String(text)) => asking.query.push((key.to_owned(), text)),
            (false, number) => asking.query.push((key.to_owned(), number.to_string())),
        };
        match &plan.by {
            By::Number { key, first } => put(key, first.saturating_add(self.pages).into()),
            By::Offset { key } => put(key, self.entries.into()),
            By::Cursor { key, .. } => {
                if let Some(cursor) = &self.cursor {
                    put(key, cursor.clone().into());
                }
            }
            By::Url(_) | By::Link => {}
        }
        if let Some((key, max)) = &plan.size {
            put(key, (*max).into());
        }
        asking.url.clone_from(&self.url);
    }

    /// What comes after this page.
    pub(super) fn next(&mut self, page: &Page, endpoint: &Url) -> Result<Next, Unreadable> {
        let Some(plan) = self.plan else {
            return Ok(Next::End);
        };
        let found = page.items.len();
        self.pages = self.pages.saturating_add(1);
        self.entries = self.entries.saturating_add(found);
        if let Some(total) = &plan.total {
            let total = total_of(total, &page.seen)?;
            if *self.total.get_or_insert(total) != total {
                return Ok(Next::Disturbed);
            }
        }
        match self.total {
            Some(total) if self.entries > total => return Ok(Next::Disturbed),
            Some(total) if self.entries == total => return Ok(Next::End),
            Some(_) if found == 0 => return Err(Unreadable::CutShort),
            Some(_) | None => {}
        }
        let end = match &plan.by {
            By::Number { .. } | By::Offset { .. } => match (&plan.more, self.total) {
                (Some(more), _) => !more.over(&page.seen)?.is_some_and(|more| more.is_true()),
                (None, Some(_)) => false,
                (None, None) => found == 0,
            },
            By::Cursor { next, .. } => !self.turn_cursor(next, &page.seen)?,
            By::Url(next) => {
                let next = next.over(&page.seen)?;
                let next = next.map(|next| text_of("next", &next)).transpose()?;
                !self.turn_url(next.flatten(), endpoint)?
            }
            By::Link => {
                let next = next_link(&page.headers);
                !self.turn_url(next, endpoint)?
            }
        };
        let end = end || (plan.ends_empty && found == 0);
        match (end, self.total) {
            (true, Some(_)) => Err(Unreadable::CutShort),
            (true, None) => Ok(Next::End),
            (false, _) => Ok(Next::Page),
        }
    }

    fn turn_cursor(&mut self, next: &Compiled, seen: &Scope) -> Result<bool, Unreadable> {
        let next = next.over(seen)?;
        let next = next.map(|next| text_of("next", &next)).transpose()?;
        let next = next.flatten().filter(|next| !next.is_empty());
        if next.is_some() && next == self.cursor {
            return Err(Unreadable::Endless);
        }
        self.cursor = next;
        Ok(self.cursor.is_some())
    }

    /// The next page must lie under the endpoint: the credential goes nowhere else.
    fn turn_url(&mut self, next: Option<String>, endpoint: &Url) -> Result<bool, Unreadable> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(false);
        };
        let base = self.url.as_ref().unwrap_or(endpoint);
        let elsewhere = |there: Option<&Url>| Unreadable::Elsewhere {
            there: there.map_or_else(|| "no address".to_owned(), place),
            here: format!("{}{}", place(endpoint), endpoint.path()),
        };
        let next = base.join(&next).map_err(|_| elsewhere(None))?;
        let root = endpoint.path().trim_end_matches('/');
        let under = next.path().strip_prefix(root);
        let same = next.origin() == endpoint.origin()
            && next.username().is_empty()
            && next.password().is_none()
            && under.is_some_and(|rest| rest.starts_with('/'));
        if !same {
            return Err(elsewhere(Some(&next)));
        }
        if self.url.as_ref() == Some(&next) {
            return Err(Unreadable::Endless);
        }
        self.url = Some(next);
        Ok(true)
    }
}

/// Scheme, host and port; what comes after them may say too much.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// A whole number, or a text of digits, as headers have it.
fn total_of(total: &Compiled, seen: &Scope) -> Result<usize, Unreadable> {
    let total = total.over(seen)?;
    let number = |total: &Value| match total.as_str() {
        Some(digits) => digits.parse().ok(),
        None => total.as_usize(),
    };
    let total = total.as_ref().and_then(number);
    total.ok_or(Unreadable::Missing("total"))
}

/// The target with `rel="next"` of the header Link (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(http::header::LINK);
    let links = links.iter().filter_map(|link| link.to_str().ok());
    links.flat_map(targets).find_map(|(target, parameters)| {
        let next = parameters.split(';').any(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let mut rels = value.trim().trim_matches('"').split_ascii_whitespace();
            key.trim().eq_ignore_ascii_case("rel") && rels.any(|r| r.eq_ignore_ascii_case("next"))
        });
        next.then(|| target.to_owned())
    })
}

/// Each `<target>` with what follows it until the next.
fn targets(link: &str) -> impl Iterator<Item = (&str, &str)> {
    link.split('<')
        .skip(1)
        .filter_map(|one| one.split_once('>'))
        .map(|(target, rest)| (target, rest.trim_end().trim_end_matches(',')))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::next_link;

    #[test]
    fn the_next_page_of_a_link_header_is_found_among_others() {
        let next = |link: &str| {
            let value = HeaderValue::from_str(link).unwrap();
            next_link(&HeaderMap::from_iter([(http::header::LINK, value)]))
        };
        let both = r#"</a?page=1>; rel="prev", </a?page=3&x=,>; rel="next"; title="a""#;
        assert_eq!(next(both).as_deref(), Some("/a?page=3&x=,"));
        assert_eq!(next("<b>; REL=Next").as_deref(), Some("b"));
        assert_eq!(next(r#"<b>; rel="last next""#).as_deref(), Some("b"));
        for none in [
            "",
            "<b>",
            r#"<b>; rel="last""#,
            "b; rel=next",
            "<b; rel=next",
        ] {
            assert_eq!(next(none), None, "{none}");
        }
    }
}
