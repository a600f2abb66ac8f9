//! Parts that are made of other parts: fields of a document, and a JWT that a key signs.

use jiff::{SignedDuration, Timestamp};
use minijinja::Value;
use serde_json::{Map, Value as Json};

use crate::http::jwt::{Algorithm, Key};
use crate::secret::{SecretText, Unsendable};
use crate::text::{Context, EvaluationFailed, Template, Tree};

/// The name of the part that is signed.
pub(super) const JWT: &str = "jwt";
/// Clocks differ: a JWT is dated so far back.
const BACKDATED: SignedDuration = SignedDuration::from_secs(60);

/// How a JWT is made.
#[derive(Debug)]
pub(super) struct JwtPlan {
    pub(super) algorithm: Algorithm,
    pub(super) key: String,
    pub(super) key_id: Option<Template>,
    pub(super) claims: Vec<(String, Tree)>,
    pub(super) lifetime: SignedDuration,
}

/// How a request is signed as AWS wants it.
#[derive(Debug)]
pub(super) struct Sigv4Plan {
    pub(super) key_id: String,
    pub(super) secret: String,
    pub(super) region: String,
    pub(super) service: String,
}

/// A JWT that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSigned {
    #[error("part {0}, which signs, is missing")]
    NoKey(String),
    #[error("part {0}, which signs, {1}")]
    Key(String, Unsendable),
    #[error(transparent)]
    Claim(#[from] EvaluationFailed),
    #[error("no signature could be made")]
    Failed,
}

/// What the parts that are no secret say, by name.
pub(super) fn known<'s>(
    names: &[String],
    part: impl Fn(&str) -> Option<&'s SecretText>,
) -> Context {
    let known = names.iter().filter_map(|name| {
        let text = part(name)?.declared_public();
        Some((name.clone(), Value::from(text)))
    });
    known.collect()
}

impl JwtPlan {
    /// A JWT, good from now.
    pub(super) fn signed(
        &self,
        key: Option<&SecretText>,
        known: &Context,
        now: Timestamp,
    ) -> Result<SecretText, NotSigned> {
        let key = key.ok_or_else(|| NotSigned::NoKey(self.key.clone()))?;
        let key = Key::read(self.algorithm, key);
        let key = key.map_err(|problem| NotSigned::Key(self.key.clone(), problem))?;
        let issued = now
            .saturating_sub(BACKDATED)
            .map_err(|_| NotSigned::Failed)?;
        let ends = issued
            .saturating_add(self.lifetime)
            .map_err(|_| NotSigned::Failed)?;
        let mut claims = Map::new();
        for (name, claim) in &self.claims {
            if let Some(claim) = claim.fill(known)? {
                claims.insert(name.clone(), claim);
            }
        }
        claims.insert("iat".to_owned(), issued.as_second().into());
        claims.insert("exp".to_owned(), ends.as_second().into());
        let key_id = match &self.key_id {
            Some(key_id) => key_id.plain(known)?,
            None => None,
        };
        let signed = key.signed(key_id.as_deref(), &Json::Object(claims));
        signed.ok_or(NotSigned::Failed)
    }
}
