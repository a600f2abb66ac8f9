//! An `ApiToken` as it waits in memory.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokenwright_api::ApiToken;
use tokenwright_api::token::IssuerRef;
use tokenwright_core::{Lifetime, Parameters, duration};

use crate::cluster::packed::{Packed, Packs};
use crate::cluster::shared::Shared;

/// An `ApiToken`, packed.
pub(crate) type PackedToken = Packed<ApiToken>;

impl Packs for ApiToken {
    type Brief = Brief;
}

/// What is asked of all `ApiToken`s at once: by whom they are minted, where they go, and when.
#[derive(Debug, Clone)]
pub(crate) struct Brief {
    /// Who mints it.
    pub(crate) issuer: IssuerRef,
    /// The Secret that it delivers to.
    pub(crate) delivers_to: String,
    /// The Secret that it is to adopt from.
    pub(crate) adopts_from: Option<String>,
    /// The Secret that it adopted from.
    pub(crate) adopted_from: Option<String>,
    /// When the token ends.
    pub(crate) ends_at: Option<Timestamp>,
    /// When it is replaced.
    pub(crate) renews_at: Option<Timestamp>,
    /// Tokens that are to end and that neither its Secret nor an overlap claims.
    pub(crate) orphans: usize,
    /// How many tokens may exist that nobody can find.
    pub(crate) suspects: u32,
    /// What it will ask of its issuer; nothing where it is suspended.
    pub(crate) asks: Option<Asks>,
}

/// What an `ApiToken` will ask of its issuer.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// Whether the value of a person still works.
    Checks,
    /// Mints.
    Mints {
        /// How long each token is used; nothing where it is never replaced.
        every: Option<SignedDuration>,
        /// What they are asked with.
        parameters: Arc<Parameters>,
    },
}

/// Packs one; `parameters` are those of all.
pub(crate) fn pack(token: &ApiToken, parameters: &Shared<Parameters>) -> PackedToken {
    Packed::new(token, brief(token, parameters))
}

fn brief(token: &ApiToken, parameters: &Shared<Parameters>) -> Brief {
    let status = token.status.as_ref();
    let current = status.and_then(|status| status.current.as_ref());
    let adopted = status.and_then(|status| status.adopted.as_ref());
    let adopt = token.spec.adopt.as_ref();
    let asks = || match &token.spec.token {
        None => Asks::Checks,
        Some(wanted) => Asks::Mints {
            every: between_rotations(token),
            parameters: parameters.one(&wanted.parameters),
        },
    };
    Brief {
        issuer: token.spec.issuer_ref.clone(),
        delivers_to: token.spec.secret.name.clone(),
        adopts_from: adopt.map(|adopt| adopt.value_from.secret_ref.name.clone()),
        adopted_from: adopted.map(|adopted| adopted.source.clone()),
        ends_at: current
            .and_then(|current| current.expires_at)
            .or(adopted.and_then(|adopted| adopted.expires_at)),
        renews_at: current.and_then(|current| current.renew_at),
        orphans: orphans_of(token),
        suspects: status.map_or(0, |status| status.suspects),
        asks: (!token.spec.suspend).then(asks),
    }
}

/// How long a token of this is used; nothing where it is never replaced.
fn between_rotations(token: &ApiToken) -> Option<SignedDuration> {
    let shown = token
        .status
        .as_ref()
        .and_then(|status| status.current.as_ref());
    let scheduled = shown.and_then(|shown| Some(shown.renew_at?.duration_since(shown.created_at)));
    let asked = || match token.spec.token.as_ref()?.lifetime.as_str().parse() {
        // One third before the end, where nobody says otherwise.
        Ok(Lifetime::For(lifetime)) => Some(lifetime.checked_div(3)?.saturating_mul(2)),
        Ok(Lifetime::Never) | Err(_) => {
            let every = token.spec.rotation.every.as_ref()?;
            duration::parse(every.as_str()).ok()
        }
    };
    scheduled.or_else(asked)
}

fn orphans_of(token: &ApiToken) -> usize {
    let Some(status) = &token.status else {
        return 0;
    };
    let current = status.current.as_ref().map(|current| &current.token_id);
    let retires = |id: &String| status.retiring.iter().any(|old| old.token_id == *id);
    let orphan = |id: &String| current != Some(id) && !retires(id);
    let revokes = status.revokes.iter();
    revokes.filter(|open| orphan(&open.token_id)).count()
}
