//! Making a token for a person: a value that is drawn, or the vendor's own API, asked from within.

use serde_json::Value;

use super::visit::Visit;
use crate::asked::{Asked, MintFaults};
use crate::desk::{Form, Maker, Part};
use crate::http::Request;
use crate::random;
use crate::store::{Standing, StoreError, Token};

/// What was made: each part with its label; or why not, in a sentence.
pub(super) type Made = Result<Vec<(&'static str, String)>, String>;

impl Visit<'_> {
    pub(super) fn made(&self, form: &Form) -> Result<Made, StoreError> {
        match self.desk.maker {
            Maker::Value(label, draw) => {
                let value = draw()?;
                let id = random::uuid()?;
                let mut token = Token::new(self.asked.system, id, &value, self.asked.now);
                token.name.clone_from(&form.name);
                if !self.desk.scopes.is_empty() {
                    token.scopes = Some(form.scopes.clone());
                }
                self.system.made(&mut token, form, self.asked.settings);
                self.asked.minted(&mut token)?;
                Ok(Ok(vec![(label, value)]))
            }
            Maker::Api(ask, parts) => {
                let body = ask(form, &self.asked)?;
                self.asked_api(&body, parts)
            }
        }
    }

    /// The same request that a program would send, in the name of the account's owner.
    fn asked_api(&self, request: &Request, parts: &'static [Part]) -> Result<Made, StoreError> {
        let system = self.system;
        let standing = self.asked.db.standing(self.asked.system)?;
        let owner = standing
            .into_iter()
            .rev()
            .find(|token| !token.counts() && token.name == "management");
        let asked = Asked {
            system: self.asked.system,
            request,
            route: &system.route(request),
            db: self.asked.db,
            now: self.asked.now,
            settings: self.asked.settings,
            caller: owner.map(|owner| (owner, Standing::Live)),
            actor: self.asked.actor.clone(),
            by_hand: true,
            mint: MintFaults::default(),
        };
        let answer = system.answer(&asked)?;
        // Before the system's last touch, so that it is JSON wherever the wire has something else.
        let body: Value = serde_json::from_slice(&answer.bytes()).unwrap_or_default();
        let part = |(label, place): &(&'static str, &str)| {
            let value = body.pointer(place)?.as_str()?;
            (!value.is_empty()).then(|| (*label, value.to_owned()))
        };
        let made: Option<Vec<_>> = parts.iter().map(part).collect();
        Ok(match made.filter(|_| answer.status.is_success()) {
            Some(made) => Ok(made),
            None => {
                let said = body.get("message").and_then(Value::as_str);
                Err(said.map_or_else(
                    || format!("It was refused ({}).", answer.status.as_u16()),
                    |said| format!("It was refused: {said}."),
                ))
            }
        })
    }
}
