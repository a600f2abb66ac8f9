//! What loads and could then never work: found here, and not in front of a token that nobody can end.

use super::{Loader, Problem};
use crate::profile::plan::{CallPlan, Plan, SecretPlace};

impl Loader<'_> {
    /// Refuses what contradicts itself although each part of it is right.
    pub(super) fn truth(&self, plan: &Plan) -> Result<(), Problem> {
        self.found_values(plan)?;
        self.ids_that_are_secrets(plan)
    }

    /// A secret that a listing shows is one part: which one of several, nobody says.
    fn found_values(&self, plan: &Plan) -> Result<(), Problem> {
        let shows = plan.list.as_ref().is_some_and(|list| list.shows_secrets());
        let by_value = plan.revoke.as_ref().is_some_and(|r| r.needs_value());
        match shows && by_value && plan.value.len() > 1 {
            true => {
                let problem = "needs the value, of which a listing shows one secret and value has several parts: keep one part";
                Err(self.field("revoke", problem))
            }
            false => Ok(()),
        }
    }

    /// Where the id is the digest of a secret, no system knows it.
    fn ids_that_are_secrets(&self, plan: &Plan) -> Result<(), Problem> {
        let id = self.file.token.as_ref().and_then(|token| token.id.as_ref());
        let places = plan.list.iter().flat_map(|list| &list.call.secrets);
        let secret = |place: &SecretPlace| {
            let below = place.steps.rsplit(|step| step == "*").next();
            let below = below.map(|steps| format!("item.{}", steps.join(".")));
            below.as_deref() == id.map(String::as_str)
        };
        if !places.into_iter().any(secret) {
            return Ok(());
        }
        let get = plan.get.as_ref().map(|get| &get.call);
        let revoke = plan.revoke.as_ref().map(|revoke| &revoke.call);
        let calls = [
            ("get", get),
            ("update", plan.update.as_ref()),
            ("toggle", plan.toggle.as_ref()),
            ("enable", plan.enable.as_ref()),
            ("disable", plan.disable.as_ref()),
            ("revoke", revoke),
        ];
        let uses = |(_, call): &(&str, Option<&CallPlan>)| call.is_some_and(|c| c.uses("id"));
        match calls.iter().find(|call| uses(call)) {
            Some((key, _)) => {
                let problem = "uses id, which is the digest of a secret here and which the system does not know: put places the secret itself in revoke, and nothing else can be done with such an id";
                Err(self.within(key).field("send", problem))
            }
            None => Ok(()),
        }
    }
}
