//! What a person must hear: a value that was refused, a date that comes, a token that lives on.
//!
//! Names the token and what to do, in the profile's own words where only a person can do it.

use jiff::{SignedDuration, Timestamp};
use tfplugin::{AttributePath, Diagnostics};
use tokenwright_client::About;
use tokenwright_core::{AdoptRecord, Term, duration};

use super::wanted::Wanted;
use crate::connect::Connected;
use crate::schema::names::*;
use crate::session::Session;

/// Its end is near, or past.
pub(super) fn term(
    wanted: &Wanted,
    at: Option<&Connected>,
    now: Timestamp,
    diags: &mut Diagnostics,
) {
    let name = &wanted.name;
    let path = EXPIRES_AT.path();
    let make = by_hand(at);
    match wanted.spec.term(now) {
        Term::Open => {}
        Term::EndsSoon(end) => diags.warning_at(
            path,
            format!("Token {name:?} ends on {end}"),
            format!("A person must make the next one before that{make}. Then give its value and its expires_at here."),
        ),
        Term::Ended(end) => diags.warning_at(
            path,
            format!("Token {name:?} HAS ENDED, on {end}"),
            format!("Whoever uses it is refused since then, unless the date is wrong. A person must make the next one now{make}. Then give its value and its expires_at here."),
        ),
    }
}

/// It is not managed any more, and nothing ended it.
pub(super) fn lives_on(wanted: &Wanted, at: Option<&Connected>, diags: &mut Diagnostics) {
    let end = match manual(at) {
        Some(manual) => format!("To end it, a person must: {manual}."),
        None => "To end it, revoke it at the issuer.".to_owned(),
    };
    diags.warning(
        format!("Token {:?} lives on", wanted.name),
        format!(
            "A person made it, so nothing here revokes it; only its declaration is gone. {end}"
        ),
    );
}

/// The issuer refused the value.
pub(super) fn dead(
    wanted: &Wanted,
    session: &Session,
    record: &AdoptRecord,
    path: AttributePath,
    diags: &mut Diagnostics,
) {
    let issuer = &session.connected.name;
    let follows = match record.accepted {
        Some(_) => {
            "The value that was accepted before stays, and the next plan proposes this one again."
        }
        None => "Nothing was adopted.",
    };
    let make = by_hand(Some(&session.connected));
    diags.error_at(
        path,
        format!("The value of token {:?} does not authenticate", wanted.name),
        format!("Issuer {issuer:?} refused it: it is mistyped, of another system, revoked or expired. {follows} A person must make one that works{make}."),
    );
}

/// Nobody could say, and something that works is not risked.
pub(super) fn kept(
    wanted: &Wanted,
    session: &Session,
    path: AttributePath,
    diags: &mut Diagnostics,
) {
    diags.error_at(
        path,
        format!("Nobody could say whether the new value of token {:?} authenticates", wanted.name),
        format!("{} The value that was accepted before was seen to work and stays; the next plan proposes this one again.", no_answer(wanted.update, session)),
    );
}

/// Nobody could say, and nothing that works is replaced.
pub(super) fn unclear(
    wanted: &Wanted,
    (session, patience): (&Session, SignedDuration),
    path: AttributePath,
    diags: &mut Diagnostics,
) {
    diags.warning_at(
        path,
        format!("The value of token {:?} is not verified", wanted.name),
        format!("{} Nothing that works was replaced, so it was accepted. Change value_wo_version to have it checked again.", no_answer(patience, session)),
    );
}

/// The system has no call that says, or it needs to know more.
pub(super) fn cannot_ask(
    wanted: &Wanted,
    at: &Connected,
    path: AttributePath,
    diags: &mut Diagnostics,
) {
    let missing = missing(wanted, at);
    let why = match (at.issuer.capabilities().check, missing.as_slice()) {
        (true, [_, ..]) => format!(
            "With {} in parameters it would be checked.",
            missing.join(" or ")
        ),
        (true, []) | (false, _) => {
            let profile = at.issuer.profile();
            format!("Profile {profile:?} knows no call that could tell.")
        }
    };
    diags.warning_at(
        path,
        format!("The value of token {:?} cannot be checked", wanted.name),
        format!("It was accepted as it is. {why}"),
    );
}

/// The parameters of which any one makes the value checkable; all that are absent where one is not enough.
fn missing(wanted: &Wanted, at: &Connected) -> Vec<String> {
    let absent = at.parameters.iter();
    let absent: Vec<_> = absent
        .filter(|name| !wanted.parameters.contains_key(*name))
        .cloned()
        .collect();
    let enough = |name: &&String| {
        let mut more = wanted.parameters.clone();
        more.insert((*name).clone(), "given".to_owned());
        at.issuer.can_check(About::of(&more))
    };
    let sole: Vec<_> = absent.iter().filter(enough).cloned().collect();
    match sole.is_empty() {
        true => absent,
        false => sole,
    }
}

fn no_answer(patience: SignedDuration, session: &Session) -> String {
    format!(
        "Issuer {:?} at {} gave no clear answer within {}: check the endpoint and the network.",
        session.connected.name,
        session.connected.issuer.endpoint(),
        duration::format(patience)
    )
}

fn manual(at: Option<&Connected>) -> Option<&str> {
    at?.issuer.manual()
}

/// How a person does it, as the tail of a sentence.
fn by_hand(at: Option<&Connected>) -> String {
    manual(at).map_or_else(String::new, |manual| format!(" ({manual})"))
}
