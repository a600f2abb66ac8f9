//! How this machine reaches the network: one policy for every client, whoever it talks to.
//!
//! As `curl` and most others have it: `HTTPS_PROXY`, else `ALL_PROXY`, but for the hosts of `NO_PROXY`, each
//! in capitals or not. `HTTP_PROXY` is never used: plain http is spoken to this very machine alone, and
//! its proxy would see the credential. Authorities are the system's, or those of `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`, where these are set.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The proxy, what is reached without it, and whose certificates are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    https: Option<String>,
    /// The variable that names it.
    named_by: &'static str,
    no: Option<String>,
    authorities: Vec<String>,
}

impl Proxies {
    /// As the environment says.
    #[must_use]
    pub fn from_env() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// As these variables say.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |names: &[&'static str]| {
            let mut given = names.iter().map(|name| (*name, variable(name)));
            given.find_map(|(name, text)| Some((name, text.filter(|t| !t.trim().is_empty())?)))
        };
        let first = |names: &[&'static str]| named(names).map(|(_, text)| text);
        let (named_by, https) =
            named(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]).unzip();
        let authorities = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().filter_map(|name| {
            let path = first(&[name])?;
            Some(format!("{name}={path}"))
        });
        Self {
            https,
            named_by: named_by.unwrap_or_default(),
            no: first(&["NO_PROXY", "no_proxy"]),
            authorities: authorities.collect(),
        }
    }

    /// That the proxy can be used where one is named.
    ///
    /// # Errors
    /// The variable that names one of another kind, or none at all.
    pub fn usable(&self) -> Result<(), UnusableProxy> {
        let plain = self.https.iter().all(|proxy| {
            let url = address(proxy);
            url.is_some_and(|url| ["http", "https"].contains(&url.scheme()))
        });
        match plain {
            true => Ok(()),
            false => Err(UnusableProxy(self.named_by)),
        }
    }

    /// That something may be sent there: not past a proxy that cannot be used, since whoever names one does not
    /// want to be seen beside it.
    pub(super) fn allows(&self, url: &Url) -> Result<(), UnusableProxy> {
        let uri = url.as_str().parse();
        match uri.is_ok_and(|uri| !self.covers(&uri)) {
            true => Ok(()),
            false => self.usable(),
        }
    }

    /// Whether this address is reached through the proxy.
    #[must_use]
    pub fn covers(&self, address: &http::Uri) -> bool {
        let Some(proxy) = &self.https else {
            return false;
        };
        // Which addresses are left out does not depend on what the proxy is.
        let proxy = match self.usable() {
            Ok(()) => proxy.as_str(),
            Err(_) => "http://unusable",
        };
        let no = self.no.as_deref().unwrap_or_default();
        let matcher = Matcher::builder().https(proxy).no(no).build();
        matcher.intercept(address).is_some()
    }

    /// The same for the client of issuers.
    pub(super) fn proxy(&self) -> reqwest::Result<Option<reqwest::Proxy>> {
        let Some(proxy) = self.https.as_ref().filter(|_| self.usable().is_ok()) else {
            return Ok(None);
        };
        let no = self.no.as_deref().and_then(reqwest::NoProxy::from_string);
        Ok(Some(reqwest::Proxy::https(proxy)?.no_proxy(no)))
    }
}

/// A proxy that cannot be used. Its address is not shown: it may have a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} names a proxy that cannot be used, and nothing is sent without it: write http://HOST:PORT or https://HOST:PORT there"
)]
pub struct UnusableProxy(&'static str);

/// What is used, for the first lines of a log. A user or password of the proxy is left out.
impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.https {
            None => write!(f, "no proxy")?,
            Some(proxy) => write!(f, "proxy {}", without_user(proxy))?,
        }
        if let (Some(_), Some(no)) = (&self.https, &self.no) {
            write!(f, ", but not for {no}")?;
        }
        match self.authorities.as_slice() {
            [] => write!(f, "; the system's certificate authorities"),
            some => write!(f, "; certificate authorities of {}", some.join(" and ")),
        }
    }
}

fn without_user(proxy: &str) -> String {
    let shown = |url: &Url| {
        let host = url.host_str().unwrap_or("?").to_owned();
        match url.port_or_known_default() {
            Some(port) => format!("{}://{host}:{port}", url.scheme()),
            None => format!("{}://{host}", url.scheme()),
        }
    };
    address(proxy)
        .as_ref()
        .map_or_else(|| "of an unreadable address".to_owned(), shown)
}

