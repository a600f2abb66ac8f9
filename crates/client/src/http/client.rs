//! The client of all issuers: one policy of proxy, redirects and certificate authorities.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Id};

use super::proxy::Proxies;

/// A connection that takes longer would take for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that nobody has used for so long is closed: after a storm there are hundreds of them.
const IDLE: Duration = Duration::from_secs(10);

/// The client of the runtime that asks, made when its first request is sent.
///
/// A connection is driven by the runtime that opened it.
/// Were the connections of several runtimes kept together, a request of one could be sent over a
/// connection of another, and be lost when that one ends.
pub(super) fn client() -> Option<reqwest::Client> {
    static CLIENTS: LazyLock<Mutex<HashMap<Id, reqwest::Client>>> = LazyLock::new(Mutex::default);
    let runtime = Handle::try_current().ok()?.id();
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(client) = clients.get(&runtime) {
        return Some(client.clone());
    }
    let client = make_client(&Proxies::from_env()).ok()?;
    clients.insert(runtime, client.clone());
    Some(client)
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
        .pool_idle_timeout(IDLE)
        // What the environment says is read in one place, for all clients.
        .no_proxy();
    if let Some(proxy) = proxies.proxy()? {
        builder = builder.proxy(proxy);
    }
    Ok(builder)
}
