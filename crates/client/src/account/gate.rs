//! The gate that every request to one issuer passes: its slots, and its one pause.
//!
//! A wait that the issuer asks for holds for all operations. A refusal that lasts, and an issuer that
//! does not answer, make a pause of our own that grows from a second to minutes. While a pause lasts
//! nothing is sent: whoever asks is told at once how long it is, and decides whether to wait. Only work
//! that was begun goes on through a pause of our own, since it has a deadline: a fresh value is proven or
//! withdrawn, and whether new work is begun meanwhile is up to who grants turns. A changed
//! credential or specification makes a new gate, so that a correction is tried at once.
//!
//! Where many share an issuer, one of them could choose words that make it fail. What a request with such
//! words is answered is a doubt there, and makes a pause only once a request without them was answered alike.

mod apart;

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::{after, before};
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use self::apart::TOLERATED;

use self::apart::Apart;
use super::limiter::{Limiter, Precedence, Slot, later};
use super::seats::{self, Seats};
use super::sent;
use crate::clock::Clock;
use crate::error::{ErrorKind, Operation};

/// The first pause after a refusal; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that nobody asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A doubt that a question without anybody's words has refuted is raised by nobody for so long: whoever fails
/// again and again does not have the issuer asked each time.
const REFUTED: Duration = Duration::from_secs(10);

/// Everything between us and one issuer, used with one credential.
pub struct Gate {
    limiter: Arc<Limiter>,
    /// Whether those who ask do not answer for each other.
    shared: bool,
    refusals: Mutex<Refusals>,
    /// What was doubted is not any more.
    settled: Notify,
    apart: Apart,
    clock: Clock,
    /// Who wants to know when a pause begins, grows, or is over before its time.
    told: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("limiter", &self.limiter)
            .field("refusals", &self.refusals)
            .finish_non_exhaustive()
    }
}

/// What was refused lately.
#[derive(Debug, Default)]
struct Refusals {
    /// How often in a row.
    count: u32,
    /// The last one, until an answer says otherwise.
    last: Option<Said>,
    /// The last wait that the issuer asked for, until it answers again.
    asked: Option<Said>,
    /// What was said to somebody's words alone: when, and what.
    doubt: Option<(Instant, Why)>,
    /// Until when no doubt is raised.
    refuted_until: Option<Instant>,
}

/// Whose words a request carries: names, scopes, parameters and values are chosen by whoever asks for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// None but those of the credential and the specification.
    Ours,
    /// Those of one of many.
    Theirs,
}

/// What an answer said against the issuer, or that none came.
#[derive(Debug, Clone, Copy)]
struct Said {
    /// When that was counted.
    at: Instant,
    /// Until when nothing is sent.
    until: Instant,
    why: Why,
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The issuer asked to be left alone.
    Asked,
    /// The issuer does not accept the credential.
    CredentialRefused,
    /// The issuer cannot be reached, or does not answer.
    Unreachable,
    /// Other requests go first, and the time for this one is over.
    Busy,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "the issuer asked for fewer requests",
            Self::CredentialRefused => "the issuer does not accept the credential",
            Self::Unreachable => "the issuer cannot be reached",
            Self::Busy => "other requests to the issuer go first",
        })
    }
}

/// Nothing is sent to the issuer before this instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no request is sent before {until}: {why}")]
pub struct Pause {
    /// The instant, to the second.
    pub until: Timestamp,
    /// The reason.
    pub why: Why,
    /// How long it still is.
    pub wait: SignedDuration,
    /// How long it is as a whole, as far as that is known.
    pub length: SignedDuration,
}

/// What an answer says about the issuer as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answered; `credential` tells whether our credential was let in, too.
    Answered { credential: bool },
    /// It asks for fewer requests, and may say for how long.
    AskedToWait(Option<SignedDuration>),
    /// It does not accept our credential.
    CredentialRefused,
    /// It did not answer, or could not.
    Unreachable,
    /// Nothing was sent, since there was no connection.
    NotReached,
    /// Nothing that concerns other requests.
    Nothing,
}

/// Leave to send one request.
#[derive(Debug)]
pub(crate) struct Pass {
    begun: Instant,
    _slot: Slot,
}

impl Gate {
    /// A gate that nothing has passed yet.
    #[must_use]
    pub fn new(limiter: Arc<Limiter>, clock: Clock) -> Arc<Self> {
        Self::of(limiter, clock, false)
    }

    /// The same for one whose users do not answer for each other. Whoever shares it asks
    /// [`Account::ask_for_all`](super::Account::ask_for_all) where it is [`doubted`](Self::doubted).
    #[must_use]
    pub fn shared(limiter: Arc<Limiter>, clock: Clock) -> Arc<Self> {
        Self::of(limiter, clock, true)
    }

    fn of(limiter: Arc<Limiter>, clock: Clock, shared: bool) -> Arc<Self> {
        Arc::new(Self {
            limiter,
            shared,
            refusals: Mutex::default(),
            settled: Notify::new(),
            apart: Apart::default(),
            clock,
            told: OnceLock::new(),
        })
    }

