//! A wish that is taken back while the issuer carries it out: what was done of it is not forgotten, whether a conflict
//! or a crash takes the answer, or nobody gets one.

use serde_json::{Value, json};
use tokenwright_client::memory::{Fault, Moment};
use tokenwright_client::{MemorySettings, Operation};
use tokenwright_core::UpdateKind::{self, AddExpiry, ExtendExpiry, Name, Scopes, ShortenExpiry};
use tokenwright_core::{Look, LostAnswer};

use crate::world::World;

const HOUR: u64 = 3_600;
const DAY: i64 = 24;

/// What becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It comes to a record that was edited meanwhile.
    Conflict,
    /// Nobody is there any more to take it.
    Crash,
    /// It never comes.
    Lost,
}

const ANSWERS: [Answer; 3] = [Answer::Conflict, Answer::Crash, Answer::Lost];

/// Has the operator ask for this and then no more, at this moment.
async fn take_back(
    world: &mut World,
    (operation, moment): (Operation, Moment),
    [wish, former]: [Value; 2],
    answer: Answer,
) {
    if answer == Answer::Lost {
        let nth = world.issuer.count(operation) + 1;
        world.issuer.hook(move |request, count| {
            let asked = request.operation == operation && count == nth;
            asked.then_some(Fault::LoseAnswer)
        });
        world.change(json!({ "spec": wish })).await;
        while world.issuer.count(operation) < nth {
            world.pass(1).await;
        }
        world.change(json!({ "spec": former })).await;
        return;
    }
    let mut hold = world.issuer.hold_next(operation, moment);
    world.change(json!({ "spec": wish })).await;
    hold.reached().await;
    if answer == Answer::Crash {
        world.crash().await;
    }
    world.change(json!({ "spec": former })).await;
    hold.release();
    if answer == Answer::Crash {
        world.start();
    }
}

