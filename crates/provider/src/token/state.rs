//! The state as the record: Terraform's attributes in `core`'s words, and back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tfplugin::{Diagnostics, Value};
use tokenwright_client::SecretValue;
use tokenwright_client::account::{SecretDigests, is_of_credential};
use tokenwright_core::{
    Destination, Doubt, Held, Identity, IssuerSeen, ManagerId, Marker, Nonce, Observed, Origin,
    Past, Proven, Record, Retiring, Sighting, Spec, Survey, TokenId, TokenRef, TokenStatus,
    schedule,
};

use super::output::{Output, is_valueless};
use super::until::Until;
use super::wanted::Wanted;
use crate::connect::{Claim, Connected, Fingerprint};
use crate::schema::names::*;
use crate::values::{instant, time};

mod bookkeeping;
mod past;

pub(super) use bookkeeping::upgraded;
pub(crate) use bookkeeping::{Bookkeeping, FirstMint};

/// So many ended tokens are remembered; the state stays short.
const PAST: usize = 8;

/// What a state says, beside what was configured and the value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) record: Record,
    pub(super) status: Option<TokenStatus>,
    /// Whether it was suspended when its issuer last showed it.
    pub(super) suspended: bool,
    /// The name of the current token at the issuer.
    pub(super) remote_name: Option<String>,
    /// The names of the retiring ones.
    pub(super) names: BTreeMap<TokenId, String>,
    /// Keyed digests of the values of the retiring ones, and of the current one where it is encrypted.
    pub(super) fingerprints: BTreeMap<TokenId, String>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) value_version: Option<i64>,
    pub(super) rotated_at: Option<Timestamp>,
    pub(super) granted_scopes: Option<BTreeSet<String>>,
    pub(super) owner: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) instance: String,
    /// The manager part of the markers, where it is not made from `instance`: of an imported token.
    pub(super) manager: Option<ManagerId>,
    /// In which form the state has the value.
    pub(super) output: Output,
    /// What the state has beside the value of the current token.
    pub(super) public: BTreeMap<String, String>,
    /// There is a token, and the state has no value of it.
    pub(super) valueless: bool,
    pub(super) next_nonce: Option<Nonce>,
    /// A token may exist whose answer was lost; after this instant a listing must show it.
    pub(super) lost_until: Option<Timestamp>,
    pub(super) first_mint: Option<FirstMint>,
    /// Why the current token was minted, for people.
    pub(super) rotation_reason: Option<String>,
    /// The end that its tokens are wanted to have, in the words of whoever wrote it.
    pub(super) until: Option<Until>,
    /// The end that the state goes on to show, where an apply may not show another one.
    pub(super) shown_end: Option<Timestamp>,
    /// The triggers that the current token was minted under.
    pub(super) triggers: BTreeMap<String, String>,
}

/// A token that looks like ours and is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orphan {
    pub(super) id: TokenId,
    pub(super) remote_name: String,
}

impl Orphan {
    fn read(row: &Value) -> Option<Self> {
        Some(Self {
            id: TokenId::new(row.read(TOKEN_ID)?),
            remote_name: row.read(REMOTE_NAME)?,
        })
    }
}

