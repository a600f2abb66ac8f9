//! The permission to end one token.

use tokenwright_core::{Parameters, TokenId, TokenRef};

use crate::secret::SecretValue;

/// Permission to end one token. Only [`revoke`](mod@crate::revoke) can make one.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    id: &'a TokenId,
    parameters: &'a Parameters,
    value: Option<&'a SecretValue>,
}

impl<'a> Proof<'a> {
    /// For a token that a record knows, with its value where it is at hand.
    pub(super) fn of(token: &'a TokenRef, value: Option<&'a SecretValue>) -> Self {
        Self {
            id: &token.id,
            parameters: &token.parameters,
            value,
        }
    }

    /// For a token that a person made.
    pub(super) fn of_adopted(
        id: &'a TokenId,
        value: &'a SecretValue,
        parameters: &'a Parameters,
    ) -> Self {
        let value = Some(value);
        Self {
            id,
            parameters,
            value,
        }
    }

    /// The token that may be ended.
    #[must_use]
    pub fn id(&self) -> &'a TokenId {
        self.id
    }

    /// The parameters that it was minted or adopted with.
    #[must_use]
    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// Its value, where it is at hand: some systems end a token by nothing else.
    #[must_use]
    pub fn value(&self) -> Option<&'a SecretValue> {
        self.value
    }
}
