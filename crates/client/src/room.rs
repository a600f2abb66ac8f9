//! How much memory the answers of all issuers may take, together.
//!
//! Whoever chooses an endpoint chooses what it answers, and how often at once. Where a process has a limit, what is
//! read of answers, what is made of them and what is kept of listings stay within a part of it: each may have
//! no more than a share of what is left, so that a crowd of large ones leaves something for whoever comes last.
//! Nothing waits for room: what has none fails, and is asked for again like everything that fails.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What everybody may have, whatever others hold: the answer to a mint, or a page of some tens of tokens.
const SMALL: usize = 256 * 1024;

/// Of the memory of a process, in eighths; the rest is the program, and what it knows of everything else.
const PART: usize = 5;

/// What one answer or listing may have of what is left: one in so many parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share(usize);

impl Share {
    /// The bytes of an answer; of the memory that the chart gives, as much as any answer may have.
    pub(crate) const BYTES: Self = Self(8);
    /// What is made of one page of a listing, which goes before anything else is read.
    pub(crate) const PAGE: Self = Self(2);
    /// What is made of any other answer, which may stay while more is asked.
    pub(crate) const OTHER: Self = Self(64);
    /// What is kept of a listing.
    pub(crate) const LISTING: Self = Self(8);
}

/// Memory that is given out.
#[derive(Debug)]
struct Room {
    all: AtomicUsize,
    held: AtomicUsize,
}

static ROOM: Room = Room::of(usize::MAX);

impl Room {
    const fn of(all: usize) -> Self {
        Self {
            all: AtomicUsize::new(all),
            held: AtomicUsize::new(0),
        }
    }
}

/// Keeps all answers within their part of so many bytes, which are all that this process may take.
pub fn within(memory: usize) {
    let part = (memory / 8).saturating_mul(PART);
    ROOM.all.store(part, Ordering::Relaxed);
}

/// There is no room for so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it takes more than its share of the memory that is left for answers")]
pub(crate) struct NoRoom;

/// What somebody holds; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Held {
    room: &'static Room,
    bytes: usize,
}

impl Default for Held {
    #[cfg(not(test))]
    fn default() -> Self {
        Self::nothing_of(&ROOM)
    }

    #[cfg(test)]
    fn default() -> Self {
        Self::nothing_of(tests::OWN.get().unwrap_or(&ROOM))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Held {
    const fn nothing_of(room: &'static Room) -> Self {
        Self { room, bytes: 0 }
    }

    /// So many bytes.
    pub(crate) fn of(bytes: usize, share: Share) -> Result<Self, NoRoom> {
        let mut held = Self::default();
        held.grow(bytes, share)?;
        Ok(held)
    }

    /// Holds so many bytes in place of what was held; no more than that is never refused.
    pub(crate) fn grow(&mut self, to: usize, share: Share) -> Result<(), NoRoom> {
        self.grow_beside(0, to, share)
    }

    /// The same for what takes the place of a former one, which is held until then: what that one has is no less
    /// its own, as long as half of what is left is enough for both at once.
    pub(crate) fn grow_beside(
        &mut self,
        former: usize,
        to: usize,
        Share(share): Share,
    ) -> Result<(), NoRoom> {
        let all = self.room.all.load(Ordering::Relaxed);
        let others = self.room.held.load(Ordering::Relaxed);
        let left = all.saturating_sub(others.saturating_sub(self.bytes));
        let own = left.saturating_add(former).checked_div(share);
        let most = own.unwrap_or(left).max(former).min(left / 2);
        if to > SMALL && to > self.bytes && to > most {
            return Err(NoRoom);
        }
        self.room.held.fetch_add(to, Ordering::Relaxed);
        self.room.held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = to;
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    pub(crate) const MIB: usize = 1024 * 1024;

    thread_local! {
        /// The room of the answers of one test, where it has one of its own.
        pub(super) static OWN: Cell<Option<&'static Room>> = const { Cell::new(None) };
    }

    /// Gives the test of this thread a room of its own.
    pub(crate) fn own_room(bytes: usize) {
        OWN.set(Some(Box::leak(Box::new(Room::of(bytes)))));
    }

    /// How much of it is held.
    pub(crate) fn held_of_own() -> usize {
        OWN.get()
            .map_or(0, |room| room.held.load(Ordering::Relaxed))
    }

    #[test]
    fn each_has_a_share_of_what_is_left_and_what_is_small_is_never_refused() {
        static ROOM: Room = Room::of(80 * MIB);
        let mut crowd = Vec::new();
        for mib in [10, 8, 7, 6, 6, 5] {
            let mut one = Held::nothing_of(&ROOM);
            assert_eq!(
                one.grow((mib + 1) * MIB, Share::BYTES),
                Err(NoRoom),
                "{mib}"
            );
            assert_eq!(one.grow(mib * MIB, Share::BYTES), Ok(()), "{mib}");
            crowd.push(one);
        }
        for _ in 0..1_000 {
            let mut small = Held::nothing_of(&ROOM);
            assert_eq!(small.grow(SMALL, Share::OTHER), Ok(()));
            crowd.push(small);
        }
        let mut late = Held::nothing_of(&ROOM);
        assert_eq!(late.grow(SMALL + 1, Share::PAGE), Err(NoRoom));
        drop(crowd);
        assert_eq!(late.grow(40 * MIB, Share::PAGE), Ok(()));
        assert_eq!(
            late.grow(30 * MIB, Share::PAGE),
            Ok(()),
            "what it has is its own"
        );
        drop(late);
        assert_eq!(ROOM.held.load(Ordering::Relaxed), 0);
    }
}
