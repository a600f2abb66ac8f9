//! What may change in a profile without any test of the exchanges to notice, and why.

/// One change, or several of one reason.
pub(super) struct Survivor {
    /// The profile; empty for all.
    pub(super) profile: &'static str,
    /// The change as the test says it; `*` stands for anything.
    pub(super) change: &'static str,
    /// Why nothing has to notice it.
    pub(super) reason: &'static str,
}

const fn everywhere(change: &'static str, reason: &'static str) -> Survivor {
    here("", change, reason)
}

const fn here(profile: &'static str, change: &'static str, reason: &'static str) -> Survivor {
    Survivor {
        profile,
        change,
        reason,
    }
}

/// What survives in every profile that has it.
pub(super) const EVERYWHERE: &[Survivor] = &[
    everywhere("title is \"*", "words for people"),
    everywhere("rate is gone", "how often is asked, not what"),
    everywhere("rate.perMinute is 1*", "how often is asked, not what"),
    everywhere("rate.perMinute is 2*", "how often is asked, not what"),
    everywhere("rate.perMinute is 3*", "how often is asked, not what"),
    everywhere("rate.perMinute is 4*", "how often is asked, not what"),
    everywhere("rate.perMinute is 5*", "how often is asked, not what"),
    everywhere("rate.perMinute is 6*", "how often is asked, not what"),
    everywhere("rate.perMinute is 7*", "how often is asked, not what"),
    everywhere("rate.perMinute is 8*", "how often is asked, not what"),
    everywhere("rate.perMinute is 9*", "how often is asked, not what"),
    everywhere("rate.concurrency is *", "how much at once, not what"),
    everywhere("docs is *", "a link for people"),
    everywhere("manual is \"*", "words for people"),
    everywhere("parameters.*.help is *", "words for people"),
];

/// What survives in one profile.
pub(super) const HERE: &[Survivor] = &[
    here(
        "devpi",
        "*token.scopes is *first or \\\"x\\\")[8:]*",
        "of a text of fewer than nine characters nothing is left",
    ),
    here(
        "mailgun",
        "credential.basic.user is \"$('apix')\"",
        "examples show which part is sent, and this user is none; the vendor reads the password alone",
    ),
    here(
        "okta-client-secret",
        "check.basic.user is \"$(app_id)\"",
        "examples show which part is sent, and this user is none",
    ),
];

/// Whether a pattern with `*` fits.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
}