impl Stored {
    /// Reads a state.
    pub(super) fn read(state: &Value, diags: &mut Diagnostics) -> Option<Self> {
        let wanted = Wanted::read(state, SignedDuration::ZERO);
        let identity = state.read(IDENTITY);
        let known_identity = identity.as_ref().filter(|text| !is_of_credential(text));
        let about = About {
            wanted: &wanted,
            endpoint: state.read(ENDPOINT).unwrap_or_default(),
            identity: known_identity.map(Identity::new),
        };
        let Some(kept) = Bookkeeping::read(state.get(RECORD)) else {
            diags.error(
                "The state has no record of its tokens",
                "The attribute record cannot be read, and without it nothing tells which tokens are ours. Was the state edited?",
            );
            return None;
        };
        let current = match state.get(TOKEN_ID).as_str() {
            Some(id) => Some(about.held(id, state, &kept, diags)?),
            None => None,
        };
        let mut stored = Self {
            status: Some(status(state.get(STATUS).as_str())),
            suspended: state.read(ENABLED) == Some(false),
            remote_name: state.read(REMOTE_NAME),
            value_version: state.read(VALUE_VERSION),
            rotated_at: instant(state, ROTATED_AT),
            granted_scopes: state.read(GRANTED_SCOPES),
            owner: state.read(OWNER),
            endpoint: state.read(ENDPOINT),
            identity,
            instance: kept.instance,
            manager: kept.manager,
            valueless: is_valueless(state),
            next_nonce: kept.next_nonce,
            lost_until: kept.lost_until,
            first_mint: kept.first_mint,
            fingerprints: kept.fingerprints,
            rotation_reason: state.read(ROTATION_REASON),
            triggers: wanted.triggers.clone(),
            until: wanted.until.clone(),
            output: wanted.output.clone(),
            ..Self::default()
        };
        stored.record.current = current;
        stored.public = state.read(PUBLIC_PARTS).unwrap_or_default();
        stored.record.handled_trigger = wanted.spec.trigger.clone();
        for entry in state.get(RETIRING).as_slice().unwrap_or_default() {
            stored.read_retiring(entry, &about);
        }
        stored.record.past = kept.past;
        let orphans = state.get(ORPHANS).as_slice().unwrap_or_default();
        stored.orphans = orphans.iter().filter_map(Orphan::read).collect();
        let referenced = stored
            .record
            .referenced()
            .map(|token| token.marker.revision);
        let past = stored.record.past.iter().map(|past| past.revision);
        stored.record.last_revision = referenced.chain(past).max().unwrap_or(0);
        Some(stored)
    }

    fn read_retiring(&mut self, entry: &Value, about: &About<'_>) {
        let Some(id) = entry.get(TOKEN_ID).as_str() else {
            return;
        };
        let Some(token) = about.token(id, entry.get(REMOTE_NAME)) else {
            return;
        };
        if let Some(name) = entry.read(REMOTE_NAME) {
            self.names.insert(token.id.clone(), name);
        }
        self.record.retiring.push(Retiring {
            token,
            not_before: instant(entry, REVOKE_AFTER).unwrap_or_default(),
            expires_at: instant(entry, EXPIRES_AT),
        });
    }

    /// Writes everything that is computed, but the value, into a state.
    pub(super) fn write(&self, state: &mut Value, spec: &Spec) {
        let current = self.record.current.as_ref();
        let remote_name = self.remote_name.clone().filter(|_| current.is_some());
        let revision = current.map(|held| i64::from(held.token.marker.revision));
        let wished = self.until.as_ref().map(|until| until.text.clone());
        let ends = time(current.and_then(|held| held.expires_at));
        let renew_at = current.and_then(|held| schedule::renew_at(spec, held));
        state.set(TOKEN_ID, current.map(|held| held.token.id.to_string()));
        state.set(REMOTE_NAME, remote_name);
        state.set(REVISION, revision);
        state.set(VALUE_VERSION, self.value_version);
        state.set(STATUS, self.status_text());
        state.set(CREATED_AT, time(current.map(|held| held.created_at)));
        state.set(EXPIRES_AT, wished.or(ends));
        state.set(ROTATED_AT, time(self.rotated_at));
        state.set(RENEW_AT, time(renew_at));
        state.set(GRANTED_SCOPES, self.granted_scopes.clone());
        state.set(OWNER, self.owner.clone());
        state.set(ENDPOINT, self.endpoint.clone());
        state.set(IDENTITY, self.identity.clone());
        state.set(ROTATION_REASON, self.rotation_reason.clone());
        state.set(RECORD, self.bookkeeping().text());
        state.set(RETIRING, self.retiring());
        let orphans = self.orphans.iter().map(|orphan| {
            Value::empty()
                .with(TOKEN_ID, orphan.id.as_str())
                .with(REMOTE_NAME, orphan.remote_name.as_str())
        });
        state.set(ORPHANS, orphans.collect::<Vec<_>>());
    }

    /// The tokens that are superseded and still valid, as the state names them.
    pub(super) fn retiring(&self) -> Vec<Value> {
        let retiring = self.record.retiring.iter().map(|retiring| {
            let id = &retiring.token.id;
            Value::empty()
                .with(TOKEN_ID, id.as_str())
                .with(REMOTE_NAME, self.names.get(id).cloned())
                .with(REVOKE_AFTER, retiring.not_before.to_string())
                .with(EXPIRES_AT, time(retiring.expires_at))
        });
        retiring.collect()
    }

