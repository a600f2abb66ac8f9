use std::sync::Arc;

use jiff::SignedDuration;
use tokenwright_core::{Inputs, ManagerId, Marker, Nonce, Origin, Parameters};

use super::{Inventory, survey};
use crate::clock::ManualClock;
use crate::error::{ErrorKind, Operation};
use crate::issuer::{Issuer, MintRequest};
use crate::memory::{Fault, MemoryIssuer, MemorySettings, Moment};
use crate::room::tests::{MIB, held_of_own, own_room};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

struct Scene {
    clock: ManualClock,
    issuer: MemoryIssuer,
    inventory: Arc<Inventory>,
}

fn scene() -> Scene {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let issuer = MemoryIssuer::new(MemorySettings::default(), clock.clock());
    let inventory = Inventory::new(Arc::new(issuer.clone()), MINUTE * 10, clock.clock());
    Scene {
        clock,
        issuer,
        inventory: Arc::new(inventory),
    }
}

fn all() -> Parameters {
    Parameters::new()
}

impl Scene {
    fn listings(&self) -> u32 {
        self.issuer.count(Operation::List)
    }

    async fn mint(&self, name: &str, lifetime: &str) {
        self.mint_in(all(), name, lifetime).await;
    }

    async fn mint_in(&self, parameters: Parameters, name: &str, lifetime: &str) {
        let request = MintRequest {
            remote_name: name.to_owned(),
            inputs: Inputs {
                name: name.to_owned(),
                scopes: Default::default(),
                parameters,
                lifetime: lifetime.parse().unwrap(),
            },
            at: self.clock.now(),
            idempotency_key: name.to_owned(),
            send_by: None,
        };
        self.issuer.mint(&request).await.unwrap();
    }
}

#[tokio::test]
async fn a_listing_serves_everybody_until_it_is_too_old_or_dropped() {
    let s = scene();
    for _ in 0..3 {
        s.inventory.recent(&all()).await.unwrap();
    }
    assert_eq!(s.listings(), 1);
    s.clock.advance(MINUTE * 11);
    s.inventory.recent(&all()).await.unwrap();
    assert_eq!(s.listings(), 2);
    s.inventory.forget(&all());
    assert!(s.inventory.newest(&all()).is_none());
    s.inventory.recent(&all()).await.unwrap();
    assert_eq!(s.listings(), 3);
    let now = s.clock.now();
    s.inventory.since(&all(), now).await.unwrap();
    assert_eq!(s.listings(), 3, "the newest started at this very instant");
    s.clock.advance(MINUTE);
    let fresh = s.inventory.since(&all(), s.clock.now()).await.unwrap();
    assert_eq!((s.listings(), fresh.started_at), (4, s.clock.now()));
}

#[tokio::test]
async fn a_listing_from_before_the_clock_was_set_back_serves_nobody() {
    let s = scene();
    let right = s.clock.now();
    s.clock.advance(MINUTE * 60 * 8);
    s.inventory.recent(&all()).await.unwrap();
    s.clock.set(right);
    assert!(s.inventory.newest(&all()).is_none());
    s.mint("landed since", "1h").await;
    let recent = s.inventory.recent(&all()).await.unwrap();
    assert_eq!((recent.started_at, recent.tokens.len()), (right, 1));
    s.clock.advance(MINUTE);
    let now = s.clock.now();
    assert_eq!(
        s.inventory.since(&all(), now).await.unwrap().started_at,
        now
    );
    assert_eq!(s.listings(), 3);
}

#[tokio::test]
async fn those_who_ask_at_once_share_one_listing() {
    let s = scene();
    let mut hold = s.issuer.hold_next(Operation::List, Moment::AfterEffect);
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let inventory = Arc::clone(&s.inventory);
        asking.spawn(async move { inventory.recent(&all()).await.map(|l| l.started_at) });
    }
    hold.reached().await;
    hold.release();
    while let Some(answer) = asking.join_next().await {
        answer.unwrap().unwrap();
    }
    assert_eq!(s.listings(), 1);
}

