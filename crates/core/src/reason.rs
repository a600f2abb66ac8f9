//! Why something is done, or why nothing is. The names are API: conditions and diagnostics carry them.

use std::fmt;

/// Who acts next, so that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acts {
    /// Nobody has to: it goes on, or ends, by itself.
    Nobody,
    /// A person, or nothing changes.
    Person,
}

macro_rules! reasons {
    ($($name:ident: $sentence:literal, $acts:ident $advice:literal;)*) => {
        /// Why a decision was made. Each has a fixed name, a sentence for people, and what they do next.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $sentence] $name,)*
        }

        impl Reason {
            /// All of them, in the order of the source.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The fixed name, as conditions carry it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it means, for people.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }

            /// Who acts next.
            #[must_use]
            pub fn acts(self) -> Acts {
                match self {
                    $(Self::$name => Acts::$acts,)*
                }
            }

            /// What a person does next.
            #[must_use]
            pub fn advice(self) -> &'static str {
                match self {
                    $(Self::$name => $advice,)*
                }
            }
        }
    };
}

/// Where more is said of a reason, or of a kind of error: it needs no network, and no page to be found.
#[must_use]
pub fn more(name: &str) -> String {
    format!("`tokenwright explain {name}` says more.")
}

reasons! {
    // Nothing to do, or nothing may be done.
    Quiet: "Everything is as wanted.",
        Nobody "Nothing.";
    Minting: "A new token is being minted, proven and published.",
        Nobody "Nothing; it ends by itself.";
    Suspended: "No new attempt is started while suspended.",
        Person "End the suspension when tokens are to be minted again.";
    BackingOff: "The last attempt failed; the next one waits.",
        Nobody "Nothing, unless the message names a cause that a person must mend; a changed credential, specification or trigger ends the wait.";
    RepairWaits: "What is lost or was edited again soon after it was repaired is replaced after a pause, since something may do so again and again.",
        Person "Look who edits the Secret, or takes the token away at the issuer. A new trigger, such as the annotation tokenwright.dev/rotate, replaces it at once.";
    TooManyAttempts: "Eight attempts are open; nothing more is tried until they are resolved.",
        Person "Look why the issuer answers so that it cannot be understood; once a listing explains the attempts, it goes on by itself.";
    AnswersUnreadable: "Three mints in a row got an unreadable answer; the next try waits until a listing explains them, or for a new trigger.",
        Person "Nothing, where the issuer can be listed. Else look at the issuer and at what stands between it and you, then set a new trigger.";
    IssuerSuspect: "Too many of the issuer's tokens vanished from its listing at once; no loss is believed until they return, their values are proven dead, or a person decides.",
        Person "Look at the issuer and at what stands between it and you. If the tokens are really gone, annotate the issuer with tokenwright.dev/acknowledge-loss and any new value, such as the time.";
    NotListed: "A complete listing does not show the token, and nothing else says that it is gone.",
        Nobody "Nothing; the value is asked about, or a second listing is taken. If it goes on, look at what the credential may list.";
    DigestKeyChanged: "The digest of the value was made with a key that is gone, so the issuer is asked about the value.",
        Nobody "Nothing; the digest is made anew. Keep the Secret of the digest key when you reinstall the operator.";
    DestinationForeign: "The destination belongs to somebody else and is left alone.",
        Person "Choose another Secret, delete that one, or let it be taken over with the annotation `tokenwright.dev/allow-takeover-by`.";
    IssuerIdentityChanged: "The issuer has another endpoint or account than the tokens on record; nothing is sent to it.",
        Person "Give the issuer its former endpoint and account again, or make a new object for the new one. Of an ApiToken that adopts, the annotation `tokenwright.dev/value-belongs-to: FINGERPRINT@ENDPOINT`, as the condition `Stalled` writes it out, says that its value belongs to the new endpoint.";
    AccountUnknown: "The issuer has another credential and shows none of our tokens, so it may be another account; nothing is sent to it.",
        Person "Give the issuer a credential of the account that the tokens belong to. If they are gone, delete the object and make a new one.";
    AccountRecognised: "Another credential of the issuer shows our tokens, so it is of their account.",
        Nobody "Nothing.";
    ForeignActivity: "Another writer mints for this manager; revokes wait until its tokens are gone or a person decides.",
        Person "Find the other writer, such as a restored or cloned cluster, and end it. Then revoke the tokens that are named at the issuer, or name those that are to stay in the annotation `tokenwright.dev/acknowledge-foreign`.";
    RevokesHeld: "Revokes of this issuer are held.",
        Nobody "Nothing, once the cause that the message names is gone.";
    RevokeFailed: "The issuer does not revoke a token that is to end; it is asked again.",
        Person "See what the issuer refuses, such as a right that the credential lacks; or revoke the token there.";
    RevokeInUse: "A token that is to end is still in use, so it is not revoked.",
        Person "Give the issuer another credential, if the token is its own one; else find out who changes the Secret, which names the token as valid.";
    RevokeNotProven: "Nothing shows that a token that is to end is ours, so it is not revoked.",
        Person "Revoke it at the issuer if it is yours, or give it back its name, or the operator its digest key, if that was lost.";
    RevokeNotSeen: "A revoke was sent; it counts as done once the issuer shows the token no more.",
        Nobody "Nothing at first; if it lasts, revoke the token at the issuer, which does not do what it says.";
    MarkerTwice: "Two tokens carry the marker of one; the one on record is ours, and the other is left alone.",
        Person "Look at the other token: a mint that was applied twice, or a copied name. End it there if nobody uses it.";
    RevisionImpossible: "A token carries our marker with a revision that we cannot have come to; it is ignored.",
        Person "Look at that token; somebody made up its name.";
    Ambiguous: "A token may exist after a lost answer, and this system cannot tell; a person should look.",
        Person "Look at the list of tokens at the issuer, and revoke there what nobody uses. Of an ApiToken, the condition `Ambiguous` says when each was asked for; once none lives, name the revisions in the annotation `tokenwright.dev/acknowledge-suspects`. What has a lifetime counts no more after it.";
    GapNotAllowed: "The system keeps one token at a time, so that a new one needs the end of the old one first; nobody allowed that.",
        Person "Set `rotation.allowGap` (in Terraform `rotation.allow_gap`) when consumers can be without a token for a while, or take the change back.";
    MakingRoom: "The system keeps one token at a time; the old one is being ended, and then the next one is minted.",
        Nobody "Nothing; it ends by itself.";
    RoomTaken: "The system keeps one token at a time, and a mint whose answer was lost may have left one; it is looked for first.",
        Nobody "Nothing; it ends by itself.";
    TokenLost: "The token is revoked or missing at the issuer, and that is only to be reported.",
        Person "Rotate, if a new token is wanted.";
    DisabledOutside: "The token was disabled outside and stays so until a person enables it.",
        Person "Enable the token at the issuer; in Terraform, `enabled = true` does it.";
    Disabled: "The token is disabled, as it was asked for.",
        Nobody "Nothing; ask for it to be enabled when it is to work again.";
    CannotDisable: "This system cannot disable tokens.",
        Person "Ask for it to be enabled, or delete the object to revoke the token.";
    SourceMissing: "The source of the adopted value is missing, or has no value that could be used.",
        Person "Put the value into the Secret that the object names.";
    ValueRefused: "The offered value does not authenticate and is not taken up.",
        Person "Offer the right value.";
    ValueNotChecked: "The issuer did not say whether the offered value authenticates; the value that works stays.",
        Nobody "Nothing; it is asked again.";
    ExpiresSoon: "The adopted token expires soon; a person must make the next one.",
        Person "Make the next token at the issuer and offer its value.";
    // A new token.
    FirstMint: "There is no token yet.",
        Nobody "Nothing.";
    DestinationLost: "The destination and with it the value is gone.",
        Nobody "Nothing; a new token is minted.";
    ValueModified: "The value at the destination is not the one that was published.",
        Person "Find out who writes to the Secret; a new value is delivered.";
    TokenMissing: "The token is missing at the issuer.",
        Nobody "Nothing; a new token is minted.";
    TokenDead: "The value does not authenticate any more.",
        Nobody "Nothing; a new token is minted. One that a person made, a person must make anew.";
    TokenExpired: "The token has expired.",
        Nobody "Nothing; a new token is minted. One that a person made, a person must make anew.";
    InputsChanged: "The wanted inputs cannot be changed on the living token.",
        Nobody "Nothing; a new token is minted.";
    Triggered: "A rotation was asked for.",
        Nobody "Nothing; a new token is minted.";
    Due: "The rotation is due.",
        Nobody "Nothing; a new token is minted.";
    RoomMade: "The system keeps one token at a time; the old one has ended, and the next one is minted.",
        Nobody "Nothing; a new token is minted.";
    ReplayLostAnswer: "The answer to a mint was lost and can be had again.",
        Nobody "Nothing.";
    // What a mint flow ends with.
    Published: "The new token is published.",
        Nobody "Nothing.";
    MintRefused: "The issuer refused the mint.",
        Person "See what the issuer refuses: scopes, parameters, lifetime, a quota, or the rights of the credential.";
    MintNotSent: "The mint could not be sent.",
        Person "Look whether the issuer can be reached; it is tried again.";
    OutcomeUnknown: "The answer to the mint was lost.",
        Nobody "Nothing; it is tried again, and what the lost mint left is revoked.";
    MintedValueRefused: "The minted value does not authenticate; the new token was revoked.",
        Person "Ask the operators of the issuer why it mints values that do not work; it is tried again after longer and longer pauses of up to an hour, and at once where a person sets a new trigger.";
    IdNotNew: "The issuer gave the new token, which does not work, the id of one that is on record; nothing was revoked.",
        Person "Look at the issuer whether it replaces a token instead of adding one, or answers with the one that is there: the profile reads a wrong id then, or the system keeps one token at a time.";
    MarkerNotKept: "The issuer gave the token another name than was asked for; a new token was revoked, and one in use has its former name again, unless what is told says otherwise.",
        Person "The name carries the marker by which a token is found and revoked: shorten the wanted name, or correct what the profile says of names (`name.max`, `name.allowed`, `name.separator`). `tokenwright profile try` tells what the issuer makes of a name. A token that somebody renamed there gets back the name that it was minted with.";
    IssuedExpired: "The new token was issued as one that has expired already; it was revoked.",
        Person "Compare the clock of this machine with the issuer's, and the time zone that the profile reads dates in.";
    LifetimeIgnored: "The issuer did not keep to the wanted lifetime; the new token was revoked.",
        Person "Ask for a lifetime that the issuer keeps to, or `never`; where it is known to ignore them, the profile says `lifetime.ignored: true`. A profile that misreads an expiry looks the same: `tokenwright profile try` tells.";
    ValueNotProven: "The minted value could not be proven before the deadline; the new token was revoked.",
        Person "Look whether the issuer can be reached; it is tried again.";
    RehearsalRefused: "The destination would refuse the value; nothing was minted.",
        Person "See what refuses the Secret: a permission, a quota, an admission rule, or a text that cannot be rendered.";
    PublishRefused: "The destination refused the value; the new token was revoked.",
        Person "See what refuses the Secret: a permission, a quota or an admission rule; it is tried again.";
    DestinationChanged: "Somebody else changed the destination; the new token was revoked.",
        Person "Find out who else writes to the Secret; it is tried again.";
    AttemptConflict: "Another writer or a stale view; nothing was minted.",
        Nobody "Nothing; it is tried again.";
    // Tending.
    AlreadyPublished: "The destination holds a token that was not recorded yet.",
        Nobody "Nothing.";
    NotProven: "The published value is not proven yet.",
        Nobody "Nothing; it is asked again.";
    InputsUpdated: "The inputs can be changed on the living token.",
        Nobody "Nothing.";
    Enabling: "The token is to be enabled.",
        Nobody "Nothing.";
    IntentWithdrawn: "A token that was to be disabled is enabled, and stays so.",
        Nobody "Nothing.";
    MintWithdrawn: "A mint that failed is wanted no more.",
        Nobody "Nothing.";
    Disabling: "The token is to be disabled.",
        Nobody "Nothing.";
    OverlapEnded: "The overlap of a superseded token has ended.",
        Nobody "Nothing.";
    LostAttempt: "A lost attempt left a token whose value nobody has.",
        Nobody "Nothing; it is revoked.";
    Orphan: "A closed attempt left a token whose value nobody has.",
        Nobody "Nothing; it is revoked.";
    RevokeSeen: "The issuer shows a revoked token no more.",
        Nobody "Nothing.";
    AttemptClosed: "A lost attempt left no token.",
        Nobody "Nothing.";
    // Adopting.
    ValueOffered: "A person offers a value that was not taken up yet.",
        Nobody "Nothing.";
    NotDelivered: "The destination does not hold the value that was taken up.",
        Nobody "Nothing.";
    CheckDue: "The delivered value is to be checked again.",
        Nobody "Nothing.";
    // Deletion.
    WaitingForAttempts: "Deletion waits until lost answers are resolved.",
        Nobody "Nothing; it ends by itself.";
    WaitingForInventory: "Deletion waits for a complete inventory.",
        Person "Look whether the issuer can be reached.";
    DestinationRefuses: "The destination refuses to be removed or released; what is to become of the token that it holds waits for that.",
        Person "The message says who refuses it: let the operator do it, or do it yourself. It is tried again by itself, and the timeout of the deletion ends the wait.";
    WaitingForOverlaps: "Deletion waits for the overlaps of superseded tokens.",
        Nobody "Nothing, or change the policy to Revoke to end them now.";
    RemovingDestination: "The destination is removed.",
        Nobody "Nothing.";
    ReleasingDestination: "The destination is released to its owner.",
        Nobody "Nothing.";
    RevokingForDeletion: "The token ends with its manager.",
        Nobody "Nothing.";
    DeletionTimedOut: "Deletion gave up after its timeout; the tokens named stay alive.",
        Person "Revoke the named tokens at the issuer.";
    Deleted: "Nothing of this manager is left.",
        Nobody "Nothing.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
