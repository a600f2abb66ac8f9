//! Tokens that are to end and have not, in words.

use tokenwright_core::{OpenRevoke, Record, TokenRef};

/// The tokens that may still be alive, as far as is remembered.
pub(crate) fn left(record: &Record) -> impl Iterator<Item = &TokenRef> {
    let unnamed = record.revokes.iter().map(|open| &open.token);
    let unnamed = unnamed.filter(|token| !record.references(&token.id, &token.marker));
    record.referenced().chain(unnamed)
}

/// The revokes that something stands in the way of.
pub(crate) fn stuck(record: &Record) -> impl Iterator<Item = &OpenRevoke> {
    record.revokes.iter().filter(|open| open.obstacle.is_some())
}

/// Which token, what stands in its way, until when, and what a person does.
pub(crate) fn sentence(open: &OpenRevoke) -> String {
    let OpenRevoke { token, said, .. } = open;
    let Some(obstacle) = open.obstacle else {
        return format!("Token {} is revoked, which is still to be seen.", token.id);
    };
    let reason = obstacle.reason();
    let said = said.as_deref().map(|said| format!(": {said}"));
    format!(
        "Token {} is not revoked{}. Tried again at {}. {}",
        token.id,
        said.unwrap_or_default(),
        open.retry_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        reason.advice()
    )
}