/// A world whose living token may be changed in these ways, asked for like this.
async fn changeable(update: &[UpdateKind], token: &Value) -> World {
    let mut settings = MemorySettings::default();
    settings.capabilities.update = update.iter().copied().collect();
    let mut world = World::with(settings).await;
    world.start();
    let ends_soon = json!({ "overlap": "1h" });
    world
        .ask(json!({ "token": token, "rotation": ends_soon }))
        .await;
    world.pass(600).await;
    world.the_only_token();
    world
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_that_was_changed_in_place_is_set_back_with_the_wish() {
    let never = ("never", None);
    let (long, short) = (("90d", Some(90 * DAY)), ("30d", Some(30 * DAY)));
    for (update, [(former, hours), (wish, _)], in_place) in [
        (vec![Name, AddExpiry], [never, long], false),
        (vec![AddExpiry], [never, long], false),
        (vec![Name, AddExpiry, ShortenExpiry], [long, short], false),
        (vec![Name, ShortenExpiry, ExtendExpiry], [long, short], true),
        (vec![ShortenExpiry, ExtendExpiry], [short, long], true),
        (vec![AddExpiry, ExtendExpiry], [never, long], true),
    ] {
        for answer in ANSWERS {
            for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
                let about = format!("{update:?}, {former} to {wish}, {answer:?}, {moment:?}");
                let lasting = |lifetime: &str| json!({ "name": "ci", "lifetime": lifetime });
                let mut world = changeable(&update, &lasting(former)).await;
                let minted = world.the_only_token().token.id;
                let wishes = [wish, former].map(|lifetime| json!({ "token": lasting(lifetime) }));
                let point = (Operation::Update, moment);
                take_back(&mut world, point, wishes, answer).await;
                world.pass(3 * HOUR).await;
                let token = world.the_only_token().token;
                let lasts = token.expires_at.map(|end| {
                    end.duration_since(token.details.created_at.unwrap())
                        .as_hours()
                });
                assert_eq!(lasts, hours, "{about}");
                let shown = world.object().unwrap().status.unwrap().current.unwrap();
                let (shown, real) = (shown.expires_at, token.expires_at);
                assert_eq!(
                    shown.map(|at| at.as_second()),
                    real.map(|at| at.as_second()),
                    "{about}"
                );
                if in_place {
                    assert_eq!(token.id, minted, "{about}");
                }
                assert_eq!(world.condition("Ready"), "True: Ready", "{about}");
                assert!(world.issuer.count(Operation::Update) < 10, "{about}");
                assert!(world.issuer.count(Operation::Mint) <= 2, "{about}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifetime_whose_answer_was_lost_is_found_out_and_not_asked_for_again() {
    let lasting = |lifetime: &str| json!({ "name": "ci", "lifetime": lifetime });
    for update in [vec![Name, AddExpiry], vec![AddExpiry]] {
        let mut world = changeable(&update, &lasting("never")).await;
        let minted = world.the_only_token().token.id;
        let wish = json!({ "token": lasting("90d") });
        let point = (Operation::Update, Moment::AfterEffect);
        // Such a system takes an end once.
        world.issuer.hook(|request, count| {
            let again = request.operation == Operation::Update && count == 1;
            again.then_some(Fault::LoseAnswer)
        });
        take_back(&mut world, point, [wish.clone(), wish], Answer::Crash).await;
        world.pass(2 * HOUR).await;
        let status = world.object().unwrap().status.unwrap();
        let current = status.current.unwrap();
        assert_eq!(current.token_id, minted.to_string());
        assert!(current.expires_at.is_some(), "{update:?}");
        assert!(status.pauses.is_empty(), "{update:?}: {:?}", status.pauses);
        assert_eq!(world.condition("Ready"), "True: Ready");
        assert_eq!(world.issuer.count(Operation::Mint), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn scopes_and_a_name_that_were_changed_in_place_are_set_back_with_the_wish() {
    let asks = |name: &str, scopes: &[&str]| json!({ "name": name, "scopes": scopes });
    let former = asks("ci", &["read"]);
    for wish in [asks("ci", &["admin", "read"]), asks("web", &["read"])] {
        for answer in ANSWERS {
            let mut world = changeable(&[Name, Scopes], &former).await;
            let wishes = [&wish, &former].map(|token| json!({ "token": token }));
            let point = (Operation::Update, Moment::AfterEffect);
            take_back(&mut world, point, wishes, answer).await;
            world.pass(HOUR).await;
            let token = world.the_only_token().token;
            assert!(token.name.unwrap().starts_with("ci "), "{wish}, {answer:?}");
            let scopes: Vec<_> = token.details.scopes.iter().collect();
            assert_eq!(scopes, ["read"], "{wish}, {answer:?}");
            assert_eq!(world.issuer.count(Operation::Mint), 1);
            let status = world.object().unwrap().status.unwrap();
            assert!(status.pauses.is_empty(), "{wish}: {:?}", status.pauses);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_was_thrown_is_thrown_back_with_the_wish_also_where_no_listing_tells() {
    for lost_answer in [
        LostAnswer::FindByMarker,
        LostAnswer::CannotAttribute,
        LostAnswer::CannotList,
    ] {
        for (former, wish, operation) in [
            ("Disabled", "Enabled", Operation::Enable),
            ("Enabled", "Disabled", Operation::Disable),
        ] {
            for answer in ANSWERS {
                let about = format!("{lost_answer:?}, {former} to {wish}, {answer:?}");
                let mut settings = MemorySettings::default();
                settings.capabilities.lost_answer = lost_answer;
                if lost_answer == LostAnswer::CannotList {
                    settings.capabilities.look = Look::Nothing;
                }
                let mut world = World::with(settings).await;
                world.start();
                world.ask(json!({ "state": former })).await;
                world.pass(700).await;
                let wishes = [wish, former].map(|state| json!({ "state": state }));
                let point = (operation, Moment::AfterEffect);
                take_back(&mut world, point, wishes, answer).await;
                world.pass(2 * HOUR).await;
                let [only] = &world.issuer.live()[..] else {
                    panic!("{about}: {:#?}", world.issuer.live());
                };
                let works = only.token.enabled.unwrap_or(true);
                assert_eq!(works, former == "Enabled", "{about}");
                let ready = match former {
                    "Enabled" => "True: Ready",
                    _ => "False: Disabled",
                };
                assert_eq!(world.condition("Ready"), ready, "{about}");
                assert_eq!(world.issuer.count(Operation::Mint), 1, "{about}");
            }
        }
    }
}
