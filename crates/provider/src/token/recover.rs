//! All lost answers: tokens with our marker that the state does not know, in a listing that a read or a
//! failed create made.
//!
//! What carries a nonce of ours is a lost answer and retires, or is revoked where nobody can have its value;
//! everything else is named and left alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tfplugin::Diagnostics;
use tokenwright_client::{Listing, Token, survey};
use tokenwright_core::instant::after;
use tokenwright_core::{Look, Marker, Retiring, Sighting, Standing, TokenId, schedule};

use super::apply::Work;
use super::revoke::Ending;
use super::state::{Orphan, Stored, name_within};
use super::wanted::Wanted;
use crate::diagnostics;
use crate::session::Session;

/// Tokens with our marker that the state does not know: our own lost answers, or another writer's.
pub(super) async fn lost(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    listing: &Listing,
    diags: &mut Diagnostics,
) {
    let search = Search {
        session,
        wanted,
        listing,
    };
    let origin = &session.connected.origin;
    let seen = survey(listing, origin, &stored.manager(), session.now());
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
    let (ours, others): (Vec<_>, Vec<_>) = seen.ours.iter().filter(alive).partition(again);
    for sighting in ours {
        search.retire(stored, sighting, diags);
    }
    let others = search.retire_chain(stored, others, diags);
    search.keep_orphans(stored, &others).await;
    warn_of_another_writer(stored, diags);
}

/// A listing, in which lost answers are looked for.
struct Search<'a> {
    session: &'a Session,
    wanted: &'a Wanted,
    listing: &'a Listing,
}

