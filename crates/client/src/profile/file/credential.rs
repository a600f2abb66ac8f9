//! What an issuer authenticates with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::calls::LoginCall;
use super::signed::{FieldOfPart, JwtOf, Sigv4Of};

/// Both kinds of credential out of one list of keys: one of several ways, and what holds them all.
macro_rules! credential {
    ($($(#[$what:meta])* $key:ident: $kind:ty,)*) => {
        /// One of several ways to authenticate.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(in crate::profile) struct Way {
            $($(#[$what])* $key: $kind,)*
        }

        /// What we authenticate with, and how; a value is proven the same way unless `check` says otherwise.
        /// Exactly one of `header`, `headers`, `basic`, `digest` and `sigv4`; none where `clientCertificate` is enough;
        /// or `ways` alone.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(in crate::profile) struct Credential {
            $($(#[$what])* pub(in crate::profile) $key: $kind,)*
            /// Several ways to authenticate, by name, each with keys as here: an issuer is given the parts of
            /// one of them.
            #[serde(default, deserialize_with = "ways")]
            #[schemars(with = "BTreeMap<String, Way>")]
            pub(in crate::profile) ways: BTreeMap<String, Credential>,
        }

        impl From<Way> for Credential {
            fn from(Way { $($key,)* }: Way) -> Self {
                let ways = BTreeMap::new();
                Self { $($key,)* ways }
            }
        }

        impl Credential {
            /// The first key beside `ways` that says something, as a file writes it.
            pub(in crate::profile) fn beside_ways(&self) -> Option<String> {
                let keys = [$((self.$key.is_said(), stringify!($key)),)*];
                let mut said = keys.into_iter().filter(|(said, _)| *said);
                said.next().map(|(_, key)| camel_case(key))
            }
        }
    };
}

credential! {
    /// The parts that an issuer must be given, by name.
    #[serde(default)]
    parts: BTreeMap<String, CredentialPart>,
    /// A call that turns the parts into a token that every other call carries as part `login`.
    login: Option<LoginCall>,
    /// A JWT that a part signs, and that `header`, `basic` or `login.put` carry as part `jwt`.
    jwt: Option<JwtOf>,
    /// One part in a header.
    header: Option<HeaderAuth>,
    /// Several parts, each in a header of its own.
    #[serde(default)]
    headers: Vec<HeaderAuth>,
    /// HTTP Basic.
    basic: Option<BasicAuth>,
    /// HTTP Digest.
    digest: Option<DigestAuth>,
    /// Requests that are signed as AWS wants it.
    sigv4: Option<Sigv4Of>,
    /// A certificate that every connection shows, alone or beside one of the others.
    client_certificate: Option<CertificateOf>,
}

fn camel_case(key: &str) -> String {
    let mut after_line = false;
    let letters = key.chars().filter_map(|letter| {
        let upper = std::mem::replace(&mut after_line, letter == '_');
        match letter {
            '_' => None,
            letter if upper => Some(letter.to_ascii_uppercase()),
            letter => Some(letter),
        }
    });
    letters.collect()
}

/// Whether a key of a file says something.
trait Said {
    fn is_said(&self) -> bool;
}

impl<T> Said for Option<T> {
    fn is_said(&self) -> bool {
        self.is_some()
    }
}

impl<T> Said for Vec<T> {
    fn is_said(&self) -> bool {
        !self.is_empty()
    }
}

impl<T> Said for BTreeMap<String, T> {
    fn is_said(&self) -> bool {
        !self.is_empty()
    }
}

/// A way has no ways of its own, so that no file can be so deep that reading it takes all of the stack.
fn ways<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, Credential>, D::Error> {
    let ways = BTreeMap::<String, Way>::deserialize(reader)?;
    let ways = ways.into_iter().map(|(name, way)| (name, way.into()));
    Ok(ways.collect())
}

/// HTTP Digest: proves a password without sending it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct DigestAuth {
    /// The part that is the user; or a text with `$(…)` over the parameters.
    pub(in crate::profile) user: String,
    /// The part that is the password.
    pub(in crate::profile) password: String,
}

/// A certificate of whoever asks, and its key, both in PEM.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct CertificateOf {
    /// The part that is the certificate, with those that lead from it to an authority.
    pub(in crate::profile) certificate: String,
    /// The part that is its private key; it may be the same part.
    pub(in crate::profile) key: String,
}

/// One part of the credential.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct CredentialPart {
    /// The environment variable that the system's own users know.
    pub(in crate::profile) env: Option<String>,
    /// Whether it is no secret, such as the id of a tenant: a name that paths, bodies and claims can say.
    #[serde(default)]
    pub(in crate::profile) public: bool,
    /// Where the part is a JSON document: its fields, which are parts, too.
    #[serde(default)]
    pub(in crate::profile) json: BTreeMap<String, FieldOfPart>,
}

/// A secret in a header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct HeaderAuth {
    /// The header.
    pub(in crate::profile) name: String,
    /// What stands before the secret, such as `Bearer ` with its space.
    #[serde(default)]
    pub(in crate::profile) prefix: String,
    /// The part that is sent.
    pub(in crate::profile) part: String,
}

/// HTTP Basic.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct BasicAuth {
    /// The part that is the user; or a text with `$(…)` over the parameters, which may be empty.
    pub(in crate::profile) user: String,
    /// The part that is the password; the empty text is no password.
    pub(in crate::profile) password: String,
    /// The header, where it is not `Authorization`; then without the word `Basic`.
    pub(in crate::profile) header: Option<String>,
}
