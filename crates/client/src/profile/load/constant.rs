//! Expressions that read nothing: what is the same whatever the system answers, observes nothing.
//!
//! Such a profile loads and its examples may pass; then a listing is always empty, every token has one id, or
//! a gateway's refusal counts as the system's own.

use super::calls::ANSWER;
use super::{Loader, Problem};
use crate::profile::file::TokenOf;
use crate::profile::plan::{By, Plan, TokenPlan};
use crate::text::Compiled;

/// What reads that of a mint, beside the entry.
const MINTED: [&str; 7] = [
    "item", "claims", "prefix", "first", "second", "third", "name",
];

impl Loader<'_> {
    pub(super) fn constants(&self, plan: &Plan) -> Result<(), Problem> {
        self.reads_entries(plan)?;
        self.reads_answers(plan)?;
        self.reads_ids(plan)
    }

    /// What is read of a token is read off its entry.
    fn reads_entries(&self, plan: &Plan) -> Result<(), Problem> {
        let item = &["item"][..];
        let general = [
            ("id", &plan.token.id),
            ("name", &plan.token.name),
            ("enabled", &plan.token.enabled),
        ];
        let here = self.within("token");
        for (key, read) in general {
            here.varies(key, read.as_ref(), item)?;
        }
        if let Some(list) = &plan.list {
            let here = self.within("list");
            here.varies("skip", list.skip.as_ref(), item)?;
            here.within("token").token_varies(&list.token, item)?;
        }
        if let Some(get) = &plan.get {
            let here = self.within("get");
            here.varies("skip", get.skip.as_ref(), item)?;
            here.within("token")
                .token_varies(&get.token, &["item", "id"])?;
        }
        if let Some(mint) = &plan.mint {
            let here = self.within("mint");
            here.within("token").token_varies(&mint.token, &MINTED)?;
            here.varies("refuse", mint.refuse.as_ref(), &MINTED)?;
        }
        Ok(())
    }

    fn token_varies(&self, token: &TokenPlan, names: &[&str]) -> Result<(), Problem> {
        self.varies("id", token.id.as_ref(), names)?;
        self.varies("name", token.name.as_ref(), names)
    }

    /// What is read of an answer is read off the answer.
    fn reads_answers(&self, plan: &Plan) -> Result<(), Problem> {
        if let Some(list) = &plan.list {
            let here = self.within("list");
            here.varies("items", list.items.as_ref(), &ANSWER)?;
            if let Some((_, item)) = &list.each {
                here.within("each").varies("item", item.as_ref(), &ANSWER)?;
            }
            if let Some(pages) = &list.pages {
                let here = here.within("pages");
                here.varies("total", pages.total.as_ref(), &ANSWER)?;
                here.varies("more", pages.more.as_ref(), &ANSWER)?;
                if let By::Cursor { next, .. } | By::Url(next) = &pages.by {
                    here.varies("next", Some(next), &ANSWER)?;
                }
            }
        }
        if let Some(get) = &plan.get {
            self.within("get")
                .varies("item", get.item.as_ref(), &ANSWER)?;
        }
        if let Some(check) = &plan.check {
            let when = check.alive_when.as_ref();
            self.within("check").varies("aliveWhen", when, &ANSWER)?;
        }
        if let Some(errors) = &plan.errors {
            let here = self.within("errors");
            here.varies("kind", errors.kind.as_ref(), &ANSWER)?;
            here.varies("when", errors.when.as_ref(), &ANSWER)?;
            here.varies("message", errors.message.as_ref(), &ANSWER)?;
        }
        let mint = plan.mint.as_ref().and_then(|mint| mint.item.as_ref());
        let of_mint = ["answer", "headers", "first", "second", "third"];
        self.within("mint").varies("item", mint, &of_mint)?;
        // A status is what gateways answer with, too.
        let own = ["answer", "headers", "empty"];
        let here = self.within("answers");
        here.varies("own", plan.own.as_ref(), &own)
    }

    /// Whatever shows tokens shows their ids.
    fn reads_ids(&self, plan: &Plan) -> Result<(), Problem> {
        let file = self.file;
        let has_id = |token: Option<&TokenOf>| token.is_some_and(|token| token.id.is_some());
        if has_id(file.token.as_ref()) {
            return Ok(());
        }
        let list = file.list.as_ref();
        let get = file.get.as_ref();
        let shown = [
            (
                "list",
                plan.list.is_some(),
                list.and_then(|l| l.token.as_ref()),
            ),
            (
                "get",
                plan.get.is_some(),
                get.and_then(|g| g.token.as_ref()),
            ),
        ];
        for (key, there, token) in shown {
            if there && !has_id(token) {
                let problem =
                    "shows tokens without an id: give token.id, or an id in its own token";
                return Err(self.field(key, problem));
            }
        }
        Ok(())
    }

    /// Refuses an expression that uses none of these names.
    fn varies(&self, key: &str, read: Option<&Compiled>, names: &[&str]) -> Result<(), Problem> {
        match read.is_some_and(|read| !names.iter().any(|name| read.uses(name))) {
            true => {
                let problem = format!(
                    "is the same whatever is answered: it must read {}",
                    names.join(" or ")
                );
                Err(self.field(key, problem))
            }
            false => Ok(()),
        }
    }
}
