//! Ten thousand tokens at an issuer that takes sixty requests a minute, on a clock that stands still until
//! everybody waits: a first roll-out, a rotation of each, and the end of what was superseded.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokenwright_client::account::{Limiter, Rate};
use tokenwright_client::{Filter, Issuer, MemoryIssuer, MemorySettings, Operation};
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

#[derive(Default)]
struct Seen {
    asks: AtomicUsize,
    expired: AtomicUsize,
    revoked: AtomicUsize,
    inventories: AtomicUsize,
}

struct World {
    scheduler: Arc<Scheduler>,
    issuer: MemoryIssuer,
    clock: Clock,
    bells: Arc<HashMap<String, Notify>>,
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
        let names = (0..TOKENS).map(|number| (number.to_string(), Notify::new()));
        let bells: Arc<HashMap<_, _>> =
            Arc::new(names.chain([("alone".into(), Notify::new())]).collect());
        let rung = Arc::clone(&bells);
        let wake: Wake = Arc::new(move |uid: &str| rung[uid].notify_one());
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
            };
            match self.scheduler.ask(request) {
                Turn::Now(permit) => return permit,
                Turn::Later => self.bells[uid].notified().await,
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

    /// From the first mint over one rotation to the end of the first token.
    async fn live(&self, number: usize) {
        let (uid, namespace) = (number.to_string(), (number % NAMESPACES).to_string());
        self.work(&uid, &namespace, Class::First, None).await;
        let minted = Instant::now();
        let expiry = after(
            self.clock.now(),
            SignedDuration::try_from(LIFETIME).unwrap(),
        );
        tokio::time::sleep(RENEWED_AFTER).await;
        self.work(&uid, &namespace, Class::Scheduled, Some(expiry))
            .await;
        let late = minted.elapsed() > LIFETIME;
        self.seen
            .expired
            .fetch_add(usize::from(late), Ordering::Relaxed);
        tokio::time::sleep(HOUR).await;
        self.work(&uid, &namespace, Class::Revoke, None).await;
        self.seen.revoked.fetch_add(1, Ordering::Relaxed);
    }

    async fn list_each_hour(&self) {
        loop {
            for _ in 0..PAGES {
                self.issuer.list(&Filter::default()).await.unwrap();
            }
            self.seen.inventories.fetch_add(1, Ordering::Relaxed);
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
    // One listing for all, however many rotate; the last one may not have come to its end.
    let listed = usize::try_from(world.issuer.count(Operation::List)).unwrap();
    let whole = count(&world.seen.inventories) * PAGES;
    assert!(
        (whole..=whole + PAGES).contains(&listed),
        "{listed} of {whole}"
    );
    // Three pieces of work each, and a wait before each of them.
    let asks = count(&world.seen.asks);
    assert!(asks <= 2 * (3 * TOKENS + 1), "{asks} asks");
}
