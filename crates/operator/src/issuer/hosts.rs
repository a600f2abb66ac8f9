//! Which endpoints a `TokenIssuer` may name.
//!
//! Whoever may write a `TokenIssuer` chooses where the operator sends a credential and from where
//! inside the cluster's network a request comes. So the profile's own host is always possible,
//! and every other one only if the administrator listed it.

use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// A host that the administrator allows, with a port or with any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: String,
    port: Option<u16>,
}

/// The text is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not HOST or HOST:PORT")]
pub struct NotAHost(String);

impl FromStr for AllowedHost {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        // The parser of URLs brings the text into the form that endpoints are compared in.
        let url = Url::parse(&format!("tokenwright-host://{text}"))
            .or_else(|_| Url::parse(&format!("tokenwright-host://[{text}]")))
            .map_err(|_| NotAHost(text.to_owned()))?;
        let bare = url.path().is_empty() && url.username().is_empty() && url.query().is_none();
        match url.host_str().filter(|host| bare && !host.is_empty()) {
            Some(host) => Ok(Self {
                host: host.to_lowercase(),
                port: url.port(),
            }),
            None => Err(NotAHost(text.to_owned())),
        }
    }
}

impl AllowedHost {
    fn covers(&self, endpoint: &Url) -> bool {
        endpoint.host_str() == Some(self.host.as_str())
            && (self.port.is_none() || self.port == endpoint.port_or_known_default())
    }
}

/// Why an endpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is not a URL.
    #[error("spec.endpoint {0:?} is not a URL")]
    NotAUrl(String),

    /// The administrator did not list it.
    #[error(
        "spec.endpoint: {0} is not allowed; an administrator can allow it with --allow-host {0}"
    )]
    NotAllowed(String),

    /// A credential would cross the network in clear.
    #[error("spec.endpoint: plain http is possible on loopback only, not for {0}")]
    Plain(String),

    /// The address carries a credential of its own.
    #[error("spec.endpoint must not carry a user or a password")]
    Credential,
}

/// Whether `endpoint` may be used for a profile whose own endpoint is `home`.
///
/// # Errors
///
/// If it may not.
pub(crate) fn check(endpoint: &str, home: &str, allowed: &[AllowedHost]) -> Result<(), Refused> {
    let url = Url::parse(endpoint).map_err(|_| Refused::NotAUrl(endpoint.to_owned()))?;
    let host = url
        .host_str()
        .ok_or_else(|| Refused::NotAUrl(endpoint.to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credential);
    }
    let own = Url::parse(home).is_ok_and(|home| home.origin() == url.origin());
    if !own && !allowed.iter().any(|allowed| allowed.covers(&url)) {
        return Err(Refused::NotAllowed(with_port(&url, host)));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err(Refused::Plain(host.to_owned())),
        _ => Err(Refused::NotAUrl(endpoint.to_owned())),
    }
}

/// The host as it must be allowed: with its port, where that is not the usual one.
fn with_port(url: &Url, host: &str) -> String {
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
