//! All lost answers: tokens with our marker that the state does not know, in a listing that a read or a
//! failed create made.
//!
//! What carries a nonce of ours is a lost answer and retires, or is revoked where nobody can have its value;
//! everything else is named and left alone.

use std::collections::BTreeMap;

use tfplugin::Diagnostics;
use tokenwright_client::{Listing, survey};
use tokenwright_core::instant::after;
use tokenwright_core::{Marker, Retiring, Sighting, Standing, TokenId, TokenRef, schedule};

use super::apply::Work;
use super::owner::CredentialOwner;
use super::revoke::Ending;
use super::state::name;
use super::state::{Orphan, Stored};
use super::wanted::Wanted;
use crate::diagnostics;
use crate::session::Session;

/// Tokens with our marker that the state does not know: our own lost answers, or another writer's.
pub(super) fn lost(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    listing: &Listing,
    diags: &mut Diagnostics,
) {
    let now = session.now();
    let seen = survey(listing, &session.connected.origin, &stored.manager(), now);
    let name_of = |id: &TokenId| {
        let token = listing.tokens.iter().find(|token| token.id == *id);
        token
            .and_then(|token| token.name.clone())
            .unwrap_or_default()
    };
    stored.forget(Some(&seen));
    let can = session.connected.issuer.capabilities();
    let alive = |shown: &&Sighting| match seen.standing(shown, &stored.record, can) {
        Standing::Orphan | Standing::Twin | Standing::Foreign | Standing::Impossible => true,
        Standing::Referenced | Standing::Attempted | Standing::Ended => false,
    };
    // It counted as ended and lives: nobody needs it, and it is ours by the record.
    let again = |shown: &&Sighting| {
        let open = stored.record.open_revoke(&shown.id, &shown.marker);
        open.is_none() && seen.standing(shown, &stored.record, can) == Standing::Orphan
    };
    let (ours, mut others): (Vec<_>, Vec<_>) = seen.ours.iter().filter(alive).partition(again);
    for sighting in ours {
        let remote_name = name_of(&sighting.id);
        retire(session, stored, wanted, (sighting, &remote_name), diags);
    }
    // The nonces of our own mints form a chain, so that several lost answers in a row are all ours.
    let current = stored.record.current.as_ref();
    let mut nonce = match current {
        Some(held) => Some(held.token.marker.nonce.clone()),
        None => stored.next_nonce.clone(),
    };
    while let Some(ours) = nonce {
        let is_next = stored.next_nonce.as_ref() == Some(&ours);
        let (mine, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|sighting| sighting.marker.nonce == ours);
        others = rest;
        for sighting in &mine {
            let remote_name = name_of(&sighting.id);
            retire(session, stored, wanted, (sighting, &remote_name), diags);
        }
        if is_next && !mine.is_empty() {
            stored.next_nonce = Some(stored.nonce_after(&ours));
        }
        nonce = match (is_next, mine.is_empty()) {
            (true, true) => None,
            (_, _) => stored.next_nonce.clone(),
        };
    }
    let still = |orphan: &Orphan| {
        let token = listing.tokens.iter().find(|token| token.id == orphan.id)?;
        let shown = token.name.clone().unwrap_or_default();
        let lives = token.expires_at.is_none_or(|at| now < at);
        // One that lost its marker is known by its id alone, under whatever name.
        let same = Marker::of_name(&orphan.remote_name).is_none() || shown == orphan.remote_name;
        (lives && same).then(|| Orphan {
            id: orphan.id.clone(),
            remote_name: shown,
        })
    };
    stored.orphans = stored.orphans.iter().filter_map(still).collect();
    for sighting in others {
        let orphan = Orphan {
            id: sighting.id.clone(),
            remote_name: name_of(&sighting.id),
        };
        if !stored.orphans.contains(&orphan) {
            stored.orphans.push(orphan);
        }
    }
    let marker = |orphan: &Orphan| Marker::of_name(&orphan.remote_name);
    let foreign: Vec<_> = stored
        .orphans
        .iter()
        .filter(|orphan| marker(orphan).is_some_and(|m| m.manager == stored.manager()))
        .map(|orphan| orphan.id.as_str())
        .collect();
    if !foreign.is_empty() {
        diags.warning(
            "Another writer mints for this resource",
            format!(
                "Tokens with the marker of {} exist that this state did not mint: {}. Is the state a copy, or was it restored? \
                 Nothing of this resource is revoked until they are gone. Revoke them if nobody needs them.",
                name(stored),
                foreign.join(", ")
            ),
        );
    }
}

/// A consumer may hold it, if the state was copied or restored: it gets an overlap of at least a day.
fn retire(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    (sighting, remote_name): (&Sighting, &str),
    diags: &mut Diagnostics,
) {
    let overlap = wanted.spec.overlap.unwrap_or(schedule::OVERLAP);
    let end = after(session.now(), overlap.max(schedule::OVERLAP));
    let not_before = sighting.expires_at.map_or(end, |at| at.min(end));
    let token = TokenRef {
        id: sighting.id.clone(),
        marker: sighting.marker.clone(),
        parameters: wanted.spec.inputs.parameters.clone(),
        endpoint: session.connected.issuer.endpoint().to_owned(),
        identity: None,
    };
    diags.warning(
        "A token of a lost answer was found",
        format!(
            "Token {} ({remote_name:?}) carries the marker of this resource and is not in the state: the answer to its mint was lost, \
             or the state was copied or restored. It is retired: the first apply after {not_before} revokes it.",
            token.id
        ),
    );
    stored
        .names
        .insert(token.id.clone(), remote_name.to_owned());
    let revision = token.marker.revision;
    stored.record.last_revision = stored.record.last_revision.max(revision);
    stored.record.retiring.push(Retiring {
        token,
        not_before,
        expires_at: sighting.expires_at,
    });
}

impl Work<'_> {
    /// Looks for a token that a first create lost, and revokes it: nobody can have its value.
    pub(super) async fn look_for_lost(&mut self, diags: &mut Diagnostics) {
        let Some(nonce) = self.stored.next_nonce.clone() else {
            return;
        };
        let parameters = &self.wanted.spec.inputs.parameters;
        // No state names it, so nobody would look later.
        let session = self.session.to_the_end();
        let since = session.now();
        let inventory = &session.connected.inventory;
        let listing = session
            .patiently(|| inventory.since(parameters, since))
            .await;
        let Ok(listing) = listing else {
            return;
        };
        let manager = self.stored.manager();
        let ours = |marker: &Marker| marker.manager == manager && marker.nonce == nonce;
        let found: BTreeMap<_, _> = listing
            .tokens
            .iter()
            .filter_map(|token| Some((token.id.clone(), token.marker().filter(|m| ours(m))?)))
            .collect();
        for (id, marker) in found {
            let token = TokenRef {
                id,
                marker,
                parameters: parameters.clone(),
                endpoint: session.connected.issuer.endpoint().to_owned(),
                identity: None,
            };
            let ending = Ending {
                decided_at: session.now(),
                token: &token,
                minted_at: None,
                expires_at: None,
                listed: false,
                account: CredentialOwner::Same,
                value: None,
            };
            match session.end(ending).await {
                Ok(_) => diags.warning(
                    "The token of the lost answer was found and revoked",
                    format!(
                        "Token {} was minted, and its value was lost with the answer.",
                        token.id
                    ),
                ),
                Err(error) => diags.warning(
                    format!("Token {} of the lost answer was not revoked", token.id),
                    format!(
                        "{} The next apply tries again.",
                        diagnostics::not_revoked(&error)
                    ),
                ),
            }
        }
    }
}
