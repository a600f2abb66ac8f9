//! What a key signs: a JWT for the API itself, or an assertion for the token endpoint (RFC 7523).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::files;
use super::names::NAME;
use crate::store::{Db, StoreError, Token};

const API: &str = "https://iam.googleapis.com/";
const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";
/// The longest life of what is signed, and how far clocks may differ, in seconds.
const LONGEST: i64 = 3600;
const SKEW: i64 = 300;

/// Why it is not taken, in Google's words.
#[derive(Debug)]
pub(super) struct Invalid(pub(super) &'static str);

/// A JWT as it was sent; nobody vouches for it yet.
#[derive(Debug)]
pub(super) struct Jwt<'t> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    content: &'t str,
    signature: Vec<u8>,
}

impl<'t> Jwt<'t> {
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let (content, signature) = text.rsplit_once('.')?;
        let (header, claims) = content.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            content,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whose call to the API it is: issuer and subject are the account, the audience is the API.
    pub(super) fn of_api(
        &self,
        db: &Db<'_>,
        now: Timestamp,
    ) -> Result<Result<Token, Invalid>, StoreError> {
        let signer = self.signer(db, now)?;
        Ok(signer.and_then(|token| {
            let own = self.text("sub") == Some(token.owner.as_str());
            match own && self.text("aud") == Some(API) {
                true => Ok(token),
                false => Err(Invalid("Invalid JWT: 'sub' or 'aud' is wrong.")),
            }
        }))
    }

    /// Whose assertion it is: it names what it is to open (`scope`), and the token endpoint.
    pub(super) fn of_token_endpoint(
        &self,
        db: &Db<'_>,
        now: Timestamp,
    ) -> Result<Result<Token, Invalid>, StoreError> {
        let signer = self.signer(db, now)?;
        let scope = self.text("scope").unwrap_or_default();
        Ok(signer.and_then(|token| match (self.text("aud"), scope) {
            (Some(TOKEN_ENDPOINT), "") => Err(Invalid(
                "Invalid OAuth scope or ID token audience provided.",
            )),
            (Some(TOKEN_ENDPOINT), _) => Ok(token),
            _ => Err(Invalid("Invalid JWT: Failed audience check.")),
        }))
    }

    /// The key that the header names, if it made the signature for its own account, and in time.
    fn signer(&self, db: &Db<'_>, now: Timestamp) -> Result<Result<Token, Invalid>, StoreError> {
        let named = |name| self.header.get(name).and_then(Value::as_str);
        if named("alg") != Some("RS256") {
            return Ok(Err(Invalid("Invalid JWT: only RS256 is supported.")));
        }
        let id = named("kid").unwrap_or_default();
        let token = db.by_id(NAME, id)?;
        let signed = |token: &Token| {
            self.text("iss") == Some(token.owner.as_str())
                && files::signed(id, self.content, &self.signature)
        };
        let Some(token) = token.filter(signed) else {
            return Ok(Err(Invalid("Invalid JWT Signature.")));
        };
        let instant = |name| self.claims.get(name).and_then(Value::as_i64);
        let now = now.as_second();
        let timely = match (instant("iat"), instant("exp")) {
            (Some(from), Some(until)) => {
                from <= now + SKEW && until > now - SKEW && until - from <= LONGEST && from < until
            }
            _ => false,
        };
        Ok(match timely {
            true => Ok(token),
            false => Err(Invalid(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
            )),
        })
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }
}
