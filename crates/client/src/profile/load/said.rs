//! What a call must say: which token it is about, and all that is wished of it. A profile that leaves one
//! out loads nowhere, since it would end another token, or promise what it never asks for.

use http::Method;
use jiff::SignedDuration;

use super::{Loader, Problem};
use crate::profile::file::{Can, Scopes, Unit};
use crate::profile::plan::{CallPlan, MintPlan, Plan};

impl Loader<'_> {
    pub(super) fn said(&self, plan: &Plan) -> Result<(), Problem> {
        self.which_token(plan)?;
        self.places_that_are_given(plan)?;
        if let Some(mint) = &plan.mint {
            self.all_wishes(plan, mint)?;
        }
        self.all_changes(plan)
    }

    /// What every path needs is given: a token that was minted without it could never be found or ended.
    fn places_that_are_given(&self, plan: &Plan) -> Result<(), Problem> {
        let mints = self
            .file
            .mint
            .as_ref()
            .map_or("", |mint| mint.send.as_str());
        let given = |name: &str| {
            let parameter = self.file.parameters.get(name);
            let known = parameter.is_none_or(|p| p.required || p.default.is_some());
            known || mints.contains(&format!("$({name})"))
        };
        let file = self.file;
        let paths = [
            ("get", file.get.as_ref().map(|call| &call.send)),
            ("list", file.list.as_ref().map(|call| &call.send)),
            ("revoke", file.revoke.as_ref().map(|call| &call.send)),
        ];
        for (key, send) in paths {
            let segments = send.into_iter().flat_map(|send| send.split('/'));
            let bare = segments.filter_map(|s| s.strip_prefix("$(")?.strip_suffix(')'));
            if let (Some(name), Some(_)) = (bare.into_iter().find(|name| !given(name)), &plan.mint)
            {
                let problem = format!(
                    "needs the parameter {name}, which a mint goes through without: make it required, or give it a default"
                );
                return Err(self.within(key).field("send", problem));
            }
        }
        Ok(())
    }

    /// A call about one token names it.
    fn which_token(&self, plan: &Plan) -> Result<(), Problem> {
        let get = plan.get.as_ref().map(|get| &get.call);
        let revoke = plan.revoke.as_ref().filter(|revoke| !revoke.needs_value());
        let each = plan.list.as_ref().and_then(|list| list.each.as_ref());
        let calls = [
            ("get", get),
            ("update", plan.update.as_ref()),
            ("toggle", plan.toggle.as_ref()),
            ("enable", plan.enable.as_ref()),
            ("disable", plan.disable.as_ref()),
            ("revoke", revoke.map(|revoke| &revoke.call)),
            ("each", each.map(|(call, _)| call)),
        ];
        let names_none = |(_, call): &(&str, Option<&CallPlan>)| {
            call.is_some_and(|call| !call.uses("id") && !call.uses("item"))
        };
        let Some((key, _)) = calls.into_iter().find(names_none) else {
            return Ok(());
        };
        let here = match key {
            "each" => self.within("list").within("each"),
            key => self.within(key),
        };
        let problem = "does not say which token is meant: $(id) stands nowhere in this call";
        Err(here.field("send", problem))
    }

    /// Nothing is promised that is never asked for.
    fn all_wishes(&self, plan: &Plan, mint: &MintPlan) -> Result<(), Problem> {
        let sends = |name: &str| {
            let mut calls = [&mint.call].into_iter().chain(&mint.then);
            calls.any(|call| call.uses(name))
        };
        let listed = plan.list.as_ref().and_then(|list| list.token.name.as_ref());
        let named = plan.token.name.as_ref().or(mint.token.name.as_ref());
        // The first call that makes anything carries the marker: what is lost after it is found again.
        let mut calls = [&mint.call].into_iter().chain(&mint.then);
        let makes = calls.find(|call| call.method != Method::GET);
        let late = sends("name") && makes.is_some_and(|call| !call.uses("name"));
        if named.or(listed).is_some() && late {
            let problem = "does not send $(name) with the first call that makes something: what is lost between the calls could not be found again";
            return Err(self.field("mint", problem));
        }
        if named.or(listed).is_some() && !sends("name") {
            let problem = "never sends $(name), which carries the marker by which a token is found again; leave out token.name, where tokens have none";
            return Err(self.field("mint", problem));
        }
        let scoped = self
            .file
            .scopes
            .is_some_and(|scopes| scopes != Scopes::None);
        if scoped && !sends("scopes") {
            let problem = "never sends $(scopes); say scopes: none, where tokens have none";
            return Err(self.field("mint", problem));
        }
        let Some(lifetime) = self.file.lifetime.as_ref() else {
            return Ok(());
        };
        let here = self.within("lifetime");
        let max = lifetime.max.as_ref().map(|max| here.duration("max", max));
        let max = max.transpose()?;
        let unit = lifetime.unit.length();
        if max.is_some_and(|max| max < unit) {
            return Err(here.field(
                "max",
                "is less than one unit, so that nothing can be asked for",
            ));
        }
        let only_one =
            max.is_some_and(|max| max < unit.checked_mul(2).unwrap_or(SignedDuration::MAX));
        if lifetime.unit != Unit::None && !only_one && !lifetime.ignored && !sends("lifetime") {
            let problem = "never sends $(lifetime); say lifetime: { unit: none } where tokens never expire, or a max of one unit where all live equally long";
            return Err(self.field("mint", problem));
        }
        Ok(())
    }

    /// What can be changed is sent.
    fn all_changes(&self, plan: &Plan) -> Result<(), Problem> {
        let (Some(call), Some(update)) = (&plan.update, &self.file.update) else {
            return Ok(());
        };
        if update.can.is_empty() {
            let problem = "is empty: an update that can change nothing is none";
            return Err(self.within("update").field("can", problem));
        }
        let unsent = update.can.iter().find_map(|can| {
            let name = match can {
                Can::Name => "name",
                Can::Scopes => "scopes",
                Can::AddExpiry | Can::ShortenExpiry | Can::ExtendExpiry => "lifetime",
            };
            (!call.uses(name)).then_some(name)
        });
        match unsent {
            Some(name) => {
                let problem = format!(
                    "promises a change that is never sent: $({name}) stands nowhere in this call"
                );
                Err(self.within("update").field("can", problem))
            }
            None => Ok(()),
        }
    }
}
