//! An issuer that takes sixty requests a minute, on a clock that stands still until everybody waits: ten
//! thousand tokens of one lifetime, from a first roll-out to the end of what was superseded; and short-lived
//! ones of one namespace beside many others that are all due at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokenwright_client::account::{Limiter, Rate};
use tokenwright_client::{Filter, Issuer, MemoryIssuer, MemorySettings};
use tokenwright_core::{Parameters, TokenId};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::tests::{clock, tasks};
use super::*;

const TOKENS: usize = 10_000;
const NAMESPACES: usize = 20;
const HOUR: Duration = Duration::from_secs(3600);
/// When a token is replaced, and when it ends. Mint, check, and the two of a revoke are 37 requests a
/// minute for all; the listings are three more, which is 67 % of the rate.
const RENEWED_AFTER: Duration = Duration::from_secs(18 * 3600);
const LIFETIME: Duration = Duration::from_secs(27 * 3600);
/// A listing of all, once an hour.
const PAGES: usize = 200;

/// Tokens that live for an hour and are replaced after forty minutes: each costs a tenth of a request a minute,
/// 58 % of the rate all together.
const SHORT: usize = 348;
const SHORT_RENEWED_AFTER: Duration = Duration::from_secs(2400);
/// Others, of nineteen namespaces, that live as long as those above: 11 % of the rate.
const OTHERS: usize = 1_780;

#[derive(Default)]
struct Seen {
    asks: AtomicUsize,
    expired: AtomicUsize,
    renewed: AtomicUsize,
    revoked: AtomicUsize,
}

/// What wakes each, by its UID.
#[derive(Clone, Default)]
struct Bells(Arc<Mutex<HashMap<String, Arc<Notify>>>>);

impl Bells {
    fn of(&self, uid: &str) -> Arc<Notify> {
        Arc::clone(self.0.lock().entry(uid.to_owned()).or_default())
    }
}

/// A rotation that waits.
struct Waiting {
    expiry: Timestamp,
    namespace: String,
}

/// In which order rotations get their turns that wait for them.
#[derive(Default)]
struct Order {
    waiting: HashMap<String, Waiting>,
    granted: usize,
    /// Of those, the turns that went to one whose token ends first of all that waited.
    soonest: usize,
}

impl Order {
    fn waits(&mut self, uid: &str, who: Waiting) {
        self.waiting.insert(uid.to_owned(), who);
    }

    fn granted(&mut self, uid: &str) {
        let Some(next) = self.waiting.remove(uid) else {
            return;
        };
        let mut others = self.waiting.values();
        let before = |other: &Waiting| other.expiry < next.expiry;
        let overtaken = others.any(|other| other.namespace == next.namespace && before(other));
        assert!(
            !overtaken,
            "{uid} goes before one of its own namespace that ends first"
        );
        self.granted += 1;
        self.soonest += usize::from(!self.waiting.values().any(before));
    }

    /// Two of three turns go to the tokens that end first, whosever they are.
    fn is_kept(&self) {
        let Self {
            granted, soonest, ..
        } = self;
        assert!(*granted > 1_000, "{granted} waited");
        assert!(3 * soonest >= 2 * granted, "{soonest} of {granted}");
    }
}

struct World {
    scheduler: Arc<Scheduler>,
    issuer: MemoryIssuer,
    clock: Clock,
    bells: Bells,
    order: Arc<Mutex<Order>>,
    seen: Seen,
}

impl World {
    fn new() -> Arc<Self> {
        let rate = Rate {
            per_minute: 60,
            concurrency: 4,
        };
        let clock = clock();
        let gate = Gate::new(Limiter::new(rate), clock.clone());
        let bells = Bells::default();
        let order = Arc::new(Mutex::new(Order::default()));
        let (rung, granted) = (bells.clone(), Arc::clone(&order));
        let wake: Wake = Arc::new(move |uid: &str| {
            granted.lock().granted(uid);
            rung.of(uid).notify_one();
        });
        let world = MemoryIssuer::new(MemorySettings::default(), clock.clone());
        Arc::new(Self {
            scheduler: Scheduler::new(
                (rate, true),
                Arc::clone(&gate),
                clock.clone(),
                (wake, tasks()),
            ),
            issuer: world.behind(gate),
            clock,
            bells,
            order,
            seen: Seen::default(),
        })
    }

    async fn turn(
        &self,
        uid: &str,
        namespace: &str,
        class: Class,
        expiry: Option<Timestamp>,
    ) -> Permit {
        loop {
            self.seen.asks.fetch_add(1, Ordering::Relaxed);
            let request = SlotRequest {
                uid: uid.to_owned(),
                namespace: namespace.to_owned(),
                class,
                expiry,
                ahead: false,
            };
            let rotates = (class == Class::Scheduled).then_some(Waiting {
                expiry: expiry.unwrap_or(Timestamp::MAX),
                namespace: namespace.to_owned(),
            });
            match self.scheduler.ask(request) {
                Turn::Now(permit) => {
                    self.order.lock().granted(uid);
                    return permit;
                }
                Turn::Later => {
                    if let Some(rotates) = rotates {
                        self.order.lock().waits(uid, rotates);
                    }
                    self.bells.of(uid).notified().await;
                }
                Turn::Paused(_) => panic!("a pause"),
            }
        }
    }

