//! How much the `ApiToken`s of an issuer will ask of it, beside how much it may be asked.
//!
//! Foretold from what is declared, not measured: a first roll-out that takes its time is no trouble, and
//! ten thousand tokens that each live for an hour are one before the first of them is late.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tokenwright_api::TokenIssuerStatus;
use tokenwright_api::names::{condition, reason};
use tokenwright_core::{LostAnswer, Parameters};

use crate::cluster::calls::CallError;
use crate::cluster::conditions::{Fact, Trouble, updated, without};
use crate::cluster::context::Context;
use crate::cluster::token::{Asks, PackedToken};
use crate::issuer::object::IssuerObject;
use crate::issuer::registry::Handle;
use crate::issuer::scheduler::PER_TURN;
use crate::issuer::status::write;

/// A listing has about so many tokens on a page.
const ON_A_PAGE: usize = 50;

/// From this share of the rate on rotations may come late.
const MOST: f64 = 0.7;

/// Less than this, and it is over: a load at the edge is not told again and again.
const OVER: f64 = 0.65;

/// Says whether the rate is enough; nothing is sent where nothing would change.
pub(super) async fn tell<K: IssuerObject>(
    context: &Context,
    object: &K,
    handle: &Handle,
    tokens: &[PackedToken],
) -> Result<(), CallError> {
    let lists = handle.issuer.capabilities().lost_answer == LostAnswer::FindByMarker;
    let list = |parameters: &Parameters| lists.then(|| handle.issuer.list_parameters(parameters));
    let needed = demand(tokens, handle.recheck, list);
    let most = handle.rate.per_minute;
    let share = needed / f64::from(most);
    *handle.load.lock() = Some(share);
    let before = object.status();
    let type_ = condition::OVERCOMMITTED;
    let told = before.conditions.iter().find(|known| known.type_ == type_);
    let generation = object.meta().generation.unwrap_or_default();
    let conditions = match is_told(share, told.is_some()) {
        false => without(before.conditions.clone(), &[type_]),
        true => {
            let message = format!(
                "{}; above 70 % rotations may come late.",
                needs(share, most)
            );
            let fact = Fact::new(type_, true, reason::RATE_TOO_LOW, message);
            updated(&before.conditions, &[fact], generation, context.clock.now())
        }
    };
    if conditions == before.conditions {
        return Ok(());
    }
    let status = TokenIssuerStatus {
        conditions,
        ..before
    };
    write(context, object, status).await.map(|_| ())
}

/// Whether it is said: once from `MOST` on, and then until it is over.
fn is_told(share: f64, before: bool) -> bool {
    match before {
        true => share >= OVER,
        false => share > MOST,
    }
}

/// In steps, so that a load that moves a little is not told each time.
fn needs(share: f64, most: u32) -> String {
    let tens = (share * 10.0).round() * 10.0;
    format!(
        "The ApiTokens of this issuer need about {tens} % of its rate of {most} requests a minute"
    )
}

/// Why an `ApiToken` that waits for its turn may wait long.
pub(crate) fn queued(handle: &Handle) -> Option<Trouble> {
    let share = (*handle.load.lock()).filter(|share| *share > MOST)?;
    let message = format!(
        "It waits for its turn. {}, and those whose token ends sooner go first. Raise spec.rate of the issuer where the vendor allows it, let tokens live longer, or spread them over more accounts.",
        needs(share, handle.rate.per_minute)
    );
    Some(Trouble::new(reason::RATE_TOO_LOW, message))
}

