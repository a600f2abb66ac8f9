//! HTTP Digest: what answers a challenge, so that a password is proven and never sent.
//!
//! https://www.rfc-editor.org/rfc/rfc7616

use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use http_auth::{DigestClient, PasswordParams, parse_challenges};
use url::Position;
use zeroize::Zeroizing;

use super::sigv4::Signable;
use crate::secret::SecretText;

/// What an issuer challenged with last. Its answers are counted, so that none can be sent again by others.
#[derive(Default)]
pub struct Challenge(Mutex<Option<DigestClient>>);

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

impl Challenge {
    /// Forgets it, as if nobody had asked yet.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes up the first challenge of an answer that can be answered; false where there is none.
    pub(crate) fn take_up(&self, headers: &HeaderMap) -> bool {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter();
        let mut found = texts
            .filter_map(|text| text.to_str().ok())
            .filter_map(|text| parse_challenges(text).ok())
            .flatten()
            .filter_map(|challenge| DigestClient::try_from(&challenge).ok());
        let found = found.next();
        let there = found.is_some();
        if there {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
        there
    }

    /// The text of the header that answers it; none before there was a challenge.
    #[expect(
        clippy::disallowed_methods,
        reason = "the request writer: a value leaves its type to authenticate"
    )]
    pub(super) fn answered(
        &self,
        request: &Signable<'_>,
        user: &SecretText,
        password: &SecretText,
    ) -> Option<Option<Zeroizing<String>>> {
        let mut challenge = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(challenge) = challenge.as_mut() else {
            return Some(None);
        };
        let parameters = PasswordParams {
            username: user.expose(),
            password: password.expose(),
            uri: &request.url[Position::BeforePath..Position::AfterQuery],
            method: request.method.as_str(),
            body: Some(request.body),
        };
        let answer = challenge.respond(&parameters).ok()?;
        Some(Some(Zeroizing::new(answer)))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    /// What a server that knows the password would compute, from RFC 7616 itself.
    fn expected(header: &str, method: &str) -> String {
        let field = |name: &str| {
            let rest = header.split(&format!("{name}=")).nth(1).unwrap();
            let end = rest.find([',', ' ']).unwrap_or(rest.len());
            rest[..end].trim_matches('"').to_owned()
        };
        let hash = |text: String| -> String {
            use sha2::Digest as _;
            let digest = sha2::Sha256::digest(text);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let one = hash("us:there:hunter2".to_owned());
        let two = hash(format!("{method}:{}", field("uri")));
        let (nc, cnonce) = (field("nc"), field("cnonce"));
        hash(format!("{one}:n-1:{nc}:{cnonce}:auth:{two}"))
    }

    #[test]
    fn a_challenge_is_answered_without_the_password_and_each_answer_is_counted() {
        let challenge = Challenge::default();
        let [user, password] = ["us", "hunter2"].map(|text| SecretText::new(text.to_owned()));
        let url = "https://example.com/t/a%20b?x=1".parse().unwrap();
        let request = Signable {
            method: &Method::DELETE,
            url: &url,
            content_type: None,
            body: b"",
        };
        let answer = || challenge.answered(&request, &user, &password).unwrap();
        assert!(answer().is_none(), "before anybody asked");
        let mut headers = HeaderMap::new();
        for none in ["Bearer realm=x", "Digest", "Digest realm=\"", "\u{1}"] {
            let Ok(text) = HeaderValue::from_str(none) else {
                continue;
            };
            headers.insert(WWW_AUTHENTICATE, text);
            assert!(!challenge.take_up(&headers), "{none}");
        }
        let text =
            "Digest realm=\"there\", nonce=\"n-1\", qop=\"auth\", algorithm=SHA-256, opaque=\"o\"";
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(text));
        assert!(challenge.take_up(&headers));
        for nth in ["00000001", "00000002"] {
            let header = answer().unwrap();
            let response = expected(&header, "DELETE");
            for told in ["uri=\"/t/a%20b?x=1\"", nth, "opaque=\"o\"", &response] {
                assert!(header.contains(told), "{told}: {}", *header);
            }
            assert!(!header.contains("hunter2"), "{}", *header);
        }
    }
}
