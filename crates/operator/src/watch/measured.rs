//! What is so now, for whoever measures it: of each ApiToken, of each issuer, and of the operator.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::cluster::metrics::{Sample, issuer, names};
use crate::cluster::token::{Brief, PackedToken};
use crate::issuer::object::place_of_packed;
use crate::issuer::registry::IssuerState;
use crate::issuer::status::standing;
use crate::watch::dispatch::Dispatch;

/// A rotation that waits no longer than this for its turn is in time.
const IN_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Everything; what is known of each ApiToken only where `per_token` is wanted.
pub(crate) fn samples(dispatch: &Dispatch, per_token: bool) -> Vec<Sample> {
    let context = &dispatch.context;
    let tokens = context.seen();
    let mut samples = vec![
        Sample::new(names::LEADER, [], 1.0),
        Sample::new(names::UNREADABLE, [], count(context.unreadable.count())),
    ];
    if per_token {
        samples.extend(tokens.iter().flat_map(instants));
    }
    let mut amiss: BTreeMap<String, Amiss> = BTreeMap::new();
    let now = context.clock.now();
    for token in &tokens {
        let at_issuer = amiss.entry(issuer(place_of_packed(token))).or_default();
        at_issuer.add(token.brief(), now);
    }
    for (name, at_issuer) in amiss {
        samples.extend(at_issuer.samples(&name));
    }
    for (place, state) in dispatch.issuers.all() {
        let name = issuer(place);
        let so = |metric, is| Sample::new(metric, [name.clone()], f64::from(u8::from(is)));
        let handle = match state {
            IssuerState::Ready(handle) => handle,
            IssuerState::NotReady(_) => {
                samples.push(so(names::ISSUER_PAUSED, true));
                continue;
            }
        };
        samples.extend([
            so(names::ISSUER_PAUSED, standing(&handle).is_some()),
            so(
                names::ISSUER_SUSPECT,
                handle.losses.unacknowledged().is_some(),
            ),
            so(names::ISSUER_FORMER_CREDENTIAL, *handle.outlasts.lock()),
        ]);
        let load = *handle.load.lock();
        samples.extend(load.map(|load| Sample::new(names::ISSUER_LOAD, [name.clone()], load)));
        for (class, waiting) in handle.scheduler.queue() {
            let labels = [name.clone(), class.to_owned()];
            samples.push(Sample::new(names::ISSUER_QUEUE, labels, count(waiting)));
        }
    }
    samples
}

/// What is not as it should be with the ApiTokens of one issuer.
#[derive(Default)]
struct Amiss {
    expired: usize,
    overdue: usize,
    fails: usize,
    orphans: u32,
    stuck: u32,
    expires_soon: usize,
    foreign: usize,
    suspects: u32,
}

impl Amiss {
    fn add(&mut self, brief: &Brief, now: Timestamp) {
        let expired = brief.ends_at.is_some_and(|at| at <= now);
        let late = |at: Timestamp| now.duration_since(at) > IN_TIME;
        let overdue = !expired && brief.renews_at.is_some_and(late);
        self.expired = self.expired.saturating_add(usize::from(expired));
        self.overdue = self.overdue.saturating_add(usize::from(overdue));
        self.fails = self.fails.saturating_add(usize::from(brief.fails));
        self.orphans = self.orphans.saturating_add(brief.orphans);
        self.stuck = self.stuck.saturating_add(brief.stuck);
        self.expires_soon = self
            .expires_soon
            .saturating_add(usize::from(brief.expires_soon));
        self.foreign = self.foreign.saturating_add(usize::from(brief.foreign));
        self.suspects = self.suspects.saturating_add(brief.suspects);
    }

    fn samples(&self, issuer: &str) -> [Sample; 8] {
        [
            (names::EXPIRED_TOKENS, count(self.expired)),
            (names::OVERDUE_ROTATIONS, count(self.overdue)),
            (names::FAILING_MINTS, count(self.fails)),
            (names::ORPHANS, f64::from(self.orphans)),
            (names::STUCK_REVOKES, f64::from(self.stuck)),
            (names::EXPIRING_TOKENS, count(self.expires_soon)),
            (names::FOREIGN_ACTIVITY, count(self.foreign)),
            (names::SUSPECTS, f64::from(self.suspects)),
        ]
        .map(|(metric, value)| Sample::new(metric, [issuer.to_owned()], value))
    }
}

/// When the current token of an ApiToken ends, and when it is replaced.
fn instants(token: &PackedToken) -> impl Iterator<Item = Sample> {
    let brief = token.brief();
    let labels = [
        token.namespace().to_owned(),
        token.name().to_owned(),
        issuer(place_of_packed(token)),
    ];
    let sample = move |metric, at: Option<Timestamp>| {
        at.map(|at| Sample::new(metric, labels.clone(), seconds(at)))
    };
    let ends = sample(names::TOKEN_EXPIRY, brief.ends_at);
    let renews = sample(names::TOKEN_RENEWAL, brief.renews_at);
    ends.into_iter().chain(renews)
}

/// As metrics have it.
fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