    /// Tells somebody when a pause begins, grows, or is over before its time, and when it is doubted whether
    /// one should. Only the first is told.
    pub fn tell(&self, told: impl Fn() + Send + Sync + 'static) {
        let _taken = self.told.set(Box::new(told));
    }

    fn changed(&self) {
        self.limiter.wake();
        if let Some(told) = self.told.get() {
            told();
        }
    }

    /// The pause that is on, if any.
    #[must_use]
    pub fn pause(&self) -> Option<Pause> {
        self.pause_of(Precedence::Look)
    }

    /// The pause that is on, or else the last one, as long as no answer has shown since that the issuer is
    /// well: that a pause is over says nothing about what follows it.
    #[must_use]
    pub fn standing(&self) -> Option<Pause> {
        let last = || {
            let refusals = self.refusals();
            let said = [refusals.last, refusals.asked].into_iter().flatten();
            said.max_by_key(|said| said.until)
        };
        let last = || last().map(|said| self.said(said));
        self.pause().or_else(last)
    }

    /// Nobody asks any more: how it was the last time says nothing about how it is, once the pause is over.
    pub fn rest(&self) {
        if self.pause().is_none() {
            *self.refusals() = Refusals::default();
        }
    }

    fn pause_of(&self, precedence: Precedence) -> Option<Pause> {
        let now = Instant::now();
        let (last, asked) = {
            let refusals = self.refusals();
            (refusals.last, refusals.asked)
        };
        // Whoever else asks the same host may have been told.
        let asked = self.limiter.asked_until().map(|until| Said {
            at: asked.map_or(now, |own| own.at),
            until,
            why: Why::Asked,
        });
        let refused = last.filter(|said| said.until > now && precedence != Precedence::Work);
        let ahead = [asked, refused].into_iter().flatten();
        ahead
            .max_by_key(|said| said.until)
            .map(|said| self.said(said))
    }

    /// Slots for those who send requests: who keeps one of them for long is known for it here, and who keeps a
    /// request for long, there.
    #[must_use]
    pub fn seats(&self) -> Seats {
        self.limiter.seats()
    }

    /// When a request could be sent; `None` is now.
    #[must_use]
    pub fn free_at(&self) -> Option<Timestamp> {
        let free = self.limiter.free_at().map(|at| self.until(at, Why::Busy));
        let later = [free, self.pause()];
        later.into_iter().flatten().map(|pause| pause.until).max()
    }

    fn until(&self, until: Instant, why: Why) -> Pause {
        let at = Instant::now();
        self.said(Said { at, until, why })
    }

