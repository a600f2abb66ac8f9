//! What a request does in the world of a memory issuer, whenever it lands.

use jiff::Timestamp;
use tokenwright_core::instant::after;
use tokenwright_core::{
    Change, Disable, Liveness, LostAnswer, Marker, Parameters, Switch, TokenId, UpdateKind,
};

use super::ask::{Ask, How, Reply};
use super::entry::Entry;
use super::settings::MemorySettings;
use super::world::World;
use crate::error::ErrorKind;
use crate::issuer::{Details, Filter, MintRequest, Token, Told};

impl World {
    /// Does what is asked.
    pub(super) fn apply(
        &mut self,
        settings: &MemorySettings,
        ask: &Ask,
        how: &How,
        now: Timestamp,
    ) -> Result<Reply, ErrorKind> {
        match ask {
            Ask::Identity => {
                let identity = self.identity.as_ref().unwrap_or(&settings.identity);
                Ok(Reply::Identity(identity.clone()))
            }
            Ask::Check(digests) => Ok(Reply::Liveness(self.check(digests, now))),
            Ask::Mint(request) => self.mint(settings, request, how, now),
            Ask::Get(id) => {
                let entry = self.entry(id);
                let token = entry.map(|entry| shown(settings, &entry.token));
                Ok(Reply::Token(token))
            }
            Ask::List(filter) => self.list(settings, filter, now),
            Ask::Update(id, name, change, since) => {
                self.update(settings, (id, name), change, *since)
            }
            Ask::Switch(id, switch) => self.switch(settings, id, *switch),
            Ask::Revoke(id) => {
                if !settings.capabilities.revoke {
                    return Err(ErrorKind::Invalid);
                }
                if let Some(entry) = self.entry(id) {
                    entry.revoked_at = Some(now);
                }
                Ok(Reply::Done)
            }
        }
    }

    pub(super) fn check(&self, digests: &[(String, [u8; 32])], now: Timestamp) -> Liveness {
        match self.entry_of(digests) {
            Some(entry) if entry.authenticates(now) => Liveness::Alive,
            Some(_) | None => Liveness::Dead,
        }
    }

    fn mint(
        &mut self,
        settings: &MemorySettings,
        request: &MintRequest,
        how: &How,
        now: Timestamp,
    ) -> Result<Reply, ErrorKind> {
        if settings.capabilities.lost_answer == LostAnswer::Replay
            && let Some(known) = self
                .entries
                .iter()
                .find(|e| e.idempotency_key == request.idempotency_key)
        {
            return Ok(Reply::Minted(Box::new(known.clone())));
        }
        let taken = |entry: &Entry| {
            entry.revoked_at.is_none() && entry.parameters == request.inputs.parameters
        };
        if settings.capabilities.one && self.entries.iter().any(taken) {
            return Err(ErrorKind::LimitReached);
        }
        if how.twice {
            self.add(settings, request, &How::default(), now);
        }
        let entry = self.add(settings, request, how, now);
        Ok(Reply::Minted(Box::new(entry)))
    }

    fn add(
        &mut self,
        settings: &MemorySettings,
        request: &MintRequest,
        how: &How,
        now: Timestamp,
    ) -> Entry {
        let serial = self.entries.len().saturating_add(1);
        let wanted = request.inputs.lifetime.duration();
        let lifetime = match (wanted, settings.cuts_lifetimes_to) {
            (Some(wanted), Some(longest)) => Some(wanted.min(longest)),
            (None, Some(longest)) => Some(longest),
            (wanted, None) => wanted,
        };
        let fresh = TokenId::new(match settings.secret_ids {
            true => Entry::secret_id(serial),
            false => format!("token-{serial}"),
        });
        let name = settings.keeps_of(&request.remote_name);
        let entry = Entry {
            serial,
            token: Token {
                id: how.id.clone().unwrap_or(fresh),
                name: Some(name),
                expires_at: lifetime.map(|l| after(now, settings.limits.rounded(l))),
                enabled: match settings.capabilities.disable {
                    Disable::Unsupported => None,
                    Disable::SetState | Disable::BlindToggle => Some(true),
                },
                details: Details::from(Told {
                    scopes: request.inputs.scopes.clone(),
                    created_at: Some(now),
                    ..Told::default()
                }),
            },
            marker: Marker::of_name(&request.remote_name),
            parameters: request.inputs.parameters.clone(),
            idempotency_key: request.idempotency_key.clone(),
            minted_at: now,
            revoked_at: None,
            born_dead: how.born_dead,
        };
        self.entries.push(entry.clone());
        entry
    }

    fn list(
        &self,
        settings: &MemorySettings,
        filter: &Filter,
        now: Timestamp,
    ) -> Result<Reply, ErrorKind> {
        if settings.capabilities.lost_answer == LostAnswer::CannotList {
            return Err(ErrorKind::Invalid);
        }
        let lag = self.listing_lag.unwrap_or(settings.listing_lag);
        let asked = |has: &Parameters| filter.parameters.iter().all(|(k, v)| has.get(k) == Some(v));
        let shown = self
            .entries
            .iter()
            .filter(|e| {
                e.revoked_at.is_none() && after(e.minted_at, lag) <= now && asked(&e.parameters)
            })
            .map(|e| shown(settings, &e.token));
        Ok(Reply::Tokens(filter.keep(shown.collect())))
    }

    fn update(
        &mut self,
        settings: &MemorySettings,
        (id, name): (&TokenId, &str),
        change: &Change,
        since: Timestamp,
    ) -> Result<Reply, ErrorKind> {
        let allowed = |kind| settings.capabilities.update.contains(kind);
        if !change.kinds.iter().all(allowed) {
            return Err(ErrorKind::Invalid);
        }
        let rounded = |l| after(since, settings.limits.rounded(l));
        let name = settings.keeps_of(name);
        let entry = self.entry(id).ok_or(ErrorKind::NotFound)?;
        for kind in &change.kinds {
            match kind {
                UpdateKind::Name => entry.token.name = Some(name.clone()),
                UpdateKind::Scopes => entry.token.details.scopes.clone_from(&change.inputs.scopes),
                UpdateKind::AddExpiry | UpdateKind::ShortenExpiry | UpdateKind::ExtendExpiry => {
                    entry.token.expires_at = change.inputs.lifetime.duration().map(rounded);
                }
            }
        }
        let token = shown(settings, &entry.token);
        Ok(Reply::Token(Some(token)))
    }

    fn switch(
        &mut self,
        settings: &MemorySettings,
        id: &TokenId,
        switch: Switch,
    ) -> Result<Reply, ErrorKind> {
        if settings.capabilities.disable == Disable::Unsupported {
            return Err(ErrorKind::Invalid);
        }
        let entry = self.entry(id).ok_or(ErrorKind::NotFound)?;
        entry.token.enabled = Some(switch == Switch::Enable);
        Ok(Reply::Done)
    }
}

/// A token as this system shows it.
pub(super) fn shown(settings: &MemorySettings, token: &Token) -> Token {
    let mut token = token.clone();
    let late = settings.tells_expiry_late_by;
    token.expires_at = token.expires_at.map(|at| after(at, late));
    if settings.capabilities.lost_answer == LostAnswer::CannotAttribute {
        token.name = None;
    }
    token
}
