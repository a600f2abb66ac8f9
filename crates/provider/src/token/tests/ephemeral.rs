//! The token of one run: its mint meets the same faults as any other, and no state remembers what is left.

use futures::FutureExt as _;
use tfplugin::Opened;

use super::waits::limited;
use super::*;

pub(super) async fn open(run: &Run, connection: Connection) -> (Option<Opened>, Said) {
    open_for(run, "1h", connection).await
}

async fn open_for(run: &Run, lifetime: &str, connection: Connection) -> (Option<Opened>, Said) {
    let mut config = schema::schema().ephemerals[schema::API_TOKEN].empty();
    config.insert("name", "ci");
    config.insert("lifetime", lifetime);
    let ephemeral = run.provider.ephemeral(schema::API_TOKEN).unwrap();
    let mut diags = Diagnostics::new();
    let opened = ephemeral.open(config, connection, &mut diags).await;
    (opened, diags.into())
}

async fn close(run: &Run, opened: Opened) -> Said {
    let ephemeral = run.provider.ephemeral(schema::API_TOKEN).unwrap();
    let mut diags = Diagnostics::new();
    ephemeral.close(opened.private, &mut diags).await;
    diags.into()
}

/// An interrupted run waits at its end as well, and not for long.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_waits_until_the_issuer_lets_it_revoke() {
    let unreachable = Fault::Refuse(ErrorKind::Unavailable);
    for (interrupted, fault, revokes) in [
        (false, limited(45), true),
        (false, limited(3000), false),
        (false, unreachable.clone(), true),
        (true, limited(20), true),
        (true, limited(45), false),
        (true, unreachable, true),
    ] {
        let run = run(MemorySettings::default()).await;
        let (opened, said) = open(&run, Connection::default()).await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        if interrupted {
            run.stop().await;
        }
        let what = format!("{fault:?}, interrupted: {interrupted}");
        run.issuer.fault(Operation::Revoke, fault);
        let said = close(&run, opened.unwrap()).await;
        assert_eq!(run.issuer.live().is_empty(), revokes, "{what}");
        assert_eq!(said.warnings.is_empty(), revokes, "{what}");
        let until = said
            .warnings
            .iter()
            .all(|w| w.contains("ends by itself at"));
        assert!(until && said.errors.is_empty(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_did_not_get_lives_no_longer() {
    for (fault, says) in [
        (Fault::LoseAnswer, "found and revoked"),
        (Fault::BornDead, "authenticate"),
        (Fault::LandLater(SignedDuration::from_secs(1)), "lost"),
    ] {
        let run = run(MemorySettings::default()).await;
        run.issuer.fault(Operation::Mint, fault.clone());
        let (opened, said) = open(&run, Connection::default()).await;
        assert!(opened.is_none() && !said.errors.is_empty(), "{fault:?}");
        let told = [said.errors, said.warnings].concat().join(" ");
        assert!(told.contains(says), "{fault:?}: {told}");
        assert_eq!(run.issuer.minted().len(), 1, "{fault:?}");
        assert!(run.issuer.live().is_empty(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_run_that_is_gone_is_taken_back() {
    for (at, fault) in [
        (Operation::Mint, None),
        (Operation::Mint, Some(Fault::LoseAnswer)),
        (Operation::Check, None),
    ] {
        let run = run(MemorySettings::default()).await;
        run.issuer.fault(Operation::Revoke, limited(5));
        let gone = CancellationToken::new();
        let (when, lost) = (gone.clone(), fault.clone());
        run.issuer.hook(move |request, _| {
            (request.operation == at).then(|| when.cancel())?;
            lost.clone()
        });
        let (opened, _) = open(&run, Connection::until(gone)).await;
        assert!(opened.is_none(), "{at:?} {fault:?}");
        assert_eq!(run.issuer.minted().len(), 1, "{at:?} {fault:?}");
        assert!(run.issuer.live().is_empty(), "{at:?} {fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_mints_no_token_for_itself() {
    let run = run(MemorySettings::default()).await;
    run.stop().await;
    let (opened, said) = open(&run, Connection::default()).await;
    assert!(opened.is_none());
    assert!(said.errors[0].contains("interrupted"), "{:?}", said.errors);
    assert_eq!(run.issuer.count(Operation::Mint), 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_left_is_removed_once_it_has_ended_by_the_issuer_s_clock() {
    for (ahead, revokes) in [(8, 0), (0, 1)] {
        let run = run(MemorySettings::default()).await;
        open(&run, Connection::default()).await;
        tokio::time::sleep(hours(2)).await;
        run.is_ahead_by(ahead);
        run.configure().await;
        open(&run, Connection::default()).await;
        let revoked = run.issuer.count(Operation::Revoke);
        assert_eq!(revoked, revokes, "the clock here is {ahead} h ahead");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_the_system_rounds_down_is_told_with_both() {
    let mut settings = MemorySettings::default();
    settings.limits.lifetime_unit = hours(2).try_into().unwrap();
    let run = run(settings).await;
    for (lifetime, told) in [("3h", true), ("2h", false)] {
        let (opened, said) = open_for(&run, lifetime, Connection::default()).await;
        assert!(opened.is_some(), "{:?}", said.errors);
        assert_eq!(!said.warnings.is_empty(), told, "{:?}", said.warnings);
        if told {
            let both = said.warnings[0].contains("is 3h, and the token will live 2h");
            assert!(both, "{:?}", said.warnings);
            assert_eq!(said.paths, ["lifetime"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_while_a_run_ends_its_token_leaves_it_the_time_that_one_before_leaves() {
    let run = run(MemorySettings::default()).await;
    let (opened, _) = open(&run, Connection::default()).await;
    let provider = std::sync::Arc::clone(&run.provider);
    run.issuer.hook(move |request, nth| {
        let revokes = request.operation == Operation::Revoke;
        if revokes {
            provider.stop().now_or_never();
        }
        (revokes && nth == 1).then(|| limited(5))
    });
    let said = close(&run, opened.unwrap()).await;
    assert!(said.warnings.is_empty(), "{:?}", said.warnings);
    assert!(run.issuer.live().is_empty());
}
