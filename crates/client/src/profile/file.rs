//! The shape of a profile's file.
//!
//! No untagged and no flattened types: errors keep their line, column and field. The words of each field
//! become the JSON Schema that editors read. How operations are called stands in `calls`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::group::Group;

mod calls;
mod credential;
mod signed;

pub(super) use calls::{
    Call, Can, Check, GetCall, IdentityCall, ListCall, LoginCall, MintCall, Pages, Parts,
    RevokeCall, ThenCall, UpdateCall,
};
pub(super) use credential::{BasicAuth, Credential, DigestAuth, HeaderAuth};
pub(super) use signed::Algorithm;

/// One token system. Texts that are called expressions are read from answers; texts with `$(…)` are
/// written into requests.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "A Tokenwright profile")]
pub(super) struct File {
    /// The name: lower-case letters, digits and hyphens.
    pub(super) profile: String,
    /// The system's name for people.
    pub(super) title: String,
    /// The endpoint where an issuer names none; absent where every issuer has its own.
    pub(super) endpoint: Option<String>,
    /// The vendor's own page.
    pub(super) docs: Option<String>,
    /// What people look for when they look for this system.
    pub(super) group: Option<Group>,
    /// Headers of every request; those of a call go before them.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// What we authenticate with; absent where nothing can be minted through the API.
    pub(super) credential: Option<Credential>,
    /// What mint or paths need beside name, scopes and lifetime.
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// Parameters of which exactly one must be given.
    #[serde(default)]
    pub(super) exactly_one: Vec<String>,
    /// What a name may be; it carries the marker.
    pub(super) name: Option<Name>,
    /// Whether tokens have scopes.
    pub(super) scopes: Option<Scopes>,
    /// How an expiry is asked for.
    pub(super) lifetime: Option<LifetimeOf>,
    /// How a token is read.
    pub(super) token: Option<TokenOf>,
    /// The secret parts of a value, by name.
    pub(super) value: BTreeMap<String, ValuePart>,
    /// What is delivered beside the value and is not secret: expressions over `item`, `id` and what
    /// `mint.token` may use.
    #[serde(default)]
    pub(super) public: BTreeMap<String, String>,
    /// The harmless call that proves a value.
    pub(super) check: Option<Check>,
    /// Who the credential is.
    pub(super) identity: Option<IdentityCall>,
    /// Makes a token; absent where only a person can, and then `manual` says how.
    pub(super) mint: Option<MintCall>,
    /// One token by its id.
    pub(super) get: Option<GetCall>,
    /// All tokens.
    pub(super) list: Option<ListCall>,
    /// Changes a living token.
    pub(super) update: Option<UpdateCall>,
    /// Flips whether a token is enabled, whatever it was.
    pub(super) toggle: Option<Call>,
    /// Enables a token.
    pub(super) enable: Option<Call>,
    /// Disables a token.
    pub(super) disable: Option<Call>,
    /// Ends a token for good.
    pub(super) revoke: Option<RevokeCall>,
    /// Whether there is room for one token alone for the same parameters, so that the old one must end
    /// before the next is minted.
    #[serde(default)]
    pub(super) one: bool,
    /// Which answers are the system's own; absent: those that are JSON.
    pub(super) answers: Option<Answers>,
    /// What the bodies of refusals mean.
    pub(super) errors: Option<Errors>,
    /// How much may be asked of it, where its vendor says so; an issuer may say otherwise.
    pub(super) rate: Option<RateOf>,
    /// The longest time until the system's own answers and listings agree, such as `30s`.
    pub(super) settle: Option<String>,
    /// What a person must do where there is no API, in one sentence.
    pub(super) manual: Option<String>,
}

/// How much may be asked of a system.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RateOf {
    /// Requests per minute: less than the vendor allows, so that people and other programs have some, too.
    #[schemars(range(min = 1, max = 60000))]
    pub(super) per_minute: u32,
    /// Requests at the same time; absent: 4.
    #[schemars(range(min = 1, max = 64))]
    pub(super) concurrency: Option<u32>,
}

/// One parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    /// Whether it must be given.
    #[serde(default)]
    pub(super) required: bool,
    /// What it is where it is not given.
    pub(super) default: Option<String>,
    /// All that it may be; anything where absent.
    pub(super) values: Option<Vec<String>>,
    /// What it is, for people.
    pub(super) help: Option<String>,
}

/// What a name may be.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    /// The most that fits, marker included.
    pub(super) max: usize,
    /// What `max` counts.
    #[serde(default)]
    pub(super) unit: NameUnit,
    /// Characters that must not be sent.
    #[serde(default)]
    pub(super) without: String,
    /// Whether only ASCII may be sent.
    #[serde(default)]
    pub(super) ascii: bool,
    /// The one character between the wanted name and the marker; a space where absent.
    pub(super) separator: Option<String>,
    /// The characters that may be sent, and no others, such as `[A-Za-z0-9_-]`.
    pub(super) allowed: Option<String>,
}

/// What the limit of a name counts.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum NameUnit {
    /// Unicode characters.
    #[default]
    Characters,
    /// Bytes of UTF-8.
    Bytes,
    /// Units of UTF-16, as Java and many databases count.
    Utf16,
}

/// Whether tokens have scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Scopes {
    /// They have none.
    None,
    /// At least one must be given.
    Required,
    /// Any number may be given.
    Optional,
    /// Any number may be given; they come back as more or others, and are never read or compared.
    Expanded,
}

