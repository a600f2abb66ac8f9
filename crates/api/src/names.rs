//! Every name that users, dashboards and other programs may rely on.
//!
//! Labels, annotations, finalizers, condition types and reasons are API: they stand here and
//! nowhere else, and change only on purpose.

use std::collections::BTreeMap;

use tokenwright_core::{Acts, Reason};

/// The API group of all kinds.
pub const GROUP: &str = "tokenwright.dev";

/// The served version.
pub const VERSION: &str = "v1alpha1";

/// `status.observedGeneration` of an object that no operator has looked at.
pub const UNSEEN: i64 = -1;

/// The operator as the author of writes and events.
pub const FIELD_MANAGER: &str = "tokenwright-operator";

/// Labels on Secrets.
pub mod label {
    /// Says what a Secret is to Tokenwright; the watch selects by this label alone.
    pub const SECRET: &str = "tokenwright.dev/secret";

    /// Value of [`SECRET`]: a token's value is delivered here.
    pub const SECRET_TOKEN: &str = "token";

    /// Value of [`SECRET`]: the credential of an issuer, as versions before this one wrote it.
    pub const SECRET_CREDENTIAL: &str = "credential";

    /// Value of [`SECRET`]: a person fills it, and an `ApiToken` adopts the value.
    pub const SECRET_SOURCE: &str = "source";

    /// Says that a Secret is the credential of an issuer, whatever else it is; the issuer's own.
    pub const CREDENTIAL: &str = "tokenwright.dev/credential";

    /// Value of [`CREDENTIAL`].
    pub const CREDENTIAL_OF_ISSUER: &str = "issuer";
}

/// Annotations on Secrets and on `ApiToken`s.
pub mod annotation {
    /// On a Secret: the kind of the manager that delivers to it.
    pub const MANAGER_KIND: &str = "tokenwright.dev/manager-kind";

    /// On a Secret: the namespace of its manager.
    pub const MANAGER_NAMESPACE: &str = "tokenwright.dev/manager-namespace";

    /// On a Secret: the name of its manager.
    pub const MANAGER_NAME: &str = "tokenwright.dev/manager-name";

    /// On a Secret: the UID of its manager.
    pub const MANAGER_UID: &str = "tokenwright.dev/manager-uid";

    /// On a Secret: the revision whose value it holds.
    pub const REVISION: &str = "tokenwright.dev/revision";

    /// On a Secret: the issuer's id of the token whose value it holds.
    pub const TOKEN_ID: &str = "tokenwright.dev/token-id";

    /// On a Secret: the nonce of the attempt that minted the token.
    pub const NONCE: &str = "tokenwright.dev/nonce";

    /// On a Secret: when the issuer ends the token, or `never`; `unknown` where nobody said it of an
    /// adopted one.
    pub const EXPIRES_AT: &str = "tokenwright.dev/expires-at";

    /// On a Secret: the fingerprint of the value that was delivered to it, a keyed digest.
    pub const FINGERPRINT: &str = "tokenwright.dev/fingerprint";

    /// On a Secret of an issuer that shows no names: shows which of the tokens that it names the operator itself
    /// named, by keyed digests. On one that holds an adopted value: shows which endpoint that belongs to.
    pub const SEAL: &str = "tokenwright.dev/seal";

    /// On a Secret: everything about the token whose value it holds, as JSON; the annotations above
    /// repeat parts of it for people.
    pub const CURRENT: &str = "tokenwright.dev/current";

    /// On a Secret: the previous tokens that are still valid, as a JSON list.
    pub const RETIRING: &str = "tokenwright.dev/retiring";

    /// On a Secret: which parts of the data are parts of the value, comma-separated; other keys
    /// are rendered from them.
    pub const PARTS: &str = "tokenwright.dev/parts";

    /// On a Secret: the labels on it that `spec.secret.labels` asked for, comma-separated; one that is asked
    /// for no more goes.
    pub const LABELS: &str = "tokenwright.dev/labels";

    /// On a Secret: the same of `spec.secret.annotations`.
    pub const ANNOTATIONS: &str = "tokenwright.dev/annotations";

    /// On a Secret of somebody else: the name of the `ApiToken` that may take it over.
    pub const ALLOW_TAKEOVER_BY: &str = "tokenwright.dev/allow-takeover-by";

    /// On a definition of a kind: the version of the program that wrote it.
    pub const VERSION: &str = "tokenwright.dev/version";

