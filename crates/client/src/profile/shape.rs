//! Whether an answer is the issuer's own: only then does it prove or refuse anything.
//!
//! Between us and an issuer stand gateways, company proxies, captive portals and login pages, and each of
//! them answers 200, 401, 403 or 404 when it likes. What they say is about themselves.

use std::fmt;

use http::HeaderMap;
use minijinja::Value;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::call::{Asking, Who};
use super::format::FormatPlan;
use super::judge::over;
use crate::http::{BodyTrouble, Incoming};

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
    pub(super) fn of(answer: &Incoming, format: &FormatPlan) -> Self {
        let body = match &answer.body {
            Ok(body) => body.bytes().trim_ascii(),
            Err(trouble) => return Self::Trouble(*trouble),
        };
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

impl ProfileIssuer {
    /// Whether the issuer itself gave this answer: a refusal as the profile's `answers.own` tells it, and
    /// where that is absent, if it is JSON. A success must be JSON in any case; but that of a call that
    /// changes something needs no body, and a body that says nothing may be anything but a page.
    pub(super) fn is_own(&self, asking: &Asking<'_>, answer: &Incoming, shape: &Shape) -> bool {
        let call = asking.call;
        let success = call.is_success(answer.status);
        let quiet = success
            && (call.ignore_body || asking.operation.changes() || matches!(asking.who, Who::Login));
        match shape {
            Shape::Trouble(_) => false,
            Shape::Empty if quiet => true,
            Shape::Other if quiet && call.ignore_body => true,
            Shape::Empty | Shape::Other | Shape::Page if success => false,
            shape => match self.told_own(answer, shape) {
                Some(told) => told,
                None => is_json(shape, quiet || says_json(&answer.headers)),
            },
        }
    }

    /// What the profile's own rule says, where it has one. A rule that cannot be read off an answer says no.
    fn told_own(&self, answer: &Incoming, shape: &Shape) -> Option<bool> {
        let own = self.profile.plan.own.as_ref()?;
        let json = shape.json().unwrap_or(&Json::Null);
        let mut context = over(answer.status, &answer.headers, json);
        let empty = matches!(shape, Shape::Empty);
        context.insert("empty".to_owned(), Value::from(empty));
        let told = own.eval(&context);
        Some(told.is_ok_and(|told| told.is_some_and(|told| told.is_true())))
    }
}

/// Whether it is JSON as programs are answered; a bare word or number only where it is `labelled` so.
fn is_json(shape: &Shape, labelled: bool) -> bool {
    match shape {
        Shape::Json(Json::Object(_) | Json::Array(_)) => true,
        Shape::Json(_) => labelled,
        Shape::Empty | Shape::Page | Shape::Other | Shape::Trouble(_) => false,
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
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = text.split(';').next()?.trim();
    let word = |c: char| c.is_ascii_alphanumeric() || "/+.-_".contains(c);
    (!kind.is_empty() && kind.len() <= LONGEST_TYPE && kind.chars().all(word)).then_some(kind)
}

fn says_json(headers: &HeaderMap) -> bool {
    let kind = content_type(headers)
        .unwrap_or_default()
        .to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
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

#[cfg(test)]
mod tests;
