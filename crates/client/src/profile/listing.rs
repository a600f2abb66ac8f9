//! All tokens of a system, from all pages, or an error: never a part of them as if it were all.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use minijinja::Value;
use tokenwright_core::instant::before;
use tokenwright_core::{Parameters, TokenId};

use super::ProfileIssuer;
use super::asking::Takes;
use super::pages::{Next, Page, Turn};
use super::plan::{CallPlan, ListPlan, TokenPlan};
use super::read::{Unreadable, id, is_list, text_of, token};
use crate::account::gate::Words;
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Filter, Token};
use crate::room::{Held, Share};
use crate::secret::SecretText;
use crate::text::{Compiled, Context};

/// No account has more tokens than fit on so many pages; more is a server that never ends.
const MAX_PAGES: usize = 1000;
/// A listing that other writers disturb so often is given up until later.
const MAX_TRIES: usize = 3;
/// The most bytes of all pages together.
const MAX_LISTING: usize = 64 * 1024 * 1024;
/// So many tokens are looked at one by one; more would take minutes and the whole of a rate limit.
const MAX_LOOKS: usize = 1000;

/// What one pass over all pages found.
enum Pass {
    Complete {
        entries: Vec<Entry>,
        secrets: Secrets,
        status: u16,
        room: Held,
    },
    /// Tokens came or went meanwhile, so that one may have slipped between two pages.
    Disturbed,
}

/// The secrets that a listing shows, by their digests.
type Secrets = BTreeMap<String, SecretText>;

/// A complete listing, and the secrets in it.
pub(super) struct Found {
    pub(super) tokens: Vec<Token>,
    pub(super) secrets: Secrets,
}

/// One entry of a list.
enum Entry {
    Token(Token),
    /// A bare id, still to be looked at.
    Id(TokenId),
}

impl Entry {
    fn id(&self) -> &TokenId {
        match self {
            Self::Token(token) => &token.id,
            Self::Id(id) => id,
        }
    }

    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        match self {
            Self::Token(token) => token.weight(),
            Self::Id(id) => size_of::<Self>().saturating_add(id.as_str().len()),
        }
    }
}

impl ProfileIssuer {
    /// A complete listing.
    pub(super) async fn list_all(
        &self,
        operation: Operation,
        filter: &Filter,
    ) -> Result<Vec<Token>, Error> {
        Ok(self.find_all(operation, filter).await?.tokens)
    }

    /// The same with the secrets that it shows.
    pub(super) async fn find_all(
        &self,
        operation: Operation,
        filter: &Filter,
    ) -> Result<Found, Error> {
        let Some(plan) = &self.profile.plan.list else {
            return Err(self.cannot(operation, "list"));
        };
        for _ in 0..MAX_TRIES {
            match self.pass(operation, plan, filter).await? {
                Pass::Complete {
                    entries,
                    mut secrets,
                    status,
                    room: _room,
                } => {
                    let found = (entries, status);
                    let looked = self.looked_at(operation, plan, found, (filter, &mut secrets));
                    let tokens = looked.await?;
                    return Ok(Found { tokens, secrets });
                }
                Pass::Disturbed => {}
            }
        }
        Err(self.error(operation, ErrorKind::Unavailable, Unreadable::Shifting))
    }

    async fn pass(
        &self,
        operation: Operation,
        plan: &ListPlan,
        filter: &Filter,
    ) -> Result<Pass, Error> {
        let parameters = &filter.parameters;
        let mut all = Vec::new();
        let mut secrets = Secrets::new();
        let (mut size, mut weight) = (0_usize, 0_usize);
        let mut room = Held::default();
        // Numbers that stand for their ids, which nobody foresees.
        let (mut seen, stands_for) = (HashSet::new(), RandomState::new());
        let mut turn = Turn::new(plan.pages.as_ref());
        for _ in 0..MAX_PAGES {
            let mut asking = self.asking(operation, &plan.call, self.context(parameters));
            asking.takes = Takes::ShownBelow;
            if self.listed_by(parameters).is_empty() {
                asking.words = Words::Ours;
            }
            turn.ask(&mut asking);
            let mut answered = self.ask(&asking).await?;
            let shown = answered.taken.shown.values();
            weight = shown.fold(weight, |weight, one| weight.saturating_add(one.weight()));
            secrets.append(&mut answered.taken.shown);
            let status = answered.status;
            let bad = |e: Unreadable| self.unreadable(operation, status, e);
            size = size.saturating_add(answered.size);
            if size > MAX_LISTING {
                return Err(bad(Unreadable::Endless));
            }
            let context = answered.turned_into_context();
            let items = self.items(plan, &context).map_err(bad)?;
            let page = Page {
                headers: answered.headers,
                seen: context.into(),
                items,
            };
            let next = turn.next(&page, &self.endpoint).map_err(bad)?;
            for item in page.items {
                let skip = plan.skip.as_ref();
                if self.skipped(skip, &item, parameters).map_err(bad)? {
                    continue;
                }
                let entry = self.entry(plan, item, filter).map_err(bad)?;
                if plan.pages.is_some() && !seen.insert(stands_for.hash_one(entry.id())) {
                    return Ok(Pass::Disturbed);
                }
                weight = weight.saturating_add(entry.weight());
                let held = room.grow_beside(filter.former, weight, Share::LISTING);
                held.map_err(|no_room| bad(no_room.into()))?;
                all.push(entry);
            }
            match next {
                Next::Page => {}
                Next::End => {
                    return Ok(Pass::Complete {
                        entries: all,
                        secrets,
                        status,
                        room,
                    });
                }
                Next::Disturbed => return Ok(Pass::Disturbed),
            }
        }
        Err(self.unreadable(operation, 200, Unreadable::Endless))
    }