    fn said(&self, Said { at, until, why }: Said) -> Pause {
        let now = Instant::now();
        let [wait, ago, length] = [(now, until), (until, now), (at, until)].map(|(from, to)| {
            let span = to.saturating_duration_since(from);
            SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX)
        });
        Pause {
            until: before(after(self.clock.now(), wait), ago),
            why,
            wait,
            length,
        }
    }

    /// Waits for a slot, but not through a pause, and not beyond the instant after which the request
    /// must not be sent.
    pub(crate) async fn pass(
        &self,
        (operation, words): (Operation, Words),
        send_by: Option<Timestamp>,
    ) -> Result<Pass, Pause> {
        let precedence = Precedence::of(operation);
        let name = seats::name().filter(|_| words == Words::Theirs);
        let keeps = || self.pause_of(precedence);
        let slot = self.limiter.slot((precedence, name), keeps);
        let patience = send_by.map(|at| at.duration_since(self.clock.now()));
        let busy = || {
            let free = self.limiter.free_at().unwrap_or_else(Instant::now);
            self.until(free, Why::Busy)
        };
        let slot = match patience.map(Duration::try_from) {
            None => slot.await?,
            // What went before took all of its time.
            Some(Err(_)) => return Err(busy()),
            Some(Ok(patience)) => {
                let waited = tokio::time::timeout(patience, slot).await;
                waited.map_err(|_| busy())??
            }
        };
        sent::one_more();
        Ok(Pass {
            begun: slot.begun,
            _slot: slot,
        })
    }

    /// Takes note of how far the clock here is ahead of the issuer's.
    pub fn heard(&self, ahead: SignedDuration) {
        self.apart.heard(ahead);
    }

    /// How far the clock here is ahead of the issuer's, as its latest answer tells; nothing where they agree, where it
    /// is behind, and where no answer told.
    #[must_use]
    pub fn ahead(&self) -> SignedDuration {
        let apart = self.apart().unwrap_or_default();
        apart.max(SignedDuration::ZERO)
    }

    /// The same, and negative where the clock here is behind; `None` where no answer told.
    #[must_use]
    pub fn apart(&self) -> Option<SignedDuration> {
        self.apart.told()
    }

    /// Takes note of what came of a request.
    pub(crate) fn saw(&self, begun: Instant, words: Words, sign: Sign) {
        let why = match sign {
            Sign::Answered { credential } => return self.answered(begun, credential),
            Sign::AskedToWait(Some(wait)) if wait > SignedDuration::ZERO => {
                return self.asked_to_wait(wait.unsigned_abs());
            }
            Sign::AskedToWait(_) => Why::Asked,
            Sign::CredentialRefused => Why::CredentialRefused,
            Sign::Unreachable | Sign::NotReached => Why::Unreachable,
            Sign::Nothing => return,
        };
        // Before anything is sent, words make no difference.
        match self.shared && words == Words::Theirs && sign != Sign::NotReached {
            true => self.raise(begun, why),
            false => self.refused(begun, why),
        }
    }

    /// Whether somebody was answered as if the issuer, or the credential, did not work for anybody.
    #[must_use]
    pub fn doubted(&self) -> bool {
        self.refusals().doubt.is_some()
    }

    fn raise(&self, begun: Instant, why: Why) {
        let now = Instant::now();
        let mut refusals = self.refusals();
        let known = refusals
            .last
            .is_some_and(|said| begun <= said.at || now < said.until);
        let refuted = refusals.refuted_until.is_some_and(|until| now < until);
        if known || refuted || refusals.doubt.is_some() {
            return;
        }
        refusals.doubt = Some((now, why));
        drop(refusals);
        self.changed();
    }

    /// Waits until nothing is doubted.
    pub(super) async fn undoubted(&self) {
        loop {
            let mut settled = pin!(self.settled.notified());
            settled.as_mut().enable();
            if !self.doubted() {
                return;
            }
            settled.await;
        }
    }

    /// Nothing has refuted a doubt: it is believed.
    pub(super) fn believe(&self) {
        let doubt = self.refusals().doubt.take();
        if let Some((at, why)) = doubt {
            self.refused(at, why);
        }
    }

    fn asked_to_wait(&self, wait: Duration) {
        self.limiter.asked_to_wait(wait);
        let (at, until) = (Instant::now(), self.limiter.asked_until());
        {
            let mut refusals = self.refusals();
            refusals.doubt = None;
            self.settled.notify_waiters();
            refusals.asked = until.map(|until| Said {
                at,
                until,
                why: Why::Asked,
            });
        }
        self.changed();
    }

    fn answered(&self, begun: Instant, credential: bool) {
        // One that was sent before the refusal says nothing about what is now.
        let ends = |said: &Option<Said>| {
            said.is_some_and(|said| {
                begun > said.at && (credential || said.why != Why::CredentialRefused)
            })
        };
        let mut refusals = self.refusals();
        let refutes = |(at, why): (Instant, Why)| {
            begun >= at && (credential || why != Why::CredentialRefused)
        };
        if refusals.doubt.take_if(|doubt| refutes(*doubt)).is_some() {
            refusals.refuted_until = Some(later(Instant::now(), REFUTED));
            self.settled.notify_waiters();
        }
        let (refused, asked) = (ends(&refusals.last), ends(&refusals.asked));
        if refused {
            (refusals.count, refusals.last) = (0, None);
        }
        if asked {
            refusals.asked = None;
        }
        drop(refusals);
        if refused || asked {
            self.changed();
        }
    }

    /// Requests that were under way together are refused together: that counts once.
    fn refused(&self, begun: Instant, why: Why) {
        let now = Instant::now();
        let mut refusals = self.refusals();
        if refusals.last.is_some_and(|said| begun <= said.at) {
            return;
        }
        refusals.doubt = None;
        self.settled.notify_waiters();
        let doublings = 2_u32.saturating_pow(refusals.count.min(16));
        let pause = FIRST_PAUSE.saturating_mul(doublings).min(LONGEST_PAUSE);
        refusals.count = refusals.count.saturating_add(1);
        refusals.last = Some(Said {
            at: now,
            until: later(now, pause),
            why,
        });
        drop(refusals);
        self.changed();
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// When the request was begun, and the end of its slot.
    pub(crate) fn over(self) -> Instant {
        self.begun
    }
}

impl Sign {
    /// What a failure says, where the request itself was not looked at.
    pub(crate) fn of(operation: Operation, failure: Option<ErrorKind>) -> Self {
        match (failure, operation) {
            (Some(ErrorKind::RateLimited { retry_after }), _) => Self::AskedToWait(retry_after),
            // A fresh value is asked about again and again while it settles; where the issuer is out of
            // reach, whatever else it is asked for tells so.
            (Some(ErrorKind::Unavailable | ErrorKind::OutcomeUnknown), Operation::Check) => {
                Self::Nothing
            }
            (Some(ErrorKind::Unavailable | ErrorKind::OutcomeUnknown), _) => Self::Unreachable,
            // A value that is asked about is nobody's credential but its own.
            (_, Operation::Check) => Self::Answered { credential: false },
            // Somebody answered, and perhaps not the issuer.
            (Some(ErrorKind::AnswerNotUnderstood), _) => Self::Answered { credential: false },
            (Some(ErrorKind::Unauthenticated), _)
            | (Some(ErrorKind::Forbidden), Operation::Identity) => Self::CredentialRefused,
            (_, _) => Self::Answered { credential: true },
        }
    }
}

#[cfg(test)]
mod tests;
