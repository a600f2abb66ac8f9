//! `secret_output` and `recipients`: where in the state the value goes, and in which form.

use std::collections::BTreeSet;

use tfplugin::{AttributePath, Diagnostics, Value};
use tokenwright_client::SecretValue;

use crate::age::{Envelope, Error, Recipient};
use crate::secrets::{encode, sealed};

/// The two attributes of which one has the value, in one form or the other.
const VALUE: &str = "value";
const ENCRYPTED_VALUE: &str = "encrypted_value";

/// What an apply that mints delivers; what stays of it where none does.
pub(super) const DELIVERED: [&str; 3] = [VALUE, ENCRYPTED_VALUE, "public_parts"];

/// In which form the state has the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Output {
    /// As it is.
    #[default]
    State,
    /// Encrypted for these recipients of age.
    Encrypted(BTreeSet<String>),
}

impl Output {
    /// Reads a configuration or state.
    pub(super) fn read(value: &Value, diags: &mut Diagnostics) -> Self {
        let output = word(value, "secret_output", ["state", "encrypted"], diags);
        let recipients = value.get("recipients").as_slice().unwrap_or_default();
        let recipients = recipients.iter().filter_map(Value::as_str);
        match output {
            "encrypted" => Self::Encrypted(recipients.map(str::to_owned).collect()),
            _ => Self::State,
        }
    }

    /// What is wrong with it. Nothing is said about what is not known yet.
    pub(super) fn check(&self, value: &Value, diags: &mut Diagnostics) {
        let [output, given] = ["secret_output", "recipients"].map(|name| value.get(name));
        let at = AttributePath::new("recipients");
        match self {
            Self::Encrypted(recipients) => {
                if recipients.is_empty() && given.is_wholly_known() {
                    diags.error_at(
                        at,
                        "recipients is required",
                        "Without a recipient nobody could ever decrypt the value. `age-keygen` makes an identity and prints its recipient, age1….",
                    );
                    return;
                }
                for recipient in recipients {
                    if let Err(error) = recipient.parse::<Recipient>() {
                        // Somebody may have given the secret half.
                        let shown = match error {
                            Error::SecretHalf => "One of the recipients".to_owned(),
                            _ => format!("{recipient:?}"),
                        };
                        let detail = format!("{shown} cannot be used: {error}.");
                        diags.error_at(at.clone(), "A recipient cannot be read", detail);
                    }
                }
            }
            Self::State if !(given.is_null() || given.is_unknown() || output.is_unknown()) => diags.error_at(
                at,
                "recipients needs secret_output",
                "The value stands in the state as it is. Set secret_output = \"encrypted\", or leave recipients out.",
            ),
            Self::State => {}
        }
    }

    /// What the value of the next token will be put in; made before there is one.
    pub(super) fn envelope(
        &self,
        random: impl FnMut(&mut [u8]) -> bool,
    ) -> Result<Option<Envelope>, Error> {
        let Self::Encrypted(recipients) = self else {
            return Ok(None);
        };
        let recipients = recipients.iter().map(|text| text.parse());
        let recipients = recipients.collect::<Result<Vec<_>, _>>()?;
        Envelope::to(&recipients, random).map(Some)
    }

    /// The attribute that differs in another one, if one does.
    pub(super) fn differs(&self, other: &Self) -> Option<&'static str> {
        match (self, other) {
            (a, b) if a == b => None,
            (Self::Encrypted(_), Self::Encrypted(_)) => Some("recipients"),
            _ => Some("secret_output"),
        }
    }
}

/// One of two words; the first is the default.
pub(super) fn word<'a>(
    value: &'a Value,
    name: &str,
    words: [&'static str; 2],
    diags: &mut Diagnostics,
) -> &'a str {
    let text = value.get(name).as_str().unwrap_or(words[0]);
    if !words.contains(&text) {
        let detail = format!("It is {:?} or {:?}.", words[0], words[1]);
        diags.error_at(
            AttributePath::new(name),
            format!("{name} is none of its words"),
            detail,
        );
    }
    text
}

/// The attributes of a value, of which the one that holds it in the other form is null.
pub(super) fn delivered(
    value: &SecretValue,
    envelope: Option<&Envelope>,
) -> Result<[(&'static str, Value); 2], Error> {
    let (plain, encrypted) = match envelope {
        Some(envelope) => (Value::Null, sealed(value, envelope)?),
        None => (encode(value), Value::Null),
    };
    Ok([(VALUE, plain), (ENCRYPTED_VALUE, encrypted)])
}

/// Whether a state has a token, and its value in no form.
pub(super) fn is_valueless(state: &Value) -> bool {
    let mut forms = [VALUE, ENCRYPTED_VALUE].into_iter();
    !state.get("token_id").is_null() && forms.all(|form| state.get(form).is_null())
}

/// In a plan, of the two forms of a value that comes, the one that stays empty is known.
pub(super) fn keep_empty(config: &Value, planned: &mut Value) {
    let output = config.get("secret_output");
    let empty = match output.as_str() {
        Some("encrypted") => VALUE,
        _ => ENCRYPTED_VALUE,
    };
    if !output.is_unknown() && planned.get(empty).is_unknown() {
        planned.set(empty, Value::Null);
    }
}
