//! Who waits at one issuer, in the order in which they are served.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::after;

/// Of so many turns one goes to the ends of tokens and one to checks, however much else waits; one to what
/// somebody asked for and one to first tokens, as long as no token ends sooner for it, or of a namespace where no
/// rotation waits: however many rotations wait in one, they keep no other waiting for ever.
const SHARE: u64 = 10;

/// A turn that is given away must leave so many times the time that all rotations need that wait: the shares
/// of the others, and what takes longer than it should.
const SPARE: i32 = 2;

/// Of so many rotations one is of the namespace whose turn it is, which serves first whoever is to go ahead in it;
/// the others are those whose tokens end first, whosever they are. That is more than what all rotations need where
/// they need 70 % of the rate: half of their requests are revokes, and of ten turns six at least are theirs.
const OF_THE_ROUND: u64 = 3;

/// When turns are granted, and how long one takes at the rate of the issuer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) now: Timestamp,
    pub(crate) turn: SignedDuration,
}

impl Pace {
    /// Where nothing ends that waits.
    pub(crate) const WITHOUT_ENDS: Self = Self {
        now: Timestamp::UNIX_EPOCH,
        turn: SignedDuration::ZERO,
    };
}

/// What the work is, in the order in which it is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A rotation that is due, or a token that is lost.
    Scheduled,
    /// A rotation that somebody asked for.
    Triggered,
    /// The first token of a manager.
    First,
    /// The end of a token.
    Revoke,
    /// Whether an adopted token still works.
    Recheck,
}

impl Class {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::Scheduled,
        Self::Triggered,
        Self::First,
        Self::Revoke,
        Self::Recheck,
    ];

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Triggered => "Triggered",
            Self::First => "First",
            Self::Revoke => "Revoke",
            Self::Recheck => "Recheck",
        }
    }
}

/// A request for a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotRequest {
    /// The UID of the manager.
    pub(crate) uid: String,
    /// Its namespace: those that wait are served in turn.
    pub(crate) namespace: String,
    /// What for.
    pub(crate) class: Class,
    /// When the token that works now ends.
    pub(crate) expiry: Option<Timestamp>,
    /// Whether it goes first where it is the turn of its namespace, and before no other one: whoever removes Secrets
    /// of its own overtakes nobody else.
    pub(crate) ahead: bool,
}

/// All who wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: HashMap<String, Ticket>,
    classes: BTreeMap<Class, Lane>,
    arrivals: u64,
    served: u64,
    rotated: u64,
}

#[derive(Debug, Clone)]
struct Ticket {
    class: Class,
    namespace: String,
    place: Place,
}

/// Where one stands among those of its class and namespace: the earliest expiry first, then who came first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    expiry: Timestamp,
    arrival: u64,
    uid: String,
}

/// Those of one class.
#[derive(Debug, Default)]
struct Lane {
    /// None of them is ever empty.
    namespaces: HashMap<String, Crowd>,
    /// Each namespace once, by its turn.
    round: BTreeMap<u64, String>,
    /// Each namespace once, by the first of those that wait in it.
    soonest: BTreeMap<Place, String>,
    turns: u64,
    count: usize,
}

/// Those of one namespace.
#[derive(Debug)]
struct Crowd {
    turn: u64,
    places: BTreeSet<Place>,
    /// Those among them that go first at the turn of the namespace.
    ahead: BTreeSet<Place>,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes up a request; one that waits already keeps its place in the order of arrival.
    pub(crate) fn put(&mut self, request: SlotRequest) {
        let arrival = match self.take(&request.uid) {
            Some(ticket) => ticket.place.arrival,
            None => {
                self.arrivals = self.arrivals.saturating_add(1);
                self.arrivals
            }
        };
        let place = Place {
            expiry: request.expiry.unwrap_or(Timestamp::MAX),
            arrival,
            uid: request.uid.clone(),
        };
        let ticket = Ticket {
            class: request.class,
            namespace: request.namespace,
            place,
        };
        self.classes.entry(ticket.class).or_default().put(
            &ticket.namespace,
            ticket.place.clone(),
            request.ahead,
        );
        self.waiting.insert(request.uid, ticket);
    }

    /// Takes a request back.
    pub(super) fn remove(&mut self, uid: &str) {
        self.take(uid);
    }

    fn take(&mut self, uid: &str) -> Option<Ticket> {
        let ticket = self.waiting.remove(uid)?;
        if let Some(lane) = self.classes.get_mut(&ticket.class) {
            lane.remove(&ticket.namespace, &ticket.place);
        }
        Some(ticket)
    }

    /// Whose turn it is of those whose namespace may have one: its UID and its namespace. It waits no more.
    pub(crate) fn pop(
        &mut self,
        pace: Pace,
        may: impl Fn(&str) -> bool,
    ) -> Option<(String, String)> {
        let favoured = self.favoured(pace, &may);
        let any = |class| Some((class, self.next(class, &may)?));
        let (class, namespace) = favoured.or_else(|| Class::ALL.into_iter().find_map(any))?;
        let of_the_round = self.of_the_round(class);
        let uid = self
            .classes
            .get_mut(&class)?
            .pop(&namespace, of_the_round)?;
        let ticket = self.waiting.remove(&uid)?;
        self.served = self.served.wrapping_add(1);
        let rotated = u64::from(class == Class::Scheduled);
        self.rotated = self.rotated.wrapping_add(rotated);
        Some((uid, ticket.namespace))
    }

