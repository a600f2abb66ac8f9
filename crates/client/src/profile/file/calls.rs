//! How the operations of a system are called.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{BasicAuth, HeaderAuth, TokenOf};

/// What every call has.
#[derive(Debug, Clone, Copy)]
pub(in crate::profile) struct Parts<'a> {
    pub(in crate::profile) send: &'a str,
    pub(in crate::profile) query: &'a BTreeMap<String, Json>,
    pub(in crate::profile) headers: &'a BTreeMap<String, String>,
    pub(in crate::profile) body: Option<&'a Json>,
    pub(in crate::profile) form: Option<&'a BTreeMap<String, Json>>,
    pub(in crate::profile) success: &'a [u16],
    pub(in crate::profile) gone: &'a [u16],
    pub(in crate::profile) ignore_body: bool,
}

impl<'a> Parts<'a> {
    /// A call with nothing but method and path.
    pub(in crate::profile) fn of(send: &'a str) -> Self {
        static NOTHING: BTreeMap<String, Json> = BTreeMap::new();
        static NO_HEADERS: BTreeMap<String, String> = BTreeMap::new();
        Self {
            send,
            query: &NOTHING,
            headers: &NO_HEADERS,
            body: None,
            form: None,
            success: &[],
            gone: &[],
            ignore_body: false,
        }
    }
}

/// A call: what all have, and what is its own.
macro_rules! call {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $key:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub(in crate::profile) struct $name {
            /// Method and path, such as `GET /tokens/$(id)`; each `$(…)` is one encoded segment.
            pub(in crate::profile) send: String,
            /// The query; what is nothing is left out.
            #[serde(default)]
            pub(in crate::profile) query: BTreeMap<String, Json>,
            /// Headers, beside those of the whole profile; what is nothing is left out.
            #[serde(default)]
            pub(in crate::profile) headers: BTreeMap<String, String>,
            /// The JSON body; a key whose `$(…)` is nothing is left out.
            pub(in crate::profile) body: Option<Json>,
            /// A form in place of a JSON body.
            pub(in crate::profile) form: Option<BTreeMap<String, Json>>,
            /// The statuses that are a success; all from 200 to 299 where absent.
            #[serde(default)]
            pub(in crate::profile) success: Vec<u16>,
            /// Statuses that mean that the token is gone.
            #[serde(default)]
            pub(in crate::profile) gone: Vec<u16>,
            /// Whether the body of a success says nothing, JSON or not.
            #[serde(default)]
            pub(in crate::profile) ignore_body: bool,
            $($(#[$what])* pub(in crate::profile) $key: $kind,)*
        }

        impl $name {
            pub(in crate::profile) fn parts(&self) -> Parts<'_> {
                Parts {
                    send: &self.send,
                    query: &self.query,
                    headers: &self.headers,
                    body: self.body.as_ref(),
                    form: self.form.as_ref(),
                    success: &self.success,
                    gone: &self.gone,
                    ignore_body: self.ignore_body,
                }
            }
        }
    };
}

call! {
    /// A call about one token, `id`. In enable and disable, `item` is the token as `get` shows it.
    Call {}
}

call! {
    /// The harmless call that proves a value. A success and kind Forbidden are alive, 401 and kind
    /// Unauthenticated are dead, all else is unknown. Sees the parameters; without one that it needs,
    /// nothing is sent.
    Check {
        /// Where it is sent, if not to `endpoint`; to the issuer's own, where that names one.
        endpoint: Option<String>,
        /// How a value authenticates, where not as the credential does.
        header: Option<HeaderAuth>,
        /// The same with HTTP Basic.
        basic: Option<BasicAuth>,
        /// Where parts of the value stand in the request itself: a JSON pointer of the body, a key of the
        /// form, `?key` of the query, or `:name` for the segment of that name in the path. Without
        /// `header` and `basic` nothing else authenticates then.
        #[serde(default)]
        put: BTreeMap<String, String>,
        /// Whether the credential authenticates, and asks about the value that `put` places.
        #[serde(default)]
        with_credential: bool,
        /// Whether the connection shows the credential's certificate all the same: only where the system wants
        /// one of everybody, and it proves nothing of a value.
        #[serde(default)]
        with_certificate: bool,
        /// A call that turns the value into a token, the part `login`, with which the check is sent.
        login: Option<LoginCall>,
        /// Statuses that prove that the value authenticates, whatever they say elsewhere.
        #[serde(default)]
        alive: Vec<u16>,
        /// Statuses that prove that it does not.
        #[serde(default)]
        dead: Vec<u16>,
        /// Statuses from which nothing is concluded.
        #[serde(default)]
        unknown: Vec<u16>,
        /// An expression over `answer`, `headers` and `status` of a success: true is alive, false is
        /// dead, nothing is unknown.
        alive_when: Option<String>,
    }
}

