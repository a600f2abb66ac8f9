//! AWS Signature Version 4: the headers that prove that whoever knows a key asks for exactly this.
//!
//! https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::{digest, hmac};
use url::Url;
use zeroize::Zeroizing;

use crate::secret::SecretText;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// Who signs, for what, and when.
#[derive(Debug)]
pub struct Sigv4<'a> {
    /// The id of the key, which is sent.
    pub key_id: &'a SecretText,
    /// The key, which is not.
    pub secret: &'a SecretText,
    /// Such as `us-east-1`.
    pub region: &'a str,
    /// Such as `iam`.
    pub service: &'a str,
    /// The instant of the request.
    pub at: Timestamp,
}

/// A request as it will be sent.
#[derive(Debug)]
pub(super) struct Signable<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// The headers of a signed request; nothing where they cannot be written.
#[expect(
    clippy::disallowed_methods,
    reason = "the request writer: a key leaves its type to sign"
)]
pub(super) fn headers(
    by: &Sigv4<'_>,
    request: &Signable<'_>,
) -> Option<[(HeaderName, HeaderValue); 2]> {
    let at = by.at.to_zoned(TimeZone::UTC);
    let (day, date) = (
        at.strftime("%Y%m%d").to_string(),
        at.strftime("%Y%m%dT%H%M%SZ").to_string(),
    );
    let scope = format!("{day}/{}/{}/aws4_request", by.region, by.service);
    let (signed, canonical) = canonical(request, &date)?;
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let mut key = Zeroizing::new(format!("AWS4{}", by.secret.expose()).into_bytes());
    for part in [&day, by.region, by.service, "aws4_request"] {
        key = Zeroizing::new(mac(&key, part).as_ref().to_vec());
    }
    let signature = hex(mac(&key, &to_sign).as_ref());
    let id = by.key_id.expose();
    let text = format!(
        "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}"
    );
    let mut authorization = HeaderValue::from_str(&text).ok()?;
    authorization.set_sensitive(true);
    let date = HeaderValue::from_str(&date).ok()?;
    Some([(header::AUTHORIZATION, authorization), (DATE, date)])
}

/// The names of the headers that are signed, and the request in the one form that both sides know.
fn canonical(request: &Signable<'_>, date: &str) -> Option<(String, String)> {
    let Signable {
        method, url, body, ..
    } = request;
    let host = url.host_str()?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let mut headers = vec![("host", host.as_str()), ("x-amz-date", date)];
    if let Some(kind) = request.content_type {
        headers.insert(0, ("content-type", kind));
    }
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(n, v)| format!("{n}:{}\n", v.trim()))
        .collect();
    // The path is encoded once more, as every service but the one for objects wants it.
    let path: Vec<_> = url.path().split('/').map(encoded).collect();
    let mut pairs: Vec<_> = url
        .query_pairs()
        .map(|(k, v)| (encoded(&k), encoded(&v)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let (path, query, body) = (path.join("/"), pairs.join("&"), sha256(body));
    let text = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body}");
    Some((names, text))
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => out.push(char::from(byte)),
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answers of the test suite that AWS publishes, and of its documentation.
    #[test]
    fn the_published_vectors_are_signed_as_published() {
        let key_id = SecretText::new("AKIDEXAMPLE".to_owned());
        let secret = SecretText::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for (method, url, service, content_type, body, signature) in [
            // get-vanilla
            (
                "GET",
                "https://example.amazonaws.com/",
                "service",
                None,
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            // get-vanilla-query-order-key-case
            (
                "GET",
                "https://example.amazonaws.com/?Param2=value2&Param1=value1",
                "service",
                None,
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            // post-vanilla
            (
                "POST",
                "https://example.amazonaws.com/",
                "service",
                None,
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            // post-x-www-form-urlencoded
            (
                "POST",
                "https://example.amazonaws.com/",
                "service",
                Some("application/x-www-form-urlencoded"),
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            // The documentation's own example.
            (
                "GET",
                "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
                "iam",
                Some(form),
                "",
                "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ] {
            let by = Sigv4 {
                key_id: &key_id,
                secret: &secret,
                region: "us-east-1",
                service,
                at: "2015-08-30T12:36:00Z".parse().unwrap(),
            };
            let request = Signable {
                method: &method.parse().unwrap(),
                url: &url.parse().unwrap(),
                content_type,
                body: body.as_bytes(),
            };
            let [(_, authorization), (_, date)] = headers(&by, &request).unwrap();
            let text = authorization.to_str().unwrap();
            assert!(
                text.ends_with(&format!("Signature={signature}")),
                "{url}: {text}"
            );
            assert!(
                text.contains(&format!("AKIDEXAMPLE/20150830/us-east-1/{service}/")),
                "{text}"
            );
            assert_eq!(date, "20150830T123600Z");
            assert!(authorization.is_sensitive());
        }
    }
}
