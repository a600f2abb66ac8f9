//! The outside: an issuer, a destination, a durable record, time, and what must never happen to them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tokenwright_core::*;

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
    /// Whether a person disabled it, at the issuer's own console.
    pub(crate) by_person: bool,
    /// Until when listings go on showing it, though it is revoked.
    pub(crate) lingers_until: Timestamp,
    /// The account that it belongs to.
    pub(crate) account: u8,
    /// Whether a person took our marker out of its name.
    pub(crate) renamed: bool,
}

/// What becomes of an id where a token takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// Each token has one of its own.
    UnderAnotherId,
    /// It stays that of the former one.
    AndReusesIds,
}

/// What the issuer says of whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Nothing, and the front end has nothing that stands for it.
    Nothing,
    /// Nothing, but the front end knows one credential from the next.
    Digest,
    /// The account.
    Account,
}

/// What the front ends authenticate with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) serial: u32,
    pub(crate) account: u8,
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
    /// By the issuer's clock.
    pub(crate) now: Timestamp,
    /// How far the front ends' clock is ahead of it.
    pub(crate) skew: SignedDuration,
    /// Whether there is one token of one name, so that a mint ends the one before it at once.
    pub(crate) replaces: Option<Replaces>,
    /// How much later than it is, the issuer's text of an expiry reads: it lacks its time zone.
    pub(crate) zone: SignedDuration,
    /// How far the API server's clock is ahead of the front ends'.
    pub(crate) api_skew: SignedDuration,
    /// Whether the issuer has a word for what is disabled.
    pub(crate) tells_enabled: bool,
    /// Whether nothing could tell a person's disabling from ours.
    pub(crate) anybody_disabled: bool,
    pub(crate) naming: Naming,
    pub(crate) credential: Credential,
    /// Those that were there before.
    pub(crate) former: Vec<Credential>,
    /// Whether the issuer itself never says what is not so.
    pub(crate) truthful: bool,
    /// Until when it asked to be left alone.
    pub(crate) asked_to_wait_until: Option<Timestamp>,
    /// Whether checks may say what is not so.
    pub(crate) lying_checks: bool,
    /// Tokens that another writer made in our manager's name.
    pub(crate) foreign: Vec<IssuedToken>,
    /// Whether revokes are held.
    pub(crate) held: bool,
    /// Whether too many tokens of the issuer vanished at once.
    pub(crate) suspect: bool,
    pub(crate) lost_answer: LostAnswer,
    /// Whether it has room for one token alone.
    pub(crate) one: bool,
    pub(crate) tokens: Vec<IssuedToken>,
    pub(crate) strangers: Vec<IssuedToken>,
    pub(crate) destination: Option<Published>,
    pub(crate) record: Record,
    pub(crate) record_version: u64,
    counter: u64,
    pub(crate) mints: u64,
    /// Of which instant the first request of each attempt spoke.
    asked: BTreeMap<Nonce, Timestamp>,
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