impl Search<'_> {
    fn name_of(&self, id: &TokenId) -> String {
        let mut tokens = self.listing.tokens.iter();
        let token = tokens.find(|token| token.id == *id);
        token
            .and_then(|token| token.name.clone())
            .unwrap_or_default()
    }

    /// Retires those of our own mints, and gives back the others: the nonces form a chain, so that several lost
    /// answers in a row are all ours.
    fn retire_chain<'s>(
        &self,
        stored: &mut Stored,
        mut others: Vec<&'s Sighting>,
        diags: &mut Diagnostics,
    ) -> Vec<&'s Sighting> {
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
                self.retire(stored, sighting, diags);
            }
            if is_next && !mine.is_empty() {
                stored.next_nonce = Some(stored.nonce_after(&ours));
            }
            nonce = match (is_next, mine.is_empty()) {
                (true, true) => None,
                (_, _) => stored.next_nonce.clone(),
            };
        }
        others
    }

    /// A consumer may hold it, if the state was copied or restored: it gets an overlap of at least a day.
    fn retire(&self, stored: &mut Stored, sighting: &Sighting, diags: &mut Diagnostics) {
        let remote_name = self.name_of(&sighting.id);
        let overlap = self.wanted.spec.overlap.unwrap_or(schedule::OVERLAP);
        let end = after(self.session.now(), overlap.max(schedule::OVERLAP));
        let not_before = sighting.expires_at.map_or(end, |at| at.min(end));
        let parameters = &self.wanted.spec.inputs.parameters;
        let connected = &self.session.connected;
        let token = connected.reference(sighting.id.clone(), sighting.marker.clone(), parameters);
        diags.warning(
            "A token of a lost answer was found",
            format!(
                "Token {} ({remote_name:?}) carries the marker of this resource and is not in the state: the answer to its mint was lost, \
                 or the state was copied or restored. It is retired: the first apply after {not_before} revokes it.",
                token.id
            ),
        );
        stored.names.insert(token.id.clone(), remote_name);
        let revision = token.marker.revision;
        stored.record.last_revision = stored.record.last_revision.max(revision);
        stored.record.retiring.push(Retiring {
            token,
            not_before,
            expires_at: sighting.expires_at,
        });
    }

    /// Drops those that are gone, and adds what looks like ours and is not.
    async fn keep_orphans(&self, stored: &mut Stored, others: &[&Sighting]) {
        let named = std::mem::take(&mut stored.orphans);
        let lacks_one = named.iter().any(|orphan| !self.listing.shows(&orphan.id));
        let look = self.session.connected.issuer.capabilities().look;
        let second = match lacks_one && look == Look::Listing {
            true => self.listed_again().await,
            false => None,
        };
        for orphan in named {
            let seen = self.seen(&orphan.id, second.as_deref()).await;
            stored.orphans.extend(self.still(orphan, seen));
        }
        for sighting in others {
            let orphan = Orphan {
                id: sighting.id.clone(),
                remote_name: self.name_of(&sighting.id),
            };
            if !stored.orphans.contains(&orphan) {
                stored.orphans.push(orphan);
            }
        }
    }

    /// What is still to be named of an orphan.
    fn still(&self, orphan: Orphan, seen: Seen) -> Option<Orphan> {
        let token = match seen {
            Seen::Shown(token) => token,
            Seen::Gone => return None,
            Seen::Doubtful => return Some(orphan),
        };
        let shown = token.name.unwrap_or_default();
        let lives = token.expires_at.is_none_or(|at| self.session.now() < at);
        // One that lost its marker is known by its id alone, under whatever name.
        let marked = Marker::of_name(&orphan.remote_name).is_some();
        let same = !marked || shown == orphan.remote_name;
        (lives && same).then_some(Orphan {
            id: orphan.id,
            remote_name: shown,
        })
    }

    /// Whether a token is there. One listing may miss it: it is asked about alone, or a second listing tells.
    async fn seen(&self, id: &TokenId, second: Option<&Listing>) -> Seen {
        let of = |listing: &Listing| listing.tokens.iter().find(|t| t.id == *id).cloned();
        if let Some(token) = of(self.listing) {
            return Seen::Shown(token);
        }
        let Session { connected, .. } = self.session;
        let parameters = &self.wanted.spec.inputs.parameters;
        let again = match (connected.issuer.capabilities().look, second) {
            (Look::Alone, _) => {
                let get = || connected.issuer.get(id, parameters);
                self.session.patiently(get).await.ok()
            }
            (_, second) => second.map(of),
        };
        match again {
            Some(Some(token)) => Seen::Shown(token),
            Some(None) => Seen::Gone,
            None => Seen::Doubtful,
        }
    }

    /// A listing that is `settle` younger than the first, if there is time for one.
    async fn listed_again(&self) -> Option<Arc<Listing>> {
        let session = self.session;
        let connected = &session.connected;
        let at = session.within(connected.issuer.capabilities().settle)?;
        session.sleep_until(at).await;
        let parameters = &self.wanted.spec.inputs.parameters;
        let since = session.now();
        let listing = session.patiently(|| connected.inventory.since(parameters, since));
        // A run that ends wakes it early.
        listing.await.ok().filter(|_| !session.stopped())
    }
}

/// What is known of a token that was named before.
enum Seen {
    Shown(Token),
    Gone,
    Doubtful,
}

fn warn_of_another_writer(stored: &Stored, diags: &mut Diagnostics) {
    let own = stored.manager();
    let marker = |orphan: &Orphan| Marker::of_name(&orphan.remote_name);
    let foreign: Vec<_> = stored
        .orphans
        .iter()
        .filter(|orphan| marker(orphan).is_some_and(|marker| marker.manager == own))
        .map(|orphan| orphan.id.as_str())
        .collect();
    if !foreign.is_empty() {
        diags.warning(
            "Another writer mints for this resource",
            format!(
                "Tokens with the marker of {} exist that this state did not mint: {}. Is the state a copy, or was it restored? \
                 Nothing of this resource is revoked until they are gone. Revoke them if nobody needs them.",
                name_within(stored),
                foreign.join(", ")
            ),
        );
    }
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
            let token = session.connected.reference(id, marker, parameters);
            match session.end(Ending::of(&token, session.now())).await {
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
