//! The headers that a profile adds, checked.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, header};

use super::{Loader, Problem};
use crate::profile::file::HeaderAuth;
use crate::profile::headers::HeadersPlan;
use crate::text::{Names, Template};

/// What the request writer alone says: who asks, where the body ends, who is asked.
const OURS: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
];

impl Loader<'_> {
    /// The header that carries a secret.
    pub(super) fn auth_header(&self, header: &HeaderAuth) -> Result<HeaderName, Problem> {
        let name = self.header("name", &header.name)?;
        if OURS.contains(&name) && name != header::AUTHORIZATION {
            let problem = "is written by Tokenwright itself, and carries no secret";
            return Err(self.field("name", problem));
        }
        if HeaderValue::from_str(&header.prefix).is_err() {
            return Err(self.field("prefix", "has a character that no header can have"));
        }
        Ok(name)
    }

    /// Whether the credential stands in this header.
    fn authenticates(&self, name: &HeaderName) -> bool {
        let ways = self.each_way().into_iter();
        let credentials = ways.filter_map(|way| way.credential);
        let mut headers = credentials.flat_map(|c| c.header.iter().chain(&c.headers));
        headers.any(|header| header.name.eq_ignore_ascii_case(name.as_str()))
    }

    /// The headers of one call, with those of the whole profile that it does not say itself.
    pub(super) fn headers(
        &self,
        own: &BTreeMap<String, String>,
        names: &Names<'_>,
    ) -> Result<HeadersPlan, Problem> {
        let mut plan = self.within("headers").headers_here(own, names)?;
        let root = Loader {
            scope: self.root,
            ..*self
        };
        let general = root.within("headers");
        let general = general.headers_here(&self.file.headers, &self.names(&[]))?;
        for (name, text) in general.0 {
            if !plan.has(&name) {
                plan.0.push((name, text));
            }
        }
        Ok(plan)
    }

    fn headers_here(
        &self,
        headers: &BTreeMap<String, String>,
        names: &Names<'_>,
    ) -> Result<HeadersPlan, Problem> {
        let mut plan = HeadersPlan::default();
        for (key, text) in headers {
            let name = self.header(key, key)?;
            if OURS.contains(&name) || self.authenticates(&name) {
                let problem =
                    "is written by Tokenwright itself; who authenticates stands in credential";
                return Err(self.field(key, problem));
            }
            if plan.has(&name) {
                return Err(self.field(key, "stands there twice"));
            }
            if !text.contains("$(") && HeaderValue::from_str(text).is_err() {
                return Err(self.field(key, "has a character that no header can have"));
            }
            let template = Template::new(text, names).map_err(|e| self.within(key).at(e))?;
            plan.0.push((name, template));
        }
        Ok(plan)
    }
}
