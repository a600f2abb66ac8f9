//! Whether the caller of a detached operation still waits.

use tokio_util::sync::CancellationToken;

/// The other end of one call, as a detached operation sees it.
///
/// It is gone when the call was cancelled, when its connection closed, or when the host died.
/// An answer that was already handed to the connection may still be lost; a provider repairs
/// that from its own records.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    gone: CancellationToken,
}

impl Connection {
    /// A connection that lasts as long as `gone` is not cancelled; for tests of resources, too.
    pub fn until(gone: CancellationToken) -> Self {
        Self { gone }
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }

    /// Ends when nobody waits for the answer any more.
    pub async fn gone(&self) {
        self.gone.cancelled().await;
    }
}
