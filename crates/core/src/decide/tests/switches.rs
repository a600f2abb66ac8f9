use crate::samples::*;
use crate::*;

const UNSEEN: [LostAnswer; 3] = [
    LostAnswer::CannotAttribute,
    LostAnswer::CannotList,
    LostAnswer::Replay,
];

/// A token of a system that never shows which tokens are ours.
fn unseen(lost_answer: LostAnswer, state: WantedState) -> Case {
    case().with(|c| {
        c.can.lost_answer = lost_answer;
        c.observed.status = TokenStatus::Unknown;
        c.spec.state = state;
    })
}

fn set(to: Switch) -> Option<Action> {
    Some(Action::Issuer(AtIssuer::SetEnabled(token(1), to)))
}

fn came_of(case: Case, outcome: Outcome) -> Case {
    case.with(|c| c.record = evolve(c.record.clone(), outcome, c.now))
}

fn not_switched(switch: Switch, definite: bool) -> Outcome {
    Outcome::NotSwitched {
        switch,
        definite,
        retry_after: None,
    }
}

#[test]
fn where_nothing_shows_a_token_it_is_disabled_once_and_enabled_once() {
    for lost_answer in UNSEEN {
        let wished = unseen(lost_answer, WantedState::Disabled);
        assert_eq!(wished.action(), set(Switch::Disable), "{lost_answer:?}");
        let done = came_of(wished, Outcome::Switching(Switch::Disable));
        let done = came_of(done, Outcome::Switched(Switch::Disable));
        let says = (done.action(), done.reason());
        assert_eq!(says, (None, Reason::Disabled), "{lost_answer:?}");
        for back in [WantedState::Enabled, WantedState::EnabledExplicitly] {
            let wished = done.clone().with(|c| c.spec.state = back);
            assert_eq!(wished.action(), set(Switch::Enable), "{lost_answer:?}");
            let done = came_of(wished, Outcome::Switched(Switch::Enable));
            let says = (done.action(), done.reason());
            assert_eq!(says, (None, Reason::Quiet), "{lost_answer:?}");
        }
    }
}

#[test]
fn where_a_listing_shows_a_token_and_not_whether_it_is_enabled_what_was_switched_counts() {
    let silent = Sighting {
        enabled: None,
        ..sighting(1)
    };
    let wished = case().with(|c| {
        c.spec.state = WantedState::Disabled;
        c.survey(at(80_000), vec![silent]);
    });
    assert_eq!(wished.observed.status, TokenStatus::Active);
    assert_eq!(wished.action(), set(Switch::Disable));
    let done = came_of(wished, Outcome::Switching(Switch::Disable));
    let done = came_of(done, Outcome::Switched(Switch::Disable));
    assert_eq!((done.action(), done.reason()), (None, Reason::Disabled));
    let back = done.with(|c| c.spec.state = WantedState::Enabled);
    assert_eq!(back.action(), set(Switch::Enable));
    let done = came_of(back, Outcome::Switched(Switch::Enable));
    assert_eq!((done.action(), done.reason()), (None, Reason::Quiet));
}

#[test]
fn where_nothing_shows_a_token_a_switch_of_which_no_answer_came_is_sent_again_either_way() {
    for lost_answer in UNSEEN {
        let meant = came_of(
            unseen(lost_answer, WantedState::Disabled),
            Outcome::Switching(Switch::Disable),
        );
        // The process died, before the request or after it.
        assert_eq!(meant.action(), set(Switch::Disable), "{lost_answer:?}");
        let back = meant.clone().with(|c| c.spec.state = WantedState::Enabled);
        assert_eq!(back.action(), set(Switch::Enable), "{lost_answer:?}");
        let lost = came_of(meant, not_switched(Switch::Disable, false));
        let says = (lost.action(), lost.reason());
        assert_eq!(says, (None, Reason::Disabling), "{lost_answer:?}");
        let later = lost.with(|c| c.now += hours(1));
        assert_eq!(later.action(), set(Switch::Disable), "{lost_answer:?}");
        let refused = came_of(later, not_switched(Switch::Disable, true));
        let back = refused.with(|c| c.spec.state = WantedState::Enabled);
        let says = (back.action(), back.reason());
        assert_eq!(says, (None, Reason::Quiet), "{lost_answer:?}");
    }
}

#[test]
fn where_a_listing_is_to_tell_nothing_is_switched_before_it_does() {
    let young = unseen(LostAnswer::FindByMarker, WantedState::Disabled);
    assert_eq!((young.action(), young.reason()), (None, Reason::Disabling));
}

#[test]
fn what_is_refused_for_now_is_not_told_as_what_the_system_cannot_do() {
    let shown = case().with(|c| c.spec.state = WantedState::Disabled);
    let refused = came_of(shown, not_switched(Switch::Disable, true));
    let says = (refused.action(), refused.reason());
    assert_eq!(says, (None, Reason::Disabling));
    let cannot = refused.with(|c| c.can.disable = Disable::Unsupported);
    for lost_answer in UNSEEN.into_iter().chain([LostAnswer::FindByMarker]) {
        for status in [TokenStatus::Active, TokenStatus::Unknown] {
            let cannot = cannot.clone().with(|c| {
                c.can.lost_answer = lost_answer;
                c.observed.status = status;
            });
            let says = (cannot.action(), cannot.reason());
            assert_eq!(says, (None, Reason::CannotDisable), "{lost_answer:?}");
        }
    }
}

#[test]
fn what_we_disabled_is_enabled_again_though_the_issuer_refused_that_at_first() {
    let disabled = case().with(|c| {
        c.spec.state = WantedState::Enabled;
        c.observed.status = TokenStatus::Disabled;
        c.current().disabled_by_us = true;
    });
    assert_eq!(disabled.action(), set(Switch::Enable));
    let refused = came_of(disabled, not_switched(Switch::Enable, true));
    let says = (refused.action(), refused.reason());
    assert_eq!(says, (None, Reason::Enabling));
    let later = refused.with(|c| c.now += hours(1));
    assert_eq!(later.action(), set(Switch::Enable));
}

#[test]
fn a_token_that_is_minted_while_its_manager_is_disabled_is_disabled_too() {
    for lost_answer in UNSEEN {
        let done = came_of(
            unseen(lost_answer, WantedState::Disabled),
            Outcome::Switched(Switch::Disable),
        );
        let next = done.with(|c| {
            c.record.last_revision = 2;
            c.holds(held(2, c.now, None));
        });
        let disable = AtIssuer::SetEnabled(token(2), Switch::Disable);
        assert_eq!(next.action(), Some(Action::Issuer(disable)));
    }
}
