//! Who holds the slots of one host, so that none of many who share it keeps all of them.
//!
//! Whoever asks in the name of one of many says so with [`in_the_name_of`]. The last free slot goes to
//! nobody who has another one, and to nobody who kept one for long lately: where the requests of some hang,
//! one slot is left to all others. What is asked in nobody's name may have each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Whoever keeps a slot for so long is slow: most answers take less than a second.
pub const SLOW: Duration = Duration::from_secs(10);

/// What is longer adds up: whoever takes a little less than [`SLOW`] each time is slow at the second time.
const SHORT: Duration = Duration::from_secs(2);

/// So long after that no last slot is given to it: a request that hangs for half a minute keeps all others
/// waiting for a twentieth of the time at most. Each further time it is twice as long, lest twenty in turn keep
/// the last slot for ever.
const LATELY: Duration = Duration::from_mins(10);

/// No longer than this; and after so long without another time it is forgotten.
const LONGEST: Duration = Duration::from_hours(24);

tokio::task_local! {
    static NAME: Option<Arc<str>>;
}

/// Asks in the name of one of many, or in nobody's.
pub async fn in_the_name_of<F: Future>(name: Option<Arc<str>>, asks: F) -> F::Output {
    NAME.scope(name, asks).await
}

/// In whose name this task asks; whoever hands a part of it to another task hands it on.
#[must_use]
pub fn name() -> Option<Arc<str>> {
    NAME.try_with(Clone::clone).ok().flatten()
}

/// How many slots each of many holds, and who kept one for long.
#[derive(Debug, Default)]
pub struct Seats {
    held: HashMap<Arc<str>, u32>,
    known: Arc<Mutex<HashMap<Arc<str>, Known>>>,
}

/// What one is known for.
#[derive(Debug, Default)]
struct Known {
    slow: Option<Slow>,
    /// What its requests took beyond what is short, and until when that was counted.
    beyond: Option<(Duration, Instant)>,
}

/// No last slot for so long from then on.
#[derive(Debug, Clone, Copy)]
struct Slow {
    since: Instant,
    length: Duration,
}

impl Slow {
    fn again(before: Option<Self>) -> Self {
        let length = match before {
            // What was under way together counts once.
            Some(slow) if slow.lasts() => slow.length,
            Some(slow) => slow.length.saturating_mul(2).min(LONGEST),
            None => LATELY,
        };
        let since = Instant::now();
        Self { since, length }
    }

    fn lasts(self) -> bool {
        self.since.elapsed() < self.length
    }

    fn is_known(self) -> bool {
        self.since.elapsed() < self.length.saturating_add(LONGEST)
    }
}

impl Known {
    /// What is left of what added up: as much as makes one slow is forgotten in the time that it is known for.
    fn beyond(&self) -> Duration {
        let left = self.beyond.map(|(beyond, at)| {
            let forgotten = at
                .elapsed()
                .mul_f64(SLOW.as_secs_f64() / LATELY.as_secs_f64());
            beyond.saturating_sub(forgotten)
        });
        left.unwrap_or_default()
    }

    /// Adds what one request took; whether all together are long.
    fn add(&mut self, took: Duration) -> bool {
        let beyond = self.beyond().saturating_add(took.saturating_sub(SHORT));
        let long = beyond >= SLOW.saturating_sub(SHORT);
        self.beyond = (!long && !beyond.is_zero()).then(|| (beyond, Instant::now()));
        long
    }

    fn is_known(&self) -> bool {
        self.slow.is_some_and(|slow| slow.is_known()) || !self.beyond().is_zero()
    }
}

