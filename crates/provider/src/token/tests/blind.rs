//! Systems that show no names, or nothing at all: what a destroy says of them, and what is kept of what cannot be found.

use tokenwright_core::LostAnswer;

use super::*;

fn blind(lost_answer: LostAnswer) -> MemorySettings {
    let mut settings = MemorySettings::default();
    settings.capabilities.lost_answer = lost_answer;
    settings
}

const ALL: [LostAnswer; 3] = [
    LostAnswer::Replay,
    LostAnswer::CannotAttribute,
    LostAnswer::CannotList,
];

#[tokio::test(start_paused = true)]
async fn a_healthy_destroy_warns_of_no_token_that_never_was() {
    for lost_answer in ALL {
        for rotated in [false, true] {
            let mut run = run(blind(lost_answer)).await;
            run.apply().await;
            if rotated {
                run.config.insert("lifetime", "20d");
                run.apply().await;
            }
            tokio::time::sleep(hours(1)).await;
            let said = run.destroy().await;
            let what = format!("{lost_answer:?}, rotated: {rotated}");
            assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
            assert!(said.warnings.is_empty(), "{what}: {:?}", said.warnings);
            assert!(run.issuer.live().is_empty(), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_mints_nothing_for_a_lost_answer_and_says_that_a_token_may_be_left() {
    for lost_answer in ALL {
        for first in [true, false] {
            let mut run = run(blind(lost_answer)).await;
            if !first {
                run.apply().await;
                run.config.insert("lifetime", "20d");
            }
            run.issuer.fault(Operation::Mint, Fault::LoseAnswer);
            let (plan, _) = run.plan().await;
            let said = run.apply_planned(plan, Connection::default()).await;
            let what = format!("{lost_answer:?}, first: {first}");
            let told = said.errors.concat();
            assert!(!told.contains("looks for it"), "{what}: {told}");
            let asked = run.issuer.count(Operation::Mint);
            let said = run.destroy().await;
            assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
            assert_eq!(said.warnings.len(), 1, "{what}: {:?}", said.warnings);
            let told = said.warnings[0].contains("may exist that nothing can find");
            assert!(told, "{what}: {:?}", said.warnings);
            assert_eq!(run.issuer.count(Operation::Mint), asked, "{what}");
            if !first {
                assert_eq!(run.issuer.live().len(), 1, "{what}: the lost one");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_request_gets_the_lost_token_again_and_a_destroy_tells_of_none() {
    let mut run = run(blind(LostAnswer::Replay)).await;
    run.apply().await;
    run.config.insert("lifetime", "20d");
    run.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    let (plan, _) = run.plan().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.issuer.minted().len(), 2);
    assert_eq!(run.bookkeeping().lost_until, None);
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_not_withdrawn_is_kept_and_ended_later() {
    for lost_answer in [LostAnswer::CannotAttribute, LostAnswer::CannotList] {
        for first in [false, true] {
            let mut run = run(blind(lost_answer)).await;
            if !first {
                run.apply().await;
                run.config.insert("lifetime", "20d");
            }
            run.issuer.fault(Operation::Mint, Fault::BornDead);
            run.issuer.hook(|request, _| {
                let revokes = request.operation == Operation::Revoke;
                revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
            });
            let (plan, _) = run.plan().await;
            let said = run.apply_planned(plan, Connection::default()).await;
            let what = format!("{lost_answer:?}, first: {first}");
            let lost = run.issuer.minted().last().unwrap().token.id.clone();
            let told = said.errors.concat();
            assert!(told.contains(lost.as_str()), "{what}: {told}");
            assert!(!told.contains("found by its marker"), "{what}: {told}");
            assert!(!run.state.is_null(), "{what}");
            // Nobody holds it: the next change ends it, or the end of its resource.
            run.issuer.calm();
            if !first {
                run.apply().await;
                let live = run.issuer.live();
                assert!(live.iter().all(|one| one.token.id != lost), "{what}");
            }
            let said = run.destroy().await;
            assert!(said.errors.is_empty(), "{what}: {:?}", said.errors);
            assert!(run.issuer.live().is_empty(), "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_withdrawals_of_a_token_that_its_issuer_refuses_to_end() {
    let mut run = run(blind(LostAnswer::CannotList)).await;
    run.issuer.fault(Operation::Mint, Fault::BornDead);
    run.issuer.hook(|request, _| {
        let revokes = request.operation == Operation::Revoke;
        revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let (plan, _) = run.plan().await;
    let provider = std::sync::Arc::clone(&run.provider);
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        provider.stop().await;
    });
    let began = tokio::time::Instant::now();
    run.apply_planned(plan, Connection::default()).await;
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    assert!(!run.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn what_no_state_will_name_is_told_with_its_id_and_its_end() {
    for gone in [false, true] {
        let run = run(blind(LostAnswer::CannotList)).await;
        run.issuer.fault(Operation::Mint, Fault::BornDead);
        let ended = CancellationToken::new();
        let when = ended.clone();
        run.issuer.hook(move |request, _| {
            let revokes = request.operation == Operation::Revoke;
            if revokes && gone {
                when.cancel();
            }
            revokes.then_some(Fault::Refuse(ErrorKind::Forbidden))
        });
        let connection = Connection::until(ended);
        let told = match gone {
            true => {
                let mut run = run;
                let (plan, _) = run.plan().await;
                let said = run.apply_planned(plan, connection).await;
                assert!(run.state.is_null());
                told_of(&run, &said)
            }
            false => {
                let (opened, said) = super::ephemeral::open(&run, connection).await;
                assert!(opened.is_none());
                told_of(&run, &said)
            }
        };
        assert!(!told.contains("in retiring"), "gone: {gone}: {told}");
        assert!(!told.contains("is revoked again"), "gone: {gone}: {told}");
        assert!(
            told.contains("Revoke it at the issuer, or it lives on until"),
            "{told}"
        );
    }
}

fn told_of(run: &Run, said: &Said) -> String {
    let told = said.errors.join(" ");
    let id = run.issuer.minted()[0].token.id.clone();
    assert!(told.contains(id.as_str()), "{told}");
    told
}
