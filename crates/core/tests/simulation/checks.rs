//! What must be true of the world, whatever went wrong in it.

use jiff::SignedDuration;
use tokenwright_core::*;

use crate::world::{IssuedToken, World};

impl World {
    pub(crate) fn check_published_token_lives(&self, when: &str) {
        let published = self
            .destination
            .as_ref()
            .unwrap_or_else(|| panic!("L1 ({when}): nothing is published"));
        let token = self
            .tokens
            .iter()
            .find(|t| t.id == published.value_of)
            .expect("S3: a value of no token");
        assert_eq!(
            token.marker, published.carried.current.token.marker,
            "S3: value and id differ"
        );
        assert!(
            self.alive(token),
            "L1/L4 ({when}): the published token is dead: {token:?} at {}",
            self.now
        );
    }

    /// At most two referenced tokens whose not-before lies ahead (S2).
    pub(crate) fn check_few_referenced(&self) {
        if let Some(published) = &self.destination {
            let waiting = published
                .carried
                .retiring
                .iter()
                .filter(|r| r.not_before > self.clock())
                .count();
            // An unproven publish retires nothing, so what waited goes on waiting.
            let unproven = published.carried.current.proven != Proven::Yes;
            let attempts = self.record.attempts.len();
            assert!(
                waiting <= 1 + attempts || unproven,
                "S2: {waiting} superseded tokens wait beside {attempts} attempts"
            );
        }
    }

    pub(crate) fn check_no_orphans(&self) {
        let carried = self
            .destination
            .as_ref()
            .map(|published| &published.carried);
        for token in self.tokens.iter().filter(|t| self.exists(t)) {
            let current = carried.is_some_and(|c| c.current.token.marker == token.marker);
            let retiring =
                carried.is_some_and(|c| c.retiring.iter().any(|r| r.token.marker == token.marker));
            assert!(
                current || retiring,
                "L2: orphan {token:?}; record {:#?}",
                self.record
            );
        }
    }

    pub(crate) fn check_nothing_of_ours_lives(&self) {
        for token in &self.tokens {
            assert!(!self.lives(token), "S5: {token:?} lives after deletion");
        }
    }

    pub(crate) fn check_strangers_live(&self) {
        assert!(self.strangers.iter().all(|s| !s.revoked), "S6");
    }

    pub(crate) fn check_mints_have_reasons(&self) {
        let allowed = self.reasons + self.excuses;
        assert!(
            self.mints <= allowed,
            "S4: {} mints, {} reasons and {} excuses",
            self.mints,
            self.reasons,
            self.excuses
        );
    }
    /// Nothing is minted in another account while a token of ours works, where accounts can be told.
    pub(crate) fn check_account_of_mint(&self, view: &View<'_>) {
        let Some(current) = self.current().filter(|_| self.accounts_are_told()) else {
            return;
        };
        let works = self.alive(current) && self.lives(current) && !self.lying_checks;
        let known = self.destination.as_ref().is_none_or(|p| !p.edited);
        assert!(
            !works || !known || current.account == self.credential.account,
            "minted in another account than that of {current:?}: {:#?}",
            view.observed
        );
    }

    /// Whether it exists, and has not expired by the front ends' clock either, which may be ahead.
    pub(crate) fn lives(&self, token: &IssuedToken) -> bool {
        self.exists(token) && !self.expired(token)
    }

    /// By the front ends' clock: what has expired is lost in any account.
    pub(crate) fn expired(&self, token: &IssuedToken) -> bool {
        token.expires_at.is_some_and(|at| at <= self.clock())
    }

    /// What another account does not show is not taken for ended.
    pub(crate) fn check_ended_was_in_sight(&self, token: &TokenRef) {
        let mut issued = self.tokens.iter().filter(|t| t.marker == token.marker);
        let here = self.credential.account;
        // One that is disabled says by its own value that it is lost.
        let works = |t: &&IssuedToken| self.alive(t) && self.lives(t);
        let elsewhere = issued.find(|t| works(t) && t.account != here);
        assert!(
            elsewhere.is_none() || self.lying_checks || !self.accounts_are_told(),
            "taken for ended in another account: {elsewhere:?} on record as {token:?}"
        );
    }

    /// No token waits for its end long after its overlap, whatever others wait for.
    pub(crate) fn check_ends_are_on_time(&self, stuck: Option<&TokenId>) {
        let late = |r: &&Retiring| {
            let over = r.not_before + SignedDuration::from_hours(2);
            over < self.clock() && Some(&r.token.id) != stuck
        };
        let retiring = self.record.retiring.iter().find(late);
        assert!(
            retiring.is_none(),
            "another duty delays the end of {retiring:?} at {}",
            self.clock()
        );
    }
}
