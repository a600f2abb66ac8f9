//! What a profile is compiled to.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, Method};
use jiff::SignedDuration;
use url::Url;

use super::file::{self, Unit};
use super::format::FormatPlan;
use super::headers::HeadersPlan;
use super::signed::{JwtPlan, Sigv4Plan};
use crate::error::ErrorKind;
use crate::http::At;
use crate::text::{Compiled, Template, Tree};

/// The compiled part of a profile.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) unit: Unit,
    pub(super) never: file::Never,
    /// The ways to authenticate, at least one; without a credential it has no parts.
    pub(super) ways: Vec<Arc<WayPlan>>,
    pub(super) token: TokenPlan,
    pub(super) value: Vec<ValuePlan>,
    pub(super) public: Vec<(String, Compiled)>,
    pub(super) check: Option<CheckPlan>,
    pub(super) identity: Option<IdentityPlan>,
    pub(super) mint: Option<MintPlan>,
    pub(super) get: Option<LookPlan>,
    pub(super) list: Option<ListPlan>,
    pub(super) update: Option<CallPlan>,
    pub(super) toggle: Option<CallPlan>,
    pub(super) enable: Option<CallPlan>,
    pub(super) disable: Option<CallPlan>,
    pub(super) revoke: Option<RevokePlan>,
    /// Whether an answer is the system's own; absent: where it is JSON.
    pub(super) own: Option<Compiled>,
    pub(super) format: FormatPlan,
    pub(super) errors: Option<ErrorsPlan>,
}

/// One way to authenticate, compiled.
#[derive(Debug, Default)]
pub(super) struct WayPlan {
    /// Its name; nothing where it is the only one.
    pub(super) name: Option<String>,
    /// The parts that must be given.
    pub(super) parts: Vec<String>,
    pub(super) auth: Option<AuthPlan>,
    pub(super) login: Option<LoginPlan>,
    pub(super) jwt: Option<JwtPlan>,
    pub(super) certificate: Option<CertificatePlan>,
    /// The parts that are no secret.
    pub(super) known: Vec<String>,
    /// The parts that are documents: which fields of which part, and where.
    pub(super) fields: Vec<FieldPlan>,
}

/// The parts that are a certificate and its key.
#[derive(Debug)]
pub(super) struct CertificatePlan {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// Which parts authenticate, and where they stand.
#[derive(Debug)]
pub(super) enum AuthPlan {
    Header {
        name: HeaderName,
        prefix: String,
        part: String,
    },
    Basic {
        user: User,
        /// Absent: the password is empty.
        password: Option<String>,
        header: Option<HeaderName>,
    },
    /// Each in a header of its own: name, prefix and part.
    Headers(Vec<HeaderPlan>),
    Digest {
        user: User,
        password: String,
    },
    Sigv4(Sigv4Plan),
}

/// A part in a header.
#[derive(Debug)]
pub(super) struct HeaderPlan {
    pub(super) name: HeaderName,
    pub(super) prefix: String,
    pub(super) part: String,
}

/// A field of a part that is a document.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) part: String,
    pub(super) at: String,
    pub(super) name: String,
}

/// The user of HTTP Basic.
#[derive(Debug)]
pub(super) enum User {
    Part(String),
    Text(Template),
}

#[derive(Debug)]
pub(super) struct LoginPlan {
    pub(super) call: CallPlan,
    pub(super) auth: Option<AuthPlan>,
    /// The parameters that it uses: with others it is another login.
    pub(super) uses: Vec<String>,
    pub(super) place: Place,
}

/// How a token is read.
#[derive(Debug, Default)]
pub(super) struct TokenPlan {
    pub(super) id: Option<Compiled>,
    pub(super) name: Option<Compiled>,
    pub(super) scopes: Option<Compiled>,
    pub(super) owner: Option<Compiled>,
    pub(super) created: Option<Compiled>,
    pub(super) expires: Option<Compiled>,
    pub(super) used: Option<Compiled>,
    pub(super) enabled: Option<Compiled>,
    /// The word that is no time and means never.
    pub(super) never: Option<String>,
    /// What stands before the marker in names, where that is no space.
    pub(super) separator: Option<char>,
    /// What numbers count in the times of this plan.
    pub(super) times: Option<file::Times>,
}

