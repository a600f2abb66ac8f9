//! The client of all issuers: one policy of proxy, redirects and certificate authorities.

use std::sync::OnceLock;
use std::time::Duration;

use super::proxy::Proxies;

/// A connection that takes longer would take for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The one client of this process, made when the first request is sent.
pub(super) fn client() -> Option<&'static reqwest::Client> {
    static CLIENT: OnceLock<Option<reqwest::Client>> = OnceLock::new();
    CLIENT
        .get_or_init(|| make_client(&Proxies::from_env()).ok())
        .as_ref()
}

pub(super) fn make_client(proxies: &Proxies) -> reqwest::Result<reqwest::Client> {
    policy(proxies)?.build()
}

/// What every client keeps to, whatever it shows of us.
pub(super) fn policy(proxies: &Proxies) -> reqwest::Result<reqwest::ClientBuilder> {
    // Whoever was first has installed a provider; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tokenwright/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        // What the environment says is read in one place, for all clients.
        .no_proxy();
    if let Some(proxy) = proxies.proxy()? {
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}
