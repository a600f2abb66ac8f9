//! `secret_output` and `recipients`: where in the state the value goes, and in which form.

use std::collections::BTreeSet;

use tfplugin::{AnyName, Diagnostics, Value};
use tokenwright_client::SecretValue;

use crate::age::{Envelope, Error, Recipient};
use crate::schema::names::*;
use crate::secrets::{encode, sealed};
use crate::values::is;

/// What an apply that mints delivers; what stays of it where none does. One of the first two has the value.
pub(super) const DELIVERED: [AnyName; 3] = [&VALUE, &ENCRYPTED_VALUE, &PUBLIC_PARTS];

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
    pub(super) fn read(value: &Value) -> Self {
        match is(value, SECRET_OUTPUT, "encrypted") {
            true => Self::Encrypted(value.read(RECIPIENTS).unwrap_or_default()),
            false => Self::State,
        }
    }

    /// What is wrong with it. Nothing is said about what is not known yet.
    pub(super) fn check(&self, value: &Value, diags: &mut Diagnostics) {
        let (output, given) = (value.get(SECRET_OUTPUT), value.get(RECIPIENTS));
        let at = RECIPIENTS.path();
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
            (Self::Encrypted(_), Self::Encrypted(_)) => Some(RECIPIENTS.as_str()),
            _ => Some(SECRET_OUTPUT.as_str()),
        }
    }
}

/// The attributes that hold a value, of which the one that holds it in the other form is null.
pub(super) fn delivered(value: &SecretValue, envelope: Option<&Envelope>) -> Result<Value, Error> {
    let (plain, encrypted) = match envelope {
        Some(envelope) => (Value::Null, sealed(value, envelope)?),
        None => (encode(value), Value::Null),
    };
    let forms = Value::empty().with(VALUE, plain);
    Ok(forms.with(ENCRYPTED_VALUE, encrypted))
}

/// Whether a state has a token, and its value in no form.
pub(super) fn is_valueless(state: &Value) -> bool {
    let mut forms = [VALUE, ENCRYPTED_VALUE].into_iter();
    !state.get(TOKEN_ID).is_null() && forms.all(|form| state.get(form).is_null())
}

/// In a plan, of the two forms of a value that comes, the one that stays empty is known.
pub(super) fn keep_empty(config: &Value, planned: &mut Value) {
    let output = config.get(SECRET_OUTPUT);
    let empty = match is(config, SECRET_OUTPUT, "encrypted") {
        true => VALUE,
        false => ENCRYPTED_VALUE,
    };
    if !output.is_unknown() && planned.get(empty).is_unknown() {
        planned.set(empty, Value::Null);
    }
}
