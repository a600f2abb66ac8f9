//! Trials against an issuer in memory, which can fail in ways that no server can be made to.

use std::cell::RefCell;
use std::rc::Rc;

use tokenwright_client::memory::{Fault, MemoryIssuer, MemorySettings, Moment};
use tokenwright_client::{Clock, ErrorKind, Gate, Issuer, Limiter, MintRequest, Operation};
use tokenwright_core::{Disable, Inputs, LostAnswer, UpdateKind};
use tokio::sync::watch;

use crate::exit::{Exit, Signal};
use crate::loan::{Loan, Report};
use crate::random;
use crate::signals::Signals;

fn issuer(change: impl FnOnce(&mut MemorySettings)) -> MemoryIssuer {
    let mut settings = MemorySettings::default();
    change(&mut settings);
    MemoryIssuer::new(settings, Clock::system())
}

fn able(lost_answer: LostAnswer) -> MemoryIssuer {
    issuer(|settings| {
        settings.capabilities.lost_answer = lost_answer;
        settings.manual = Some("Revoke it on the page of tokens.".to_owned());
    })
}

struct Run {
    exit: Exit,
    lines: Vec<String>,
}

impl Run {
    fn says(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

fn inputs() -> Inputs {
    Inputs {
        name: "try".to_owned(),
        scopes: ["read".to_owned(), "write".to_owned()].into(),
        parameters: Default::default(),
        lifetime: "1d".parse().unwrap(),
    }
}

async fn tried(issuer: &MemoryIssuer) -> Run {
    let (_sender, receiver) = watch::channel(None);
    tried_with(issuer, receiver).await
}

async fn tried_with(issuer: &MemoryIssuer, signals: watch::Receiver<Option<Signal>>) -> Run {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&lines);
    let report = Report::to(move |line| kept.borrow_mut().push(line.trim_end().to_owned()));
    let loan = Loan {
        issuer,
        gate: &Gate::new(Limiter::unlimited(), Clock::system()),
        inputs: inputs(),
        marker: random::marker(random::OwnCommand::Try).unwrap(),
        report: &report,
        signals: Signals::of(signals),
    };
    let exit = loan.tried().await;
    let lines = lines.borrow().clone();
    Run { exit, lines }
}

#[tokio::test(start_paused = true)]
async fn a_trial_of_a_system_that_can_everything_passes_every_step() {
    let issuer = issuer(|_| {});
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::Done, "{:#?}", run.lines);
    for step in [
        "✓ identity",
        "✓ mint",
        "✓ check",
        "✓ list",
        "✓ disable",
        "✓ enable",
        "✓ update name",
        "– update expiry",
        "✓ revoke",
        "✓ look again",
        "✓ list again",
        "✓ check again",
    ] {
        assert!(run.says(step), "{step}: {:#?}", run.lines);
    }
    assert_eq!(issuer.minted().len(), 1);
    assert!(issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_system_cannot_do_is_left_out_and_no_failure() {
    for (lost_answer, list) in [
        (LostAnswer::CannotAttribute, "✓ list "),
        (LostAnswer::CannotList, "– list "),
        (LostAnswer::Replay, "– list "),
    ] {
        let issuer = issuer(|settings| {
            settings.capabilities.lost_answer = lost_answer;
            settings.capabilities.check = false;
            settings.capabilities.disable = Disable::Unsupported;
            settings.capabilities.update.clear();
            settings.identity = None;
        });
        let run = tried(&issuer).await;
        assert_eq!(run.exit, Exit::Done, "{:#?}", run.lines);
        for step in [
            list,
            "– identity",
            "– check ",
            "– disable",
            "– update",
            "✓ revoke",
            "– check again",
        ] {
            assert!(run.says(step), "{step}: {:#?}", run.lines);
        }
        assert!(issuer.live().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_update_is_tried_where_the_inputs_leave_room_for_it() {
    let every = [
        UpdateKind::Name,
        UpdateKind::Scopes,
        UpdateKind::AddExpiry,
        UpdateKind::ShortenExpiry,
        UpdateKind::ExtendExpiry,
    ];
    let issuer = issuer(|settings| settings.capabilities.update = every.into());
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::Done, "{:#?}", run.lines);
    for step in ["✓ update name", "✓ update scopes", "✓ update expiry"] {
        assert!(run.says(step), "{step}: {:#?}", run.lines);
    }
    let name = issuer.minted()[0].token.name.clone().unwrap();
    assert!(name.starts_with("tr2 tw1-"), "{name}");
    assert_eq!(
        issuer.minted()[0].token.details.scopes,
        ["read".to_owned()].into()
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_once_nothing_is_left_alive() {
    for (operation, fault, exit) in [
        (
            Operation::Identity,
            Fault::Refuse(ErrorKind::Unauthenticated),
            Exit::Failed,
        ),
        (
            Operation::Mint,
            Fault::Refuse(ErrorKind::Unauthenticated),
            Exit::Failed,
        ),
        (
            Operation::Mint,
            Fault::Refuse(ErrorKind::Forbidden),
            Exit::Failed,
        ),
        (Operation::Mint, Fault::NotSent, Exit::Failed),
        (Operation::Mint, Fault::LoseRequest, Exit::Failed),
        (Operation::Mint, Fault::LoseAnswer, Exit::Failed),
        (Operation::Mint, Fault::BornDead, Exit::Failed),
        (Operation::Mint, Fault::Twice, Exit::Failed),
        (
            Operation::List,
            Fault::Refuse(ErrorKind::Unavailable),
            Exit::Done,
        ),
        (
            Operation::Disable,
            Fault::Refuse(ErrorKind::Forbidden),
            Exit::Failed,
        ),
        (Operation::Disable, Fault::LoseAnswer, Exit::Failed),
        (Operation::Enable, Fault::NotSent, Exit::Failed),
        (
            Operation::Update,
            Fault::Refuse(ErrorKind::AnswerNotUnderstood),
            Exit::Failed,
        ),
        (
            Operation::Revoke,
            Fault::Refuse(ErrorKind::Unavailable),
            Exit::Done,
        ),
        (Operation::Revoke, Fault::LoseRequest, Exit::Done),
        (Operation::Revoke, Fault::LoseAnswer, Exit::Done),
    ] {
        let issuer = issuer(|_| {});
        issuer.fault(operation, fault.clone());
        let run = tried(&issuer).await;
        assert_eq!(run.exit, exit, "{operation} {fault:?}: {:#?}", run.lines);
        assert!(
            issuer.live().is_empty(),
            "{operation} {fault:?}: {:#?}",
            run.lines
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_at_any_request_leaves_nothing_alive() {
    for operation in [
        Operation::Identity,
        Operation::Mint,
        Operation::Check,
        Operation::List,
        Operation::Disable,
        Operation::Enable,
        Operation::Update,
        Operation::Revoke,
    ] {
        for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
            let issuer = issuer(|_| {});
            let mut hold = issuer.hold_next(operation, moment);
            let (sender, receiver) = watch::channel(None);
            let interrupt = async {
                hold.reached().await;
                sender.send_replace(Some(Signal::Interrupt));
                // The trial hears the signal before the answer comes.
                tokio::task::yield_now().await;
                hold.release();
                std::future::pending::<()>().await;
            };
            let run = tokio::select! {
                run = tried_with(&issuer, receiver) => run,
                () = interrupt => unreachable!(),
            };
            let context = format!("{operation} {moment:?}: {:#?}", run.lines);
            assert_eq!(run.exit, Exit::Interrupted(Signal::Interrupt), "{context}");
            assert!(issuer.live().is_empty(), "{context}");
            let minted = usize::from(operation != Operation::Identity);
            assert_eq!(issuer.minted().len(), minted, "{context}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_mint_is_sent_again_where_a_key_makes_that_harmless() {
    let issuer = able(LostAnswer::Replay);
    issuer.fault(Operation::Mint, Fault::LoseAnswer);
    issuer.fault(Operation::Mint, Fault::LoseAnswer);
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::Failed, "{:#?}", run.lines);
    assert_eq!(issuer.minted().len(), 1);
    assert!(issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_found_is_named_for_a_person() {
    let issuer = able(LostAnswer::CannotList);
    issuer.fault(Operation::Mint, Fault::LoseAnswer);
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::MayBeAlive, "{:#?}", run.lines);
    let name = issuer.live()[0].token.name.clone().unwrap_or_default();
    let advice = format!("look for {name:?} and revoke it. It expires within 1d.");
    assert!(run.says(&advice), "{:#?}", run.lines);
    let manual = "Revoke it on the page of tokens.";
    assert!(run.says(manual), "{:#?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn where_tokens_have_no_names_a_person_is_told_which_one_is_new() {
    let issuer = able(LostAnswer::CannotAttribute);
    let theirs = MintRequest {
        remote_name: "theirs".to_owned(),
        inputs: inputs(),
        at: Clock::system().now(),
        idempotency_key: "theirs".to_owned(),
        send_by: None,
    };
    let stranger = issuer.mint(&theirs).await.unwrap().token.id;
    issuer.fault(Operation::Mint, Fault::LoseAnswer);
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::MayBeAlive, "{:#?}", run.lines);
    let live: Vec<_> = issuer.live().into_iter().map(|t| t.token.id).collect();
    let ours: Vec<_> = live.iter().filter(|id| **id != stranger).collect();
    assert_eq!((live.len(), ours.len()), (2, 1), "nothing was revoked");
    let id = ours[0];
    for told in [
        format!("new is id {id}, and the system does not show whose that is"),
        format!(
            "at memory://issuer: look at id {id} and revoke it. It expires within 1d. Revoke it on"
        ),
    ] {
        assert!(run.says(&told), "{told}: {:#?}", run.lines);
    }
    assert!(
        !run.says("look for"),
        "no name leads there: {:#?}",
        run.lines
    );
}

#[tokio::test(start_paused = true)]
async fn where_tokens_have_no_names_what_is_not_new_was_not_minted() {
    for (fault, told) in [
        (Fault::LoseRequest, "✓ find"),
        (Fault::Refuse(ErrorKind::Forbidden), "✓ find"),
        (Fault::Refuse(ErrorKind::Unauthenticated), "✗ mint"),
    ] {
        let issuer = able(LostAnswer::CannotAttribute);
        issuer.fault(Operation::Mint, fault.clone());
        let run = tried(&issuer).await;
        assert_eq!(run.exit, Exit::Failed, "{fault:?}: {:#?}", run.lines);
        assert!(run.says(told), "{fault:?}: {:#?}", run.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn where_tokens_have_no_names_and_listings_fail_nothing_is_concluded() {
    // The listing before the mint, and that after it.
    for nth in [1, 2] {
        let issuer = able(LostAnswer::CannotAttribute);
        issuer.fault(Operation::Mint, Fault::LoseRequest);
        issuer.hook(move |request, n| {
            let fails =
                request.operation == Operation::List && if nth == 1 { n == 1 } else { n > 1 };
            fails.then_some(Fault::Refuse(ErrorKind::Unavailable))
        });
        let run = tried(&issuer).await;
        assert_eq!(run.exit, Exit::MayBeAlive, "{nth}: {:#?}", run.lines);
        assert!(run.says("✗ find"), "{nth}: {:#?}", run.lines);
        let advice = "find out which of its nameless tokens was minted now and revoke it.";
        assert!(run.says(advice), "{nth}: {:#?}", run.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clear_refusal_of_a_mint_is_one_and_is_not_searched_behind() {
    for refusal in [
        ErrorKind::NotFound,
        ErrorKind::Invalid,
        ErrorKind::Forbidden,
    ] {
        for lost_answer in [LostAnswer::FindByMarker, LostAnswer::CannotAttribute] {
            let issuer = able(lost_answer);
            issuer.hook(move |request, _| match request.operation {
                Operation::Mint | Operation::List => Some(Fault::Refuse(refusal)),
                _ => None,
            });
            let began = tokio::time::Instant::now();
            let run = tried(&issuer).await;
            assert_eq!(run.exit, Exit::Failed, "{refusal:?}: {:#?}", run.lines);
            assert!(run.says("✗ mint"), "{:#?}", run.lines);
            assert_eq!(began.elapsed(), std::time::Duration::ZERO);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_never_works_is_told_with_the_id() {
    let issuer = issuer(|_| {});
    issuer.hook(|request, _| {
        (request.operation == Operation::Revoke).then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::MayBeAlive, "{:#?}", run.lines);
    assert_eq!(issuer.count(Operation::Revoke), 6);
    let id = issuer.live()[0].token.id.clone();
    assert!(
        run.says(&format!("id {id}: revoke at memory")),
        "{:#?}",
        run.lines
    );
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_after_a_lost_mint_proves_nothing() {
    let issuer = issuer(|_| {});
    issuer.fault(Operation::Mint, Fault::LoseAnswer);
    issuer.hook(|request, _| {
        (request.operation == Operation::List).then_some(Fault::Refuse(ErrorKind::Unavailable))
    });
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::MayBeAlive, "{:#?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn what_an_issuer_says_cannot_move_the_cursor() {
    let issuer = issuer(|settings| {
        settings.identity = Some(tokenwright_core::Identity::new("me\u{1b}[2Jyou\r\n✓ mint"));
    });
    let run = tried(&issuer).await;
    assert!(run.says("me·[2Jyou··✓ mint"), "{:#?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_did_nothing_is_a_failure_and_the_token_is_named() {
    for lost_answer in [
        LostAnswer::Replay,
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
    ] {
        let issuer = able(lost_answer);
        issuer.fault(Operation::Revoke, Fault::Pretend);
        let run = tried(&issuer).await;
        assert_eq!(run.exit, Exit::MayBeAlive, "{:#?}", run.lines);
        let told = "✗ look again";
        assert!(run.says(told), "{:#?}", run.lines);
        assert!(run.says("still shown"), "{:#?}", run.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expiry_that_is_not_the_one_that_was_asked_for_is_told_with_its_difference() {
    let cuts =
        issuer(|settings| settings.cuts_lifetimes_to = Some(jiff::SignedDuration::from_hours(1)));
    let run = tried(&cuts).await;
    assert_eq!(run.exit, Exit::Done, "{:#?}", run.lines);
    assert!(
        run.says(", 23h earlier than was asked for"),
        "{:#?}",
        run.lines
    );

    let run = tried(&issuer(|_| {})).await;
    assert!(!run.says("than was asked for"), "{:#?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_could_not_be_asked_about_is_told_with_the_cause() {
    let issuer = issuer(|settings| settings.capabilities.settle = jiff::SignedDuration::ZERO);
    issuer.fault(
        Operation::Check,
        Fault::Refuse(ErrorKind::AnswerNotUnderstood),
    );
    let run = tried(&issuer).await;
    assert_eq!(run.exit, Exit::Failed, "{:#?}", run.lines);
    let check = run.lines.iter().find(|line| line.starts_with("✗ check"));
    let check = check.unwrap_or_else(|| panic!("{:#?}", run.lines));
    assert!(check.contains("check at "), "{check}");
    assert!(!check.contains("neither alive nor dead"), "{check}");
}
