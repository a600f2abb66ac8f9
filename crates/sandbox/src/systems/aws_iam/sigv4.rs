//! Who signed a request, after AWS's public description of Signature Version 4.
//!
//! It follows the steps of the page "Create a signed AWS API request" from the server's side, and shares
//! nothing with the client that is tested against it.

use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::http::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far the clocks of both sides may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why a request is nobody's, in AWS's words.
#[derive(Debug)]
pub(super) struct Unsigned {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// What a request says of its signature.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) key_id: String,
    /// The parts of the scope: day, region, service and `aws4_request`.
    scope: [String; 4],
    date: String,
    headers: Vec<String>,
    signature: String,
}

/// Reads the signature of a request, and judges all but whether the key made it.
pub(super) fn read(request: &Request, now: Timestamp) -> Result<Signed, Unsigned> {
    let header = request.header("authorization").ok_or_else(|| Unsigned {
        status: 403,
        code: "MissingAuthenticationToken",
        message: "Request is missing Authentication Token".to_owned(),
    })?;
    let rest = header.strip_prefix(ALGORITHM).ok_or_else(incomplete)?;
    let field = |name: &str| {
        let mut fields = rest.split(',').map(str::trim);
        fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let credential = field("Credential").ok_or_else(incomplete)?;
    let mut scope = credential.split('/').map(str::to_owned);
    let key_id = scope.next().ok_or_else(incomplete)?;
    let scope: Vec<String> = scope.collect();
    let scope = <[String; 4]>::try_from(scope).map_err(|_| incomplete())?;
    let headers = field("SignedHeaders").ok_or_else(incomplete)?;
    let signed = Signed {
        key_id,
        scope,
        date: request
            .header("x-amz-date")
            .ok_or_else(incomplete)?
            .to_owned(),
        headers: headers.split(';').map(str::to_owned).collect(),
        signature: field("Signature").ok_or_else(incomplete)?.to_owned(),
    };
    signed.judge(request, now)?;
    Ok(signed)
}

impl Signed {
    fn judge(&self, request: &Request, now: Timestamp) -> Result<(), Unsigned> {
        let [day, region, service, end] = &self.scope;
        let scoped = region == "us-east-1" && service == "iam" && end == "aws4_request";
        if !scoped || !self.date.starts_with(day.as_str()) {
            let message = "Credential should be scoped to a valid region, service and day";
            return Err(mismatch(message.to_owned()));
        }
        let at = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date).map_err(|_| incomplete())?;
        let at = at.to_zoned(TimeZone::UTC).map_err(|_| incomplete())?;
        let at = at.timestamp();
        if now.duration_since(at) > SKEW {
            let message = format!(
                "Signature expired: {} is now earlier than the limit",
                self.date
            );
            return Err(mismatch(message));
        }
        if at.duration_since(now) > SKEW {
            let message = format!("Signature not yet current: {} is still later", self.date);
            return Err(mismatch(message));
        }
        // The host, every x-amz header and the type of the content must be among what is signed.
        let must = request.headers.keys().map(http::HeaderName::as_str);
        let mut must = must.filter(|name| {
            *name == "host" || *name == "content-type" || name.starts_with("x-amz-")
        });
        let unsigned = must.find(|name| !self.headers.iter().any(|signed| signed == name));
        match unsigned {
            Some(name) => Err(mismatch(format!("'{name}' must be a signed header"))),
            None => Ok(()),
        }
    }

    /// Whether this key made the signature.
    pub(super) fn verify(&self, request: &Request, secret: &str) -> Result<(), Unsigned> {
        let [day, region, service, end] = &self.scope;
        let canonical = self.canonical(request);
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{day}/{region}/{service}/{end}\n{}",
            self.date,
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in &self.scope {
            key = mac(&key, part);
        }
        if hex(&mac(&key, &to_sign)) == self.signature {
            return Ok(());
        }
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.";
        Err(mismatch(message.to_owned()))
    }

    fn canonical(&self, request: &Request) -> String {
        let segments = request.raw_path.split('/').map(encoded);
        let path = segments.collect::<Vec<_>>().join("/");
        let mut pairs: Vec<(String, String)> = request
            .query
            .iter()
            .map(|(key, value)| (encoded(key), encoded(value)))
            .collect();
        pairs.sort();
        let pairs = pairs.iter().map(|(key, value)| format!("{key}={value}"));
        let query = pairs.collect::<Vec<_>>().join("&");
        let lines = self.headers.iter().map(|name| {
            let values = request.headers.get_all(name.as_str()).iter();
            let values = values.filter_map(|value| value.to_str().ok());
            let values: Vec<String> = values
                .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            format!("{name}:{}\n", values.join(","))
        });
        format!(
            "{}\n{path}\n{query}\n{}\n{}\n{}",
            request.method,
            lines.collect::<String>(),
            self.headers.join(";"),
            hex(&Sha256::digest(&request.body))
        )
    }
}

fn incomplete() -> Unsigned {
    Unsigned {
        status: 400,
        code: "IncompleteSignature",
        message: "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and a date.".to_owned(),
    }
}

fn mismatch(message: String) -> Unsigned {
    Unsigned {
        status: 403,
        code: "SignatureDoesNotMatch",
        message,
    }
}

/// All but letters, digits and `-._~` in percents.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// HMAC takes keys of every length, so that there is always a code.
fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key);
    mac.map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
