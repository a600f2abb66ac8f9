//! In which form an answer is wanted. A form that the server does not have is 406, after the effect.

use http::StatusCode;

use super::text::{Fields, json, yaml};
use crate::http::{Answer, Content, Request};

/// What is answered, before it has a form.
pub(super) enum Shown {
    One(Fields),
    Many(Vec<Fields>),
}

pub(super) fn answer(request: &Request, status: StatusCode, shown: Shown) -> Answer {
    let Some(kind) = kind(request.header("accept")) else {
        return Answer::empty(StatusCode::NOT_ACCEPTABLE);
    };
    if kind.starts_with("application/yaml") {
        return Answer::raw(status, kind, format!("---\n{}", as_yaml(&shown)));
    }
    match shown {
        Shown::One(fields) => Answer::raw(status, kind, json(&fields)),
        Shown::Many(rows) => Answer {
            content: Content::Rows(rows.iter().map(json).collect()),
            ..Answer::empty(status)
        },
    }
}

fn as_yaml(shown: &Shown) -> String {
    match shown {
        Shown::One(fields) => yaml(fields, "", ""),
        Shown::Many(rows) if rows.is_empty() => "[]\n".to_owned(),
        Shown::Many(rows) => rows.iter().map(|row| yaml(row, "- ", "  ")).collect(),
    }
}

/// The content type of the answer: what was asked for is echoed, parameters included.
fn kind(accept: Option<&str>) -> Option<String> {
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty());
    accept.unwrap_or("*/*").split(',').find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let chosen = match essence.as_str() {
            "*/*" | "application/*" | "application/*+json" => "application/json",
            "application/json" | "application/yaml" => essence.as_str(),
            other if other.starts_with("application/") && other.ends_with("+json") => other,
            _ => return None,
        };
        let parameters = parts.filter(|parameter| !parameter.starts_with("q="));
        Some(parameters.fold(chosen.to_owned(), |kind, parameter| {
            format!("{kind};{parameter}")
        }))
    })
}
