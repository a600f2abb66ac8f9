//! What is done with the token while it lives. A step that fails does not keep the next from its turn.

use tokenwright_client::{Error, Minted, Token};
use tokenwright_core::instant::part;
use tokenwright_core::{
    Change, Disable, Inputs, Lifetime, LostAnswer, Switch, TokenId, UpdateKind,
};

use crate::clock::{self, Stopwatch};
use crate::loan::{Loan, shows_any};
use crate::output::chain;

impl Loan<'_> {
    /// Check, list, disable and enable, update.
    pub(super) async fn with_token(&self, minted: &Minted, since: Stopwatch) {
        let id = &minted.token.id;
        self.check(minted, since).await;
        self.list(id, since).await;
        self.switch(minted).await;
        self.updates(&minted.token).await;
    }

    async fn check(&self, minted: &Minted, since: Stopwatch) {
        let step = "check";
        if !self.issuer.capabilities().check {
            let why = "the system has no call that proves a value";
            return self.report.skipped(step, why);
        }
        self.report.begin();
        match self.alive(minted, true, since).await {
            Ok(true) => self.report.passed(step, "alive"),
            Ok(false) => self.report.failed(step, "the value does not authenticate"),
            Err(why) => self.report.failed(step, &why),
        }
    }

    async fn list(&self, id: &TokenId, since: Stopwatch) {
        let step = "list";
        match self.issuer.capabilities().lost_answer {
            LostAnswer::FindByMarker => self.list_by_marker(step, id, since).await,
            LostAnswer::CannotAttribute => self.list_by_id(step, id, since).await,
            LostAnswer::Replay => {
                let why = "the system needs no listing: a lost mint is sent again";
                self.report.skipped(step, why);
            }
            LostAnswer::CannotList => self.report.skipped(step, "the system has no listing"),
        }
    }

    async fn list_by_marker(&self, step: &str, id: &TokenId, since: Stopwatch) {
        self.report.begin();
        let look = async || self.marked().await;
        match self.settled(since, shows_any, look).await {
            Ok(listing) if listing.tokens.iter().any(|token| &token.id == id) => {
                self.report.passed(step, "the marker is found");
            }
            Ok(listing) if listing.tokens.is_empty() => {
                self.report.failed(step, "no token carries the marker");
            }
            Ok(listing) => {
                let ids: Vec<_> = listing.tokens.iter().map(|t| t.id.as_str()).collect();
                let what = format!("the marker stands on another id: {}", ids.join(", "));
                self.report.failed(step, &what);
            }
            Err(error) => self.report.failed(step, &chain(&error)),
        }
    }

    /// Where no names are shown, the id is all that a listing can prove.
    async fn list_by_id(&self, step: &str, id: &TokenId, since: Stopwatch) {
        self.report.begin();
        let shown = |seen: &Result<bool, Error>| matches!(seen, Ok(true));
        let look = async || Ok(self.ids().await?.contains(id));
        match self.settled(since, shown, look).await {
            Ok(true) => {
                let what = "the id is found; a lost mint would not be, for want of names";
                self.report.passed(step, what);
            }
            Ok(false) => self.report.failed(step, "the id is not in the listing"),
            Err(error) => self.report.failed(step, &chain(&error)),
        }
    }

    /// Disabled, the value must not authenticate; enabled, it must again.
    async fn switch(&self, minted: &Minted) {
        let id = &minted.token.id;
        let can = self.issuer.capabilities();
        if can.disable == Disable::Unsupported {
            return self.report.skipped("disable", "the system cannot disable");
        }
        for (step, switch, wanted) in [
            ("disable", Switch::Disable, false),
            ("enable", Switch::Enable, true),
        ] {
            self.report.begin();
            let switched = self.issuer.set_enabled(id, &self.inputs.parameters, switch);
            if let Err(error) = switched.await {
                return self.report.failed(step, &chain(&error));
            }
            if !can.check {
                self.report.passed(step, "");
                continue;
            }
            match (self.alive(minted, wanted, Stopwatch::start()).await, wanted) {
                (Ok(true), true) => self.report.passed(step, "alive"),
                (Ok(true), false) => self.report.failed(step, "the value still authenticates"),
                (Ok(false), true) => self.report.failed(step, "the value does not authenticate"),
                (Ok(false), false) => self.report.passed(step, "the value does not authenticate"),
                (Err(why), _) => self.report.failed(step, &why),
            }
        }
    }

    /// One change at a time, each read back.
    async fn updates(&self, minted: &Token) {
        let can = &self.issuer.capabilities().update;
        if can.is_empty() {
            return self
                .report
                .skipped("update", "the system changes nothing on a living token");
        }
        let mut inputs = self.inputs.clone();
        let mut before = minted.clone();
        for kind in can {
            let step = format!("update {}", word(*kind));
            let Some(changed) = self.changed(&inputs, *kind) else {
                self.report
                    .skipped(&step, &format!("not possible with {}", needs(*kind)));
                continue;
            };
            self.report.begin();
            let change = Change {
                inputs: changed,
                kinds: vec![*kind],
            };
            let name = self.marker.remote_name(&change.inputs.name);
            let updated = self
                .issuer
                .update(&minted.id, &name, &change, clock::now())
                .await;
            match updated {
                Ok(token) if took_effect(*kind, &before, &token, &name) => {
                    self.report.passed(&step, "");
                    inputs = change.inputs;
                    before = token;
                }
                Ok(_) => self.report.failed(&step, "the token reads as before"),
                Err(error) => self.report.failed(&step, &chain(&error)),
            }
        }
    }

    /// Inputs that differ in just this and that the system can carry out.
    fn changed(&self, inputs: &Inputs, kind: UpdateKind) -> Option<Inputs> {
        let mut changed = inputs.clone();
        match (kind, inputs.lifetime) {
            (UpdateKind::Name, _) => {
                // As long as before: a longer one may not fit.
                let last = changed.name.pop()?;
                changed.name.push(if last == '2' { '3' } else { '2' });
            }
            (UpdateKind::Scopes, _) if inputs.scopes.len() > 1 => {
                changed.scopes.pop_last();
            }
            (UpdateKind::AddExpiry, Lifetime::Never) => changed.lifetime = "2d".parse().ok()?,
            (UpdateKind::ShortenExpiry, Lifetime::For(lifetime)) => {
                changed.lifetime = Lifetime::For(part(lifetime, 2));
            }
            (UpdateKind::ExtendExpiry, Lifetime::For(lifetime)) => {
                changed.lifetime = Lifetime::For(lifetime.checked_mul(2)?);
            }
            (UpdateKind::Scopes, _)
            | (UpdateKind::AddExpiry, Lifetime::For(_))
            | (UpdateKind::ShortenExpiry | UpdateKind::ExtendExpiry, Lifetime::Never) => {
                return None;
            }
        }
        self.issuer.validate(&changed).is_ok().then_some(changed)
    }
}