impl IssuedToken {
    /// Whether a look shows it.
    pub(crate) fn is_shown(&self, now: Timestamp) -> bool {
        !self.revoked || self.lingers_until > now
    }
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
            by_person: false,
            lingers_until: now,
            account: 0,
            renamed: false,
        };
        Self {
            now,
            skew: SignedDuration::ZERO,
            replaces: None,
            zone: SignedDuration::ZERO,
            api_skew: SignedDuration::ZERO,
            tells_enabled: true,
            anybody_disabled: false,
            naming: Naming::Nothing,
            credential: Credential {
                serial: 0,
                account: 0,
            },
            former: Vec::new(),
            truthful: false,
            asked_to_wait_until: None,
            lying_checks: false,
            foreign: Vec::new(),
            held: false,
            suspect: false,
            lost_answer,
            one: false,
            tokens: Vec::new(),
            strangers: vec![stranger("a neighbour"), stranger("another")],
            destination: None,
            record: Record::default(),
            record_version: 0,
            counter: 0,
            mints: 0,
            asked: BTreeMap::new(),
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

    /// Whether its only place is taken.
    pub(crate) fn is_full(&self) -> bool {
        let holds =
            |token: &IssuedToken| !token.revoked && token.expires_at.is_none_or(|at| at > self.now);
        self.one && self.tokens.iter().any(holds)
    }

    /// Never two at a time, wherever that is so.
    pub(crate) fn check_one_lives(&self) {
        let live = self.tokens.iter().filter(|token| self.exists(token));
        assert!(
            live.count() < 2,
            "two tokens live where there is room for one"
        );
    }

    /// Whether it may authenticate, now or once it is enabled.
    pub(crate) fn exists(&self, token: &IssuedToken) -> bool {
        let started = token.lands_at <= self.now;
        let expired = token.expires_at.is_some_and(|at| at <= self.now);
        started && !expired && !token.revoked && !token.dead
    }

    /// The front ends' clock.
    pub(crate) fn clock(&self) -> Timestamp {
        self.now + self.skew
    }

    /// The clock of the API server, which dates a deletion.
    pub(crate) fn api_clock(&self) -> Timestamp {
        self.clock() + self.api_skew
    }

    /// Waits until the front ends' clock shows this instant.
    pub(crate) fn wait_until(&mut self, at: Timestamp) {
        self.now = self.now.max(at - self.skew);
    }

    /// Whose the credential is, as a front end knows it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let Credential { serial, account } = self.credential;
        match self.naming {
            Naming::Nothing => None,
            Naming::Digest => Some(Identity::new(format!("credential:{serial}"))),
            Naming::Account => Some(Identity::new(format!("account-{account}"))),
        }
    }

    /// Whether another account is told from ours, so that nothing is done there.
    pub(crate) fn accounts_are_told(&self) -> bool {
        match self.naming {
            Naming::Nothing => false,
            Naming::Digest => self.lost_answer == LostAnswer::FindByMarker,
            Naming::Account => true,
        }
    }

    /// Does something as a process that still has the credential of this account.
    pub(crate) fn as_account(&mut self, account: u8, act: impl FnOnce(&mut Self)) {
        let now = std::mem::replace(&mut self.credential.account, account);
        act(self);
        self.credential.account = now;
    }

    /// The token on record as current, as the issuer has it.
    pub(crate) fn current(&self) -> Option<&IssuedToken> {
        let held = self.record.current.as_ref()?;
        self.tokens.iter().find(|t| t.marker == held.token.marker)
    }

    /// A request that is sent again speaks of the same instant: with another it would be another request.
    pub(crate) fn check_same_request(&mut self, nonce: &Nonce, at: Timestamp) {
        let first = *self.asked.entry(nonce.clone()).or_insert(at);
        assert_eq!(at, first, "the request of {nonce} is another one");
    }

    /// Mints; the same nonce is the same token where answers can be replayed.
    pub(crate) fn mint(
        &mut self,
        (attempt, account): (&Attempt, u8),
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
        if self.replaces.is_some() {
            for former in &mut self.tokens {
                (former.revoked, former.lingers_until) = (true, self.now);
            }
        }
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
            by_person: false,
            lingers_until: lands_at,
            account,
            renamed: false,
        };
        self.tokens.push(token.clone());
        token
    }

    /// An expiry as the issuer's text says it.
    pub(crate) fn told(&self, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        expires_at.map(|at| at + self.zone)
    }

    /// The id that the issuer knows a token by.
    pub(crate) fn told_id(&self, token: &IssuedToken) -> TokenId {
        match self.replaces {
            Some(Replaces::AndReusesIds) if !token.id.as_str().starts_with("foreign") => {
                TokenId::new("the-one")
            }
            Some(Replaces::AndReusesIds | Replaces::UnderAnotherId) | None => token.id.clone(),
        }
    }

    /// What a complete listing shows.
    pub(crate) fn list(&self) -> Vec<Sighting> {
        let listed = |t: &&IssuedToken| {
            let here = t.account == self.credential.account && !t.renamed;
            // What has expired by the front ends' clock, they do not see.
            let until = self.now.max(self.clock());
            let told = self.told(t.expires_at);
            let over = |at: &Timestamp| *at <= self.now;
            let lives = t.is_shown(self.now) && told.is_none_or(|at| at > until);
            let lives = lives && !t.expires_at.is_some_and(|at| over(&at));
            here && lives && t.listed_from <= self.now
        };
        let all = self.tokens.iter().chain(&self.foreign);
        all.filter(listed)
            .map(|t| Sighting {
                id: self.told_id(t),
                marker: t.marker.clone(),
                expires_at: self.told(t.expires_at),
                enabled: self.tells_enabled.then_some(t.enabled),
            })
            .collect()
    }

    /// Ends a token, if that may be done now (S1, S6). Listings show it for a while longer.
    pub(crate) fn revoke(&mut self, token: &TokenRef, lag: SignedDuration) {
        if let Some(published) = &self.destination {
            // Where there is room for one alone, a person allowed that.
            assert!(
                self.one || published.carried.current.token.id != token.id,
                "S1: revoked what the destination holds"
            );
            let retiring = published
                .carried
                .retiring
                .iter()
                .find(|r| r.token.id == token.id);
            let too_early = retiring.is_some_and(|r| r.not_before > self.clock());
            assert!(
                !too_early,
                "S1: revoked before the not-before that the destination shows"
            );
        }
        let mut others = self.strangers.iter().chain(&self.foreign);
        assert!(
            others.all(|other| other.id != token.id),
            "S6: revoked a token that this manager did not mint"
        );
        let account = self.credential.account;
        let known = |t: &IssuedToken| {
            self.told_id(t) == token.id && t.account == account && !t.revoked && !t.renamed
        };
        let known = self.tokens.iter().position(known);
        if let Some(issued) = known.and_then(|at| self.tokens.get_mut(at)) {
            issued.revoked = true;
            issued.lingers_until = self.now + lag;
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
}
