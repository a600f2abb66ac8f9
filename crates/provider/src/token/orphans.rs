//! Tokens that look like ours and that no resource has: found, named until they are gone, never touched.
//!
//! A create that was killed leaves nothing in the state: its token is seen at the refreshes of the resource
//! that was created in its stead, whenever it landed. Not before: what is replaced lives beside its
//! successor until the end of that apply. What another resource of this state has is no orphan, and
//! without a `manager` nobody can tell.

use std::mem;

use tfplugin::Diagnostics;
use tokenwright_client::Listing;
use tokenwright_core::{ManagerId, Marker};

use super::ephemeral::of_one_run;
use super::state::{FirstMint, Orphan, Stored};
use super::wanted::Wanted;
use crate::connect::{Claims, run_of};
use crate::session::Session;

/// A token with our name and origin that is no resource's as far as anybody said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lookalike {
    orphan: Orphan,
    marker: Marker,
}

/// Adds what killed creates left, and drops what a resource claims.
pub(super) async fn look(
    session: &Session,
    stored: &mut Stored,
    wanted: &Wanted,
    listing: &Listing,
) {
    let connected = &session.connected;
    let (own, name) = (stored.manager(), &wanted.spec.inputs.name);
    let first = stored.first_mint.as_ref();
    let mut found = match first.filter(|_| connected.tells_states_apart()) {
        Some(first) => lookalikes(session, first, name, listing),
        None => Vec::new(),
    };
    found.retain(|one| one.marker.manager != own && !stored.orphans.contains(&one.orphan));
    let mut known = mem::take(&mut stored.orphans);
    wait_for_claims(session, name, (&own, &mut known, &mut found)).await;
    known.extend(found.into_iter().map(|one| one.orphan));
    stored.orphans = known;
}

/// First tokens of our name that a create before ours, or the one that ours repeats, can have left.
fn lookalikes(
    session: &Session,
    first: &FirstMint,
    name: &str,
    listing: &Listing,
) -> Vec<Lookalike> {
    let connected = &session.connected;
    let now = session.now();
    let landed_until = session.lost_until(first.at);
    let found = listing.tokens.iter().filter_map(|token| {
        let marker = token.marker()?;
        let remote_name = token.name.clone()?;
        let same = marker.origin == connected.origin && remote_name == marker.remote_name(name);
        // What one run minted for itself is told by its own end.
        let killed =
            marker.revision == 1 && !of_one_run(&marker) && run_of(&marker.nonce) != first.run;
        let lives = token.expires_at.is_none_or(|at| now < at);
        let landed = token.details.created_at.unwrap_or(now) <= landed_until;
        (same && killed && lives && landed).then(|| Lookalike {
            orphan: Orphan {
                id: token.id.clone(),
                remote_name,
            },
            marker,
        })
    });
    found.collect()
}

/// Leaves those that no resource claims, once all that run beside this call had time to do so.
async fn wait_for_claims(
    session: &Session,
    name: &str,
    (own, known, found): (&ManagerId, &mut Vec<Orphan>, &mut Vec<Lookalike>),
) {
    let claims = &session.connected.claims;
    let of_another = |orphan: &Orphan| {
        let manager = Marker::of_name(&orphan.remote_name).map(|marker| marker.manager);
        manager.filter(|manager| manager != own)
    };
    let told = || {
        known.retain(|orphan| of_another(orphan).is_none_or(|manager| !claims.claimed(&manager)));
        found.retain(|one| {
            !claims.claimed(&one.marker.manager) && !claims.lived(&one.marker.nonce, name)
        });
        found.is_empty() && !known.iter().any(|one| of_another(one).is_some())
    };
    session.hear(told).await;
}

/// Names them, in each run anew, until they are gone.
pub(super) fn name_all(stored: &Stored, name: &str, claims: &Claims, diags: &mut Diagnostics) {
    let fresh = stored.orphans.iter().filter(|o| claims.first_named(&o.id));
    let (mut lookalikes, mut unmarked) = (Vec::new(), Vec::new());
    for orphan in fresh {
        match Marker::of_name(&orphan.remote_name) {
            // Another writer's, which is told apart.
            Some(marker) if marker.manager == stored.manager() => {}
            Some(_) => lookalikes.push(text(orphan)),
            None => unmarked.push(text(orphan)),
        }
    }
    if !lookalikes.is_empty() {
        diags.warning(
            format!("There are other tokens named {name:?}"),
            format!(
                "No resource that this run looked at so far has them; with -target or -parallelism=1 those are few. If none of another run, provider block or state has, they are left of an apply that was killed, and nobody has their values: \
                 revoke them at the issuer. They are listed in orphans: {}.",
                lookalikes.join(", ")
            ),
        );
    }
    if !unmarked.is_empty() {
        diags.warning(
            format!("Superseded tokens of {name:?} are not revoked"),
            format!(
                "The issuer shows them without the marker that they were minted with, so nothing proves that they are ours. \
                 Revoke them at the issuer if nobody needs them. They are listed in orphans: {}.",
                unmarked.join(", ")
            ),
        );
    }
}

/// The last word about them: their resource goes, and they stay.
pub(super) fn name_left(stored: &Stored, name: &str, diags: &mut Diagnostics) {
    let left: Vec<_> = stored.orphans.iter().map(text).collect();
    if !left.is_empty() {
        diags.warning(
            format!("Tokens that look like those of {name:?} stay alive"),
            format!(
                "They were listed in orphans, and the state names them no more. Revoke them at the issuer if nobody needs them: {}.",
                left.join(", ")
            ),
        );
    }
}

fn text(orphan: &Orphan) -> String {
    format!("{} ({:?})", orphan.id, orphan.remote_name)
}
