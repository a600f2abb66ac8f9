//! Who holds the slots of one host, so that none of many who share it keeps all of them.
//!
//! Whoever asks in the name of one of many says so with [`in_the_name_of`]. The last free slot goes to
//! nobody who has another one, and to nobody who kept one for long lately: where the requests of some hang,
//! one slot is left to all others. What is asked in nobody's name may have each of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Whoever keeps a slot for so long is slow: most answers take less than a second.
const SLOW: Duration = Duration::from_secs(10);

/// So long after that no last slot is given to it: a request that hangs for half a minute keeps all others
/// waiting for a twentieth of the time at most.
const LATELY: Duration = Duration::from_mins(10);

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

/// How many slots each of many holds.
#[derive(Debug, Default)]
pub struct Seats(HashMap<Arc<str>, Seat>);

#[derive(Debug, Default)]
struct Seat {
    held: u32,
    slow_until: Option<Instant>,
}

impl Seat {
    fn is_slow(&self) -> bool {
        self.slow_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Seats {
    /// Whether this one may take a slot, where so many of all are taken.
    #[must_use]
    pub fn has_room(&self, name: Option<&str>, (taken, all): (u32, u32)) -> bool {
        let free = all.saturating_sub(taken);
        // Of one slot none can be left.
        let Some(name) = name.filter(|_| free == 1 && all > 1) else {
            return free > 0;
        };
        let seat = self.0.get(name);
        seat.is_none_or(|seat| seat.held == 0 && !seat.is_slow())
    }

    /// Takes note of a slot that is taken.
    pub fn take(&mut self, name: Option<&Arc<str>>) {
        if let Some(name) = name {
            let seat = self.0.entry(Arc::clone(name)).or_default();
            seat.held = seat.held.saturating_add(1);
        }
    }

    /// Takes note of one that is given back after so long.
    pub fn give_back(&mut self, name: Option<&Arc<str>>, after: Duration) {
        let Some(seat) = name.and_then(|name| self.0.get_mut(name)) else {
            return;
        };
        seat.held = seat.held.saturating_sub(1);
        if after >= SLOW {
            seat.slow_until = Instant::now().checked_add(LATELY);
        }
        self.0.retain(|_, seat| seat.held > 0 || seat.is_slow());
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
        for (name, kept) in [(&a, 30), (&b, 9)] {
            seats.take(Some(name));
            seats.give_back(Some(name), Duration::from_secs(kept));
        }
        assert!(!seats.has_room(Some(&a), (3, 4)), "it was slow");
        assert!(seats.has_room(Some(&a), (2, 4)));
        assert!(seats.has_room(Some(&b), (3, 4)) && seats.has_room(Some(&c), (3, 4)));
        tokio::time::advance(LATELY).await;
        assert!(seats.has_room(Some(&a), (3, 4)));
        seats.take(Some(&b));
        seats.give_back(Some(&b), Duration::ZERO);
        assert!(seats.0.is_empty(), "whoever is gone is forgotten");
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