    /// What was observed, as the state remembers it.
    pub(super) fn observed(&self, origin: &Origin, endpoint: &str, read_at: Timestamp) -> Observed {
        let manager = self.manager();
        let foreign = self.orphans.iter().filter_map(|orphan| {
            let marker = Marker::of_name(&orphan.remote_name)?;
            (marker.manager == manager && marker.origin == *origin).then(|| Sighting {
                id: orphan.id.clone(),
                marker,
                expires_at: None,
                enabled: None,
            })
        });
        Observed {
            running: None,
            issuer: IssuerSeen {
                credential: None,
                endpoint: endpoint.to_owned(),
                identity: None,
            },
            destination: Destination::NotLooked,
            status: self.status.unwrap_or(TokenStatus::Unknown),
            survey: Some(Survey {
                started_at: read_at,
                ours: foreign.collect(),
            }),
            hold_revokes: false,
            clock_ahead: SignedDuration::ZERO,
            suspect: false,
            // A read asks before it stores that a token is missing.
            doubt: Doubt::default(),
            not_granted: Vec::new(),
        }
    }

    /// Forgets the oldest ended tokens; never one that this listing still shows, which would then pass for
    /// another writer's.
    pub(super) fn forget(&mut self, survey: Option<&Survey>) {
        let past = &mut self.record.past;
        let shown = |past: &Past| {
            let mut ours = survey.iter().flat_map(|survey| &survey.ours);
            ours.any(|sighting| sighting.marker.nonce == past.nonce)
        };
        while past.len() > PAST {
            match past.iter().position(|past| !shown(past)) {
                Some(oldest) => past.remove(oldest),
                None => break,
            };
        }
    }

    /// What is known of a token as one that retires, if it does.
    pub(super) fn retiring_as(&self, token: &TokenRef) -> Option<&Retiring> {
        self.record.retiring.iter().find(|r| r.token == *token)
    }

    /// Whether a retiring token was found at the issuer, as a lost answer's: its value never was in this state.
    pub(super) fn was_found(&self, id: &TokenId) -> bool {
        !self.fingerprints.contains_key(id)
    }

    /// The manager part of the markers of this resource instance.
    pub(super) fn manager(&self) -> ManagerId {
        let own = || ManagerId::of(&self.instance);
        self.manager.clone().unwrap_or_else(own)
    }

    /// The nonce after one that a token turned out to carry; the same however often it is asked for.
    pub(super) fn nonce_after(&self, nonce: &Nonce) -> Nonce {
        let digest = Sha256::new()
            .chain_update(&self.instance)
            .chain_update([0])
            .chain_update(nonce.as_str())
            .finalize();
        let mut bytes = [0; 5];
        bytes.copy_from_slice(&digest[..5]);
        Nonce::from_bytes(bytes)
    }

    /// What all other calls of this run may know of the tokens of this state.
    pub(super) fn claim(&self) -> Claim {
        let current = self
            .record
            .current
            .as_ref()
            .map(|held| held.token.id.clone());
        let named = current.clone().zip(self.remote_name.clone());
        Claim {
            instance: self.instance.clone(),
            run: self.first_mint.as_ref().map(|first| first.run.clone()),
            names: self.names.clone().into_iter().chain(named).collect(),
            current,
            ..Claim::default()
        }
    }

    /// Keyed digests of the values of its tokens; of the current one its value is given, where the state has it.
    pub(super) fn all_fingerprints(
        &self,
        value: Option<&SecretValue>,
    ) -> BTreeMap<TokenId, Fingerprint> {
        let current = self.record.current.as_ref();
        let current = current.zip(value).map(|(held, value)| {
            let digest = SecretDigests::of(value).keyed(self.instance.as_bytes());
            (held.token.id.clone(), digest)
        });
        let all = self.fingerprints.clone().into_iter().chain(current);
        all.map(|(id, digest)| (id, Fingerprint::new(&self.instance, digest)))
            .collect()
    }

    /// Those of its tokens that an issuer's requests authenticate with.
    pub(super) fn credentials(
        &self,
        connected: &Connected,
        value: Option<&SecretValue>,
    ) -> BTreeSet<TokenId> {
        let all = self.all_fingerprints(value).into_iter();
        let own = all.filter(|(_, fingerprint)| connected.authenticates_with(fingerprint));
        own.map(|(id, _)| id).collect()
    }

