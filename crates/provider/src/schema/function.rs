//! The function that takes an encrypted value out of its envelope.

use tfplugin::{FunctionSchema, Parameter, Type};

/// Its name after `provider::tokenwright::`.
pub(crate) const DECRYPT: &str = "decrypt";

pub(super) fn decrypt() -> FunctionSchema {
    let text = |name: &str, description: &str| Parameter {
        name: name.to_owned(),
        ty: Type::String,
        description: description.to_owned(),
    };
    FunctionSchema {
        summary: "Decrypts an age file".to_owned(),
        description: "Decrypts what `encrypted_value` of a token holds, or any other armored age file for X25519 recipients, if it is a text. \
             The result is as secret as the identity: with a sensitive or ephemeral variable for that, Terraform keeps it so."
            .to_owned(),
        parameters: vec![
            text("encrypted_value", "The armored age file, from `-----BEGIN AGE ENCRYPTED FILE-----` on."),
            text(
                "identity",
                "The identity of one of its recipients, `AGE-SECRET-KEY-1…`, or the text of an identity file as `age-keygen` writes it.",
            ),
        ],
        returns: Type::String,
    }
}