#[tokio::test]
async fn who_needs_a_later_listing_is_not_served_by_the_one_under_way() {
    let s = scene();
    let mut hold = s.issuer.hold_next(Operation::List, Moment::AfterEffect);
    let early = Arc::clone(&s.inventory);
    let early = tokio::spawn(async move { early.recent(&all()).await.map(|l| l.started_at) });
    hold.reached().await;
    s.clock.advance(MINUTE);
    let now = s.clock.now();
    let mut late = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let inventory = Arc::clone(&s.inventory);
        late.spawn(async move { inventory.since(&all(), now).await.map(|l| l.started_at) });
    }
    tokio::task::yield_now().await;
    hold.release();
    assert!(early.await.unwrap().unwrap() < now);
    while let Some(answer) = late.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), now);
    }
    assert_eq!(s.listings(), 2);
}

#[tokio::test]
async fn a_failed_listing_fails_its_waiters_once_and_is_never_an_empty_one() {
    let s = scene();
    s.mint("a", "1h").await;
    s.issuer
        .fault(Operation::List, Fault::Refuse(ErrorKind::Unavailable));
    let mut hold = s.issuer.hold_next(Operation::List, Moment::BeforeEffect);
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let inventory = Arc::clone(&s.inventory);
        asking.spawn(async move { inventory.recent(&all()).await.map(|l| l.tokens.len()) });
    }
    hold.reached().await;
    hold.release();
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap().unwrap_err().kind, ErrorKind::Unavailable);
    }
    assert_eq!(s.listings(), 1);
    let next = s.inventory.recent(&all()).await.unwrap();
    assert_eq!((next.tokens.len(), s.listings()), (1, 2));
}

#[tokio::test]
async fn a_waiter_that_goes_away_takes_nobody_with_it() {
    let s = scene();
    let mut hold = s.issuer.hold_next(Operation::List, Moment::BeforeEffect);
    let first = Arc::clone(&s.inventory);
    let first = tokio::spawn(async move { first.recent(&all()).await.map(|_| ()) });
    hold.reached().await;
    let second = Arc::clone(&s.inventory);
    let second = tokio::spawn(async move { second.recent(&all()).await.map(|_| ()) });
    tokio::task::yield_now().await;
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(s.listings(), 2);
}

#[tokio::test]
async fn a_listing_that_a_change_overtook_is_not_kept() {
    let s = scene();
    let mut hold = s.issuer.hold_next(Operation::List, Moment::AfterEffect);
    let asking = Arc::clone(&s.inventory);
    let asking = tokio::spawn(async move { asking.recent(&all()).await.map(|l| l.tokens.len()) });
    hold.reached().await;
    s.mint("a", "1h").await;
    s.inventory.forget(&all());
    hold.release();
    assert_eq!(asking.await.unwrap().unwrap(), 0);
    assert_eq!(s.inventory.recent(&all()).await.unwrap().tokens.len(), 1);
}

#[tokio::test]
async fn a_survey_shows_the_living_tokens_of_one_manager() {
    let s = scene();
    let (origin, manager) = (Origin::of("here"), ManagerId::of("me"));
    let marker = |origin: &Origin, manager: &ManagerId, revision| Marker {
        origin: origin.clone(),
        manager: manager.clone(),
        revision,
        nonce: Nonce::from_bytes([7; 5]),
    };
    s.mint(&marker(&origin, &manager, 1).remote_name("old"), "1m")
        .await;
    s.mint(&marker(&origin, &manager, 2).remote_name("new"), "1h")
        .await;
    s.mint(
        &marker(&Origin::of("there"), &manager, 3).remote_name("x"),
        "1h",
    )
    .await;
    s.mint(
        &marker(&origin, &ManagerId::of("you"), 4).remote_name("x"),
        "1h",
    )
    .await;
    s.mint("by hand", "1h").await;
    s.clock.advance(MINUTE);
    let listing = s.inventory.recent(&all()).await.unwrap();
    assert_eq!(listing.tokens.len(), 5);
    let survey = survey(&listing, &origin, &manager, s.clock.now());
    let shown: Vec<_> = survey.ours.iter().map(|o| o.marker.revision).collect();
    assert_eq!((shown, survey.started_at), (vec![2], s.clock.now()));
}