    fn bookkeeping(&self) -> Bookkeeping {
        let still = |id: &TokenId| self.record.referenced().any(|token| token.id == *id);
        let fingerprints = self.fingerprints.iter().filter(|(id, _)| still(id));
        Bookkeeping {
            instance: self.instance.clone(),
            manager: self.manager.clone(),
            next_nonce: self.next_nonce.clone(),
            lost_until: self.lost_until,
            first_mint: self.first_mint.clone(),
            proven: match &self.record.current {
                Some(held) => held.proven,
                None => Proven::Yes,
            },
            past: self.record.past.clone(),
            wished_end: self
                .record
                .current
                .as_ref()
                .and_then(|held| held.wished_end),
            ends: self.ends_otherwise(),
            fingerprints: fingerprints
                .map(|(id, f)| (id.clone(), f.clone()))
                .collect(),
        }
    }

    /// When the current token ends, where that is not the end that the state shows.
    fn ends_otherwise(&self) -> Option<Timestamp> {
        let wanted = self.until.as_ref().map(|until| until.at);
        let shown = wanted.or(self.shown_end)?;
        let ends = self.record.current.as_ref()?.expires_at?;
        let same = ends.duration_since(shown).abs() <= SignedDuration::from_secs(1);
        (!same).then_some(ends)
    }

    /// What `enabled` says of the current token, where that is known.
    pub(super) fn enabled(&self) -> Option<bool> {
        match self.status {
            Some(TokenStatus::Active) => Some(true),
            Some(TokenStatus::Disabled) => Some(false),
            _ => None,
        }
    }

    fn status_text(&self) -> Option<&'static str> {
        let held = self.record.current.as_ref()?;
        Some(match (self.status?, held.proven) {
            (TokenStatus::Missing, _) => "missing",
            (TokenStatus::Dead, _) | (_, Proven::No) => "dead",
            (TokenStatus::Disabled, _) => "disabled",
            (TokenStatus::Active, Proven::NotYet) => "unproven",
            (TokenStatus::Active, Proven::Yes) => "active",
            (TokenStatus::Unknown | TokenStatus::Unlisted, _) => return None,
        })
    }
}

/// What all tokens of one resource instance have in common.
struct About<'a> {
    wanted: &'a Wanted,
    endpoint: String,
    identity: Option<Identity>,
}

impl About<'_> {
    fn token(&self, id: &str, remote_name: &Value) -> Option<TokenRef> {
        Some(TokenRef {
            id: TokenId::new(id),
            marker: Marker::of_name(remote_name.as_str()?)?,
            parameters: self.wanted.spec.inputs.parameters.clone(),
            endpoint: self.endpoint.clone(),
            identity: self.identity.clone(),
        })
    }

    /// The current token. `None` after an error.
    fn held(
        &self,
        id: &str,
        state: &Value,
        kept: &Bookkeeping,
        diags: &mut Diagnostics,
    ) -> Option<Held> {
        let Some(token) = self.token(id, state.get(REMOTE_NAME)) else {
            diags.error(
                "The state names a token without its marker",
                format!("The remote_name of token {id:?} ends with no marker, so nothing could prove that it is ours. Was the state edited?"),
            );
            return None;
        };
        let created_at = instant(state, CREATED_AT).unwrap_or_default();
        let mut inputs = self.wanted.spec.inputs.clone();
        if let Some(until) = &self.wanted.until {
            inputs.lifetime = until.lifetime(created_at);
        }
        Some(Held {
            token,
            inputs,
            created_at,
            expires_at: kept.ends.or_else(|| instant(state, EXPIRES_AT)),
            wished_end: kept.wished_end,
            proven: match state.get(STATUS).as_str() {
                Some("unproven") => Proven::NotYet,
                Some(_) | None => kept.proven,
            },
            disabled_by_us: false,
        })
    }
}

fn status(text: Option<&str>) -> TokenStatus {
    match text {
        Some("active" | "unproven") => TokenStatus::Active,
        Some("disabled") => TokenStatus::Disabled,
        Some("missing") => TokenStatus::Missing,
        Some("dead") => TokenStatus::Dead,
        Some(_) | None => TokenStatus::Unknown,
    }
}

/// A token, for people.
pub(super) fn name(stored: &Stored) -> String {
    match &stored.record.current {
        Some(Held { token, .. }) => format!(
            "Token {} ({:?})",
            token.id,
            stored.remote_name.as_deref().unwrap_or_default()
        ),
        None => "The token".to_owned(),
    }
}

/// The same within a sentence.
pub(super) fn name_within(stored: &Stored) -> String {
    name(stored).replacen('T', "t", 1)
}
