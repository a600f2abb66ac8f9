use super::*;

const NOTHING: fn() -> Option<()> = || None;

fn rate(per_minute: u32, concurrency: u32) -> Rate {
    Rate {
        per_minute,
        concurrency,
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_begun_in_a_minute_than_the_rate_allows() {
    let limiter = Limiter::new(rate(60, 4));
    let start = Instant::now();
    for _ in 0..70 {
        drop(limiter.slot((Precedence::Look, None), NOTHING).await);
    }
    let took = start.elapsed();
    // Ten at once, then one each second.
    assert!(took >= Duration::from_secs(59), "{took:?}");
    assert!(took <= Duration::from_secs(62), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_the_concurrency_allows() {
    let limiter = Limiter::new(rate(600, 2));
    let first = limiter.slot((Precedence::Work, None), NOTHING).await;
    let second = limiter.slot((Precedence::Work, None), NOTHING).await;
    let third = limiter.slot((Precedence::Work, None), NOTHING);
    tokio::pin!(third);
    let waited = tokio::time::timeout(Duration::from_secs(60), third.as_mut()).await;
    assert!(waited.is_err(), "three at once");
    drop(first);
    third.await.unwrap();
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn work_that_was_begun_goes_before_looks_which_still_get_their_share() {
    let limiter = Limiter::new(rate(60, 1));
    for _ in 0..10 {
        drop(limiter.slot((Precedence::Work, None), NOTHING).await);
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    let waiting =
        std::iter::repeat_n(Precedence::Look, 5).chain(std::iter::repeat_n(Precedence::Work, 15));
    for precedence in waiting {
        let (limiter, order) = (Arc::clone(&limiter), Arc::clone(&order));
        tasks.spawn(async move {
            let _slot = limiter.slot((precedence, None), NOTHING).await;
            order.lock().unwrap().push(precedence);
        });
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
    let order = order.lock().unwrap();
    let looks = |some: &[Precedence]| some.iter().filter(|p| **p == Precedence::Look).count();
    assert_eq!(looks(&order[..5]), 0, "{order:?}");
    assert_eq!(looks(&order[..15]), 1, "{order:?}");
    assert_eq!(order.len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_holds_up_nobody() {
    let limiter = Limiter::new(rate(60, 1));
    let busy = limiter.slot((Precedence::Work, None), NOTHING).await;
    let gone = limiter.slot((Precedence::Work, None), NOTHING);
    let waited = tokio::time::timeout(Duration::from_secs(1), gone).await;
    assert!(waited.is_err(), "two at once");
    drop(busy);
    limiter
        .slot((Precedence::Work, None), NOTHING)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_that_hang_leave_a_slot_to_each_other() {
    let limiter = Limiter::new(rate(600, 4));
    let ask = |precedence, name: &str| limiter.slot((precedence, Some(name.into())), NOTHING);
    let mut hanging = Vec::new();
    for _ in 0..3 {
        hanging.push(ask(Precedence::Work, "crowd").await);
    }
    for precedence in [Precedence::Work, Precedence::Look] {
        let fourth = tokio::time::timeout(Duration::from_secs(5), ask(precedence, "crowd"));
        assert!(fourth.await.is_err(), "{precedence:?}: all of them");
    }
    let waits = ask(Precedence::Work, "crowd");
    tokio::pin!(waits);
    assert!(futures::poll!(waits.as_mut()).is_pending());
    // Whoever else comes goes before it, again and again.
    for _ in 0..20 {
        drop(ask(Precedence::Look, "small").await.unwrap());
        drop(limiter.slot((Precedence::Look, None), NOTHING).await);
    }
    drop(hanging.pop());
    waits.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn looks_of_one_whose_work_hangs_get_their_share_as_soon_as_a_slot_is_free() {
    let limiter = Limiter::new(rate(6_000, 2));
    let slot = |precedence, name: &'static str| {
        let limiter = Arc::clone(&limiter);
        async move { limiter.slot((precedence, Some(name.into())), NOTHING).await }
    };
    let mut hangs = slot(Precedence::Work, "crowd").await;
    let look = slot(Precedence::Look, "crowd");
    let look = tokio::spawn(async move { drop(look.await) });
    tokio::task::yield_now().await;
    let mut others = 0;
    while !look.is_finished() {
        // The next of its work waits already.
        let next = tokio::spawn(slot(Precedence::Work, "crowd"));
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(slot(Precedence::Work, "small").await.unwrap());
        drop(hangs);
        hangs = next.await.unwrap();
        others += 1;
        assert!(others < 10, "the look gets no share");
    }
    assert!(others > 1, "it goes before work");
}

#[tokio::test(start_paused = true)]
async fn what_only_looks_leaves_a_request_to_work_and_is_as_fast_where_none_comes() {
    let limiter = Limiter::new(rate(60, 4));
    let look = || limiter.slot((Precedence::Look, None), NOTHING);
    let work = || limiter.slot((Precedence::Work, None), NOTHING);
    for _ in 0..3 {
        drop(work().await);
    }
    tokio::time::advance(Duration::from_secs(10)).await;
    // One of these is their share.
    for _ in 0..9 {
        drop(look().await);
    }
    let begun = Instant::now();
    let mut waits = Box::pin(look());
    assert!(futures::poll!(waits.as_mut()).is_pending());
    assert_eq!(limiter.free_at(), None, "there is room for work");
    drop(work().await);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drop(waits.await);
    for _ in 0..60 {
        drop(look().await);
    }
    let took = begun.elapsed();
    assert!((60..=63).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn at_a_request_a_minute_what_only_looks_comes_after_work_and_never_are_two_sent_in_one() {
    let limiter = Limiter::new(rate(1, 4));
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut looks = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (limiter, sent) = (Arc::clone(&limiter), Arc::clone(&sent));
        looks.spawn(async move {
            drop(limiter.slot((Precedence::Look, None), NOTHING).await);
            sent.lock().unwrap().push(Instant::now());
        });
    }
    tokio::task::yield_now().await;
    // Nothing is begun before it could be sent, and whoever is woken then comes a little later.
    let begun = Instant::now();
    let comes = Duration::from_secs(5);
    for _ in 0..18 {
        while let Some(at) = limiter.free_at() {
            tokio::time::sleep_until(at + comes).await;
        }
        drop(limiter.slot((Precedence::Work, None), NOTHING).await);
        sent.lock().unwrap().push(Instant::now());
    }
    let minutes = begun.elapsed().as_secs() / 60;
    assert!((18..=24).contains(&minutes), "{minutes} minutes");
    assert_eq!(looks.len(), 60);
    looks.join_all().await;
    let mut sent = sent.lock().unwrap().clone();
    sent.sort();
    let mut gaps = sent.windows(2).map(|two| two[1] - two[0]);
    assert!(gaps.all(|gap| gap >= Duration::from_secs(59)));
    let minutes = begun.elapsed().as_secs() / 60;
    assert!(minutes <= 24 + 2 * 60, "{minutes} minutes");
}

#[tokio::test(start_paused = true)]
async fn thousands_that_wait_cost_as_little_as_one() {
    const MANY: usize = 2_000;
    let polls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let limiter = Limiter::new(rate(600, 4));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (limiter, polls) = (Arc::clone(&limiter), Arc::clone(&polls));
        tasks.spawn(async move {
            let mut slot = Box::pin(limiter.slot((Precedence::Look, None), NOTHING));
            let counted = std::future::poll_fn(|context| {
                polls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                slot.as_mut().poll(context)
            });
            let _slot = counted.await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        });
    }
    tasks.join_all().await;
    let polls = polls.load(std::sync::atomic::Ordering::Relaxed);
    assert!(polls <= 6 * MANY, "{polls} polls");
}
