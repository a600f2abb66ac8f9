//! Whether an answer is the issuer's own: only then does it prove or refuse anything.
//!
//! Between us and an issuer stand gateways, company proxies, captive portals and login pages, and each of
//! them answers 200, 401, 403 and 404 when it likes. What they say is about themselves.

use http::HeaderMap;
use minijinja::Value;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::answered::{Arrived, over};
use super::asking::{Asking, Who};
use super::shape::{Shape, content_type};

impl ProfileIssuer {
    /// Whether the issuer itself gave this answer: a refusal as the profile's `answers.own` tells it, and
    /// where that is absent, if it is JSON. A success must be JSON in any case; but that of a call that
    /// changes something needs no body, and a body that says nothing may be anything but a page.
    pub(super) fn is_own(&self, asking: &Asking<'_>, answer: &Arrived) -> bool {
        let call = asking.call;
        let success = call.is_success(answer.status);
        let quiet =
            success && (call.ignore_body || asking.operation.changes() || asking.who == Who::Login);
        match &answer.shape {
            Shape::Trouble(_) => false,
            Shape::Empty if quiet => true,
            // Whatever it says; but a system that is known by its headers is known by them here, too.
            Shape::Other if quiet && call.ignore_body => self.told_own(answer).unwrap_or(true),
            Shape::Empty | Shape::Other | Shape::Page if success => false,
            shape => match self.told_own(answer) {
                Some(told) => told,
                None => is_json(shape, quiet || says_json(&answer.headers)),
            },
        }
    }

    /// What the profile's own rule says, where it has one. A rule that cannot be read off an answer says no.
    fn told_own(&self, answer: &Arrived) -> Option<bool> {
        let own = self.profile.plan.own.as_ref()?;
        let json = answer.shape.json().unwrap_or(&Json::Null);
        let mut context = over(answer.status, &answer.headers, json);
        let empty = matches!(answer.shape, Shape::Empty);
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

fn says_json(headers: &HeaderMap) -> bool {
    let kind = content_type(headers)
        .unwrap_or_default()
        .to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json")
}

#[cfg(test)]
mod tests;
