//! The outside: an issuer, a destination, a durable record, time, and what must never happen to them.

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in `percent` of all cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// How likely each fault is at each effect, in percent.
pub(crate) struct Faults {
    pub(crate) crash: u64,
    pub(crate) pause: u64,
    pub(crate) lost_mint: u64,
    pub(crate) late_mint: u64,
    pub(crate) refused_mint: u64,
    pub(crate) unsent_mint: u64,
    pub(crate) born_dead: u64,
    pub(crate) check_unknown: u64,
    pub(crate) lost_write: u64,
    pub(crate) refused_write: u64,
    pub(crate) failed_list: u64,
    pub(crate) lagging_list: u64,
    pub(crate) failed_revoke: u64,
    pub(crate) empty_list: u64,
    pub(crate) lying_revoke: u64,
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self {
            crash: 0,
            pause: 0,
            lost_mint: 0,
            late_mint: 0,
            refused_mint: 0,
            unsent_mint: 0,
            born_dead: 0,
            check_unknown: 0,
            lost_write: 0,
            refused_write: 0,
            failed_list: 0,
            lagging_list: 0,
            failed_revoke: 0,
            empty_list: 0,
            lying_revoke: 0,
        }
    }

    /// Some schedules are calm in some respects, so that every combination occurs.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let silent = rng.chance(15);
        let mut some = |most: usize| {
            if rng.chance(50) {
                0
            } else {
                rng.below(most) as u64
            }
        };
        let faults = Self {
            crash: some(20),
            pause: some(10),
            lost_mint: some(40),
            late_mint: some(40),
            refused_mint: some(30),
            unsent_mint: some(30),
            born_dead: some(30),
            // Now and then no check answers at all, as long as an attempt lasts.
            check_unknown: some(50).max(if silent { 99 } else { 0 }),
            lost_write: some(30),
            refused_write: some(30),
            failed_list: some(40),
            lagging_list: some(40),
            failed_revoke: some(40),
            empty_list: some(30),
            lying_revoke: some(40),
        };
        // Where the revoke and the listing both lie, nothing is left to tell the truth.
        let lying_revoke = match faults.empty_list {
            0 => faults.lying_revoke,
            _ => 0,
        };
        Self {
            lying_revoke,
            ..faults
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct IssuedToken {
    pub(crate) id: TokenId,
    pub(crate) marker: Marker,
    pub(crate) lands_at: Timestamp,
    pub(crate) listed_from: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) dead: bool,
    pub(crate) revoked: bool,
    pub(crate) enabled: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// Whether the value is the one that was published.
    pub(crate) intact: Intact,
    /// Whether it is not, in truth.
    pub(crate) edited: bool,
    pub(crate) uid: u64,
    pub(crate) version: u64,
    pub(crate) value_of: TokenId,
    pub(crate) carried: Carried,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) lost_answer: LostAnswer,
    pub(crate) tokens: Vec<IssuedToken>,
    pub(crate) strangers: Vec<IssuedToken>,
    pub(crate) destination: Option<Published>,
    pub(crate) record: Record,
    pub(crate) record_version: u64,
    counter: u64,
    pub(crate) mints: u64,
    pub(crate) reasons: u64,
    pub(crate) excuses: u64,
    counted: Vec<(Reason, Option<TokenId>)>,
}

pub(crate) fn origin() -> Origin {
    Origin::of("cluster")
}

pub(crate) fn manager() -> ManagerId {
    ManagerId::of("uid")
}

impl World {
    pub(crate) fn new(lost_answer: LostAnswer) -> Self {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let stranger = |who: &str| IssuedToken {
            id: TokenId::new(format!("stranger-{who}")),
            marker: Marker {
                origin: origin(),
                manager: ManagerId::of(who),
                revision: 1,
                nonce: Nonce::from_bytes([9; 5]),
            },
            lands_at: now,
            listed_from: now,
            expires_at: None,
            dead: false,
            revoked: false,
            enabled: true,
        };
        Self {
            now,
            lost_answer,
            tokens: Vec::new(),
            strangers: vec![stranger("a neighbour"), stranger("another")],
            destination: None,
            record: Record::default(),
            record_version: 0,
            counter: 0,
            mints: 0,
            reasons: 0,
            excuses: 0,
            counted: Vec::new(),
        }
    }

