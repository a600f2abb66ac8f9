//! The function `decrypt`: what a state has encrypted, for whoever has the identity.

use tfplugin::{Function, FunctionError, Value};

use crate::age::{self, Error, Identities};

/// The function.
#[derive(Debug)]
pub(crate) struct Decrypt;

impl Function for Decrypt {
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let [file, identity] = arguments else {
            return Err(refused(None, "It takes two arguments"));
        };
        let identities = identity
            .as_str()
            .unwrap_or_default()
            .parse::<Identities>()
            .map_err(|error| refused(Some(1), &format!("The identity cannot be read: {error}")))?;
        let plain = age::open(file.as_str().unwrap_or_default(), &identities).map_err(|error| {
            refused(
                Some(at_fault(error)),
                &format!("The value cannot be decrypted: {error}"),
            )
        })?;
        match std::str::from_utf8(&plain) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(refused(Some(0), "What is in it is no text")),
        }
    }
}

/// The argument that one would change.
fn at_fault(error: Error) -> usize {
    match error {
        Error::NotForUs => 1,
        _ => 0,
    }
}

/// A core ends the sentence.
fn refused(argument: Option<usize>, text: &str) -> FunctionError {
    FunctionError {
        text: text.to_owned(),
        argument,
    }
}