    fn items(&self, plan: &ListPlan, context: &Context) -> Result<Vec<Value>, Unreadable> {
        let items = match &plan.items {
            Some(items) => items.eval(context)?,
            None => context.get("answer").cloned(),
        };
        // An absent or null list is no empty one.
        let items = items.filter(is_list).ok_or(Unreadable::NoList)?;
        let items = items.try_iter().map_err(|_| Unreadable::NoList)?;
        Ok(items.collect())
    }

    /// Whether what is shown is no living token of the API.
    pub(super) fn skipped(
        &self,
        skip: Option<&Compiled>,
        item: &Value,
        parameters: &Parameters,
    ) -> Result<bool, Unreadable> {
        let Some(skip) = skip else {
            return Ok(false);
        };
        // By a clock that is ahead nothing has ended yet.
        let ahead = self.gate.as_ref().map(|gate| gate.ahead());
        let now = before(self.clock.now(), ahead.unwrap_or_default()).as_second();
        let mut context = self.context(parameters);
        context.insert("item".to_owned(), item.clone());
        context.insert("now".to_owned(), Value::from(now));
        Ok(skip.eval(&context)?.is_some_and(|skip| skip.is_true()))
    }

    fn entry(&self, plan: &ListPlan, item: Value, filter: &Filter) -> Result<Entry, Unreadable> {
        if plan.each.is_none() {
            return Ok(Entry::Token(self.shown(item, &plan.token, filter)?));
        }
        let id = id("id", text_of("id", &item)?)?;
        Ok(Entry::Id(TokenId::new(id)))
    }

    fn shown(
        &self,
        item: Value,
        special: &TokenPlan,
        filter: &Filter,
    ) -> Result<Token, Unreadable> {
        let mut context = self.context(&filter.parameters);
        context.insert("item".to_owned(), item);
        token((&self.profile.plan.token, special), context, filter.brief)
    }

    /// The tokens themselves; one look at each bare id. What is gone by then ended meanwhile.
    async fn looked_at(
        &self,
        operation: Operation,
        plan: &ListPlan,
        (entries, status): (Vec<Entry>, u16),
        (filter, secrets): (&Filter, &mut Secrets),
    ) -> Result<Vec<Token>, Error> {
        let Some(each) = &plan.each else {
            let token = |entry| match entry {
                Entry::Token(token) => Some(token),
                Entry::Id(_) => None,
            };
            // In the place of the entries, and without what they had more than they needed.
            let mut tokens: Vec<_> = entries.into_iter().filter_map(token).collect();
            tokens.shrink_to_fit();
            return Ok(tokens);
        };
        if entries.len() > MAX_LOOKS {
            let (found, most) = (entries.len(), MAX_LOOKS);
            return Err(self.unreadable(operation, status, Unreadable::TooMany { found, most }));
        }
        let mut tokens = Vec::new();
        for entry in entries {
            let look = self.look_at(each, &plan.token, (entry.id(), filter), secrets);
            match look.await {
                Err(error) if error.kind == ErrorKind::NotFound => {}
                look => tokens.push(look?),
            }
        }
        Ok(tokens)
    }

    async fn look_at(
        &self,
        (call, item): &(CallPlan, Option<Compiled>),
        special: &TokenPlan,
        (id, filter): (&TokenId, &Filter),
        secrets: &mut Secrets,
    ) -> Result<Token, Error> {
        let mut context = self.context(&filter.parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        // A look changes nothing, whatever its method: after a lost answer it can be sent again.
        let operation = Operation::List;
        let mut answered = self.ask(&self.asking(operation, call, context)).await?;
        secrets.append(&mut answered.taken.shown);
        let bad = |e: Unreadable| self.unreadable(operation, answered.status, e);
        let item = answered.item(item.as_ref()).map_err(bad)?;
        let shown = self.shown(item, special, filter).map_err(bad)?;
        match &shown.id == id {
            true => Ok(shown),
            false => Err(bad(Unreadable::OtherToken)),
        }
    }
}

#[cfg(test)]
mod tests;
