//! A slot: the place of one part of a value in a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// `$(value.PART)`, `$(value.PART|b64)` or `$(value.PART|json)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) part: String,
    form: Form,
}

/// How the bytes of a part are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are.
    Plain,
    /// In base64.
    Base64,
    /// As JSON writes a text: with its quotes, or without them inside quotes of the text around it.
    Json { quoted: bool },
}

/// Bytes that cannot be written as JSON, which knows texts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotText;

impl Slot {
    /// Reads what stands between the brackets; nothing where that is no slot. `before` is the text so far.
    pub(super) fn new(expression: &str, before: &str) -> Option<Self> {
        let (part, filter) = match expression.split_once('|') {
            Some((part, filter)) => (part.trim(), Some(filter.trim())),
            None => (expression.trim(), None),
        };
        let part = part.strip_prefix("value.")?;
        let in_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if part.is_empty() || !part.chars().all(in_name) {
            return None;
        }
        let form = match filter {
            None => Form::Plain,
            Some("b64") => Form::Base64,
            Some("json") => Form::Json {
                quoted: !inside_quotes(before),
            },
            Some(_) => return None,
        };
        let part = part.to_owned();
        Some(Self { part, form })
    }

    /// The part as it is written here.
    pub(super) fn write(&self, part: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotText> {
        Ok(match self.form {
            Form::Plain => Zeroizing::new(part.to_vec()),
            Form::Base64 => Zeroizing::new(STANDARD.encode(part).into_bytes()),
            Form::Json { quoted } => {
                let text = std::str::from_utf8(part).map_err(|_| NotText)?;
                json(text, quoted)?
            }
        })
    }
}

fn json(text: &str, quoted: bool) -> Result<Zeroizing<Vec<u8>>, NotText> {
    // A byte becomes six at most; long enough from the start, so that no larger copy leaves one behind.
    let room = text.len().saturating_mul(6).saturating_add(2);
    let mut json = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *json, text).map_err(|_| NotText)?;
    if !quoted {
        json.pop();
        json.remove(0);
    }
    Ok(json)
}

/// Whether a text of JSON that begins like this is inside a string.
fn inside_quotes(before: &str) -> bool {
    let mut inside = false;
    let mut escaped = false;
    for c in before.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = inside,
            '"' => inside = !inside,
            _ => {}
        }
    }
    inside
}