/// The address of a proxy, which is one of http where it does not say.
fn address(proxy: &str) -> Option<Url> {
    match proxy.contains("://") {
        true => Url::parse(proxy).ok().filter(Url::has_host),
        false => Url::parse(&format!("http://{proxy}")).ok(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::http::client::make_client;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::of(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn https_goes_through_the_proxy_but_for_the_hosts_that_are_left_out() {
        let no = ("NO_PROXY", "10.0.0.0/8,.svc,internal.example.com");
        for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let used = proxies(&[(proxy, "http://proxy:3128"), no]);
            for (address, covered) in [
                ("https://issuer.example.com/x", true),
                ("https://10.1.2.3:443", false),
                ("https://kubernetes.default.svc", false),
                ("https://internal.example.com", false),
                ("https://192.0.2.1", true),
                ("http://127.0.0.1:80", false),
            ] {
                assert_eq!(
                    used.covers(&address.parse().unwrap()),
                    covered,
                    "{proxy} {address}"
                );
            }
        }
        for none in [
            &[][..],
            &[("HTTPS_PROXY", "")],
            &[("HTTP_PROXY", "http://proxy")],
        ] {
            let used = proxies(none);
            assert!(!used.covers(&"https://issuer.example.com".parse().unwrap()));
        }
    }

    #[test]
    fn what_is_used_is_told_without_the_password_of_the_proxy() {
        let told = proxies(&[
            ("HTTPS_PROXY", "http://user:hunter2@proxy.example.com:3128"),
            ("NO_PROXY", ".svc"),
            ("SSL_CERT_FILE", "/etc/ca.pem"),
        ]);
        assert_eq!(
            told.to_string(),
            "proxy http://proxy.example.com:3128, but not for .svc; certificate authorities of SSL_CERT_FILE=/etc/ca.pem"
        );
        let none = proxies(&[]).to_string();
        assert_eq!(none, "no proxy; the system's certificate authorities");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_no_leave_to_go_without_one() {
        for (proxy, good) in [
            ("http://proxy:3128", true),
            ("HTTPS://user:hunter2@proxy", true),
            ("proxy:3128", true),
            ("10.0.0.1:3128", true),
            ("http://[2001:db8::1]:3128", true),
            ("socks5://user:hunter2@proxy:1080", false),
            ("socks5h://proxy", false),
            ("ftp://proxy", false),
            ("::bad", false),
            ("http://", false),
        ] {
            let told = proxies(&[("ALL_PROXY", proxy)]).usable();
            assert_eq!(told.is_ok(), good, "{proxy}");
            let told = told.err().map(|e| e.to_string()).unwrap_or_default();
            assert_eq!(told.starts_with("ALL_PROXY names"), !good, "{told}");
            assert!(!told.contains("hunter2"), "{told}");
            let no = ("NO_PROXY", "inside.example.com");
            let used = proxies(&[("ALL_PROXY", proxy), no]);
            for (address, allowed) in [
                ("https://issuer.example.com/tokens", good),
                ("https://inside.example.com/tokens", true),
                ("http://127.0.0.1:9/tokens", true),
            ] {
                let told = used.allows(&address.parse().unwrap());
                assert_eq!(told.is_ok(), allowed, "{proxy} {address}");
            }
        }
    }

    #[tokio::test]
    async fn an_issuer_is_asked_through_a_tunnel_that_sees_no_credential() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let seen = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
            String::from_utf8_lossy(&bytes[..read]).into_owned()
        });
        let used = proxies(&[("HTTPS_PROXY", &proxy), ("NO_PROXY", "left-out.invalid")]);
        let client = make_client(&used).unwrap();
        let ask = |host: &str| {
            let asked = client.get(format!("https://{host}/tokens"));
            asked.header("authorization", "Bearer hunter2").send()
        };
        assert!(ask("left-out.invalid").await.unwrap_err().is_connect());
        assert!(ask("issuer.invalid").await.unwrap_err().is_connect());
        let seen = seen.await.unwrap();
        assert!(seen.starts_with("CONNECT issuer.invalid:443 "), "{seen}");
        assert!(!seen.contains("hunter2"), "{seen}");
    }
}
