//! A credential that was exchanged: of the same account, or of another.

use crate::samples::*;
use crate::*;

const DAY: i64 = 86_400;

fn identity(name: &str) -> Option<Identity> {
    Some(Identity::new(name))
}

/// The token was minted under `recorded`, and the issuer has `seen` now; a rotation is due.
fn exchanged(recorded: Option<Identity>, seen: Option<Identity>) -> Case {
    case().with(|c| {
        c.current().token.identity = recorded;
        c.observed.issuer.identity = seen;
        c.now = at(80 * DAY);
    })
}

#[test]
fn another_credential_is_unknown_until_a_listing_shows_a_token_of_ours() {
    for recorded in [None, identity("credential:a")] {
        let mut case = exchanged(recorded, identity("credential:b"));
        assert_eq!(
            (case.action(), case.reason()),
            (None, Reason::AccountUnknown)
        );
        case.survey(at(80 * DAY), vec![sighting(1)]);
        assert_eq!(case.reason(), Reason::Due);
    }
}

#[test]
fn nothing_is_minted_or_ended_in_an_account_that_shows_none_of_our_tokens() {
    let mut case = exchanged(identity("credential:a"), identity("credential:b"));
    case.record.retiring = vec![retiring(0, at(0))];
    case.survey(at(80 * DAY), vec![]);
    case.observed.status = TokenStatus::Unlisted;
    assert_eq!(case.action(), Some(Action::Check(token_of(&case))));
    let said = |liveness| {
        let at = case.now;
        let checked = Some(Checked { liveness, at });
        case.clone().with(|c| c.observed.doubt.checked = checked)
    };
    let alive = said(Liveness::Alive);
    assert_eq!(
        (alive.action(), alive.reason()),
        (None, Reason::AccountUnknown)
    );
    let dead = said(Liveness::Dead).with(|c| c.observed.status = TokenStatus::Missing);
    assert_eq!(dead.reason(), Reason::TokenMissing);
}

fn token_of(case: &Case) -> TokenRef {
    case.record.current.as_ref().unwrap().token.clone()
}

#[test]
fn the_issuers_own_word_is_believed_at_once() {
    let other = exchanged(identity("a"), identity("b"));
    assert_eq!(other.reason(), Reason::IssuerIdentityChanged);
    for (recorded, seen) in [
        (identity("a"), identity("a")),
        (None, identity("a")),
        (identity("a"), None),
    ] {
        assert_eq!(exchanged(recorded, seen).reason(), Reason::Due);
    }
}

#[test]
fn where_no_listing_shows_markers_another_credential_is_believed() {
    let case = exchanged(identity("credential:a"), identity("credential:b")).with(|c| {
        c.can.lost_answer = LostAnswer::CannotList;
    });
    assert_eq!(case.reason(), Reason::Due);
}