    /// A turn and its two requests.
    async fn work(&self, uid: &str, namespace: &str, class: Class, expiry: Option<Timestamp>) {
        let permit = self.turn(uid, namespace, class, expiry).await;
        for _ in 0..2 {
            let id = TokenId::new("none");
            self.issuer.get(&id, &Parameters::new()).await.unwrap();
        }
        drop(permit);
    }

    /// A token that is due after a while, and ends after another one.
    async fn renew(&self, uid: &str, namespace: &str, (due, end): (Duration, Duration)) {
        let minted = Instant::now();
        let expiry = after(self.clock.now(), SignedDuration::try_from(end).unwrap());
        tokio::time::sleep(due).await;
        self.work(uid, namespace, Class::Scheduled, Some(expiry))
            .await;
        let late = minted.elapsed() > end;
        self.seen
            .expired
            .fetch_add(usize::from(late), Ordering::Relaxed);
        self.seen.renewed.fetch_add(1, Ordering::Relaxed);
    }

    /// Minted again and again, each time for an hour; what is superseded is ended beside that.
    async fn live_short(self: Arc<Self>, number: usize) {
        let (uid, mut times) = (format!("short-{number}"), 0);
        // They are spread evenly from the beginning on.
        let part = u32::try_from(number).unwrap() + 1;
        let mut due = SHORT_RENEWED_AFTER * part / u32::try_from(SHORT).unwrap();
        loop {
            let end = due + (HOUR - SHORT_RENEWED_AFTER);
            self.renew(&uid, "short", (due, end)).await;
            (due, times) = (SHORT_RENEWED_AFTER, times + 1);
            let (world, uid) = (Arc::clone(&self), format!("{uid}-{times}"));
            tokio::spawn(async move { world.work(&uid, "short", Class::Revoke, None).await });
        }
    }

    /// From the first mint over one rotation to the end of the first token.
    async fn live(&self, number: usize) {
        let (uid, namespace) = (number.to_string(), (number % NAMESPACES).to_string());
        self.work(&uid, &namespace, Class::First, None).await;
        self.renew(&uid, &namespace, (RENEWED_AFTER, LIFETIME))
            .await;
        tokio::time::sleep(HOUR).await;
        self.work(&uid, &namespace, Class::Revoke, None).await;
        self.seen.revoked.fetch_add(1, Ordering::Relaxed);
    }

    async fn list_each_hour(&self) {
        loop {
            for _ in 0..PAGES {
                self.issuer.list(&Filter::default()).await.unwrap();
            }
            tokio::time::sleep(HOUR).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tokens_at_sixty_requests_a_minute_neither_expire_nor_keep_each_other_waiting()
{
    let world = World::new();
    let mut lives = JoinSet::new();
    for number in 0..TOKENS {
        let world = Arc::clone(&world);
        lives.spawn(async move { world.live(number).await });
    }
    let lister = Arc::clone(&world);
    let lister = tokio::spawn(async move { lister.list_each_hour().await });

    // A team with one token comes while thousands wait: each other namespace goes before it once.
    tokio::time::sleep(HOUR).await;
    let begun = Instant::now();
    world.work("alone", "small", Class::First, None).await;
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(120), "{waited:?}");

    while let Some(life) = lives.join_next().await {
        life.unwrap();
    }
    lister.abort();
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    assert_eq!(count(&world.seen.expired), 0);
    assert_eq!(count(&world.seen.revoked), TOKENS);
    world.order.lock().is_kept();
    // Three pieces of work each, and a wait before each of them.
    let asks = count(&world.seen.asks);
    assert!(asks <= 2 * (3 * TOKENS + 1), "{asks} asks");
}

#[tokio::test(start_paused = true)]
async fn short_lived_tokens_do_not_expire_beside_many_namespaces_whose_tokens_are_all_due_at_once()
{
    let world = World::new();
    let mut lives = JoinSet::new();
    for number in 0..SHORT {
        lives.spawn(Arc::clone(&world).live_short(number));
    }
    let mut others = JoinSet::new();
    for number in 0..OTHERS {
        let world = Arc::clone(&world);
        others.spawn(async move {
            let (uid, namespace) = (number.to_string(), (number % 19).to_string());
            let due_now = (Duration::ZERO, LIFETIME - RENEWED_AFTER);
            world.renew(&uid, &namespace, due_now).await;
        });
    }
    // What is new, and what somebody asked for, never ends either.
    for (class, name) in [(Class::First, "new"), (Class::Triggered, "wish")] {
        for number in 0..1_000 {
            let (world, uid) = (Arc::clone(&world), format!("{name}-{number}"));
            lives.spawn(async move {
                loop {
                    world.work(&uid, name, class, None).await;
                }
            });
        }
    }
    while let Some(other) = others.join_next().await {
        other.unwrap();
    }
    // Twice more around, with nothing left of what was due at once.
    tokio::time::sleep(2 * SHORT_RENEWED_AFTER).await;
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    assert_eq!(count(&world.seen.expired), 0);
    assert!(count(&world.seen.renewed) >= OTHERS + 4 * SHORT);
    world.order.lock().is_kept();
}
