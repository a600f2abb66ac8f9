//! The contract of [`Issuer`], as a suite that runs on any of them.
//!
//! [`hold`] mints tokens, and revokes every one that it minted; [`hold_by_hand`] is for systems that
//! mint nothing. Both ask only what the trait promises; what takes a fault (a lost answer, a hang) is
//! tested where faults can be made.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::instant::after;
use tokenwright_core::{
    Change, Disable, Ended, Inputs, Lifetime, Liveness, Look, LostAnswer, ManagerId, Marker, Nonce,
    Origin, Switch, TokenId, TokenRef, UpdateKind,
};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::issuer::{About, Filter, Issuer, MintRequest, Minted, Token};
use crate::revoke::{Evidence, Nomination, NotProven, RevokeError, Revoked, revoke};

/// What the suite mints.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Inputs that the issuer takes.
    pub inputs: Inputs,
    /// How many tokens are minted to see all pages of a listing.
    pub many: u8,
    /// The time.
    pub clock: Clock,
    /// How long an answer and a listing may disagree.
    pub settle: std::time::Duration,
}

/// A clause that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{clause}: {problem}")]
pub struct Broken {
    /// The clause.
    pub clause: &'static str,
    /// What was otherwise.
    pub problem: String,
}

type Held = Result<(), String>;

/// So much may the issuer's clock and ours differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => {
        if !$condition {
            return Err(format!($($message)*));
        }
    };
}

mod by_hand;

pub use by_hand::{MadeByHand, hold_by_hand};

/// What was found broken so far.
#[derive(Default)]
struct Clauses(Vec<Broken>);

impl Clauses {
    fn note(&mut self, clause: &'static str, held: Held) {
        if let Err(problem) = held {
            self.0.push(Broken { clause, problem });
        }
    }
}

/// Holds an issuer to every clause; what is returned does not hold.
pub async fn hold(issuer: &dyn Issuer, sample: &Sample) -> Vec<Broken> {
    let suite = Suite { issuer, sample };
    let mut clauses = Clauses::default();
    clauses.note(
        "what cannot be carried out is never sent",
        suite.refusals().await,
    );
    clauses.note(
        "a minted token is shown, whole and once",
        suite.shown(1).await,
    );
    clauses.note("a token that is not there is none", suite.missing().await);
    clauses.note("a value lives and dies with its token", suite.life(2).await);
    clauses.note("only our whole marker is revoked", suite.markers(3).await);
    clauses.note(
        "a switch is followed, and twice is once",
        suite.switched(4).await,
    );
    clauses.note("an update is read back", suite.updated(5).await);
    clauses.note("a listing has all pages", suite.pages(6).await);
    clauses.note("nothing is left", suite.swept().await);
    clauses.0
}

struct Suite<'a> {
    issuer: &'a dyn Issuer,
    sample: &'a Sample,
}

