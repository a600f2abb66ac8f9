//! A token on loan: minted for one run of a command, and ended with it, whatever happens.
//!
//! What it minted it revokes: after its use, after a failure, on signals, and also when the mint's answer
//! was lost. Only a mint is never interrupted, since an unheard answer would be a lost one. Here is the
//! order of things; `terms` says what is on loan, `ending` revokes, `lost` finds, `report` tells.

mod ending;
mod lost;
mod report;
mod terms;

use std::time::Duration;

use anyhow::{anyhow, bail};
use jiff::{SignedDuration, Timestamp, Unit};
use tokenwright_client::{About, ErrorKind, MintRequest, Minted};
use tokenwright_core::{
    IMPOSSIBLE_EXPIRY, Inputs, InvalidSpec, Lifetime, Liveness, LostAnswer, Marker, TokenId,
    TokenRef, duration, refused_expiry,
};

pub(crate) use lost::shows_any;
pub(crate) use report::Report;
pub(crate) use terms::{LONGEST_PAUSE, Left, Loan};

use crate::clock::{self, Stopwatch};
use crate::output::chain;
use crate::reach::Reached;
use ending::ToRevoke;
use lost::Lost;

/// The first wait between two looks; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Clocks and the time of a request differ by less.
const WORTH_TELLING: SignedDuration = SignedDuration::from_mins(2);

impl Loan<'_> {
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

    /// Mints, has it used, and ends it.
    pub(crate) async fn during(&self, used: impl AsyncFnOnce(&Minted, Stopwatch)) -> Left {
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
                used(&minted, since).await;
                self.end(ToRevoke::Minted(&minted)).await
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
                    | ErrorKind::AnswerNotUnderstood
                    | ErrorKind::NoRoom => {
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

    pub(crate) fn remote_name(&self) -> String {
        self.marker.remote_name(&self.inputs.name)
    }

    /// The token of this id, as a revoke wants it.
    pub(crate) fn token(&self, id: &TokenId) -> TokenRef {
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

    /// Whether the value authenticates, asked until it is as wanted or the system has had its time; else why
    /// nothing was learned.
    pub(crate) async fn alive(
        &self,
        minted: &Minted,
        wanted: bool,
        since: Stopwatch,
    ) -> Result<bool, String> {
        let Minted {
            token,
            value,
            public,
        } = minted;
        let about = About::token(&token.id, &self.inputs.parameters).beside(public);
        let as_wanted = |seen: &Result<bool, String>| *seen == Ok(wanted);
        let look = async || match self.issuer.prove(value, about).await {
            Ok(Liveness::Alive) => Ok(true),
            Ok(Liveness::Dead) => Ok(false),
            Ok(Liveness::Unknown) => Err("the answer says neither alive nor dead".to_owned()),
            Err(error) => Err(chain(&error)),
        };
        self.settled(since, as_wanted, look).await
    }

    /// The system's answers and listings agree after this time.
    pub(crate) fn settle(&self) -> Duration {
        Duration::try_from(self.issuer.capabilities().settle).unwrap_or_default()
    }

    /// Waits until listings are sent again: what was left must be looked for all the same.
    pub(crate) async fn patience(&self) {
        if let Some(pause) = self.gate.pause() {
            let wait = Duration::try_from(pause.wait).unwrap_or_default();
            tokio::time::sleep(wait.min(LONGEST_PAUSE)).await;
        }
    }

    /// Looks until it is as wanted, or until the system has had its time; the last look counts.
    pub(crate) async fn settled<T>(
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
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
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

    /// What a person does about what may be alive.
    pub(crate) fn advice(&self, ids: &[TokenId]) -> String {
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
}

/// Whether this can be minted and ended again; nothing has been sent yet.
pub(crate) fn possible(reached: &Reached, inputs: &Inputs) -> anyhow::Result<()> {
    let issuer = reached.account.issuer.as_ref();
    let name = &inputs.name;
    if name.trim().is_empty() || Marker::occurs_in(name) {
        bail!("--name: must be a name, and none that reads as a marker");
    }
    issuer.validate(inputs).map_err(|spec| refused(&spec))?;
    if !issuer.capabilities().revoke {
        let manual = reached.profile.manual();
        let manual = manual.map(|manual| format!(": {manual}"));
        bail!(
            "the system cannot revoke, so the token would stay alive{}",
            manual.unwrap_or_default()
        );
    }
    Ok(())
}

/// A refusal in the words of the command line.
fn refused(spec: &InvalidSpec) -> anyhow::Error {
    let option = match spec.field {
        "name" => "--name",
        "scopes" => "--scope",
        "parameters" => "--parameter",
        "lifetime" => "--lifetime",
        // About the system, not about an option.
        _ => return anyhow!(spec.message.clone()),
    };
    anyhow!("{option}: {}", spec.message)
}