call! {
    /// Makes a token. Sees `name`, `scopes`, `lifetime` and the parameters.
    MintCall {
        /// Statuses that are no success, after which a token may exist all the same.
        #[serde(default)]
        unsure: Vec<u16>,
        /// The header that carries an idempotency key; only where the system honours it.
        idempotency_header: Option<String>,
        /// An expression over `answer`, `headers` and `status`: the token; the whole answer where absent.
        item: Option<String>,
        /// Further calls, each of which sees the answers of those before it as `first`, `second` and `third`.
        /// The `answer` is then that of the last; a part of the value is taken from the first that has it.
        #[serde(default)]
        then: Vec<ThenCall>,
        /// An expression over what `token` sees: true where the token that was made is of no use, whatever
        /// else the answer says. It is revoked, and the mint was refused.
        refuse: Option<String>,
        /// Where else secrets stand in the answer, as in `list`.
        #[serde(default)]
        secrets: Vec<String>,
        /// The part of the value that is a JWT whose claims may be read as `claims`, or a macaroon, whose
        /// are `identifier` and `caveats`; never the part itself.
        claims: Option<String>,
        /// What is read otherwise in the answer of a mint; beside `item` it sees `claims`, `name`,
        /// `scopes`, `lifetime` as they were sent, `at` (the instant of the request in Unix seconds) and
        /// the parameters.
        token: Option<TokenOf>,
    }
}

call! {
    /// A further call of a mint. Sees what the mint sees, and the answers before it.
    ThenCall {
        /// Where else secrets stand in the answer, as in `list`.
        #[serde(default)]
        secrets: Vec<String>,
    }
}

call! {
    /// One token by `id`.
    GetCall {
        /// Where secrets stand in the answer, as in `list`.
        #[serde(default)]
        secrets: Vec<String>,
        /// An expression over `answer`, `headers` and `status`: the token; the whole answer where absent.
        item: Option<String>,
        /// An expression over `item`, `now` and the parameters: true where what is shown is no token any more,
        /// such as a revoked one.
        skip: Option<String>,
        /// What is read otherwise here; sees `id`, too.
        token: Option<TokenOf>,
    }
}

call! {
    /// All tokens that the parameters mean.
    ListCall {
        /// An expression over `answer`, `headers` and `status`: the list; the whole answer where absent.
        items: Option<String>,
        /// An expression over `item`, `now` and the parameters: true for an entry that is no token of the API,
        /// none any more, or another's.
        skip: Option<String>,
        /// How there is more than one page.
        pages: Option<Pages>,
        /// Where secrets stand in the answer: JSON pointers, in which `*` is each entry of a list or map.
        /// They are moved out before any expression sees them, and a digest stands in the place of each;
        /// it can be the id.
        #[serde(default)]
        secrets: Vec<String>,
        /// One call for each entry, where the list has bare ids.
        each: Option<EachCall>,
        /// What is read otherwise here.
        token: Option<TokenOf>,
    }
}

call! {
    /// Looks at one `id` of a list; what is gone by then is dropped.
    EachCall {
        /// Where secrets stand in the answer, as in `list`.
        #[serde(default)]
        secrets: Vec<String>,
        /// An expression over `answer`, `headers` and `status`: the token; the whole answer where absent.
        item: Option<String>,
    }
}

