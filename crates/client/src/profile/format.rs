//! What answers are written in: JSON, JSON behind a prefix, or XML.

use serde_json::Value as Json;

use super::xml;

/// How an answer becomes what expressions see.
#[derive(Debug, Default)]
pub(super) enum FormatPlan {
    #[default]
    Json,
    /// JSON behind this.
    Prefixed(String),
    /// XML, with the names of elements whose children are a list.
    Xml(Vec<String>),
}

impl FormatPlan {
    /// The content, without space around it; nothing where it is written in something else.
    pub(super) fn read(&self, body: &[u8]) -> Option<Json> {
        match self {
            Self::Json => serde_json::from_slice(body).ok(),
            Self::Prefixed(prefix) => {
                serde_json::from_slice(body.strip_prefix(prefix.as_bytes())?).ok()
            }
            Self::Xml(lists) => xml::read(body, lists),
        }
    }

    /// About how many bytes are taken by what is made of a content, at most: texts as they are, and what stands
    /// around them.
    pub(super) fn weight(&self, body: &[u8]) -> usize {
        let around = match self {
            Self::Json | Self::Prefixed(_) => of_json(body),
            Self::Xml(_) => of_xml(body),
        };
        around.saturating_add(body.len())
    }

    /// Its name, with its article, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Json | Self::Prefixed(_) => "a JSON answer",
            Self::Xml(_) => "an XML answer",
        }
    }
}

/// An object has a node of eleven entries, a list room for four; of nodes that were split half is empty. What
/// expressions see is a copy, of which each part is made as that of the first goes.
fn of_json(body: &[u8]) -> usize {
    let (mut weight, mut text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = text,
            b'"' => text = !text,
            _ if text => {}
            b'{' => weight = weight.saturating_add(800),
            b'[' => weight = weight.saturating_add(160),
            b',' => weight = weight.saturating_add(150),
            _ => {}
        }
    }
    weight
}

/// An element is an object, or its text, under its name.
fn of_xml(body: &[u8]) -> usize {
    let tags = body.iter().filter(|byte| **byte == b'<').count();
    tags.saturating_mul(300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_weighs_by_what_it_is_made_of_and_texts_by_their_length() {
        let weight = |text: &str| FormatPlan::Json.weight(text.as_bytes());
        assert_eq!(weight(r#""[{,\"[{,""#), 10);
        assert_eq!(weight("[0,0]"), 5 + 160 + 150);
        assert_eq!(weight(r#"{"a":{}}"#), 8 + 2 * 800);
        assert_eq!(FormatPlan::Xml(Vec::new()).weight(b"<a>b</a>"), 8 + 600);
    }

    #[test]
    fn ten_thousand_tokens_on_one_page_have_room_in_what_the_chart_gives() {
        let token = r#"{"id":"7d8f0000-0000-4000-8000-000000000001","name":"deploy tw1-aaaaa-bbbbbbbbbbbbb-1-cccccccc","key_prefix":"abcd1234","scopes":["models:read","datasets:read"],"user_id":"u-1","organization_id":null,"created_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-02T00:00:00Z","last_used_at":null,"disabled":false},"#;
        let page = format!("[{}0]", token.repeat(10_000));
        let weight = FormatPlan::Json.weight(page.as_bytes());
        assert!(
            weight < 128 * 1024 * 1024 / 8 * 5 / 2 - page.len(),
            "{weight}"
        );
    }
}
