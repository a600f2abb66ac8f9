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
        let first = |names: &[&str]| {
            let mut given = names.iter().filter_map(|name| variable(name));
            given.find(|text| !text.trim().is_empty())
        };
        let authorities = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().filter_map(|name| {
            let path = first(&[name])?;
            Some(format!("{name}={path}"))
        });
        Self {
            https: first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            no: first(&["NO_PROXY", "no_proxy"]),
            authorities: authorities.collect(),
        }
    }

    /// Whether this address is reached through the proxy.
    #[must_use]
    pub fn covers(&self, address: &http::Uri) -> bool {
        let Some(proxy) = &self.https else {
            return false;
        };
        let no = self.no.as_deref().unwrap_or_default();
        let matcher = Matcher::builder().https(proxy.as_str()).no(no).build();
        matcher.intercept(address).is_some()
    }

    /// The same for the client of issuers.
    pub(super) fn proxy(&self) -> reqwest::Result<Option<reqwest::Proxy>> {
        let Some(proxy) = &self.https else {
            return Ok(None);
        };
        let no = self.no.as_deref().and_then(reqwest::NoProxy::from_string);
        Ok(Some(reqwest::Proxy::https(proxy)?.no_proxy(no)))
    }
}

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
    let url = Url::parse(proxy).ok().filter(Url::has_host);
    let url = url.or_else(|| Url::parse(&format!("http://{proxy}")).ok());
    url.as_ref()
        .map_or_else(|| "of an unreadable address".to_owned(), shown)
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
