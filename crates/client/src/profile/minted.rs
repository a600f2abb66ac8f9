//! What a mint gave: first the secret parts go into their type, then the rest is read.

use std::collections::BTreeMap;

use minijinja::Value;
use serde_json::Value as Json;

use super::ProfileIssuer;
use super::expression::{Context, of_json};
use super::read::{Unreadable, text, token};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{MintRequest, Minted};
use crate::secret::{SecretText, SecretValue};

impl ProfileIssuer {
    /// Moves the secret parts out of the answer before any expression sees it.
    fn take_value(&self, answer: &mut Json) -> Option<SecretValue> {
        let parts = self.profile.plan.value.iter().map(|(name, pointer, max)| {
            let place = answer.pointer_mut(pointer)?;
            // Taken, whatever it is: the expressions must not see it.
            let Json::String(text) = place.take() else {
                return None;
            };
            let text = SecretText::new(text);
            (!text.is_empty() && text.len() <= *max).then(|| (name.clone(), text))
        });
        // All parts are taken out, also after the first that is missing.
        let parts: Vec<_> = parts.collect();
        let parts: Option<Vec<_>> = parts.into_iter().collect();
        parts.map(SecretValue::new)
    }

    pub(super) fn minted(&self, request: &MintRequest, mut answer: Json) -> Result<Minted, Error> {
        let operation = Operation::Mint;
        let unreadable = |e: Unreadable| self.unreadable(operation, e);
        if !answer.is_object() {
            return Err(unreadable(Unreadable::NoValue));
        }
        let value = self.take_value(&mut answer);
        let answer = of_json(&answer);
        let mut context = self.context(&request.inputs.parameters);
        let item = match &self.profile.plan.mint.item {
            Some(item) => {
                let context = Context::from([("answer".to_owned(), answer)]);
                item.eval(&context).map_err(|e| unreadable(e.into()))?
            }
            None => Some(answer),
        };
        context.insert("item".to_owned(), Value::from(item));
        let token = token(&self.profile.plan.token, &context);
        let (value, token) = match (value, token) {
            (Some(value), Ok(token)) => (value, token),
            // Neither value nor id: a refusal that looks like a success.
            (None, Err(_)) => {
                return Err(self.error(operation, ErrorKind::Forbidden, Unreadable::NoValue));
            }
            // There is a token, and nobody has its value.
            (None, Ok(_)) => return Err(unreadable(Unreadable::NoValue)),
            (Some(_), Err(error)) => return Err(unreadable(error)),
        };
        context.insert("id".to_owned(), Value::from(token.id.as_str()));
        let mut public = BTreeMap::new();
        for (name, expression) in &self.profile.plan.public {
            let text = text("public", Some(expression), &context).map_err(unreadable)?;
            let text = text.ok_or_else(|| unreadable(Unreadable::Missing("public")))?;
            public.insert(name.clone(), text);
        }
        Ok(Minted {
            token,
            value,
            public,
        })
    }
}
