//! The order of things: identity, mint, the steps with a living token, and its end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use tokenwright_client::{ErrorKind, Gate, Issuer, MintRequest, Minted, SecretValue};
use tokenwright_core::{
    IMPOSSIBLE_EXPIRY, Inputs, Lifetime, Liveness, LostAnswer, Marker, TokenId, TokenRef, duration,
    refused_expiry,
};

use super::ending::ToRevoke;
use super::lost::Lost;
use super::report::Report;
use crate::clock::{self, Stopwatch};
use crate::exit::Exit;
use crate::output::chain;
use crate::signals::Signals;

/// The first wait between two looks; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Clocks and the time of a request differ by less.
const WORTH_TELLING: SignedDuration = SignedDuration::from_mins(2);
/// The longest that an issuer which asks for patience is obeyed.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One trial.
pub(super) struct Trial<'a> {
    pub(super) issuer: &'a dyn Issuer,
    /// What its requests pass.
    pub(super) gate: &'a Gate,
    pub(super) inputs: Inputs,
    pub(super) marker: Marker,
    pub(super) report: &'a Report,
    pub(super) signals: Signals,
}

/// How the issuer stands after the trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing of this run is alive.
    Nothing,
    /// A token may be: one of these, where ids are known.
    MayBeAlive(Vec<TokenId>),
}

impl Left {
    /// Both together: one token that may be alive is one too many.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, left) | (left, Self::Nothing) => left,
            (Self::MayBeAlive(mut ids), Self::MayBeAlive(others)) => {
                ids.extend(others);
                Self::MayBeAlive(ids)
            }
        }
    }
}