/// Requests in a minute, once all have their first token.
fn demand(
    tokens: &[PackedToken],
    recheck: SignedDuration,
    list: impl Fn(&Parameters) -> Option<Parameters>,
) -> f64 {
    let per_minute =
        |requests: f64, every: SignedDuration| requests * 60.0 / every.as_secs_f64().max(1.0);
    let mut needed = 0.0;
    // What a listing uses of parameters is found out once for all who have the same ones.
    let mut asked: BTreeMap<&Parameters, usize> = BTreeMap::new();
    for asks in tokens
        .iter()
        .filter_map(|token| token.brief().asks.as_ref())
    {
        let (every, parameters) = match asks {
            Asks::Checks => {
                needed += per_minute(1.0, recheck);
                continue;
            }
            Asks::Mints { every, parameters } => (every, parameters),
        };
        if let Some(every) = every {
            needed += per_minute(f64::from(PER_TURN), *every);
        }
        let count = asked.entry(parameters).or_default();
        *count = count.saturating_add(1);
    }
    let mut listings: BTreeMap<Parameters, usize> = BTreeMap::new();
    for (parameters, more) in asked {
        if let Some(listing) = list(parameters) {
            let count = listings.entry(listing).or_default();
            *count = count.saturating_add(more);
        }
    }
    for count in listings.into_values() {
        let pages = u32::try_from(count.div_ceil(ON_A_PAGE)).unwrap_or(u32::MAX);
        needed += per_minute(f64::from(pages), recheck);
    }
    needed
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::shared::Shared;
    use crate::cluster::token::pack;

    fn token(spec: Value, status: Value) -> PackedToken {
        let mut whole = json!({ "issuerRef": { "name": "i" }, "secret": { "name": "s" } });
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": "t" }, "spec": whole, "status": status,
        });
        pack(&serde_json::from_value(object).unwrap(), &Shared::default())
    }

    fn minted(lifetime: &str) -> Value {
        json!({ "token": { "name": "ci", "lifetime": lifetime } })
    }

    fn needs(tokens: &[PackedToken]) -> f64 {
        let needed = demand(tokens, SignedDuration::from_mins(10), |_| None);
        (needed * 1000.0).round() / 1000.0
    }

    #[test]
    fn what_needs_more_than_seventy_percent_is_told_until_it_needs_less_than_sixty_five() {
        let told = [
            (0.70, false, false),
            (0.71, false, true),
            (0.68, false, false),
            (0.68, true, true),
            (0.65, true, true),
            (0.64, true, false),
        ];
        for (share, before, wanted) in told {
            assert_eq!(is_told(share, before), wanted, "{share} {before}");
        }
    }

    #[test]
    fn a_rotation_costs_four_requests_and_a_check_one() {
        // An hour: replaced every forty minutes.
        assert!((needs(&[token(minted("1h"), json!({}))]) - 0.1).abs() < 1e-9);
        let current = json!({
            "revision": 1, "tokenID": "1", "marker": "m", "issuer": "i", "secretName": "s",
            "createdAt": "2026-01-01T00:00:00Z", "renewAt": "2026-01-01T00:20:00Z",
            "inputs": { "name": "ci", "lifetime": "1h" },
        });
        let scheduled = token(minted("1h"), json!({ "current": current }));
        assert!((needs(&[scheduled]) - 0.2).abs() < 1e-9);
        let adopt = json!({ "adopt": { "valueFrom": { "secretRef": { "name": "source" } } } });
        assert!((needs(&[token(adopt, json!({}))]) - 0.1).abs() < 1e-9);
        assert!(needs(&[token(minted("never"), json!({}))]).abs() < 1e-9);
        let mut suspended = minted("1h");
        suspended["suspend"] = json!(true);
        assert!(needs(&[token(suspended, json!({}))]).abs() < 1e-9);
    }

    #[test]
    fn tokens_that_one_listing_shows_share_its_pages_and_it_is_thought_of_once() {
        let tokens: Vec<_> = (0..120)
            .map(|_| token(minted("never"), json!({})))
            .collect();
        let thoughts = std::cell::Cell::new(0);
        let shared = demand(&tokens, SignedDuration::from_mins(10), |parameters| {
            thoughts.set(thoughts.get() + 1);
            Some(parameters.clone())
        });
        assert!((shared - 0.3).abs() < 1e-9, "{shared}");
        assert_eq!(thoughts.get(), 1);
    }
}