#[derive(Debug)]
pub(super) struct ValuePlan {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) decode: Option<file::Decode>,
    /// What ends the part of it that is no secret.
    pub(super) public_before: Option<String>,
    pub(super) max: usize,
}

/// Where a secret part stands.
#[derive(Debug)]
pub(super) enum Place {
    /// A person brings it.
    Nowhere,
    At(String),
    Header(HeaderName),
    /// Of a login: a cookie of this name.
    Cookie(String),
    Composed(Vec<Piece>),
}

/// Where a secret of an answer stands; `*` is each entry of a list or map.
#[derive(Debug)]
pub(super) struct SecretPlace {
    pub(super) pointer: String,
    pub(super) steps: Vec<String>,
}

/// A part that stands in the request itself.
#[derive(Debug)]
pub(super) struct PutPlan {
    pub(super) at: PutAt,
    pub(super) part: String,
}

/// Where it stands there.
#[derive(Debug)]
pub(super) enum PutAt {
    /// At a JSON pointer of the body.
    Body(String),
    /// Under a key of the form.
    Form(String),
    /// Under a key of the query.
    Query(String),
    /// As the segment of the path that has this name behind a colon.
    Segment(String),
}

impl PutAt {
    pub(super) fn borrowed(&self) -> At<'_> {
        match self {
            Self::Body(at) => At::Body(at),
            Self::Form(key) => At::Form(key),
            Self::Query(key) => At::Query(key),
            Self::Segment(name) => At::Segment(name),
        }
    }
}

#[derive(Debug)]
pub(super) enum Piece {
    Text(Template),
    At(String),
    Header(HeaderName),
}

#[derive(Debug)]
pub(super) struct CallPlan {
    pub(super) method: Method,
    /// Where it is sent, if not to the endpoint of all calls.
    pub(super) endpoint: Option<Url>,
    pub(super) path: Template,
    pub(super) query: Vec<(String, Tree)>,
    pub(super) headers: HeadersPlan,
    pub(super) body: Option<Tree>,
    pub(super) form: Option<Vec<(String, Tree)>>,
    pub(super) success: Vec<u16>,
    pub(super) gone: Vec<u16>,
    pub(super) unsure: Vec<u16>,
    pub(super) ignore_body: bool,
    /// The secrets that stand in the request itself.
    pub(super) put: Vec<PutPlan>,
    /// Where secrets stand in the answer, in whose places digests are read.
    pub(super) secrets: Vec<SecretPlace>,
    /// Whether the token must be looked at first, since the request repeats parts of it.
    pub(super) uses_item: bool,
}

#[derive(Debug)]
pub(super) struct CheckPlan {
    pub(super) call: CallPlan,
    pub(super) prover: Prover,
    /// The public parts that it names.
    pub(super) public: Vec<String>,
    /// Whether the connection shows the credential's certificate, which proves nothing of a value.
    pub(super) with_certificate: bool,
    /// What a value is exchanged by before it authenticates.
    pub(super) login: Option<LoginPlan>,
    pub(super) alive: Vec<u16>,
    pub(super) dead: Vec<u16>,
    pub(super) unknown: Vec<u16>,
    pub(super) alive_when: Option<Compiled>,
}

/// Who authenticates a check.
#[derive(Debug)]
pub(super) enum Prover {
    /// The value, as the credential does.
    Alike,
    /// The value, in its own way.
    Own(AuthPlan),
    /// Nobody: the value stands in the request itself.
    Nobody,
    /// The credential; the value stands in the request itself.
    Credential,
}

