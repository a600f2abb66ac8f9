//! Why the operator cannot run, or ends.

use crate::cluster::lease::LeaseLost;
use crate::secret::parts::WeakKey;

/// The Secret that holds the key of the digests.
pub(super) const DIGEST_KEY: &str = "tokenwright-digest-key";

/// The key in that Secret.
pub(super) const DIGEST_KEY_FIELD: &str = "key";

/// Why the operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operator could not draw random bytes.
    #[error("drawing the key of the digests")]
    Random(#[source] getrandom::Error),

    /// Nothing can work.
    #[error("the operator cannot work: {0}")]
    Missing(String),

    /// Another process may work now.
    #[error("{0}: this replica ends, and begins anew as one that stands by")]
    LeaseLost(LeaseLost),

    /// What this process remembers is of a history that is no more.
    #[error(
        "the store of the cluster was set back: this replica ends, and begins anew with what is there"
    )]
    SetBack,

    /// The Secret of the digest key holds another one than before.
    #[error(
        "the Secret {0}/{DIGEST_KEY} holds another key than when this replica began to stand by: it ends, and begins anew with that"
    )]
    OtherDigestKey(String),

    /// The Secret of the digest key holds none.
    #[error(
        "the Secret {namespace}/{DIGEST_KEY} has no key of the digests under {DIGEST_KEY_FIELD:?}: {source}. \
         Delete that Secret: a new key is drawn, each value is asked about once, and nothing is minted"
    )]
    DigestKey {
        /// Where it is.
        namespace: String,
        /// Why.
        source: WeakKey,
    },
}
