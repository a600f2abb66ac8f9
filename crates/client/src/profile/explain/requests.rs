//! A single request in words: what it sends, where to, and how it authenticates.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::profile::file::{BasicAuth, HeaderAuth, LoginCall, Pages, Parts};

/// Method and path, and what goes with them.
pub(super) fn sends(call: Parts<'_>, put: &BTreeMap<String, String>) -> String {
    let mut told = format!("Sends {}", call.send);
    let keys =
        |pairs: &BTreeMap<String, Json>| pairs.keys().cloned().collect::<Vec<_>>().join(", ");
    if !call.query.is_empty() {
        told.push_str(&format!(", with {} in the query", keys(call.query)));
    }
    match (call.body, call.form) {
        (Some(Json::Object(body)), _) => {
            let keys: Vec<_> = body.keys().map(String::as_str).collect();
            told.push_str(&format!(", with {} in a body of JSON", keys.join(", ")));
        }
        (Some(_), _) => told.push_str(", with a body of JSON"),
        (None, Some(form)) if !form.is_empty() => {
            told.push_str(&format!(", with {} in a form", keys(form)));
        }
        (None, _) => {}
    }
    for (at, part) in put {
        let place = match at.split_at_checked(1) {
            Some(("?", key)) => format!("under {key} in the query"),
            Some((":", _)) => format!("as {at} in the path"),
            Some(("/", _)) => format!("at {at} of the body"),
            _ => format!("under {at} in the form"),
        };
        told.push_str(&format!(", and part {part} {place}"));
    }
    told.push('.');
    told
}

/// How something authenticates; nothing where nothing is said.
pub(super) fn authenticates(
    header: Option<&HeaderAuth>,
    basic: Option<&BasicAuth>,
) -> Option<String> {
    if let Some(HeaderAuth { name, prefix, part }) = header {
        return Some(match prefix.is_empty() {
            true => format!("part {part} in the header {name}"),
            false => format!("part {part} in the header {name}, behind {prefix:?}"),
        });
    }
    let basic = basic?;
    let user = match basic.user.as_str() {
        "" => "no user".to_owned(),
        text if text.contains("$(") => format!("the user {text}"),
        part => format!("part {part} as user"),
    };
    Some(match basic.password.as_str() {
        "" => format!("HTTP Basic, with {user} and no password"),
        part => format!("HTTP Basic, with {user} and part {part} as password"),
    })
}

pub(super) fn logs_in(login: &LoginCall, whose: &str) -> Vec<String> {
    let by = authenticates(login.header.as_ref(), login.basic.as_ref());
    let by = by.map(|by| format!(" It carries {by}."));
    let place = match (&login.at, &login.at_header, &login.cookie) {
        (Some(at), _, _) => format!("at {at} of the answer"),
        (None, Some(header), _) => format!("in the header {header} of the answer"),
        (None, None, Some(cookie)) => format!("in the cookie {cookie}"),
        (None, None, None) => "in the answer".to_owned(),
    };
    vec![format!(
        "First turns {whose} into a token: {}{} The token stands {place}.",
        sends(login.parts(), &login.put),
        by.unwrap_or_default()
    )]
}

pub(super) fn lower(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

pub(super) fn pages(pages: &Pages) -> String {
    let by = match (&pages.page, &pages.offset, &pages.cursor) {
        (Some(key), _, _) => format!("by number, in {key}"),
        (None, Some(key), _) => format!("by entries to leave out, in {key}"),
        (None, None, Some(key)) => format!("by a cursor, in {key}"),
        (None, None, None) if pages.link => "by the header Link".to_owned(),
        (None, None, None) => {
            "by the URL in the answer, which must lie under the endpoint".to_owned()
        }
    };
    let end = match (&pages.total, &pages.more) {
        (Some(total), _) => format!("until there are {total}"),
        (None, Some(more)) => format!("while {more} is true"),
        (None, None) => "to the last".to_owned(),
    };
    format!("Asks page after page {by}, {end}; a list that is cut short is an error.")
}
