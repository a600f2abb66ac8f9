//! Which credentials are known to be of the account of the tokens on record.
//!
//! What tells it goes away with the tokens, so that it is kept here: a former credential may come back, and
//! the last token may end with it.

use crate::record::{MAX_CREDENTIALS, Record};
use crate::token::Identity;

/// The current token gives way to one that this credential minted: in the same account, or in another,
/// where nothing of the former one lives any more.
pub(super) fn passes_to(record: &mut Record, next: Option<&Identity>) {
    let Some(next) = next else { return };
    if !record.knows(next) {
        record.identity = None;
        record.account = vec![next.clone()];
    }
    remember(record, next.clone());
}

/// Another credential is of the account of the tokens on record.
pub(super) fn recognised(record: &mut Record, identity: Identity) {
    remember(record, identity.clone());
    record.identity = Some(identity);
}

/// Keeps a credential of the account, the latest ones of many.
fn remember(record: &mut Record, credential: Identity) {
    if record.account.is_empty() {
        let minted_by = record
            .referenced()
            .filter_map(|token| token.identity.clone());
        record.account = minted_by.chain(record.identity.clone()).collect();
    }
    record.account.retain(|known| *known != credential);
    record.account.push(credential);
    let surplus = record.account.len().saturating_sub(MAX_CREDENTIALS);
    record.account.drain(..surplus);
}
