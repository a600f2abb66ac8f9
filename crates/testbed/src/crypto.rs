//! The TLS implementation of the whole process, which rustls wants chosen before the first client.

/// Chooses ring, once; further calls change nothing.
///
/// Every program and every test calls it before it builds a [`kube::Client`] or a
/// [`reqwest::Client`].
pub fn crypto() {
    // An error means that a provider is there already: ours, or one that the caller has preferred.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
