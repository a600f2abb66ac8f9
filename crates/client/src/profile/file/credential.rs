//! What an issuer authenticates with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::calls::LoginCall;
use super::signed::{FieldOfPart, JwtOf, Sigv4Of};

/// A credential: what each has, and what is its own.
macro_rules! credential {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $key:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(in crate::profile) struct $name {
            /// The parts that an issuer must be given, by name.
            #[serde(default)]
            pub(in crate::profile) parts: BTreeMap<String, CredentialPart>,
            /// A call that turns the parts into a token that every other call carries as part `login`.
            pub(in crate::profile) login: Option<LoginCall>,
            /// A JWT that a part signs, and that `header`, `basic` or `login.put` carry as part `jwt`.
            pub(in crate::profile) jwt: Option<JwtOf>,
            /// One part in a header.
            pub(in crate::profile) header: Option<HeaderAuth>,
            /// Several parts, each in a header of its own.
            #[serde(default)]
            pub(in crate::profile) headers: Vec<HeaderAuth>,
            /// HTTP Basic.
            pub(in crate::profile) basic: Option<BasicAuth>,
            /// HTTP Digest.
            pub(in crate::profile) digest: Option<DigestAuth>,
            /// Requests that are signed as AWS wants it.
            pub(in crate::profile) sigv4: Option<Sigv4Of>,
            /// A certificate that every connection shows, alone or beside one of the others.
            pub(in crate::profile) client_certificate: Option<CertificateOf>,
            $($(#[$what])* pub(in crate::profile) $key: $kind,)*
        }
    };
}

credential! {
    /// What we authenticate with, and how; a value is proven the same way unless `check` says otherwise.
    /// Exactly one of `header`, `headers`, `basic`, `digest` and `sigv4`; none where `clientCertificate` is enough;
    /// or `ways` alone.
    Credential {
        /// Several ways to authenticate, by name, each with keys as here: an issuer is given the parts of
        /// one of them.
        #[serde(default, deserialize_with = "ways")]
        #[schemars(with = "BTreeMap<String, Way>")]
        ways: BTreeMap<String, Credential>,
    }
}

credential! {
    /// One of several ways to authenticate.
    Way {}
}

/// A way has no ways of its own, so that no file can be so deep that reading it takes all of the stack.
fn ways<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, Credential>, D::Error> {
    let ways = BTreeMap::<String, Way>::deserialize(reader)?;
    let ways = ways.into_iter().map(|(name, way)| (name, way.into()));
    Ok(ways.collect())
}

impl From<Way> for Credential {
    fn from(way: Way) -> Self {
        let Way {
            parts,
            login,
            jwt,
            header,
            headers,
            basic,
            digest,
            sigv4,
            client_certificate,
        } = way;
        Self {
            parts,
            login,
            jwt,
            header,
            headers,
            basic,
            digest,
            sigv4,
            client_certificate,
            ways: BTreeMap::new(),
        }
    }
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