    /// On an `ApiToken`: rotate once for each new text.
    pub const ROTATE: &str = "tokenwright.dev/rotate";

    /// On an `ApiToken`: the revision of a superseded token that ends now, whatever its overlap.
    pub const REVOKE_PREVIOUS: &str = "tokenwright.dev/revoke-previous";

    /// On an `ApiToken`: the ids of tokens of another writer that are to be left alone, comma-separated;
    /// they hold no revokes any more. So does the id of a token whose value let in after its revoke, and that a
    /// person has ended since.
    pub const ACKNOWLEDGE_FOREIGN: &str = "tokenwright.dev/acknowledge-foreign";

    /// On an `ApiToken` that adopts: the endpoint that the accepted value belongs to, where it was taken up at another
    /// one; after the fingerprint of that value and an `@`, so that it says nothing of a later one.
    pub const VALUE_BELONGS_TO: &str = "tokenwright.dev/value-belongs-to";

    /// On an `ApiToken`: the revisions of lost answers of which no token lives any more, comma-separated; the condition
    /// `Ambiguous` names those that are open.
    pub const ACKNOWLEDGE_SUSPECTS: &str = "tokenwright.dev/acknowledge-suspects";

    /// On an issuer that is suspect: a new text, such as the time, says that the tokens that vanished
    /// are really gone, so that they are minted anew.
    pub const ACKNOWLEDGE_LOSS: &str = "tokenwright.dev/acknowledge-loss";
}

/// Finalizers.
pub mod finalizer {
    /// On an `ApiToken`: its tokens are revoked before it goes.
    pub const API_TOKEN: &str = "tokenwright.dev/revoke";

    /// On an issuer, the Secret of its credential and the source of an adopted value: `ApiToken`s
    /// still need it.
    pub const IN_USE: &str = "tokenwright.dev/in-use";
}

macro_rules! types {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// All of them, in the order of the source.
        pub const ALL: &[&str] = &[$($constant),*];
    };
}

/// Condition types.
pub mod condition {
    types! {
        /// The Secret holds a live token that matches the observed generation.
        READY = "Ready";

        /// Something is being done that will end in Ready; false during an overlap.
        RECONCILING = "Reconciling";

        /// Nothing more happens until a person changes something.
        STALLED = "Stalled";

        /// A rotation is under way (True), or was tried and failed (False).
        ROTATING = "Rotating";

        /// The delivered value was seen to authenticate.
        PROVEN = "Proven";

        /// A token may exist that nobody can find.
        AMBIGUOUS = "Ambiguous";

        /// Someone else acts in this manager's name.
        FOREIGN_ACTIVITY = "ForeignActivity";

        /// On an issuer: too many of its current tokens vanished at once.
        SUSPECT = "Suspect";

        /// On an issuer: the operator only observes.
        OBSERVE_ONLY = "ObserveOnly";

        /// On an issuer: its `ApiToken`s need more than it may be asked for without being late.
        OVERCOMMITTED = "Overcommitted";

        /// A token that is to end could not be revoked, or was not seen to end; it is tried again.
        REVOKE_FAILED = "RevokeFailed";

        /// Another writer undoes again and again what the operator writes.
        CONTESTED = "Contested";

        /// The value that a person offers is the one that was taken up.
        ACCEPTED = "Accepted";

        /// The adopted token ends soon, and a person must make the next one.
        EXPIRES_SOON = "ExpiresSoon";
    }
}

/// A reason as the documentation tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub sentence: &'static str,
    /// Who acts next.
    pub acts: Acts,
    /// What a person does next.
    pub advice: &'static str,
}

macro_rules! reasons {
    ($($constant:ident = $name:literal: $sentence:literal, $acts:ident $advice:literal;)*) => {
        $(#[doc = $sentence] pub const $constant: &str = $name;)*

        /// All of them, for the documentation.
        pub const ALL: &[Told] = &[
            $(Told {
                name: $name,
                sentence: $sentence,
                acts: tokenwright_core::Acts::$acts,
                advice: $advice,
            }),*
        ];
    };
}

/// Every reason that a condition or an event can carry, by its name: the operator's own word for it, or else
/// the lifecycle's.
#[must_use]
pub fn told() -> BTreeMap<&'static str, Told> {
    words().map(|told| (told.name, told)).collect()
}

/// What one reason means, as [`told`] has it.
#[must_use]
pub fn meaning(reason: &str) -> Option<&'static str> {
    let of = words().filter(|told| told.name == reason);
    of.last().map(|told| told.sentence)
}