#[tokio::test]
async fn what_changes_meanwhile_does_not_make_those_list_again_who_need_what_was_then() {
    let s = scene();
    let decided_at = s.clock.now();
    s.clock.advance(MINUTE);
    for _ in 0..50 {
        s.inventory.since(&all(), decided_at).await.unwrap();
        // Each of them ends a token.
        s.inventory.forget(&all());
    }
    assert_eq!(s.listings(), 1);
    let now = s.clock.now();
    s.inventory.since(&all(), now).await.unwrap();
    assert_eq!(
        s.listings(),
        2,
        "a change at this very instant may be missed"
    );
    s.inventory.forget(&all());
    s.inventory.recent(&all()).await.unwrap();
    assert_eq!(s.listings(), 3, "what is shown is out of date");
}

#[tokio::test]
async fn listings_that_nobody_asks_for_any_more_are_dropped() {
    let s = scene();
    let team = |n: u32| Parameters::from([("team".to_owned(), n.to_string())]);
    for n in 0..200 {
        s.inventory.recent(&team(n)).await.unwrap();
    }
    assert_eq!(s.inventory.slots().by.len(), 200);
    s.clock.advance(MINUTE * 31);
    s.inventory.recent(&all()).await.unwrap();
    assert_eq!(s.inventory.slots().by.len(), 1);
}

#[tokio::test]
async fn each_of_many_managers_finds_its_own_tokens_in_their_order() {
    let s = scene();
    let origin = Origin::of("cluster");
    let manager = |number: u32| ManagerId::of(&format!("uid-{number}"));
    for revision in 1..=2 {
        for number in 0..50 {
            let marker = Marker {
                origin: origin.clone(),
                manager: manager(number),
                revision,
                nonce: Nonce::from_bytes([u8::try_from(number).unwrap(); 5]),
            };
            s.mint(&marker.remote_name("ci"), "30d").await;
        }
    }
    s.mint("by hand", "30d").await;
    let listing = s.inventory.recent(&all()).await.unwrap();
    for number in 0..50 {
        let survey = survey(&listing, &origin, &manager(number), s.clock.now());
        let shown: Vec<_> = survey.ours.iter().map(|o| o.marker.revision).collect();
        assert_eq!(shown, [1, 2], "{number}");
    }
    let nobody = survey(&listing, &origin, &manager(50), s.clock.now());
    assert!(nobody.ours.is_empty());
}

#[tokio::test]
async fn listings_with_very_many_sets_of_parameters_leave_room_for_those_of_others() {
    own_room(16 * MIB);
    let team = |n: usize| Parameters::from([(format!("team-{n}"), "all".to_owned())]);
    let (greedy, other) = (scene(), scene());
    for n in 0..70 {
        let long = format!("{n}{}", "n".repeat(10 * 1024));
        let teams = (0..100).flat_map(team).collect();
        greedy.mint_in(teams, &long, "300h").await;
        other.mint(&long, "300h").await;
    }
    let mut listed = 0;
    for n in 0..100 {
        match greedy.inventory.recent(&team(n)).await {
            Ok(_) => listed += 1,
            Err(error) => assert_eq!(error.kind, ErrorKind::NoRoom),
        }
    }
    assert!((1..=3).contains(&listed), "{listed}");
    assert!(held_of_own() <= 2 * MIB, "{}", held_of_own());
    other.inventory.recent(&all()).await.unwrap();
    // What is asked for goes on, and has the place of what is not.
    greedy.clock.advance(MINUTE * 11);
    for n in [0, 99] {
        greedy.inventory.recent(&team(n)).await.unwrap();
    }
    assert!(greedy.inventory.newest(&team(0)).is_some());
    let all_held = held_of_own();
    greedy.inventory.rest();
    assert!(held_of_own() <= all_held / 2, "{}", held_of_own());
    drop((greedy, other));
    assert_eq!(held_of_own(), 0);
}