    /// The namespace that is next within a class.
    fn next(&self, class: Class, may: impl Fn(&str) -> bool) -> Option<String> {
        let lane = self.classes.get(&class)?;
        match self.of_the_round(class) {
            true => lane.next(may),
            false => lane.soonest(may),
        }
    }

    /// Whether the next one of a class is of the namespace whose turn it is, whatever ends first.
    fn of_the_round(&self, class: Class) -> bool {
        class != Class::Scheduled || self.rotated % OF_THE_ROUND == OF_THE_ROUND - 1
    }

    /// How many of a class wait.
    pub(super) fn count(&self, class: Class) -> usize {
        self.classes.get(&class).map_or(0, |lane| lane.count)
    }

    /// Whether all rotations that wait are done in time though another goes first: before the first of their
    /// tokens ends, in whatever order they are served.
    fn can_spare(&self, pace: Pace) -> bool {
        let rotations = self.classes.get(&Class::Scheduled);
        let Some(ends) = rotations.and_then(Lane::earliest_expiry) else {
            return true;
        };
        let ahead = rotations.map_or(0, |lane| lane.count).saturating_add(1);
        let ahead = i32::try_from(ahead).unwrap_or(i32::MAX);
        let needed = pace.turn.saturating_mul(ahead).saturating_mul(SPARE);
        after(pace.now, needed) < ends
    }

    /// The class that goes before all others this time, and which namespace of it, where one waits that may.
    fn favoured(&self, pace: Pace, may: impl Fn(&str) -> bool) -> Option<(Class, String)> {
        let class = match self.served % SHARE {
            6 => Class::Triggered,
            7 => Class::First,
            8 => Class::Revoke,
            9 => Class::Recheck,
            _ => return None,
        };
        let spared = class >= Class::Revoke || self.can_spare(pace);
        let rotations = self.classes.get(&Class::Scheduled);
        let rotates =
            |namespace: &str| rotations.is_some_and(|lane| lane.namespaces.contains_key(namespace));
        let next = |lane: &Lane| lane.next(|one| may(one) && (spared || !rotates(one)));
        Some((class, self.classes.get(&class).and_then(next)?))
    }
}

impl Lane {
    fn put(&mut self, namespace: &str, place: Place, ahead: bool) {
        if !self.namespaces.contains_key(namespace) {
            let turn = self.last_turn();
            self.round.insert(turn, namespace.to_owned());
            let crowd = Crowd {
                turn,
                places: BTreeSet::new(),
                ahead: BTreeSet::new(),
            };
            self.namespaces.insert(namespace.to_owned(), crowd);
        }
        let put = |crowd: &mut Crowd| {
            if ahead {
                crowd.ahead.insert(place.clone());
            }
            crowd.places.insert(place)
        };
        if self.change(namespace, put) == Some(true) {
            self.count = self.count.saturating_add(1);
        }
    }

    fn remove(&mut self, namespace: &str, place: &Place) {
        if self.change(namespace, |crowd| crowd.remove(place)) == Some(true) {
            self.count = self.count.saturating_sub(1);
        }
    }

    /// The first of a namespace, which goes to the end of the round.
    fn pop(&mut self, namespace: &str, of_the_round: bool) -> Option<String> {
        let turn = self.last_turn();
        let crowd = self.namespaces.get_mut(namespace)?;
        let name = self.round.remove(&crowd.turn)?;
        crowd.turn = turn;
        self.round.insert(turn, name);
        let first = self.change(namespace, |crowd| crowd.pop(of_the_round))??;
        self.count = self.count.saturating_sub(1);
        Some(first.uid)
    }

    fn last_turn(&mut self) -> u64 {
        self.turns = self.turns.saturating_add(1);
        self.turns
    }

    /// Changes who waits in a namespace, which goes when nobody does.
    fn change<T>(&mut self, namespace: &str, change: impl FnOnce(&mut Crowd) -> T) -> Option<T> {
        let crowd = self.namespaces.get_mut(namespace)?;
        if let Some(first) = crowd.places.first() {
            self.soonest.remove(first);
        }
        let changed = change(crowd);
        match crowd.places.first() {
            Some(first) => {
                self.soonest.insert(first.clone(), namespace.to_owned());
            }
            None => {
                self.round.remove(&crowd.turn);
                self.namespaces.remove(namespace);
            }
        }
        Some(changed)
    }

    fn earliest_expiry(&self) -> Option<Timestamp> {
        let (first, _) = self.soonest.first_key_value()?;
        Some(first.expiry)
    }

    /// The namespace whose turn it is of those that may have one.
    fn next(&self, may: impl Fn(&str) -> bool) -> Option<String> {
        self.round.values().find(|name| may(name)).cloned()
    }

    /// The namespace where the first waits, of those that may have a turn.
    fn soonest(&self, may: impl Fn(&str) -> bool) -> Option<String> {
        self.soonest.values().find(|name| may(name)).cloned()
    }
}

impl Crowd {
    fn remove(&mut self, place: &Place) -> bool {
        self.ahead.remove(place);
        self.places.remove(place)
    }

    fn pop(&mut self, of_the_round: bool) -> Option<Place> {
        let ahead = self.ahead.first().filter(|_| of_the_round);
        let first = ahead.or(self.places.first())?.clone();
        self.remove(&first);
        Some(first)
    }
}

#[cfg(test)]
mod tests;