/// Whether the issuer now shows what was asked for.
fn took_effect(kind: UpdateKind, before: &Token, after: &Token, name: &str) -> bool {
    let expiries = after.expires_at.zip(before.expires_at);
    match kind {
        UpdateKind::Name => after.name.as_deref() == Some(name),
        // Not compared with what was asked: some systems read back more.
        UpdateKind::Scopes => after.details.scopes != before.details.scopes,
        UpdateKind::AddExpiry => after.expires_at.is_some(),
        UpdateKind::ShortenExpiry => expiries.is_some_and(|(after, before)| after < before),
        UpdateKind::ExtendExpiry => expiries.is_some_and(|(after, before)| after > before),
    }
}

fn word(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Name => "name",
        UpdateKind::Scopes => "scopes",
        UpdateKind::AddExpiry | UpdateKind::ShortenExpiry | UpdateKind::ExtendExpiry => "expiry",
    }
}

/// What would have to be otherwise for this change to be tried.
fn needs(kind: UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Name => "this --name",
        UpdateKind::Scopes => "fewer than two --scope",
        UpdateKind::AddExpiry => "an expiry: only --lifetime never leaves one to add",
        UpdateKind::ShortenExpiry | UpdateKind::ExtendExpiry => "this --lifetime",
    }
}
