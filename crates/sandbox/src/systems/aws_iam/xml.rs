//! Answers in XML: an object's keys are elements, and a list is an element of `member`s.

use std::fmt::Write as _;

use serde_json::Value;

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// A document whose root is the only key of `body`.
pub(super) fn written(body: &Value) -> String {
    let mut out = String::new();
    for (root, content) in body.as_object().into_iter().flatten() {
        let _ = write!(out, "<{root} xmlns=\"{NAMESPACE}\">");
        write_content(&mut out, content);
        let _ = write!(out, "</{root}>");
    }
    out
}

fn write_content(out: &mut String, content: &Value) {
    match content {
        Value::Object(fields) => {
            for (name, value) in fields {
                write_element(out, name, value);
            }
        }
        Value::Array(members) => {
            for member in members {
                write_element(out, "member", member);
            }
        }
        Value::String(text) => write_text(out, text),
        other => write_text(out, &other.to_string()),
    }
}

fn write_element(out: &mut String, name: &str, content: &Value) {
    let _ = write!(out, "<{name}>");
    write_content(out, content);
    let _ = write!(out, "</{name}>");
}

fn write_text(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}
