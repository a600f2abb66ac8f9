//! What a mint gave: first the secret parts go into their type, then the rest is read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use minijinja::Value;
use tokenwright_core::{Marker, Parameters, TokenId};

use super::ProfileIssuer;
use super::answered::Answered;
use super::further::ORDINALS;
use super::names;
use super::plan::{MintPlan, ValuePlan};
use super::read::{Unreadable, fresh_token, short, text};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Minted, Token};
use crate::secret::{SecretText, SecretValue};
use crate::text::{Context, of_json};

/// What a mint made.
pub(super) enum Fresh {
    Useful(Minted),
    Useless(Useless),
}

/// A token whose own answer proves that it is of no use.
pub(super) struct Useless {
    status: u16,
    id: TokenId,
    value: Option<SecretValue>,
}

impl ProfileIssuer {
    /// The id that stands in the claims of a value, or at its beginning, where a mint reads it from nothing else.
    pub(super) fn claimed_id(&self, value: &SecretValue) -> Option<TokenId> {
        let plan = self.profile.plan.mint.as_ref()?;
        let claims = plan.claims.as_ref().and_then(|part| value.part(part));
        let claims = claims.and_then(SecretText::claims);
        let claims = claims.map(|claims| ("claims".to_owned(), of_json(&claims)));
        let begun = self.profile.plan.value.iter();
        let mut prefixes = begun.filter_map(|part| part.prefix(value.part(&part.name)?));
        let prefix = prefixes.next();
        let prefix = prefix.map(|prefix| ("prefix".to_owned(), Value::from(prefix)));
        let context: Context = claims.into_iter().chain(prefix).collect();
        let known: Vec<_> = context.keys().map(String::as_str).collect();
        if known.is_empty() {
            return None;
        }
        let read = plan
            .token
            .id
            .as_ref()
            .or(self.profile.plan.token.id.as_ref());
        let id = text(
            "id",
            read.filter(|id| id.uses_only(&known)),
            context.clone(),
        )
        .ok()?;
        id.filter(|id| !id.is_empty()).map(TokenId::new)
    }

    /// Reads the answer to a mint; `context` is that of its request, `asked` the end that was
    /// asked for.
    pub(super) fn minted(
        &self,
        plan: &MintPlan,
        (asked, mut context): (Option<Timestamp>, Context),
        mut answer: Answered,
    ) -> Result<Fresh, Error> {
        let operation = Operation::Mint;
        let status = answer.status;
        let unreadable = |e: Unreadable| self.unreadable(operation, status, e);
        let plans = &self.profile.plan.value;
        let taken = answer.taken.value.take().unwrap_or_default();
        if !answer.json.is_object() && !taken.is_whole(plans) {
            return Err(unreadable(Unreadable::NoValue));
        }
        let claims = plan
            .claims
            .as_ref()
            .and_then(|part| taken.part(plans, part));
        let claims = claims.and_then(|text| text.claims());
        let claims = claims.map(|claims| of_json(&claims));
        context.insert("claims".to_owned(), Value::from(claims));
        if let Some(part) = plans.iter().find(|plan| plan.public_before.is_some()) {
            let prefix = taken
                .part(plans, &part.name)
                .and_then(|text| part.prefix(text));
            context.insert("prefix".to_owned(), Value::from(prefix));
        }
        let item = item(plan, &answer, &context).map_err(unreadable)?;
        context.insert("item".to_owned(), item);
        let general = &self.profile.plan.token;
        let token = fresh_token((general, &plan.token), context.clone()).map(|mut token| {
            if general.expires.is_none() && plan.token.expires.is_none() {
                // A system that says nothing of an end is taken at its word: what was asked was granted.
                token.expires_at = asked;
            }
            token
        });
        if token
            .as_ref()
            .is_ok_and(|token| self.is_of_another(token, &context))
        {
            return Err(unreadable(Unreadable::OtherToken));
        }
        let refuse = plan.refuse.as_ref().map(|refuse| refuse.eval(&context));
        let refused = refuse.transpose().map_err(|e| unreadable(e.into()))?;
        if refused.flatten().is_some_and(|refused| refused.is_true())
            && let (Ok(token), true) = (&token, taken.is_whole(plans))
        {
            return Ok(Fresh::Useless(Useless {
                status,
                id: token.id.clone(),
                value: taken.value(plans, &context).ok(),
            }));
        }
        let token = match (taken.is_whole(plans), token) {
            (true, Ok(token)) => token,
            // Neither value nor id: a refusal that looks like a success.
            (false, Err(_)) => {
                let refused = self.error(operation, ErrorKind::Forbidden, Unreadable::NoValue);
                return Err(Error {
                    status: Some(status),
                    ..refused
                });
            }
            // There is a token, and nobody has its value.
            (false, Ok(_)) => return Err(unreadable(Unreadable::NoValue)),
            (true, Err(error)) => return Err(unreadable(error)),
        };
        context.insert("id".to_owned(), Value::from(token.id.as_str()));
        let mut public = BTreeMap::new();
        for (name, expression) in &self.profile.plan.public {
            let text = text("public", Some(expression), context.clone()).map_err(unreadable)?;
            let text = text.ok_or_else(|| unreadable(Unreadable::Missing("public")))?;
            public.insert(name.clone(), short("public", text).map_err(unreadable)?);
        }
        Ok(Fresh::Useful(Minted {
            token,
            value: taken.value(plans, &context).map_err(unreadable)?,
            public,
        }))
    }

    /// Whether a mint was answered with the token of another one, as from the memory of a gateway: its name carries
    /// another whole marker than was sent. That one is neither used nor ended.
    fn is_of_another(&self, token: &Token, context: &Context) -> bool {
        let sent = context.get("name").and_then(Value::as_str);
        let sent = sent.map(|name| names::read(name.to_owned(), self.profile.plan.token.separator));
        let marker = sent.and_then(|name| Marker::of_name(&name));
        marker.is_some_and(|marker| token.marker().is_some_and(|shown| shown != marker))
    }

    /// Ends a token that is of no use to anybody, and says why there is none.
    pub(super) async fn put_away(&self, useless: Useless, parameters: &Parameters) -> Error {
        let Useless { status, id, value } = useless;
        let ended = self.end(&id, parameters, value.as_ref()).await;
        let told = "the answer proves that the token is of no use (mint.refuse)";
        let (kind, detail) = match ended {
            Ok(()) => (ErrorKind::Forbidden, format!("{told}; it was revoked")),
            Err(error) => (
                ErrorKind::OutcomeUnknown,
                format!("{told}, and it could not be revoked: {}", error.sentence()),
            ),
        };
        Error {
            status: Some(status),
            detail: Some(detail),
            ..Error::new(kind, &self.profile.name, Operation::Mint)
        }
    }
}

impl ValuePlan {
    /// The beginning of a value that is no secret.
    fn prefix(&self, text: &SecretText) -> Option<String> {
        text.public_before(self.public_before.as_ref()?)
    }
}

/// The token in the answers to a mint.
fn item(plan: &MintPlan, answer: &Answered, context: &Context) -> Result<Value, Unreadable> {
    let Some(item) = &plan.item else {
        return Ok(of_json(&answer.json));
    };
    let mut seen = answer.context();
    let before = ORDINALS
        .iter()
        .filter_map(|name| context.get_key_value(*name));
    seen.extend(before.map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::from(item.eval(&seen)?))
}
