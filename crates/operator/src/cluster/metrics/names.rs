//! Every metric: its name, its labels and what it means are API, stand here and nowhere else, and change only
//! on purpose. The dashboard, the alerts and the documentation are held against this list.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Only grows; its name ends with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counted by size, under names that end with `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub sort: Sort,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal $sort:ident [$($label:literal),*]: $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $constant: Metric = Metric {
                name: $name,
                sort: Sort::$sort,
                labels: &[$($label),*],
                meaning: $meaning,
            };
        )*

        /// All of them.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    TOKEN_EXPIRY = "tokenwright_token_expiry_timestamp_seconds" Gauge ["namespace", "name", "issuer"]:
        "When the current token of an ApiToken ends; absent where it never does, or nobody said when";
    TOKEN_RENEWAL = "tokenwright_token_renewal_timestamp_seconds" Gauge ["namespace", "name", "issuer"]:
        "When the current token of an ApiToken is replaced";
    EXPIRED_TOKENS = "tokenwright_expired_tokens" Gauge ["issuer"]:
        "ApiTokens whose current token has ended";
    OVERDUE_ROTATIONS = "tokenwright_overdue_rotations" Gauge ["issuer"]:
        "ApiTokens whose current token works and should have been replaced more than an hour ago";
    MINTS = "tokenwright_mints_total" Counter ["issuer", "result"]:
        "Mints that came to an end: `Published`, or the reason of the failure";
    REVOKES = "tokenwright_revokes_total" Counter ["issuer", "result"]:
        "Tokens that were seen to end (`Revoked`, `Expired`, `Gone`), and revokes that met something new in their way (`RevokeFailed`, `NotProven`, `RevokeNotSeen`)";
    FAILING_MINTS = "tokenwright_failing_mints" Gauge ["issuer"]:
        "ApiTokens that get no token, or no next one: the latest mint failed and is tried again later, or the condition `Stalled` says what a person has to change";
    ORPHANS = "tokenwright_orphans" Gauge ["issuer"]:
        "Live tokens of lost answers, which no ApiToken delivers and which wait for their revoke";
    STUCK_REVOKES = "tokenwright_stuck_revokes" Gauge ["issuer"]:
        "Tokens that are to end while something stands in the way of their revoke: the condition `RevokeFailed` names them";
    EXPIRING_TOKENS = "tokenwright_expiring_tokens" Gauge ["issuer"]:
        "ApiTokens whose adopted token ends soon and whose next one a person has to make: the condition `ExpiresSoon`";
    FOREIGN_ACTIVITY = "tokenwright_foreign_activity" Gauge ["issuer"]:
        "ApiTokens in whose name somebody else mints, while revokes may wait: the condition `ForeignActivity` names those tokens";
    SUSPECTS = "tokenwright_suspects" Gauge ["issuer"]:
        "Tokens that may exist after lost answers and cannot be found: the condition `Ambiguous` says when they were asked for";
    ABANDONED = "tokenwright_abandoned_tokens_total" Counter ["issuer"]:
        "Tokens that live on, or may, though their ApiToken is gone: its deletion gave up, or nobody can find what a lost answer left. The events `DeletionTimedOut` and `LeftBehind` name them, and so does the log. It outlives the issuer; beyond a thousand issuers, what others leave counts under an empty name";
    ISSUER_REQUESTS = "tokenwright_issuer_requests_total" Counter ["issuer", "operation", "kind"]:
        "Operations at an issuer by their end: `Ok`, or the kind of the error; a listing counts once, however many pages it has";
    ISSUER_SENT = "tokenwright_issuer_requests_sent_total" Counter ["issuer", "operation"]:
        "Requests that were sent for them: each page of a listing, each login and what is sent once more, as a vendor counts them against a quota";
    ISSUER_SECONDS = "tokenwright_issuer_request_duration_seconds" Histogram ["issuer", "operation", "kind"]:
        "How long such an operation took, waits for the rate included";
    ISSUER_RETRIES = "tokenwright_issuer_retries_total" Counter ["issuer", "operation"]:
        "Mints, revokes and listings that are tried again after they failed or met something in their way, where they are sent";
    ISSUER_PAUSED = "tokenwright_issuer_paused" Gauge ["issuer"]:
        "1 from when an issuer asks for a pause, refuses or does not answer, for longer than seconds, until it answers again, and while it cannot be used at all, else 0";
    ISSUER_SUSPECT = "tokenwright_issuer_suspect" Gauge ["issuer"]:
        "1 while so many current tokens of an issuer vanished at once that no listing alone has one replaced: the condition `Suspect`, else 0";
    ISSUER_FORMER_CREDENTIAL = "tokenwright_issuer_former_credential" Gauge ["issuer"]:
        "1 while the credential that an issuer's Secret holds is not taken up and the former one serves on, else 0";
    ISSUER_LOAD = "tokenwright_issuer_load_ratio" Gauge ["issuer"]:
        "Which part of its rate the ApiTokens of an issuer need, as they are declared; above 0.7 rotations may come late";
    ISSUER_QUEUE = "tokenwright_issuer_queue_length" Gauge ["issuer", "class"]:
        "ApiTokens that wait for their turn at an issuer";
    RECONCILE_SECONDS = "tokenwright_reconcile_duration_seconds" Histogram ["kind"]:
        "How long the work on an object took, waits for an issuer included";
    RECONCILE_FAILURES = "tokenwright_reconcile_failures_total" Counter ["kind"]:
        "Work on objects that failed and is tried again";
    UNREADABLE = "tokenwright_unreadable_objects" Gauge []:
        "Objects that this version cannot read";
    LEADER = "tokenwright_leader" Gauge []:
        "1 in the replica that works, 0 in those that stand by";
    HANDOVERS = "tokenwright_handovers_total" Counter []:
        "Times that this replica took over the work, from another one or from the process before it; 0 where no Lease is shared";
}
