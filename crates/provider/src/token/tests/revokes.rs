//! A revoke is seen or it is not done, and what is not shown is not gone: no later run would notice.

use std::time::Duration;

use tokenwright_core::Look;

use super::*;

async fn created(look: Look) -> Run {
    let mut settings = MemorySettings::default();
    settings.capabilities.look = look;
    let mut run = run(settings).await;
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    tokio::time::sleep(Duration::from_secs(60)).await;
    run
}

/// A current token, and one whose overlap has ended.
async fn rotated() -> (Run, TokenId) {
    rotated_at(Look::Alone).await
}

async fn rotated_at(look: Look) -> (Run, TokenId) {
    let (run, first) = superseded(look).await;
    tokio::time::sleep(hours(48)).await;
    (run, first)
}

/// A current token, and one whose overlap of a day begins.
async fn superseded(look: Look) -> (Run, TokenId) {
    let mut run = created(look).await;
    let first = id(&run);
    let mut rotation = rotation(&[("overlap", "1d")]);
    rotation.insert(
        "triggers",
        Value::Map([("at".to_owned(), "now".into())].into()),
    );
    run.config.insert("rotation", rotation);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    (run, first)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_ends_no_overlap_early_and_a_right_one_ends_it_on_time() {
    for then_right in [false, true] {
        let (mut run, _) = superseded(Look::Listing).await;
        run.is_ahead_by(8);
        tokio::time::sleep(hours(25)).await;
        // Something new makes this read the present of the plan.
        run.issuer.enable_by_hand(&id(&run), false);
        let said = run.read().await;
        let told = said.warnings.concat();
        assert!(
            told.contains("is ahead of the issuer's") && told.contains("by 8h"),
            "{told}"
        );
        assert!(
            run.plans_nothing().await,
            "by the issuer's clock 17 h are over"
        );
        match then_right {
            true => run.is_ahead_by(0),
            false => tokio::time::sleep(hours(8)).await,
        }
        let said = run.apply().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_overlap_is_not_over_before_it_is_by_the_issuer_s_clock() {
    let (mut run, _) = superseded(Look::Listing).await;
    tokio::time::sleep(hours(21)).await;
    run.is_ahead_by(8);
    let mut shorter = run.config.get("rotation").clone();
    shorter.insert("overlap", "20h");
    run.config.insert("rotation", shorter);
    let said = run.read().await;
    assert!(said.warnings[0].contains("is ahead"), "{:?}", said.warnings);
    let (plan, _) = run.plan().await;
    // The process that applies asks nobody before it plans again.
    *run.ahead.lock().unwrap() = None;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let of = (retiring(&run), run.issuer.live().len());
    assert_eq!(of, (1, 2), "by the issuer's clock 13 h of 20 are over");
    run.is_ahead_by(8);
    tokio::time::sleep(hours(8)).await;
    run.apply().await;
    assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_asks_nobody_forgets_no_clock_that_is_ahead() {
    let (mut run, _) = superseded(Look::Listing).await;
    run.is_ahead_by(8);
    tokio::time::sleep(hours(25)).await;
    run.config.insert("on_destroy", "retain");
    run.read().await;
    let (plan, _) = run.plan().await;
    *run.ahead.lock().unwrap() = None;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(
        run.plans_nothing().await,
        "by the issuer's clock 17 h of 24 are over, and nothing was refreshed since"
    );
}

fn retiring(run: &Run) -> usize {
    run.state.get("retiring").as_slice().map_or(0, <[_]>::len)
}

#[tokio::test(start_paused = true)]
async fn a_destroy_whose_revoke_did_nothing_is_an_error_that_keeps_the_state() {
    for answer in [Fault::Pretend, Fault::Refuse(ErrorKind::NotFound)] {
        for look in [Look::Alone, Look::Listing] {
            let mut run = created(look).await;
            let token = id(&run);
            run.issuer.fault(Operation::Revoke, answer.clone());
            let said = run.destroy().await;
            assert!(
                said.errors.concat().contains("RevokeNotSeen"),
                "{:?}",
                said.errors
            );
            assert_eq!(id(&run), token, "the state forgot a token that is alive");
            let said = run.destroy().await;
            assert!(said.errors.is_empty(), "{:?}", said.errors);
            assert!(run.issuer.live().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_shown_and_still_authenticates_is_not_gone() {
    for look in [Look::Alone, Look::Listing] {
        let mut run = created(look).await;
        let token = id(&run);
        run.issuer.hook(|request, _| {
            let looks = matches!(request.operation, Operation::Get | Operation::List);
            looks.then_some(Fault::Pretend)
        });
        let said = run.destroy().await;
        assert!(
            said.errors.concat().contains("RevokeNotSeen"),
            "{:?}",
            said.errors
        );
        assert_eq!(id(&run), token, "the state forgot a token that is alive");
        run.issuer.calm();
        // Revoked by hand, it is gone: its value is dead.
        run.issuer.revoke_by_hand(&token);
        let said = run.destroy().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retiring_token_whose_revoke_did_nothing_stays_with_a_warning() {
    let (mut run, _) = rotated().await;
    run.issuer.fault(Operation::Revoke, Fault::Pretend);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(
        said.warnings.concat().contains("RevokeNotSeen"),
        "{:?}",
        said.warnings
    );
    assert_eq!(retiring(&run), 1);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
}

/// For so long every listing says that there is nothing.
fn shows_nothing_for(run: &Run, seconds: u64) {
    let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
    run.issuer.hook(move |request, _| {
        // A look at one token is a listing here, too.
        let looks = matches!(request.operation, Operation::Get | Operation::List);
        (looks && tokio::time::Instant::now() < until).then_some(Fault::Pretend)
    });
}

#[tokio::test(start_paused = true)]
async fn a_retiring_token_that_listings_miss_for_a_moment_is_revoked_and_not_forgotten() {
    let (mut run, _) = rotated_at(Look::Listing).await;
    run.read().await;
    let (plan, _) = run.plan().await;
    shows_nothing_for(&run, 5);
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_retiring_token_that_one_listing_misses_stays_where_no_other_can_be_asked() {
    let (mut run, first) = rotated_at(Look::Listing).await;
    run.read().await;
    let (plan, _) = run.plan().await;
    shows_nothing_for(&run, 3600);
    run.stop().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let warned = said.warnings.concat();
    assert!(warned.contains("RevokeNotSeen"), "{warned}");
    assert_eq!(retiring(&run), 1, "{first} is forgotten, and lives");
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_listings_miss_for_a_moment_forgets_no_retiring_token() {
    let (mut run, _) = rotated_at(Look::Listing).await;
    shows_nothing_for(&run, 5);
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.live().is_empty());
}

/// The answer to the next mint is lost, and the look behind it sees nothing.
async fn loses_a_mint(run: &mut Run) {
    run.issuer.fault(Operation::Mint, Fault::LoseAnswer);
    run.issuer.fault(Operation::List, Fault::Empty);
    let (plan, _) = run.plan().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    run.issuer.calm();
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_listings_miss_for_a_moment_forgets_no_token_of_a_lost_answer() {
    for refreshed in [false, true] {
        let mut run = run(MemorySettings::default()).await;
        loses_a_mint(&mut run).await;
        assert_eq!(run.issuer.live().len(), 1);
        // Its request can no longer land.
        tokio::time::sleep(Duration::from_secs(120)).await;
        shows_nothing_for(&run, 5);
        if refreshed {
            run.read().await;
        }
        let said = run.destroy().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(run.issuer.live(), [], "nobody knows of it any more");
    }
}

/// A core plans the replacement of what a create left behind without its state and its private data.
#[tokio::test(start_paused = true)]
async fn a_replacement_of_a_first_create_that_was_lost_waits_for_its_late_token() {
    let mut run = run(MemorySettings::default()).await;
    let late = Fault::LandLater(SignedDuration::from_secs(20));
    run.issuer.fault(Operation::Mint, late);
    let (plan, _) = run.plan().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    assert!(!run.state.is_null());
    run.private = Vec::new();
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(run.issuer.minted().len(), 1);
    assert_eq!(run.issuer.live(), [], "nobody knows of it any more");
}

#[tokio::test(start_paused = true)]
async fn a_destroy_right_after_the_mint_that_replaced_a_lost_one_looks_for_the_lost_one_twice() {
    let mut run = created(Look::Listing).await;
    run.config.insert("lifetime", "20d");
    loses_a_mint(&mut run).await;
    shows_nothing_for(&run, 5);
    let (plan, _) = run.plan().await;
    let said = run.apply_planned(plan, Connection::default()).await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.issuer.live().len(), 3);
    // Until then a request may land.
    tokio::time::sleep(Duration::from_secs(120)).await;
    shows_nothing_for(&run, 5);
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!(run.issuer.live(), []);
}

#[tokio::test(start_paused = true)]
async fn a_destroy_that_is_stopped_before_the_second_listing_keeps_the_state_and_says_why() {
    let mut run = run(MemorySettings::default()).await;
    loses_a_mint(&mut run).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    shows_nothing_for(&run, 3600);
    run.stop().await;
    let said = run.destroy().await;
    let told = said.errors.concat();
    assert!(told.contains("Destroy again in a minute"), "{told}");
    assert!(!run.state.is_null());
}

#[tokio::test(start_paused = true)]
async fn a_retiring_token_that_a_person_revoked_is_gone_once_two_listings_say_so() {
    let (mut run, first) = rotated_at(Look::Listing).await;
    run.issuer.revoke_by_hand(&first);
    let said = run.apply().await;
    assert!(said.errors.is_empty() && said.warnings.is_empty());
    assert_eq!(retiring(&run), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revoke_that_is_refused_keeps_no_other_token_alive() {
    let (mut run, first) = rotated().await;
    let refused = first.clone();
    run.issuer.hook(move |request, _| {
        let this = request.operation == Operation::Revoke && request.id.as_ref() == Some(&refused);
        this.then_some(Fault::Refuse(ErrorKind::Forbidden))
    });
    let said = run.destroy().await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    let live: Vec<_> = run.issuer.live().into_iter().map(|t| t.token.id).collect();
    assert_eq!(live, [first]);
    assert_eq!(retiring(&run), 1, "the state forgot a token that is alive");
    run.issuer.calm();
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_destroy_asks_about_a_token_by_its_id_where_the_system_can_show_one() {
    let mut run = created(Look::Alone).await;
    let before = run.issuer.count(Operation::List);
    let said = run.destroy().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert!(run.issuer.count(Operation::List) <= before + 1);
    assert_eq!(
        run.issuer.count(Operation::Get),
        1,
        "after the revoke: before it, the listing that serves the whole destroy shows it"
    );
}

fn overlapping(overlap: Option<&str>, trigger: &str) -> Value {
    let mut wanted = rotation(&[]);
    wanted.insert("overlap", overlap);
    let triggers = [("at".to_owned(), trigger.into())];
    wanted.insert("triggers", Value::Map(triggers.into()));
    wanted
}

/// So many hours after the mint of the current token.
fn hours_after_mint(run: &Run, at: &str) -> i64 {
    let [at, minted]: [jiff::Timestamp; 2] =
        [at, run.text("created_at")].map(|at| at.parse().unwrap());
    (at.duration_since(minted).as_secs() + 1800) / 3600
}

/// When the retiring tokens of a state are revoked.
fn ends(run: &Run, state: &Value) -> Vec<i64> {
    let rows = state.get("retiring").as_slice().unwrap().iter();
    let ends = rows.map(|row| row.get("revoke_after").as_str().unwrap());
    ends.map(|at| hours_after_mint(run, at)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_overlap_is_moved_either_way_for_what_retires_already_and_the_plan_says_to_when() {
    let mut run = created(Look::Alone).await;
    run.config
        .insert("rotation", overlapping(Some("4d"), "leak"));
    run.apply().await;
    tokio::time::sleep(hours(24)).await;
    run.read().await;
    assert_eq!(ends(&run, &run.state), [96]);
    let next = hours_after_mint(&run, run.text("renew_at"));
    for (overlap, expected) in [
        (Some("6d"), [144]),
        (Some("3d"), [72]),
        (None, [next]),
        (Some("2d"), [48]),
    ] {
        run.config.insert("rotation", overlapping(overlap, "leak"));
        let (plan, said) = run.plan().await;
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        let planned = ends(&run, &plan.planned);
        run.apply_planned(plan, Connection::default()).await;
        assert_eq!(ends(&run, &run.state), planned, "{overlap:?}");
        assert_eq!(planned, expected, "{overlap:?}");
        run.read().await;
        assert!(run.plans_nothing().await, "{overlap:?}");
    }
    tokio::time::sleep(hours(25)).await;
    run.apply().await;
    assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_could_not_be_moved_is_moved_once_by_the_next_apply() {
    let mut run = created(Look::Alone).await;
    run.config
        .insert("rotation", overlapping(Some("4d"), "first"));
    run.apply().await;
    run.read().await;
    run.config
        .insert("rotation", overlapping(Some("6d"), "second"));
    run.issuer
        .fault(Operation::Mint, Fault::Refuse(ErrorKind::Forbidden));
    let said = run.apply().await;
    assert_eq!(said.errors.len(), 1, "{:?}", said.errors);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    let ends = ends(&run, &run.state);
    assert!(
        ends.iter().all(|hours| (140..=144).contains(hours)),
        "{ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_overlap_that_is_lowered_after_the_rotation_ends_the_old_token_in_one_apply() {
    let mut run = created(Look::Alone).await;
    let mut wanted = rotation(&[]);
    wanted.insert(
        "triggers",
        Value::Map([("at".to_owned(), "now".into())].into()),
    );
    run.config.insert("rotation", wanted.clone());
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    tokio::time::sleep(hours(1)).await;
    assert!(run.plans_nothing().await);
    wanted.insert("overlap", "0s");
    run.config.insert("rotation", wanted);
    let said = run.apply().await;
    assert!(said.errors.is_empty(), "{:?}", said.errors);
    assert_eq!((retiring(&run), run.issuer.live().len()), (0, 1));
    assert!(run.issuer.accepts(run.text("value")));
    assert!(run.plans_nothing().await);
}
