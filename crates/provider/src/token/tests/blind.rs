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
async fn a_destroy_ends_a_lost_token_where_the_same_request_gets_it_again() {
    for first in [true, false] {
        let mut run = run(blind(LostAnswer::Replay)).await;
        if !first {
            run.apply().await;
            run.config.insert("rotation", Value::Null);
            run.config.insert("scopes", Value::Set(vec!["read".into()]));
        }
        run.issuer.fault(Operation::Mint, Fault::LoseAnswer);
        let (plan, _) = run.plan().await;
        let said = run.apply_planned(plan, Connection::default()).await;
        assert_eq!(said.errors.len(), 1, "first: {first}: {:?}", said.errors);
        run.issuer
            .fault(Operation::Revoke, Fault::Refuse(ErrorKind::Forbidden));
        let said = run.destroy().await;
        assert!(
            said.errors[0].contains("was not revoked"),
            "{:?}",
            said.errors
        );
        let said = run.destroy().await;
        assert!(said.errors.is_empty(), "first: {first}: {:?}", said.errors);
        assert!(run.issuer.live().is_empty(), "first: {first}");
        assert_eq!(run.issuer.minted().len(), 1 + usize::from(!first));
    }
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
