//! One request, one answer: the only place that looks at a status code or touches the network.
//!
//! Knows nothing of tokens. Never retries, never follows a redirect, never reads more than its limit,
//! and tells apart what was not sent from what may have had an effect.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::room::{Held, Share};
use crate::secret::SecretText;
use client::client;
use sigv4::Signable;

mod body;
mod certified;
mod client;
mod digest;
mod excerpt;
pub(crate) mod jwt;
mod place;
mod proxy;
mod sigv4;
mod status;

pub(crate) use body::put_into;
pub use certified::Certified;
pub use digest::Challenge;
pub use excerpt::{excerpt, said_without, steers};
pub(crate) use excerpt::{excerpt_without, sentence_without};
pub(crate) use place::with_secrets;
pub use proxy::{Proxies, UnusableProxy};
pub use sigv4::Sigv4;
pub(crate) use status::date;
pub use status::{kind_of_foreign, kind_of_status, retry_after};

/// The most bytes of an answer: a listing of 10,000 tokens has about 4 MiB.
pub const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// A request, ready to be sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// The method.
    pub method: Method,
    /// Endpoint, path and query.
    pub url: Url,
    /// Who we say that we are; `None` for calls that need no credential.
    pub auth: Option<Auth<'a>>,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON body.
    pub body: Option<serde_json::Value>,
    /// A form in place of it.
    pub form: Option<Vec<(String, String)>>,
    /// Secrets that stand in body, form, query or path.
    pub put: Vec<Put<'a>>,
    /// Whether it is a value, and not the credential, that authenticates.
    pub by_value: bool,
    /// The connections that show a certificate, where this request is sent over one.
    pub certified: Option<&'a Certified>,
    /// No answer is waited for longer.
    pub timeout: Duration,
}

/// A secret in the request itself: only its writer puts it there.
#[derive(Debug)]
pub struct Put<'a> {
    /// Where it stands.
    pub at: At<'a>,
    /// The part's name.
    pub part: &'a str,
    /// The secret.
    pub secret: &'a SecretText,
}

