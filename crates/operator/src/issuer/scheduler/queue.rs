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

/// Of so many rotations one is of the namespace whose turn it is; the others are those whose tokens end first,
/// whosever they are. That is more than what all rotations need where they need 70 % of the rate: half of their
/// requests are revokes, and of ten turns six at least are theirs.
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
        self.classes
            .entry(ticket.class)
            .or_default()
            .put(&ticket.namespace, ticket.place.clone());
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
        let uid = self.classes.get_mut(&class)?.pop(&namespace)?;
        let ticket = self.waiting.remove(&uid)?;
        self.served = self.served.wrapping_add(1);
        let rotated = u64::from(class == Class::Scheduled);
        self.rotated = self.rotated.wrapping_add(rotated);
        Some((uid, ticket.namespace))
    }

    /// The namespace that is next within a class.
    fn next(&self, class: Class, may: impl Fn(&str) -> bool) -> Option<String> {
        let lane = self.classes.get(&class)?;
        let of_the_round = self.rotated % OF_THE_ROUND == OF_THE_ROUND - 1;
        match class == Class::Scheduled && !of_the_round {
            true => lane.soonest(may),
            false => lane.next(may),
        }
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
    fn put(&mut self, namespace: &str, place: Place) {
        if !self.namespaces.contains_key(namespace) {
            let turn = self.last_turn();
            self.round.insert(turn, namespace.to_owned());
            let places = BTreeSet::new();
            self.namespaces
                .insert(namespace.to_owned(), Crowd { turn, places });
        }
        if self.change(namespace, |places| places.insert(place)) == Some(true) {
            self.count = self.count.saturating_add(1);
        }
    }

    fn remove(&mut self, namespace: &str, place: &Place) {
        if self.change(namespace, |places| places.remove(place)) == Some(true) {
            self.count = self.count.saturating_sub(1);
        }
    }

    /// The first of a namespace, which goes to the end of the round.
    fn pop(&mut self, namespace: &str) -> Option<String> {
        let turn = self.last_turn();
        let crowd = self.namespaces.get_mut(namespace)?;
        let name = self.round.remove(&crowd.turn)?;
        crowd.turn = turn;
        self.round.insert(turn, name);
        let first = self.change(namespace, BTreeSet::pop_first)??;
        self.count = self.count.saturating_sub(1);
        Some(first.uid)
    }

    fn last_turn(&mut self) -> u64 {
        self.turns = self.turns.saturating_add(1);
        self.turns
    }

    /// Changes who waits in a namespace, which goes when nobody does.
    fn change<T>(
        &mut self,
        namespace: &str,
        change: impl FnOnce(&mut BTreeSet<Place>) -> T,
    ) -> Option<T> {
        let crowd = self.namespaces.get_mut(namespace)?;
        if let Some(first) = crowd.places.first() {
            self.soonest.remove(first);
        }
        let changed = change(&mut crowd.places);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uid: &str, namespace: &str, class: Class, expiry: Option<i64>) -> SlotRequest {
        SlotRequest {
            uid: uid.to_owned(),
            namespace: namespace.to_owned(),
            class,
            expiry: expiry.map(|second| Timestamp::from_second(second).unwrap()),
        }
    }

    fn order(requests: Vec<SlotRequest>) -> Vec<String> {
        let mut queue = Queue::default();
        requests.into_iter().for_each(|request| queue.put(request));
        std::iter::from_fn(|| pop(&mut queue, 0)).collect()
    }

    fn pop(queue: &mut Queue, second: i64) -> Option<String> {
        queue.pop(at(second), |_| true).map(|(uid, _)| uid)
    }

    /// At this second, where a turn takes four.
    fn at(second: i64) -> Pace {
        Pace {
            now: Timestamp::from_second(second).unwrap(),
            turn: SignedDuration::from_secs(4),
        }
    }

    #[test]
    fn the_class_comes_first_then_the_earliest_expiry_and_each_third_time_the_namespace_whose_turn_it_is()
     {
        let served = order(vec![
            request("end", "a", Class::Revoke, None),
            request("first", "a", Class::First, None),
            request("wish", "a", Class::Triggered, None),
            request("a-4", "a", Class::Scheduled, Some(4)),
            request("a-3", "a", Class::Scheduled, Some(3)),
            request("a-2", "a", Class::Scheduled, Some(2)),
            request("a-1", "a", Class::Scheduled, Some(1)),
            request("b-9", "b", Class::Scheduled, Some(9)),
            request("c-5", "c", Class::Scheduled, Some(5)),
        ]);
        let wanted = [
            "a-1", "a-2", "b-9", "a-3", "a-4", "c-5", "wish", "first", "end",
        ];
        assert_eq!(served, wanted);
    }

    #[test]
    fn a_crowd_of_one_namespace_keeps_no_other_waiting() {
        let crowd = (0..1000).map(|n| request(&format!("crowd-{n}"), "big", Class::First, None));
        let mut requests: Vec<_> = crowd.collect();
        requests.push(request("alone", "small", Class::First, None));
        let served = order(requests);
        assert_eq!(served.iter().position(|uid| uid == "alone"), Some(1));
    }

    #[test]
    fn one_turn_in_ten_goes_to_the_ends_of_tokens_and_one_to_checks() {
        let mut requests: Vec<_> = (0..80)
            .map(|n| request(&format!("first-{n}"), "a", Class::First, None))
            .collect();
        for n in 0..10 {
            requests.push(request(&format!("end-{n}"), "a", Class::Revoke, None));
            requests.push(request(&format!("check-{n}"), "a", Class::Recheck, None));
        }
        let served = order(requests);
        let of = |what: &str| {
            served
                .iter()
                .take(50)
                .filter(|uid| uid.starts_with(what))
                .count()
        };
        assert_eq!((of("first"), of("end"), of("check")), (40, 5, 5));
    }

    #[test]
    fn first_tokens_come_beside_rotations_that_never_end_as_long_as_no_token_ends_for_it() {
        // A hundred rotations take four hundred seconds; their tokens end when so many times that has passed.
        for (times, shared) in [(1, false), (2, true), (3, true), (10, true)] {
            let ends = 400 * times;
            let rotations = (0..100).map(|n| {
                let namespace = ["a", "b", "c"][n % 3];
                request(
                    &format!("rotation-{n}"),
                    namespace,
                    Class::Scheduled,
                    Some(ends),
                )
            });
            let new = (0..30).map(|n| request(&format!("first-{n}"), "a", Class::First, None));
            let wishes =
                (0..30).map(|n| request(&format!("wish-{n}"), "a", Class::Triggered, None));
            let mut queue = Queue::default();
            rotations
                .chain(new)
                .chain(wishes)
                .for_each(|request| queue.put(request));
            let (mut now, mut before) = (0, [0, 0]);
            while queue.count(Class::Scheduled) > 0 {
                let uid = pop(&mut queue, now).unwrap();
                now += 4;
                before[0] += i32::from(uid.starts_with("first"));
                before[1] += i32::from(uid.starts_with("wish"));
            }
            assert!(now <= ends, "{times}: a token ended: {now}");
            assert_eq!(
                before.iter().all(|count| *count >= 10),
                shared,
                "{times}: {before:?}"
            );
        }
    }

    #[test]
    fn rotations_of_one_namespace_that_come_too_late_anyway_keep_no_other_waiting_for_ever() {
        let mut queue = Queue::default();
        for n in 0..1000 {
            queue.put(request(
                &format!("rotation-{n}"),
                "crowd",
                Class::Scheduled,
                Some(1),
            ));
            queue.put(request(&format!("first-{n}"), "crowd", Class::First, None));
        }
        queue.put(request("wish", "small", Class::Triggered, Some(9_000)));
        queue.put(request("first", "small", Class::First, None));
        let served: Vec<_> = std::iter::from_fn(|| pop(&mut queue, 2)).take(20).collect();
        let others = served.iter().filter(|uid| !uid.starts_with("rotation-"));
        assert_eq!(others.collect::<Vec<_>>(), ["wish", "first"]);
    }

    #[test]
    fn who_asks_again_keeps_its_place_and_who_goes_leaves_none() {
        let mut queue = Queue::default();
        for uid in ["a", "b", "c", "a"] {
            queue.put(request(uid, "x", Class::First, None));
        }
        queue.remove("b");
        assert_eq!(queue.count(Class::First), 2);
        assert_eq!(pop(&mut queue, 0).as_deref(), Some("a"));
        assert_eq!(pop(&mut queue, 0).as_deref(), Some("c"));
        assert!(queue.is_empty() && pop(&mut queue, 0).is_none());
        let mut lanes = queue.classes.values();
        assert!(lanes.all(|lane| lane.round.is_empty() && lane.soonest.is_empty()));
    }

    #[test]
    fn ten_thousand_namespaces_with_one_token_each_are_served_without_a_look_at_all_of_them() {
        let mut queue = Queue::default();
        for n in 0..10_000 {
            let (uid, expiry) = (n.to_string(), Some(50_000 - n));
            queue.put(request(&uid, &uid, Class::Scheduled, expiry));
        }
        let asked = std::cell::Cell::new(0);
        // Two may have no turn, as those that have one under way.
        let may = |name: &str| {
            asked.set(asked.get() + 1);
            !["0", "9999"].contains(&name)
        };
        let served = std::iter::from_fn(|| queue.pop(at(0), may)).take(9_998);
        assert_eq!(served.count(), 9_998);
        assert!(asked.get() <= 2 * 9_998, "{}", asked.get());
        assert_eq!(queue.count(Class::Scheduled), 2);
    }
}