#[derive(Debug)]
pub(super) struct RevokePlan {
    pub(super) call: CallPlan,
    /// How the value authenticates its own end; absent: the credential does.
    pub(super) auth: Option<AuthPlan>,
    /// Whether only a token that is disabled can be ended.
    pub(super) disable_first: bool,
}

#[derive(Debug)]
pub(super) enum IdentityPlan {
    /// Read in the answer of the login.
    Login(Compiled),
    Call(Box<(CallPlan, Compiled)>),
    /// Of the JWT that is this part of the credential.
    Claim {
        part: String,
        claim: String,
    },
}

#[derive(Debug)]
pub(super) struct MintPlan {
    pub(super) call: CallPlan,
    pub(super) idempotency_header: Option<HeaderName>,
    pub(super) item: Option<Compiled>,
    pub(super) claims: Option<String>,
    pub(super) token: TokenPlan,
    pub(super) then: Vec<CallPlan>,
    /// True of a token that is of no use.
    pub(super) refuse: Option<Compiled>,
}

/// A call that shows one token.
#[derive(Debug)]
pub(super) struct LookPlan {
    pub(super) call: CallPlan,
    pub(super) item: Option<Compiled>,
    pub(super) skip: Option<Compiled>,
    pub(super) token: TokenPlan,
}

#[derive(Debug)]
pub(super) struct ListPlan {
    pub(super) call: CallPlan,
    pub(super) items: Option<Compiled>,
    pub(super) skip: Option<Compiled>,
    pub(super) pages: Option<PagesPlan>,
    pub(super) each: Option<(CallPlan, Option<Compiled>)>,
    pub(super) token: TokenPlan,
}

#[derive(Debug)]
pub(super) struct PagesPlan {
    pub(super) by: By,
    pub(super) size: Option<(String, usize)>,
    /// Whether an empty page is the last, whatever it says of a next one.
    pub(super) ends_empty: bool,
    pub(super) total: Option<Compiled>,
    pub(super) more: Option<Compiled>,
}

/// How the next page is asked for.
#[derive(Debug)]
pub(super) enum By {
    Number { key: String, first: usize },
    Offset { key: String },
    Cursor { key: String, next: Compiled },
    Url(Compiled),
    Link,
}

#[derive(Debug)]
pub(super) struct ErrorsPlan {
    pub(super) kind: Option<Compiled>,
    pub(super) map: BTreeMap<String, ErrorKind>,
    pub(super) message: Option<Compiled>,
    pub(super) when: Option<Compiled>,
}

impl Unit {
    /// How long one unit is.
    pub(super) fn length(self) -> SignedDuration {
        match self {
            Self::Instant
            | Self::Unix
            | Self::UnixMillisecond
            | Self::Second
            | Self::Millisecond
            | Self::None => SignedDuration::from_secs(1),
            Self::Minute => SignedDuration::from_mins(1),
            Self::Hour => SignedDuration::from_hours(1),
            Self::Day | Self::Date => SignedDuration::from_hours(24),
        }
    }

    /// Whether a lifetime is told as a length, which the system counts from when it is told.
    pub(super) fn counts_from_now(self) -> bool {
        match self {
            Self::Instant | Self::Unix | Self::UnixMillisecond | Self::Date | Self::None => false,
            Self::Second | Self::Millisecond | Self::Minute | Self::Hour | Self::Day => true,
        }
    }
}

impl file::Kind {
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Unauthenticated => ErrorKind::Unauthenticated,
            Self::Forbidden => ErrorKind::Forbidden,
            Self::Invalid => ErrorKind::Invalid,
            Self::Conflict => ErrorKind::Conflict,
            Self::LimitReached => ErrorKind::LimitReached,
            Self::RateLimited => ErrorKind::RateLimited { retry_after: None },
            Self::Unavailable => ErrorKind::Unavailable,
            Self::OutcomeUnknown => ErrorKind::OutcomeUnknown,
            Self::AnswerNotUnderstood => ErrorKind::AnswerNotUnderstood,
        }
    }
}