impl Suite<'_> {
    fn marker(&self, revision: u32, number: u8) -> Marker {
        Marker {
            origin: Origin::of("contract"),
            manager: self.manager(),
            revision,
            nonce: Nonce::from_bytes([0, 0, 0, revision.to_le_bytes()[0], number]),
        }
    }

    fn manager(&self) -> ManagerId {
        ManagerId::of("contract suite")
    }

    fn now(&self) -> Timestamp {
        self.sample.clock.now()
    }

    fn lists(&self) -> bool {
        self.issuer.capabilities().lost_answer != LostAnswer::CannotList
    }

    /// Whether a token is ever shown again.
    fn looks(&self) -> bool {
        self.issuer.capabilities().look != Look::Nothing
    }

    fn names(&self) -> bool {
        self.issuer.capabilities().lost_answer != LostAnswer::CannotAttribute
    }

    async fn mint(&self, marker: &Marker) -> Result<Minted, String> {
        let request = MintRequest {
            remote_name: marker.remote_name(&self.sample.inputs.name),
            inputs: self.sample.inputs.clone(),
            at: self.now(),
            idempotency_key: marker.nonce.to_string(),
            send_by: None,
        };
        let minted = self.issuer.mint(&request).await.map_err(chain)?;
        tokio::time::sleep(self.sample.settle).await;
        Ok(minted)
    }

    async fn list(&self) -> Result<Vec<Token>, String> {
        self.listed(false).await
    }

    async fn listed(&self, brief: bool) -> Result<Vec<Token>, String> {
        let filter = Filter {
            manager: self.names().then(|| self.manager()),
            brief,
            ..Filter::of(self.sample.inputs.parameters.clone())
        };
        self.issuer.list(&filter).await.map_err(chain)
    }

    async fn get(&self, id: &TokenId) -> Result<Option<Token>, String> {
        let got = self.issuer.get(id, &self.sample.inputs.parameters).await;
        got.map_err(chain)
    }

    async fn revoke(
        &self,
        minted: &Minted,
        marker: &Marker,
        evidence: Evidence<'_>,
    ) -> Result<Revoked, RevokeError> {
        let token = TokenRef {
            id: minted.token.id.clone(),
            marker: marker.clone(),
            parameters: self.sample.inputs.parameters.clone(),
            endpoint: self.issuer.endpoint().to_owned(),
            identity: self.issuer.identity().await?,
        };
        let now = self.now();
        let nomination = Nomination {
            // Where nothing shows the token, its value is all that can end it, or tell that it ended.
            value: (!self.looks()).then_some(&minted.value),
            // Each look comes `settle` after the one before.
            missed_before: true,
            ..Nomination::of(&token, now)
        };
        let ended = revoke(self.issuer, nomination, evidence, now).await;
        tokio::time::sleep(self.sample.settle).await;
        ended
    }

    async fn end(&self, minted: &Minted, marker: &Marker) -> Held {
        let ended = self.revoke(minted, marker, Evidence::Look).await;
        match ended.map_err(|e| e.to_string())? {
            Revoked::Sent | Revoked::Ended(Ended::Revoked) => Ok(()),
            other => Err(format!("the revoke ended with {other:?}")),
        }
    }

    async fn refusals(&self) -> Held {
        let nothing = Lifetime::For(SignedDuration::ZERO);
        let inputs = Inputs {
            lifetime: nothing,
            ..self.sample.inputs.clone()
        };
        let refused = self.issuer.validate(&inputs);
        ensure!(
            refused.as_ref().is_err_and(|r| r.field == "lifetime"),
            "no lifetime at all is accepted"
        );
        let long = Inputs {
            name: "x".repeat(5000),
            ..self.sample.inputs.clone()
        };
        let refused = self.issuer.validate(&long);
        ensure!(
            refused.is_err_and(|r| r.field == "name"),
            "a name of 5000 characters is accepted"
        );
        let accepted = self.issuer.validate(&self.sample.inputs);
        accepted.map_err(|e| format!("the sample is refused: {e}"))
    }

    async fn shown(&self, revision: u32) -> Held {
        let marker = self.marker(revision, 0);
        let before = self.now();
        let minted = self.mint(&marker).await?;
        let parts: Vec<_> = minted.value.parts().map(|(n, t)| (n, t.len())).collect();
        for (name, max) in self.issuer.value_parts() {
            let part = parts.iter().find(|(n, _)| n == name);
            let fits = part.is_some_and(|(_, len)| (1..=*max).contains(len));
            ensure!(fits, "part {name} of the value is not as announced");
        }
        let count = self.issuer.value_parts().len();
        ensure!(parts.len() == count, "the value has unannounced parts");
        if self.looks() {
            self.shown_again(&minted, &marker, before).await?;
        }
        self.end(&minted, &marker).await
    }

    async fn shown_again(&self, minted: &Minted, marker: &Marker, before: Timestamp) -> Held {
        let id = &minted.token.id;
        let got = self.get(id).await?;
        let got = got.ok_or("the token is not there")?;
        if self.names() {
            let shown = got.marker();
            ensure!(shown.as_ref() == Some(marker), "its marker is {shown:?}");
        }
        if let Some(lifetime) = self.sample.inputs.lifetime.duration() {
            let expiry = got.expires_at.ok_or("it never expires")?;
            let latest = after(after(self.now(), lifetime), CLOCKS);
            ensure!(
                expiry > before && expiry <= latest,
                "it expires at {expiry}"
            );
            // A system that tells a length at mint, and the end only later, has its own clock.
            let minted = minted.token.expires_at.ok_or("it was minted for ever")?;
            let apart = expiry.duration_since(minted).abs();
            ensure!(apart <= CLOCKS, "two expiries: {minted}, then {expiry}");
        } else {
            ensure!(got.expires_at.is_none(), "it expires");
        }
        if self.lists() {
            let listed = self.list().await?;
            let same: Vec<_> = listed.iter().filter(|t| &t.id == id).collect();
            ensure!(same.len() == 1, "it is listed {} times", same.len());
            ensure!(same[0].expires_at == got.expires_at, "two expiries");
            let read = |t: &Token| (t.id.clone(), t.name.clone(), t.expires_at, t.enabled);
            let brief = self.listed(true).await?;
            let brief = brief.iter().find(|t| &t.id == id);
            ensure!(
                brief.map(read) == Some(read(same[0])),
                "a brief listing shows it as {brief:?}"
            );
        }
        Ok(())
    }

    async fn missing(&self) -> Held {
        let marker = self.marker(9, 0);
        let minted = self.mint(&marker).await?;
        self.end(&minted, &marker).await?;
        if self.looks() {
            let shown = self.get(&minted.token.id).await?;
            ensure!(shown.is_none(), "a revoked token is there");
            let ended = self.revoke(&minted, &marker, Evidence::Look).await;
            let ended = ended.map_err(|e| e.to_string())?;
            ensure!(ended == Revoked::Ended(Ended::Gone), "it is {ended:?}");
        }
        // Sent although it is gone: as after a crash between request and record.
        let ended = self.revoke(&minted, &marker, Evidence::Minted).await;
        ended.map_err(|e| format!("a second revoke failed: {e}"))?;
        Ok(())
    }

    async fn life(&self, revision: u32) -> Held {
        let marker = self.marker(revision, 0);
        let minted = self.mint(&marker).await?;
        let can_check = self.issuer.capabilities().check;
        let parameters = &self.sample.inputs.parameters;
        let about = About::token(&minted.token.id, parameters).beside(&minted.public);
        let fresh = self.issuer.check_with(&minted.value, about).await;
        self.end(&minted, &marker).await?;
        let ended = self.issuer.check_with(&minted.value, about).await;
        let expected = match can_check {
            true => (Liveness::Alive, Liveness::Dead),
            false => (Liveness::Unknown, Liveness::Unknown),
        };
        ensure!(
            (fresh, ended) == expected,
            "it was {fresh:?}, then {ended:?}"
        );
        Ok(())
    }

    async fn markers(&self, revision: u32) -> Held {
        let marker = self.marker(revision, 0);
        let minted = self.mint(&marker).await?;
        if self.names() && self.looks() {
            let other = self.marker(revision, 1);
            let refused = self.revoke(&minted, &other, Evidence::Look).await;
            let proven = !matches!(
                refused,
                Err(RevokeError::NotProven(NotProven::OtherMarker { .. }))
            );
            ensure!(!proven, "another marker was enough for a revoke");
            let shown = self.get(&minted.token.id).await?;
            ensure!(shown.is_some(), "it was revoked");
        }
        self.end(&minted, &marker).await
    }

    async fn switched(&self, revision: u32) -> Held {
        let can = self.issuer.capabilities();
        let marker = self.marker(revision, 0);
        let minted = self.mint(&marker).await?;
        let id = &minted.token.id;
        let parameters = &self.sample.inputs.parameters;
        let states = [
            (Switch::Disable, Liveness::Dead),
            (Switch::Disable, Liveness::Dead),
            (Switch::Enable, Liveness::Alive),
            (Switch::Enable, Liveness::Alive),
        ];
        for (switch, liveness) in states {
            let told = self.issuer.set_enabled(id, parameters, switch).await;
            if can.disable == Disable::Unsupported {
                ensure!(told.is_err(), "it cannot be switched, and was");
                continue;
            }
            told.map_err(chain)?;
            let shown = self.get(id).await?.and_then(|token| token.enabled);
            let wanted = Some(switch == Switch::Enable);
            ensure!(shown == wanted, "after {switch:?} it shows {shown:?}");
            let checked = self
                .issuer
                .check_with(
                    &minted.value,
                    About::token(&minted.token.id, &self.sample.inputs.parameters)
                        .beside(&minted.public),
                )
                .await;
            let clear = !can.check || checked == liveness;
            ensure!(clear, "after {switch:?} it is {checked:?}");
        }
        self.end(&minted, &marker).await
    }

    async fn updated(&self, revision: u32) -> Held {
        let can = &self.issuer.capabilities().update;
        let marker = self.marker(revision, 0);
        let minted = self.mint(&marker).await?;
        let id = &minted.token.id;
        let inputs = Inputs {
            name: "other".to_owned(),
            ..self.sample.inputs.clone()
        };
        let change = Change {
            inputs,
            kinds: vec![UpdateKind::Name],
        };
        let name = marker.remote_name("other");
        let updated = self.issuer.update(id, &name, &change, self.now()).await;
        match can.contains(&UpdateKind::Name) {
            true => {
                let updated = updated.map_err(chain)?;
                let renamed = !self.names() || updated.name.as_ref() == Some(&name);
                ensure!(renamed, "it is named {:?}", updated.name);
                ensure!(
                    updated.expires_at == minted.token.expires_at,
                    "another expiry"
                );
                ensure!(
                    self.get(id).await?.as_ref() == Some(&updated),
                    "two answers"
                );
            }
            false => {
                let kind = updated.err().map(|e| e.kind);
                ensure!(kind == Some(ErrorKind::Invalid), "an update gave {kind:?}");
            }
        }
        self.end(&minted, &marker).await
    }

    async fn pages(&self, revision: u32) -> Held {
        if !self.lists() {
            return Ok(());
        }
        let mut all = Vec::new();
        for number in 0..self.sample.many {
            let marker = self.marker(revision, number);
            all.push((self.mint(&marker).await?, marker));
        }
        let listed = self.list().await?;
        for (minted, marker) in &all {
            let id = &minted.token.id;
            let token = listed.iter().find(|token| &token.id == id);
            let token = token.ok_or_else(|| format!("{id} is not listed"))?;
            let shown = !self.names() || token.marker().as_ref() == Some(marker);
            ensure!(shown, "{id} is listed with another name");
        }
        for (minted, marker) in &all {
            self.end(minted, marker).await?;
        }
        Ok(())
    }

    async fn swept(&self) -> Held {
        if !self.lists() || !self.names() {
            return Ok(());
        }
        let left = self.list().await?;
        ensure!(left.is_empty(), "{} tokens are left", left.len());
        Ok(())
    }
}

/// An error with its sources.
fn chain(error: Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