/// The lifecycle's reasons, and behind them the operator's own, which count where both have one.
fn words() -> impl Iterator<Item = Told> {
    let decided = Reason::ALL.iter().map(|reason| Told {
        name: reason.name(),
        sentence: reason.sentence(),
        acts: reason.acts(),
        advice: reason.advice(),
    });
    decided.chain(event::ALL.iter().chain(reason::ALL).copied())
}

/// Condition reasons that the operator itself gives; the reasons of decisions come from the
/// lifecycle and are spelled there.
pub mod reason {
    use super::Told;

    reasons! {
        READY = "Ready": "All is as asked for.",
            Nobody "Nothing.";
        IDLE = "Idle": "Nothing is being done, and nothing needs to be.",
            Nobody "Nothing.";
        DELETING = "Deleting": "The object is being deleted.",
            Nobody "Nothing; it ends by itself, at the latest at the timeout of the deletion.";
        INVALID_SPEC = "InvalidSpec": "The specification cannot be fulfilled as written.",
            Person "Change the field that the message names.";
        UNREADABLE = "Unreadable": "This version of the operator cannot read the object.",
            Person "Correct the field that the message names, or run the version that the object was written for.";
        ISSUER_NOT_FOUND = "IssuerNotFound": "The issuer does not exist, or this operator does not serve it.",
            Person "Create it, or name another in a new object.";
        ISSUER_NOT_READY = "IssuerNotReady": "The issuer cannot be used as it stands.",
            Person "Look at the conditions of the `TokenIssuer` or `ClusterTokenIssuer`.";
        NOT_ALLOWED = "NotAllowed": "The `ClusterTokenIssuer` grants the namespace no such token; one that lives runs out.",
            Person "Ask for what the message says is granted, or ask the administrator for an entry in `spec.allow` of the `ClusterTokenIssuer`.";
        UNKNOWN_PROFILE = "UnknownProfile": "The profile that is named is unknown.",
            Person "Name one of those that `tokenwright profile list` shows, or create the `TokenProfile`.";
        INVALID_PROFILE = "InvalidProfile": "The `TokenProfile` cannot be used as it is written.",
            Person "Correct it at the key that the message names; `tokenwright profile check` says the same of a file.";
        CREDENTIAL_MISSING = "CredentialMissing": "The issuer needs a credential and its object names none.",
            Person "Put it into a Secret and name that in `spec.credential.secretRef`.";
        CREDENTIAL_NOT_FOUND = "CredentialNotFound": "The Secret of the credential, or a key in it, does not exist.",
            Person "Create the Secret with the key that the message names.";
        CREDENTIAL_REFUSED = "CredentialRefused": "The issuer does not accept the credential.",
            Person "Put one that it accepts into the Secret of the credential; it is tried at once.";
        NEW_CREDENTIAL_REFUSED = "NewCredentialRefused": "The issuer does not accept the credential that the Secret holds now; the former one still serves its `ApiToken`s.",
            Person "Put one that the issuer accepts into the Secret of the credential before the former one ends; it is tried at once.";
        ISSUER_PAUSED = "IssuerPaused": "The issuer asked for a pause, refuses or does not answer: no request is sent before the instant that the message names, and it counts as well again once it answers.",
            Nobody "Nothing, where the issuer asked for it; else see why it does not answer. A corrected credential or specification is tried at once.";
        RATE_TOO_LOW = "RateTooLow": "The `ApiToken`s of the issuer need more requests than 70 % of its rate, so that rotations may come late.",
            Person "Raise `spec.rate` where the vendor allows it, let tokens live longer, or spread them over more accounts.";
        OBSERVE_ONLY = "ObserveOnly": "The operator runs with `--observe-only`: nothing is minted, revoked or written.",
            Person "Read what would be done; then suspend or delete what this cluster shall not have, and run the operator without the option.";
        HOST_NOT_ALLOWED = "HostNotAllowed": "The endpoint is not among the hosts that the administrator allows.",
            Person "Ask the administrator to add the host to `allowHosts` of the chart.";
        VALUE_NOT_PROVEN = "ValueNotProven": "It could not be seen whether the minted value authenticates.",
            Nobody "Nothing; it is asked again.";
        VALUE_PROVEN = "ValueProven": "The delivered value was seen to authenticate.",
            Nobody "Nothing.";
        CANNOT_BE_CHECKED = "CannotBeChecked": "The issuer cannot be asked whether the value authenticates.",
            Nobody "Nothing.";
        SECRET_REFUSED = "SecretRefused": "A write or the removal of the Secret is refused; what it holds stays as it is.",
            Person "See what refuses it: a permission, a quota, an admission rule or somebody else's finalizer; it is tried again.";
        SECRET_CONTESTED = "SecretContested": "Another writer undoes again and again what the operator writes into the Secret; it is written anew after pauses that grow to minutes.",
            Person "Let one of them alone write it: take the Secret out of what the named writer manages, or have that leave alone what the operator writes.";
        STATUS_CONTESTED = "StatusContested": "Another writer, perhaps a second operator, undoes again and again what the operator says in the status; it is said again after pauses that grow to minutes.",
            Person "Let one operator serve a namespace, with a Lease where there are several replicas, and let no other program write the status.";
        MARK_CONTESTED = "MarkContested": "Another writer takes the operator's finalizer or label off an object or a Secret again and again; it is set anew after pauses that grow to minutes.",
            Person "Have the named writer leave alone finalizers and labels that begin with `tokenwright.dev/`: without them a deletion can leave tokens behind.";
        STILL_CREDENTIAL = "StillCredential": "The Secret of a deleted `ApiToken` is the credential of an issuer; it is not removed, and its token not revoked, while that is so.",
            Person "Name another Secret in `spec.credential.secretRef` of that issuer.";
        WRITE_REFUSED = "WriteRefused": "The API server does not take a write that is needed; it is tried again.",
            Person "See what refuses the write: a permission, a quota or an admission rule.";
        VALUE_ACCEPTED = "ValueAccepted": "The value that is offered was taken up.",
            Nobody "Nothing.";
        ADOPTED = "Adopted": "A person makes this token: its value is followed, checked and delivered; only the command line says so.",
            Person "Put the next value into the Secret that `spec.adopt` names before it ends.";
        NOT_SEEN_YET = "NotSeenYet": "No operator has looked at the object as it is now; only the command line says so.",
            Person "See whether the operator runs and watches the namespace, with `tokenwright doctor`.";
    }
}