/// How an expiry is asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LifetimeOf {
    /// What the system counts in.
    pub(super) unit: Unit,
    /// How the system is told that a token shall not expire.
    #[serde(default)]
    pub(super) never: Never,
    /// The longest lifetime, such as `365d`.
    pub(super) max: Option<String>,
    /// Whether the system is known to answer with a token that never expires, whatever was asked. Without
    /// it such a token is refused and revoked.
    #[serde(default)]
    pub(super) ignored: bool,
}

/// What a system counts lifetimes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Unit {
    /// An absolute time, RFC 3339 in UTC.
    Instant,
    /// An absolute time in Unix seconds.
    Unix,
    /// An absolute time in Unix milliseconds.
    UnixMillisecond,
    /// An absolute day, `YYYY-MM-DD`; the token ends as it begins, in UTC.
    Date,
    /// Whole seconds from now.
    Second,
    /// Whole milliseconds from now.
    Millisecond,
    /// Whole minutes from now.
    Minute,
    /// Whole hours from now.
    Hour,
    /// Whole days from now.
    Day,
    /// Tokens of this system never expire.
    None,
}

/// How `never` is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Never {
    /// It cannot be: tokens always expire.
    #[default]
    Impossible,
    /// The key is left out.
    Omit,
    /// The number zero.
    Zero,
    /// The number -1.
    MinusOne,
    /// The key with null.
    ExplicitNull,
    /// A word, which is never on reading, too.
    Word(String),
}

/// How a token is read: expressions over `item` and the parameters.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenOf {
    /// The id: text or a whole number, or composed.
    pub(super) id: Option<String>,
    /// Name or description, whichever carries the marker.
    pub(super) name: Option<String>,
    /// A list of texts; nothing is none.
    pub(super) scopes: Option<String>,
    /// Who owns it.
    pub(super) owner: Option<String>,
    /// When it was made: RFC 3339, the same without a zone, or Unix seconds, which may stand in a text.
    pub(super) created: Option<String>,
    /// When it ends, as `created`; nothing, zero, less, and the year 1 are never. A number beyond the year
    /// 2200 is an error: it counts something else.
    pub(super) expires: Option<String>,
    /// When it was last used, as `created`.
    pub(super) used: Option<String>,
    /// Whether it is enabled.
    pub(super) enabled: Option<String>,
    /// What the numbers in `created`, `expires` and `used` count; seconds since 1970 where absent.
    pub(super) times: Option<Times>,
}

/// What numbers count that stand for an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Times {
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
}

/// Where a secret part stands in the answer of a mint: exactly one of `at`, `header` and `compose`; none
/// where there is no mint. It is moved out before any expression sees the answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ValuePart {
    /// A JSON pointer into the body.
    pub(super) at: Option<String>,
    /// A header.
    pub(super) header: Option<String>,
    /// Pieces that are joined.
    pub(super) compose: Option<Vec<ValuePiece>>,
    /// How it is encoded in the answer, where what is delivered is what it stands for.
    pub(super) decode: Option<Decode>,
    /// A text such as `.` or `_`: what stands before the first one is no secret, and `mint.token` and
    /// `public` read it as `prefix`.
    #[serde(rename = "publicBefore")]
    pub(super) public_before: Option<String>,
    /// The most bytes that it can have; 8192 where absent.
    pub(super) max: Option<usize>,
}

/// How a secret is encoded in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Decode {
    /// Text in base64, such as a key file.
    Base64,
}

/// One piece of a composed part.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum ValuePiece {
    /// A text with `$(…)` over `item`, `id` and what `mint.token` may use.
    Text(String),
    /// A secret in the body, by JSON pointer.
    At(String),
    /// A secret in a header.
    Header(String),
}

/// How answers are written, and which are the system's own. Whatever else answers, such as a proxy or a
/// login page, proves nothing and refuses nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answers {
    /// An expression over `answer` (nothing where it is no JSON), `status`, `headers` and `empty`: true
    /// where an answer is the system's own; absent: where it is JSON.
    pub(super) own: Option<String>,
    /// What answers are written in.
    #[serde(default)]
    pub(super) format: Format,
    /// What stands before the JSON of every answer, and is cut off.
    pub(super) prefix: Option<String>,
    /// Elements of XML whose children are a list, even if there is one or none.
    #[serde(default)]
    pub(super) lists: Vec<String>,
}

/// What answers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Format {
    /// JSON.
    #[default]
    Json,
    /// XML, which expressions see as an object: an element is a key of the one around it; its value is its
    /// text, or an object of its children, or a list where several have one name. Attributes and the
    /// prefixes of names are left out.
    Xml,
}

/// What the bodies of refusals mean.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Errors {
    /// An expression over `answer`, `status` and `headers`: the vendor's word, which beats the status. Goes
    /// together with `map`.
    pub(super) kind: Option<String>,
    /// What the vendor's words mean.
    pub(super) map: Option<BTreeMap<String, Kind>>,
    /// An expression over the same: the vendor's own sentence, for the terminal of the person who asked.
    pub(super) message: Option<String>,
    /// An expression over the same: true where an answer with a status of success is a refusal.
    pub(super) when: Option<String>,
}

/// The kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum Kind {
    /// It is not there.
    NotFound,
    /// The credential is not accepted.
    Unauthenticated,
    /// The credential may not do this.
    Forbidden,
    /// The request is wrong.
    Invalid,
    /// The state of things does not allow it.
    Conflict,
    /// A quota is used up.
    LimitReached,
    /// Too many requests.
    RateLimited,
    /// Nothing was done.
    Unavailable,
    /// Something may have been done.
    OutcomeUnknown,
    /// It is not what the system answers; nothing is concluded from it.
    #[serde(alias = "Unexpected")]
    AnswerNotUnderstood,
}