/// Where a secret stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// At a JSON pointer of the body, through objects.
    Body(&'a str),
    /// Under a key of the form.
    Form(&'a str),
    /// Under a key of the query.
    Query(&'a str),
    /// As the segment of the path that has this name behind a colon.
    Segment(&'a str),
}

/// How a credential or a value stands in a request.
#[derive(Debug)]
pub enum Auth<'a> {
    /// In a header, after a prefix.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before it, such as `Bearer `.
        prefix: &'a str,
        /// What authenticates.
        secret: &'a SecretText,
    },
    /// As user and password.
    Basic {
        /// The user.
        user: &'a SecretText,
        /// The password.
        password: &'a SecretText,
        /// Another header than `Authorization`; then without the word `Basic`.
        header: Option<HeaderName>,
    },
    /// In several headers: name, prefix and secret.
    Headers(Vec<(HeaderName, &'a str, &'a SecretText)>),
    /// By the answer to a challenge, of which there may be none yet.
    Digest {
        /// The user.
        user: &'a SecretText,
        /// The password, which is not sent.
        password: &'a SecretText,
        /// What was asked last.
        challenge: &'a Challenge,
    },
    /// By a signature over the whole request.
    Sigv4(Sigv4<'a>),
}

impl Auth<'_> {
    /// User and password as HTTP Basic sends them.
    pub(crate) fn pair(&self) -> Option<SecretText> {
        match self {
            Self::Basic { user, password, .. } => Some(pair(user, password)),
            Self::Header { .. } | Self::Headers(_) | Self::Digest { .. } | Self::Sigv4(_) => None,
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; or why it could not be read to its end.
    pub body: Result<Body, BodyTrouble>,
}

/// The bytes of an answer, zeroed when dropped, since a mint's answer carries the value.
pub struct Body {
    bytes: Zeroizing<Vec<u8>>,
    _room: Held,
}

impl Body {
    /// The body of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            _room: Held::default(),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyTrouble {
    /// It is larger than the limit.
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
    /// It ended early, or took too long.
    #[error("the answer was cut short")]
    CutShort,
    /// It has no room beside what all others take.
    #[error("the answer takes more than its share of the memory that is left for answers")]
    NoRoom,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing was sent.
    #[error("no connection")]
    NotSent(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// It may have been handled.
    #[error("the connection ended or the time was up before an answer came")]
    Lost(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// It cannot be sent as it is.
    #[error("the request cannot be written")]
    Unwritable,
    /// Nothing was sent, since it must not be sent without a proxy.
    #[error(transparent)]
    NoProxy(#[from] UnusableProxy),
}

/// Whatever carries requests: the network, or the exchanges of an example.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends once and waits for the answer.
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Incoming, NoAnswer>;
}

/// The network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Network;

#[async_trait]
impl Transport for Network {
    async fn send(&self, outgoing: Outgoing<'_>) -> Result<Incoming, NoAnswer> {
        Proxies::from_env().allows(&outgoing.url)?;
        let client = match outgoing.certified {
            Some(certified) => certified.client().clone(),
            None => client().ok_or(NoAnswer::NotSent(None))?,
        };
        let (body, form, put) = (outgoing.body, outgoing.form, outgoing.put);
        let url = place::written(outgoing.url, &put).ok_or(NoAnswer::Unwritable)?;
        let body = body::written(body, form, &put);
        let mut headers = outgoing.headers;
        let typed = |headers: &[(HeaderName, HeaderValue)]| {
            let typed = headers.iter().find(|(name, _)| *name == CONTENT_TYPE);
            typed.map(|(_, value)| value.clone())
        };
        if let (Some((kind, _)), None) = (&body, typed(&headers)) {
            headers.push((CONTENT_TYPE, HeaderValue::from_static(kind)));
        }
        let (kind, bytes) = (typed(&headers), body.map(|(_, bytes)| bytes));
        if let Some(auth) = &outgoing.auth {
            let signable = Signable {
                method: &outgoing.method,
                url: &url,
                content_type: kind.as_ref().and_then(|kind| kind.to_str().ok()),
                body: bytes.as_deref().unwrap_or_default(),
            };
            headers.extend(written(auth, &signable).ok_or(NoAnswer::Unwritable)?);
        }
        let mut request = client
            .request(outgoing.method, url)
            .timeout(outgoing.timeout);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(bytes) = bytes {
            request = request.body(bytes);
        }
        match request.send().await {
            Ok(answer) => Ok(read(answer).await),
            Err(error) => Err(unanswered(error.without_url())),
        }
    }
}

/// Writes secrets into headers that no log shows.
fn written(auth: &Auth<'_>, request: &Signable<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    match auth {
        Auth::Header {
            name,
            prefix,
            secret,
        } => Some(vec![(name.clone(), prefixed(prefix, secret)?)]),
        Auth::Headers(headers) => headers
            .iter()
            .map(|(name, prefix, secret)| Some((name.clone(), prefixed(prefix, secret)?)))
            .collect(),
        Auth::Basic {
            user,
            password,
            header,
        } => {
            let (name, word) = match header {
                Some(header) => (header.clone(), ""),
                None => (http::header::AUTHORIZATION, "Basic "),
            };
            Some(vec![(name, prefixed(word, &pair(user, password))?)])
        }
        Auth::Digest {
            user,
            password,
            challenge,
        } => {
            let answer = challenge.answered(request, user, password)?;
            let header = answer.map(|text| Some((http::header::AUTHORIZATION, sensitive(&text)?)));
            header.into_iter().collect()
        }
        Auth::Sigv4(by) => sigv4::headers(by, request).map(Vec::from),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a value leaves its type to authenticate"
)]
fn prefixed(prefix: &str, secret: &SecretText) -> Option<HeaderValue> {
    sensitive(&Zeroizing::new(format!("{prefix}{}", secret.expose())))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a value leaves its type to authenticate"
)]
fn pair(user: &SecretText, password: &SecretText) -> SecretText {
    use base64::Engine as _;
    let pair = Zeroizing::new(format!("{}:{}", user.expose(), password.expose()));
    SecretText::new(base64::engine::general_purpose::STANDARD.encode(pair.as_bytes()))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

async fn read(mut answer: reqwest::Response) -> Incoming {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let mut bytes = Zeroizing::new(Vec::new());
    let mut room = Held::default();
    let body = loop {
        let chunk = match answer.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(Body { bytes, _room: room }),
            Err(_) => break Err(BodyTrouble::CutShort),
        };
        let size = bytes.len().saturating_add(chunk.len());
        if size > MAX_ANSWER {
            break Err(BodyTrouble::TooLarge);
        }
        if size > bytes.capacity() {
            let wanted = size.max(bytes.capacity().saturating_mul(2)).min(MAX_ANSWER);
            if room.grow(wanted, Share::BYTES).is_err() {
                break Err(BodyTrouble::NoRoom);
            }
            let more = wanted.saturating_sub(bytes.len());
            bytes.reserve_exact(more);
        }
        bytes.extend_from_slice(&chunk);
    };
    Incoming {
        status,
        headers,
        body,
    }
}

fn unanswered(error: reqwest::Error) -> NoAnswer {
    if error.is_builder() {
        NoAnswer::Unwritable
    } else if error.is_connect() {
        NoAnswer::NotSent(Some(error.into()))
    } else {
        NoAnswer::Lost(Some(error.into()))
    }
}

/// An endpoint that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("endpoint {endpoint:?} {problem}")]
pub struct InvalidEndpoint {
    endpoint: String,
    problem: &'static str,
}

/// Reads an endpoint: https, or plain http to this very machine.
///
/// # Errors
/// It is no URL, would send a credential in clear, or has parts that an endpoint cannot have.
pub fn endpoint(text: &str) -> Result<Url, InvalidEndpoint> {
    let invalid = |problem| InvalidEndpoint {
        // A user and password in it must not come back in a message.
        endpoint: match text.contains('@') {
            true => "…".to_owned(),
            false => text.to_owned(),
        },
        problem,
    };
    if text.is_empty() {
        return Err(invalid("is needed: this system has no default"));
    }
    let url = Url::parse(text).map_err(|_| invalid("is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not contain a user or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must not contain a query or fragment"));
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(invalid("must be https, except on the loopback interface")),
        _ => Err(invalid("must begin with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