impl Seats {
    /// Other slots, all free, of the same many: who kept one of these for long is known for it there.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            held: HashMap::new(),
            known: Arc::clone(&self.known),
        }
    }

    /// Whether this one may take a slot, where so many of all are taken.
    #[must_use]
    pub fn has_room(&self, name: Option<&str>, (taken, all): (u32, u32)) -> bool {
        let free = all.saturating_sub(taken);
        // Of one slot none can be left.
        let Some(name) = name.filter(|_| free == 1 && all > 1) else {
            return free > 0;
        };
        let slow = || self.known().get(name).and_then(|known| known.slow);
        let is_slow = || slow().is_some_and(|slow| slow.lasts());
        !self.held.contains_key(name) && !is_slow()
    }

    /// Takes note of a slot that is taken.
    pub fn take(&mut self, name: Option<&Arc<str>>) {
        if let Some(name) = name {
            let held = self.held.entry(Arc::clone(name)).or_default();
            *held = held.saturating_add(1);
        }
    }

    /// Takes note of one that is given back, after a request that took so long.
    pub fn answered(&mut self, name: Option<&Arc<str>>, took: Duration) {
        let slow = name.is_some_and(|name| took > SHORT && self.one(name, |one| one.add(took)));
        self.give_back(name, slow);
    }

    /// Takes note of one that is given back, and whether it was kept for long.
    pub fn give_back(&mut self, name: Option<&Arc<str>>, slow: bool) {
        let Some(name) = name else { return };
        if let Some(held) = self.held.get_mut(name) {
            *held = held.saturating_sub(1);
        }
        self.held.retain(|_, held| *held > 0);
        if slow {
            self.one(name, |one| {
                let before = one.slow.filter(|slow| slow.is_known());
                one.slow = Some(Slow::again(before));
            });
        }
    }

    /// Changes what one is known for, and forgets those who are known for nothing any more.
    fn one<T>(&self, name: &Arc<str>, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known();
        known.retain(|_, known| known.is_known());
        change(known.entry(Arc::clone(name)).or_default())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Arc<str>, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> [Arc<str>; 3] {
        ["a", "b", "c"].map(Arc::from)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_slot_is_for_whoever_has_none() {
        let (mut seats, [a, b, _]) = (Seats::default(), names());
        for taken in 0..3 {
            assert!(seats.has_room(Some(&a), (taken, 4)));
            seats.take(Some(&a));
        }
        assert!(!seats.has_room(Some(&a), (3, 4)));
        assert!(seats.has_room(Some(&b), (3, 4)) && seats.has_room(None, (3, 4)));
        seats.take(Some(&b));
        assert!(!seats.has_room(Some(&b), (4, 4)) && !seats.has_room(None, (4, 4)));
        assert!(
            Seats::default().has_room(Some(&a), (0, 1)),
            "there is but one"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_kept_a_slot_for_long_has_no_last_one_for_ten_minutes() {
        let (mut seats, [a, b, c]) = (Seats::default(), names());
        for (name, slow) in [(&a, true), (&b, false)] {
            seats.take(Some(name));
            seats.give_back(Some(name), slow);
        }
        assert!(!seats.has_room(Some(&a), (3, 4)), "it was slow");
        assert!(!seats.beside().has_room(Some(&a), (3, 4)), "here as there");
        assert!(seats.has_room(Some(&a), (2, 4)));
        assert!(seats.has_room(Some(&b), (3, 4)) && seats.has_room(Some(&c), (3, 4)));
        tokio::time::advance(LATELY).await;
        assert!(seats.has_room(Some(&a), (3, 4)));
        assert!(seats.held.is_empty(), "whoever is gone is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_slow_again_and_again_has_the_last_slot_ever_more_seldom() {
        let (mut seats, [a, b, _]) = (Seats::default(), names());
        let mut waits = Vec::new();
        for _ in 0..9 {
            // What is under way together counts once.
            for name in [&a, &a, &b] {
                seats.give_back(Some(name), true);
            }
            let from = Instant::now();
            while !seats.has_room(Some(&a), (3, 4)) {
                tokio::time::advance(LATELY).await;
            }
            waits.push(from.elapsed().as_secs() / 60);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 1440]);
        tokio::time::advance(LONGEST).await;
        seats.give_back(Some(&b), true);
        assert_eq!(
            seats.known().len(),
            1,
            "after a day without it is forgotten"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_a_little_less_than_long_is_known_for_it_at_the_second_time() {
        let (mut seats, [a, b, c]) = (Seats::default(), names());
        let nine = Duration::from_secs(9);
        let is_slow = |seats: &Seats, name| !seats.has_room(Some(name), (3, 4));
        seats.answered(Some(&a), nine);
        seats.answered(Some(&b), nine);
        assert!(!is_slow(&seats, &a));
        tokio::time::advance(Duration::from_mins(5)).await;
        seats.answered(Some(&a), nine);
        assert!(is_slow(&seats, &a));
        tokio::time::advance(Duration::from_mins(5)).await;
        seats.answered(Some(&b), nine);
        assert!(!is_slow(&seats, &b), "the first is forgotten");
        for _ in 0..1_000 {
            seats.answered(Some(&c), SHORT);
        }
        assert!(!is_slow(&seats, &c), "most answers are so short");
        seats.answered(Some(&c), SLOW);
        assert!(is_slow(&seats, &c));
    }

    #[tokio::test]
    async fn a_task_asks_in_the_name_that_it_was_given_and_in_nobody_s_without() {
        let [a, ..] = names();
        assert_eq!(name(), None);
        in_the_name_of(Some(Arc::clone(&a)), async {
            assert_eq!(name(), Some(a));
        })
        .await;
        assert_eq!(name(), None);
    }
}
