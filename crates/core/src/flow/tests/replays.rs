//! A mint whose answer was lost, sent again.

use super::*;

#[test]
fn a_replay_that_was_not_answered_leaves_its_attempt_open() {
    let case = case().with(|c| c.can.lost_answer = LostAnswer::Replay);
    let replay = || {
        let mut flow = MintFlow::replay(plan(&case), attempt(2, at(-100)), at(0));
        assert!(matches!(flow.next(Answer::Start, at(0)), Ask::Mint { .. }));
        flow
    };
    let unsent = replay().next(not_minted(false), at(1));
    assert!(
        matches!(
            unsent,
            Ask::Done(Outcome::Lost {
                unreadable: false,
                ..
            })
        ),
        "{unsent:?}"
    );
    let later = Answer::NotMinted {
        sent: true,
        retry_after: Some(secs(60)),
    };
    let not_now = Answer::NotNow { retry_after: None };
    for answer in [later, not_now] {
        assert_eq!(
            reason(&replay().next(answer, at(1))),
            Reason::OutcomeUnknown
        );
    }
    let refused = replay().next(not_minted(true), at(1));
    assert!(
        matches!(refused, Ask::Done(Outcome::Closed { suspect: true, .. })),
        "a refusal says nothing of the first request: {refused:?}"
    );
}

#[test]
fn a_replay_is_the_same_request_and_its_token_is_as_old_as_the_first() {
    let case = case().with(|c| {
        c.can.lost_answer = LostAnswer::Replay;
        c.can.check = false;
    });
    let mut flow = MintFlow::new(plan(&case), at(-5));
    flow.next(Answer::Start, at(-5));
    let rehearsed = Answer::Rehearsed {
        version: DestinationVersion::Absent,
        current: None,
    };
    let Ask::WriteAttempt(written) = flow.next(rehearsed, at(0)) else {
        panic!("an attempt is written");
    };
    let Ask::Mint { at: first, .. } = flow.next(Answer::AttemptWritten, at(3)) else {
        panic!("the mint is sent");
    };
    let mut flow = MintFlow::replay(plan(&case), written, at(500));
    let Ask::Mint { at: again, .. } = flow.next(Answer::Start, at(500)) else {
        panic!("the mint is sent again");
    };
    assert_eq!(again, first);
    let answered = Answer::Minted {
        id: TokenId::new("t"),
        expires_at: Some(at(86_400)),
        marked: None,
    };
    let Ask::Publish { publication, .. } = flow.next(answered, at(501)) else {
        panic!("the token is published");
    };
    assert_eq!(publication.current.created_at, first);
}

#[test]
fn a_replay_is_the_same_request_whatever_was_set_since() {
    let case = case().with(|c| c.can.lost_answer = LostAnswer::Replay);
    let mut flow = MintFlow::new(plan(&case), at(0));
    flow.next(Answer::Start, at(0));
    let rehearsed = Answer::Rehearsed {
        version: DestinationVersion::Absent,
        current: None,
    };
    let Ask::WriteAttempt(written) = flow.next(rehearsed, at(0)) else {
        panic!("an attempt is written");
    };
    let Ask::Mint { at: first, .. } = flow.next(Answer::AttemptWritten, at(3)) else {
        panic!("the mint is sent");
    };
    let changed = case.with(|c| {
        c.spec.request_timeout = secs(60);
        c.can.settle = secs(90);
    });
    let mut flow = MintFlow::replay(plan(&changed), written, at(500));
    let Ask::Mint { at: again, .. } = flow.next(Answer::Start, at(500)) else {
        panic!("the mint is sent again");
    };
    assert_eq!(again, first);
}
