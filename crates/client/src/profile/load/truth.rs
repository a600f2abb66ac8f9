//! What loads and could then never work: found here, and not in front of a token that nobody can end.

use super::{Loader, Problem};
use crate::profile::file::{Parts, ValuePiece};
use crate::profile::plan::{CallPlan, Plan, SecretPlace};

/// What rate limits, proxies and slow systems say, whatever was asked.
const IN_BETWEEN: [u16; 3] = [407, 408, 429];

fn means_nothing(status: u16) -> String {
    format!(
        "has {status}, with which gateways, limits and refused credentials are answered: it proves nothing"
    )
}

impl Loader<'_> {
    /// Refuses what contradicts itself although each part of it is right.
    pub(super) fn truth(&self, plan: &Plan) -> Result<(), Problem> {
        self.found_values(plan)?;
        self.ids_that_are_secrets(plan)?;
        self.ids_that_are_taken_out()?;
        self.delivered_twice()?;
        self.taken_twice()?;
        self.statuses()?;
        self.harmless()?;
        self.constants(plan)
    }

    /// A secret is moved out of its place once: two parts cannot stand there, nor one within another.
    fn taken_twice(&self) -> Result<(), Problem> {
        let places = self.file.value.iter().flat_map(|(name, part)| {
            let pieces = part.compose.iter().flatten();
            let pieces = pieces.filter_map(|piece| match piece {
                ValuePiece::At(at) => Some(at),
                ValuePiece::Text(_) | ValuePiece::Header(_) => None,
            });
            let all = part.at.iter().chain(pieces);
            all.map(move |at| (name, format!("{at}/")))
        });
        let places: Vec<_> = places.collect();
        for (nth, (name, at)) in places.iter().enumerate() {
            let mut before = places.iter().take(nth);
            let taken = |(_, other): &&(&String, String)| {
                at.starts_with(other.as_str()) || other.starts_with(at.as_str())
            };
            if let Some((other, _)) = before.find(taken) {
                let problem =
                    format!("stands where {other} does, which is moved out of the answer before");
                return Err(self.within("value").field(name, problem));
            }
        }
        Ok(())
    }

    /// What looks must not end anything.
    fn harmless(&self) -> Result<(), Problem> {
        let file = self.file;
        let looks = [
            ("check", file.check.as_ref().map(|call| &call.send)),
            ("get", file.get.as_ref().map(|call| &call.send)),
            ("list", file.list.as_ref().map(|call| &call.send)),
        ];
        let ends = |(_, send): &(&str, Option<&String>)| {
            send.is_some_and(|send| send.starts_with("DELETE "))
        };
        match looks.iter().find(|look| ends(look)) {
            Some((key, _)) => {
                let problem = "is a call that looks, and DELETE ends something";
                Err(self.within(key).field("send", problem))
            }
            None => Ok(()),
        }
    }

    /// What is moved out as a secret, no expression sees, so that no id can be read there.
    fn ids_that_are_taken_out(&self) -> Result<(), Problem> {
        let Some(mint) = &self.file.mint else {
            return Ok(());
        };
        let own = mint.token.as_ref().and_then(|token| token.id.as_ref());
        let general = self.file.token.as_ref().and_then(|token| token.id.as_ref());
        let id = own.or(general).and_then(|id| steps(id, "item"));
        let item = match &mint.item {
            None => Some(String::new()),
            Some(item) => steps(item, "answer"),
        };
        let (Some(id), Some(item), []) = (id, item, mint.then.as_slice()) else {
            return Ok(());
        };
        let read = format!("{item}{id}");
        let taken =
            self.file.value.iter().find(|(_, part)| {
                part.at.as_deref() == Some(&read) && !mint.secrets.contains(&read)
            });
        match taken {
            Some((name, _)) => {
                let problem = format!(
                    "is moved out of {read}, where token.id is read: a secret is no id, unless mint.secrets names its place, too"
                );
                Err(self.within("value").field(name, problem))
            }
            None => Ok(()),
        }
    }

    /// What is delivered has one name for one thing.
    fn delivered_twice(&self) -> Result<(), Problem> {
        let public = self.file.public.keys();
        let mut twice = public.filter(|name| self.file.value.contains_key(*name));
        match twice.next() {
            Some(name) => {
                let problem = "is the name of a part of the value, beside which it is delivered";
                Err(self.within("public").field(name, problem))
            }
            None => Ok(()),
        }
    }

    /// A status means one thing in one call.
    fn statuses(&self) -> Result<(), Problem> {
        let no_status = |status: &&u16| !(100..600).contains(*status);
        if let Some(check) = &self.file.check {
            let here = self.within("check");
            let lists = [
                ("alive", &check.alive),
                ("dead", &check.dead),
                ("unknown", &check.unknown),
            ];
            for (nth, (key, list)) in lists.iter().enumerate() {
                let mut others = lists.iter().skip(nth.saturating_add(1));
                let both = others.find_map(|(other, of)| {
                    let both = list.iter().find(|status| of.contains(status))?;
                    Some((other, both))
                });
                if let Some((other, both)) = both {
                    return Err(here.field(key, format!("has {both}, which {other} has, too")));
                }
                if let Some(status) = list.iter().find(no_status) {
                    return Err(here.field(key, format!("has {status}, which is no status")));
                }
                let proves = *key != "unknown";
                if let Some(status) = list.iter().find(|s| proves && IN_BETWEEN.contains(s)) {
                    return Err(here.field(key, means_nothing(*status)));
                }
            }
        }
        let file = self.file;
        let calls = [
            ("check", file.check.as_ref().map(|call| call.parts())),
            ("mint", file.mint.as_ref().map(|call| call.parts())),
            ("get", file.get.as_ref().map(|call| call.parts())),
            ("list", file.list.as_ref().map(|call| call.parts())),
            ("update", file.update.as_ref().map(|call| call.parts())),
            ("toggle", file.toggle.as_ref().map(|call| call.parts())),
            ("enable", file.enable.as_ref().map(|call| call.parts())),
            ("disable", file.disable.as_ref().map(|call| call.parts())),
            ("revoke", file.revoke.as_ref().map(|call| call.parts())),
        ];
        for (key, call) in calls
            .iter()
            .filter_map(|(key, call)| Some((key, call.as_ref()?)))
        {
            let here = self.within(key);
            self.between(key, call)?;
            let unsure = file.mint.iter().filter(|_| *key == "mint");
            let unsure: Vec<_> = unsure.flat_map(|mint| &mint.unsure).collect();
            if let Some(both) = call
                .success
                .iter()
                .find(|s| call.gone.contains(s) || unsure.contains(s))
            {
                let problem = format!("has {both}, which means something else in this call, too");
                return Err(here.field("success", problem));
            }
            let mut all = call.success.iter().chain(call.gone).chain(unsure);
            if let Some(status) = all.find(no_status) {
                let key = if call.success.contains(status) {
                    "success"
                } else {
                    "gone"
                };
                return Err(here.field(key, format!("has {status}, which is no status")));
            }
        }
        Ok(())
    }

    /// What a gateway, a proxy or a rate limit says is neither a success nor the end of a token; nor is a
    /// credential that is refused, nor, where tokens are named, a token that is not there.
    fn between(&self, key: &str, call: &Parts<'_>) -> Result<(), Problem> {
        let here = self.within(key);
        // A value that authenticates its own end and is refused has ended.
        let revoke = self.file.revoke.iter().filter(|_| key == "revoke");
        let mut by_itself = revoke.map(|call| call.header.is_some() || call.basic.is_some());
        let refused = if by_itself.any(|by| by) {
            None
        } else {
            Some(401)
        };
        let nothing = |list: &[u16]| {
            let mut all = list.iter().copied();
            all.find(|s| *s >= 500 || IN_BETWEEN.contains(s) || Some(*s) == refused)
        };
        for (name, list) in [("success", call.success), ("gone", call.gone)] {
            if let Some(status) = nothing(list) {
                return Err(here.field(name, means_nothing(status)));
            }
        }
        let absent = |status: &&u16| [404, 410].contains(*status);
        let about_one = !["check", "mint", "list"].contains(&key);
        if let Some(status) = call.success.iter().find(absent).filter(|_| about_one) {
            let problem = format!("has {status}, which means that the token is not there");
            return Err(here.field("success", problem));
        }
        let succeeds = |status: &&u16| call.success.is_empty() && (200..300).contains(*status);
        let unsure = self.file.mint.iter().filter(|_| key == "mint");
        let unsure: Vec<_> = unsure.flat_map(|mint| &mint.unsure).copied().collect();
        for (name, list) in [("gone", call.gone), ("unsure", unsure.as_slice())] {
            if let Some(status) = list.iter().find(succeeds) {
                let problem = format!("has {status}, which is a success where success is absent");
                return Err(here.field(name, problem));
            }
        }
        Ok(())
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

/// The JSON pointer below a name that a plain expression reads, such as `item.a.b`; nothing where it is not plain.
fn steps(expression: &str, name: &str) -> Option<String> {
    let rest = expression.trim().strip_prefix(name)?;
    let plain =
        |step: &str| !step.is_empty() && step.chars().all(|c| c.is_alphanumeric() || c == '_');
    let mut steps = rest.split('.');
    (steps.next() == Some("") && steps.all(plain)).then(|| rest.replace('.', "/"))
}
