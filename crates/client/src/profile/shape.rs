//! What the body of an answer is, and what may be told of it.

use std::fmt;

use http::HeaderMap;
use serde_json::Value as Json;

use super::format::FormatPlan;
use crate::http::{BodyTrouble, Incoming};
use crate::room::{Held, Share};

/// The longest content type that is worth telling.
const LONGEST_TYPE: usize = 60;

/// What the body of an answer is.
#[derive(Debug)]
pub(super) enum Shape {
    /// What the system writes its answers in.
    Json(Json),
    Empty,
    /// HTML, which no token system answers to programs.
    Page,
    /// Bytes of another kind.
    Other,
    /// It could not be read to its end.
    Trouble(BodyTrouble),
}

impl Shape {
    /// The shape, and the room that it takes.
    pub(super) fn of(
        answer: &Incoming,
        format: &FormatPlan,
        (share, copies): (Share, usize),
    ) -> (Self, Held) {
        let trouble = |trouble| (Self::Trouble(trouble), Held::default());
        let body = match &answer.body {
            Ok(body) => text_of(body.bytes()),
            Err(why) => return trouble(*why),
        };
        match Held::of(format.weight(body).saturating_mul(copies), share) {
            Ok(held) => (Self::read(answer, body, format), held),
            Err(_) => trouble(BodyTrouble::NoRoom),
        }
    }

    fn read(answer: &Incoming, body: &[u8], format: &FormatPlan) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        let page = is_page(body, content_type(&answer.headers));
        match format.read(body) {
            // Some pages are XML.
            Some(_) if page && matches!(format, FormatPlan::Xml(_)) => Self::Page,
            Some(json) => Self::Json(json),
            None if page => Self::Page,
            None => Self::Other,
        }
    }

    pub(super) fn json(&self) -> Option<&Json> {
        match self {
            Self::Json(json) => Some(json),
            Self::Empty | Self::Page | Self::Other | Self::Trouble(_) => None,
        }
    }
}

/// What came, for people: status, content type, shape; never content.
pub(super) struct Came<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) shape: &'a Shape,
}

impl fmt::Display for Came<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(host) = elsewhere(self.headers).filter(|_| (300..400).contains(&self.status)) {
            return write!(f, ", a redirect to {host} (a login page?)");
        }
        if let Some(kind) = content_type(self.headers) {
            write!(f, " {kind}")?;
        }
        match self.shape {
            Shape::Json(_) => write!(f, ", JSON of another shape")?,
            Shape::Empty => write!(f, " without a body")?,
            Shape::Page if content_type(self.headers).is_none() => {
                write!(f, " with a page of HTML")?
            }
            Shape::Page => {}
            Shape::Other => write!(f, " that is no JSON")?,
            Shape::Trouble(trouble) => return write!(f, ": {trouble}"),
        }
        write!(f, " (a proxy or gateway answered?)")
    }
}

/// Type and subtype, without parameters; nothing where that is no word.
pub(super) fn content_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next()?.trim();
    let word = |c: char| c.is_ascii_alphanumeric() || "/+.-_".contains(c);
    (!kind.is_empty() && kind.len() <= LONGEST_TYPE && kind.chars().all(word)).then_some(kind)
}

/// The body without what stands around it, such as the mark that some servers begin a text in UTF-8 with.
fn text_of(body: &[u8]) -> &[u8] {
    let text = body.strip_prefix("\u{feff}".as_bytes());
    text.unwrap_or(body).trim_ascii()
}

fn is_page(body: &[u8], content_type: Option<&str>) -> bool {
    let begins = |tag: &[u8]| {
        let head = body.get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag))
    };
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    ["text/html", "application/xhtml+xml"].contains(&kind.as_str())
        || begins(b"<!doctype html")
        || begins(b"<html")
}

/// The host that a redirect points to; the rest of the address may say too much.
fn elsewhere(headers: &HeaderMap) -> Option<String> {
    let target = headers.get(http::header::LOCATION)?.to_str().ok()?;
    let url = url::Url::parse(target).ok()?;
    url.host_str().map(str::to_owned)
}