    /// A reason to replace one token counts once, however often the mint is tried.
    pub(crate) fn count(&mut self, reason: Reason) {
        let token = self.record.current.as_ref().map(|h| h.token.id.clone());
        if !self.counted.contains(&(reason, token.clone())) {
            self.counted.push((reason, token));
            self.reasons += 1;
        }
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(crate) fn alive(&self, token: &IssuedToken) -> bool {
        self.exists(token) && token.enabled
    }

    /// Whether it may authenticate, now or once it is enabled.
    pub(crate) fn exists(&self, token: &IssuedToken) -> bool {
        let started = token.lands_at <= self.now;
        let expired = token.expires_at.is_some_and(|at| at <= self.now);
        started && !expired && !token.revoked && !token.dead
    }

    /// Mints; the same nonce is the same token where answers can be replayed.
    pub(crate) fn mint(
        &mut self,
        attempt: &Attempt,
        late: SignedDuration,
        lag: SignedDuration,
        dead: bool,
    ) -> IssuedToken {
        let replay = self.lost_answer == LostAnswer::Replay;
        if let Some(token) = self
            .tokens
            .iter()
            .find(|t| replay && t.marker.nonce == attempt.nonce)
        {
            return token.clone();
        }
        self.mints += 1;
        let lands_at = self.now + late;
        let token = IssuedToken {
            id: TokenId::new(format!("t{}", self.fresh())),
            marker: Marker {
                origin: origin(),
                manager: manager(),
                revision: attempt.revision,
                nonce: attempt.nonce.clone(),
            },
            lands_at,
            listed_from: lands_at + lag,
            expires_at: attempt.inputs.lifetime.duration().map(|d| lands_at + d),
            dead,
            revoked: false,
            enabled: true,
        };
        self.tokens.push(token.clone());
        token
    }

    /// What a complete listing shows.
    pub(crate) fn list(&self) -> Vec<Sighting> {
        let listed = |t: &&IssuedToken| {
            t.listed_from <= self.now && !t.revoked && t.expires_at.is_none_or(|at| at > self.now)
        };
        self.tokens
            .iter()
            .filter(listed)
            .map(|t| Sighting {
                id: t.id.clone(),
                marker: t.marker.clone(),
                expires_at: t.expires_at,
                enabled: Some(t.enabled),
            })
            .collect()
    }

    /// Ends a token, if that may be done now (S1, S6).
    pub(crate) fn revoke(&mut self, token: &TokenRef) {
        if let Some(published) = &self.destination {
            assert_ne!(
                published.carried.current.token.id, token.id,
                "S1: revoked what the destination holds"
            );
            let retiring = published
                .carried
                .retiring
                .iter()
                .find(|r| r.token.id == token.id);
            let too_early = retiring.is_some_and(|r| r.not_before > self.now);
            assert!(
                !too_early,
                "S1: revoked before the not-before that the destination shows"
            );
        }
        assert!(
            self.strangers.iter().all(|s| s.id != token.id),
            "S6: revoked a stranger's token"
        );
        if let Some(issued) = self
            .tokens
            .iter_mut()
            .find(|t| t.id == token.id && t.marker == token.marker)
        {
            issued.revoked = true;
        }
    }

    /// A person revokes what the destination holds, at the issuer's own console.
    pub(crate) fn revoke_by_hand(&mut self) {
        let held = self.destination.as_ref().map(|p| p.value_of.clone());
        for token in self
            .tokens
            .iter_mut()
            .filter(|t| Some(&t.id) == held.as_ref())
        {
            token.revoked = true;
        }
    }

    pub(crate) fn edit_value(&mut self) {
        if let Some(published) = &mut self.destination {
            published.intact = Intact::No;
            published.edited = true;
            published.version += 1;
        }
    }

    /// The operator is reinstalled without the key of its digests.
    pub(crate) fn lose_digest_key(&mut self) {
        if let Some(published) = &mut self.destination {
            published.intact = Intact::Unknown;
        }
    }

    /// What the issuer says of the value at the destination.
    pub(crate) fn check(&self) -> Liveness {
        let Some(published) = &self.destination else {
            return Liveness::Unknown;
        };
        let mut issued = self.tokens.iter().filter(|t| t.id == published.value_of);
        match !published.edited && issued.any(|t| self.alive(t)) {
            true => Liveness::Alive,
            false => Liveness::Dead,
        }
    }

    pub(crate) fn delete_destination(&mut self) {
        self.destination = None;
    }

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
            published.value_of, published.carried.current.token.id,
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
                .filter(|r| r.not_before > self.now)
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
            let current = carried.is_some_and(|c| c.current.token.id == token.id);
            let retiring =
                carried.is_some_and(|c| c.retiring.iter().any(|r| r.token.id == token.id));
            assert!(
                current || retiring,
                "L2: orphan {token:?}; record {:#?}",
                self.record
            );
        }
    }

    pub(crate) fn check_nothing_of_ours_lives(&self) {
        for token in &self.tokens {
            assert!(!self.exists(token), "S5: {token:?} lives after deletion");
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
}