call! {
    /// Changes a living token. `name`, `scopes` and `lifetime` are nothing where they stay; `item` is the
    /// token as `get` shows it.
    UpdateCall {
        /// What can be changed.
        can: Vec<Can>,
    }
}

call! {
    /// Ends a token for good, by its `id` or by its value.
    RevokeCall {
        /// How the value authenticates its own end; without it and `basic` the credential does.
        header: Option<HeaderAuth>,
        /// The same with HTTP Basic.
        basic: Option<BasicAuth>,
        /// Where parts of the value stand in the request itself, as in `check`.
        #[serde(default)]
        put: BTreeMap<String, String>,
        /// Whether only a token that is disabled can be ended: then `disable` is sent first.
        #[serde(default)]
        disable_first: bool,
    }
}

call! {
    /// Turns the parts of a credential into a token, the part `login`, which is kept until it is refused.
    LoginCall {
        /// Where it is sent, if not to `endpoint`; to the issuer's own, where that names one.
        endpoint: Option<String>,
        /// Where parts stand in the request itself: a JSON pointer of the body, a key of the form, `?key` of
        /// the query, or `:name` for the segment of that name in the path.
        #[serde(default)]
        put: BTreeMap<String, String>,
        /// The part that the login itself carries in a header.
        header: Option<HeaderAuth>,
        /// The parts that the login itself carries as HTTP Basic.
        basic: Option<BasicAuth>,
        /// Where the token stands in the answer: a JSON pointer.
        at: Option<String>,
        /// The same in a header.
        at_header: Option<String>,
        /// The same in a cookie of this name, with which all other calls are sent.
        cookie: Option<String>,
    }
}

/// Who the credential is: a call, or a claim of the credential's own JWT.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::profile) struct IdentityCall {
    /// Method and path.
    pub(in crate::profile) send: Option<String>,
    /// An expression over `answer`, `headers` and `status`: a stable id. Without `send`, the answer is that
    /// of the login.
    pub(in crate::profile) read: Option<String>,
    /// A claim of the JWT in `credential.header`, in place of a call.
    pub(in crate::profile) claim: Option<String>,
}

/// Pages, at most 1,000: exactly one of `page`, `offset`, `cursor`, `link` and `next` alone.
///
/// A key that begins with `/` is a JSON pointer: it stands in the body, and not in the query.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::profile) struct Pages {
    /// The query key of a page number.
    pub(in crate::profile) page: Option<String>,
    /// The number of the first page; 1 where absent.
    pub(in crate::profile) first: Option<usize>,
    /// The query key of how many entries are left out.
    pub(in crate::profile) offset: Option<String>,
    /// The query key of a cursor, which `next` reads.
    pub(in crate::profile) cursor: Option<String>,
    /// Whether the header Link names the next page.
    #[serde(default)]
    pub(in crate::profile) link: bool,
    /// An expression over `answer`, `headers` and `status`: the next cursor, or the URL of the next page,
    /// which must lie under the endpoint; nothing and the empty text end the list.
    pub(in crate::profile) next: Option<String>,
    /// The query key of the page size.
    pub(in crate::profile) size: Option<String>,
    /// The page size that is asked for.
    pub(in crate::profile) max: Option<usize>,
    /// An expression over the same: how many entries there are on all pages.
    pub(in crate::profile) total: Option<String>,
    /// An expression over the same: whether there is another page. Without it and `total`, pages by
    /// number or offset end with an empty one.
    pub(in crate::profile) more: Option<String>,
    /// Whether an empty page ends the list though it names a next one, as some systems always do.
    #[serde(default)]
    pub(in crate::profile) ends_empty: bool,
}

/// What can be changed on a living token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::profile) enum Can {
    /// The name.
    Name,
    /// The scopes.
    Scopes,
    /// An expiry, where there is none.
    AddExpiry,
    /// An earlier expiry.
    ShortenExpiry,
    /// A later expiry, or none.
    ExtendExpiry,
}