/// Reasons of events: one event per transition.
///
/// Those that are also reasons of decisions have their texts there.
pub mod event {
    use tokenwright_core::Reason;

    use super::Told;

    reasons! {
        REVOKED = "Revoked": "A token was revoked, or was seen to have ended.",
            Nobody "Nothing.";
        LEFT_BEHIND = "LeftBehind": "A token that the message names stays alive, or may: nothing here manages it any more.",
            Person "Revoke it at the issuer, unless it was kept on purpose.";
        RESTORED = "Restored": "Somebody changed what the Secret says of its tokens; it says again what is recorded.",
            Person "Find out who writes to the Secret.";
        LIFETIME_SHORTENED = "LifetimeShortened": "The issuer gave a shorter lifetime than the schedule needs.",
            Nobody "Nothing; it rotates by the expiry that the issuer gave. Ask for that lifetime, so that the schedule is yours again.";
    }

    /// A value was delivered to the Secret.
    pub const PUBLISHED: &str = Reason::Published.name();

    /// The issuer does not revoke a token that is to end.
    pub const REVOKE_FAILED: &str = Reason::RevokeFailed.name();

    /// The issuer said that it revoked a token, and the token is still there.
    pub const REVOKE_NOT_SEEN: &str = Reason::RevokeNotSeen.name();

    /// The issuer shows a token without our marker, so it was not revoked.
    pub const NOT_PROVEN: &str = Reason::NotProven.name();

    /// The deletion gave up waiting; the named tokens stay alive.
    pub const DELETION_TIMED_OUT: &str = Reason::DeletionTimedOut.name();

    /// An offered value does not authenticate and was not taken up.
    pub const VALUE_REFUSED: &str = Reason::ValueRefused.name();

    /// The delivered value does not authenticate any more.
    pub const TOKEN_DEAD: &str = Reason::TokenDead.name();

    /// An adopted token ends soon.
    pub const EXPIRES_SOON: &str = Reason::ExpiresSoon.name();

    /// The key of the digests is another one, so that the value was asked about and its digest made anew.
    pub const DIGEST_KEY_CHANGED: &str = Reason::DigestKeyChanged.name();

    /// An adopted token has reached the end that a person gave.
    pub const TOKEN_EXPIRED: &str = Reason::TokenExpired.name();
}