impl Trial<'_> {
    /// Runs all of it; whatever happens, what was minted is ended.
    pub(super) async fn run(&self) -> Exit {
        if self.signals.unless(self.identity()).await == Some(false) {
            return Exit::Failed;
        }
        if let Some(signal) = self.signals.came() {
            return Exit::Interrupted(signal);
        }
        let left = self.mint_and_end().await;
        match (left, self.signals.came()) {
            (Left::MayBeAlive(ids), _) => {
                self.report.heading(&self.advice(&ids));
                Exit::MayBeAlive
            }
            (Left::Nothing, Some(signal)) => Exit::Interrupted(signal),
            (Left::Nothing, None) if self.report.has_failed() => Exit::Failed,
            (Left::Nothing, None) => Exit::Done,
        }
    }

    /// Whether the issuer kept to the lifetime: where it did not, every mint would be refused.
    fn kept(&self, minted: &Minted) {
        let (issued, can) = (minted.token.expires_at, self.issuer.capabilities());
        let wanted = self.inputs.lifetime;
        let Some(reason) = refused_expiry(wanted, issued, can, clock::now()) else {
            return;
        };
        let what = match (wanted, issued) {
            (_, Some(at)) if at == IMPOSSIBLE_EXPIRY => {
                "a time of the answer is a number beyond the year 2200: the system does not count seconds there; for milliseconds the profile says token.times: milliseconds".to_owned()
            }
            (Lifetime::For(wanted), None) => format!(
                "{} was asked for, and the token reads as never expiring",
                duration::format(wanted)
            ),
            (_, Some(at)) => format!("{wanted} was asked for, and the token expires {at}"),
            (Lifetime::Never, None) => String::new(),
        };
        let what = format!("{what} ({reason}: {})", reason.advice());
        self.report.begin();
        self.report.failed("lifetime", &what);
    }

    async fn identity(&self) -> bool {
        let step = "identity";
        self.report.begin();
        match self.issuer.identity().await {
            Ok(Some(identity)) => self.report.passed(step, identity.as_str()),
            Ok(None) => self
                .report
                .skipped(step, "the system cannot tell who the credential is"),
            Err(error) => self.report.failed(step, &chain(&error)),
        }
        !self.report.has_failed()
    }

    async fn mint_and_end(&self) -> Left {
        let request = MintRequest {
            remote_name: self.remote_name(),
            inputs: self.inputs.clone(),
            at: clock::now(),
            idempotency_key: self.marker.nonce.to_string(),
            send_by: None,
        };
        let before = match self.signals.unless(self.before()).await {
            Some(before) => before,
            None => return Left::Nothing,
        };
        // Written down before it is sent: whatever becomes of this process, a person can find the token.
        self.report
            .heading(&format!("minting {:?}", request.remote_name));
        self.report.begin();
        let minted = self.issuer.mint(&request).await;
        let since = Stopwatch::start();
        match minted {
            Ok(minted) => {
                self.report
                    .passed("mint", &self.described(&minted, request.at));
                self.kept(&minted);
                // Dropped at the first signal; the end is not.
                let _ = self.signals.unless(self.with_token(&minted, since)).await;
                let to_revoke = ToRevoke::Minted(&minted.token.id, &minted.value);
                self.end(to_revoke).await
            }
            Err(error) => {
                self.report.failed("mint", &chain(&error));
                match error.kind {
                    // The issuer did not let us in: nothing can have been made.
                    ErrorKind::Unauthenticated
                    | ErrorKind::RateLimited { .. }
                    | ErrorKind::Unavailable
                    | ErrorKind::Paused { .. } => Left::Nothing,
                    ErrorKind::NotFound
                    | ErrorKind::Forbidden
                    | ErrorKind::Invalid
                    | ErrorKind::Conflict
                    | ErrorKind::LimitReached
                    | ErrorKind::OutcomeUnknown
                    | ErrorKind::AnswerNotUnderstood => {
                        let lost = Lost {
                            request: &request,
                            kind: error.kind,
                            refused: error.is_clear_refusal(),
                            before,
                            since,
                        };
                        self.recover(lost).await
                    }
                }
            }
        }
    }

    pub(super) fn remote_name(&self) -> String {
        self.marker.remote_name(&self.inputs.name)
    }

    /// The token of this id, as a revoke wants it.
    pub(super) fn token(&self, id: &TokenId) -> TokenRef {
        TokenRef {
            id: id.clone(),
            marker: self.marker.clone(),
            parameters: self.inputs.parameters.clone(),
            endpoint: self.issuer.endpoint().to_owned(),
            // One issuer with one credential from mint to revoke: there is nothing to compare, and an
            // identity that cannot be asked again must not stand between a token and its end.
            identity: None,
        }
    }

    /// Whether the value authenticates, asked as its parameters need.
    pub(super) async fn alive(&self, value: &SecretValue) -> Liveness {
        let parameters = &self.inputs.parameters;
        self.issuer.check_with(value, parameters).await
    }

    /// The system's answers and listings agree after this time.
    pub(super) fn settle(&self) -> Duration {
        Duration::try_from(self.issuer.capabilities().settle).unwrap_or_default()
    }

    /// Waits until listings are sent again: what a trial left must be looked for all the same.
    pub(super) async fn patience(&self) {
        if let Some(pause) = self.gate.pause() {
            let wait = Duration::try_from(pause.wait).unwrap_or_default();
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
        }
    }

    /// Looks until it is as wanted, or until the system has had its time; the last look counts.
    pub(super) async fn settled<T>(
        &self,
        since: Stopwatch,
        wanted: impl Fn(&T) -> bool,
        mut look: impl AsyncFnMut() -> T,
    ) -> T {
        let mut wait = FIRST_WAIT;
        loop {
            // Before the look: one that began too early says nothing.
            let rest = self.settle().saturating_sub(since.elapsed());
            let seen = look().await;
            if wanted(&seen) || rest.is_zero() {
                return seen;
            }
            tokio::time::sleep(wait.min(rest)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    fn advice(&self, ids: &[TokenId]) -> String {
        let ids: Vec<_> = ids.iter().map(TokenId::as_str).collect();
        let name = self.remote_name();
        let what = match (self.issuer.capabilities().lost_answer, ids.is_empty()) {
            (LostAnswer::CannotAttribute, true) => {
                "find out which of its nameless tokens was minted now and revoke it".to_owned()
            }
            (LostAnswer::CannotAttribute, false) => {
                format!("look at id {} and revoke it", ids.join(", "))
            }
            (LostAnswer::Replay | LostAnswer::FindByMarker | LostAnswer::CannotList, _) => {
                format!("look for {name:?} and revoke it")
            }
        };
        let alone = match self.inputs.lifetime {
            Lifetime::For(lifetime) => format!("within {}", duration::format(lifetime)),
            Lifetime::Never => "never".to_owned(),
        };
        let manual = self.issuer.manual().map(|manual| format!(" {manual}"));
        format!(
            "a token may be alive at {}: {what}. It expires {alone}.{}",
            self.issuer.endpoint(),
            manual.unwrap_or_default()
        )
    }

    /// The token's id and expiry, and how far the expiry is from what was asked for: a system rounds, caps, or
    /// tells times of another zone, and rotation follows what it tells.
    fn described(&self, minted: &Minted, asked_at: Timestamp) -> String {
        let token = &minted.token;
        let expiry = match token.expires_at {
            Some(at) if at == IMPOSSIBLE_EXPIRY => {
                "expires at a time that cannot be read".to_owned()
            }
            Some(at) => format!("expires {at}{}", self.off_by(at, asked_at)),
            None => "never expires".to_owned(),
        };
        format!("id {}, {expiry}", token.id)
    }

    fn off_by(&self, expires: Timestamp, asked_at: Timestamp) -> String {
        let Some(asked) = self.inputs.lifetime.duration() else {
            return String::new();
        };
        let off = expires.duration_since(asked_at).saturating_sub(asked);
        let off = off.round(Unit::Minute).unwrap_or(off);
        let (off, direction) = match off.is_negative() {
            true => (off.abs(), "earlier"),
            false => (off, "later"),
        };
        match off < WORTH_TELLING {
            true => String::new(),
            false => format!(", {} {direction} than was asked for", duration::format(off)),
        }
    }
}
