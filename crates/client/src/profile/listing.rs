//! All tokens of a system, from all pages, or an error: never a part of them as if it were all.

use std::collections::BTreeSet;

use minijinja::Value;
use minijinja::value::ValueKind;
use tokenwright_core::{Parameters, TokenId};

use super::ProfileIssuer;
use super::expression::{Context, of_json};
use super::plan::{ListPlan, PagesPlan};
use super::read::{Unreadable, token};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::Token;

/// No account has more tokens than fit on so many pages; more is a server that never ends.
const MAX_PAGES: usize = 1000;
/// A listing that other writers disturb so often is given up until later.
const MAX_TRIES: usize = 3;

/// What one pass over all pages found.
enum Pass {
    Complete(Vec<Token>),
    /// Tokens came or went meanwhile, so that one may have slipped between two pages.
    Disturbed,
}

impl ProfileIssuer {
    /// A complete listing.
    pub(super) async fn list_all(
        &self,
        operation: Operation,
        parameters: &Parameters,
    ) -> Result<Vec<Token>, Error> {
        let Some(plan) = &self.profile.plan.list else {
            return Err(self.error(operation, ErrorKind::Invalid, "the system has no listing"));
        };
        let Some(pages) = &plan.pages else {
            let answer = self.page(operation, plan, parameters, Vec::new()).await?;
            return self
                .tokens(plan, &answer, parameters)
                .map_err(|e| self.unreadable(operation, e));
        };
        for _ in 0..MAX_TRIES {
            match self.pass(operation, (plan, pages), parameters).await? {
                Pass::Complete(tokens) => return Ok(tokens),
                Pass::Disturbed => {}
            }
        }
        Err(self.error(operation, ErrorKind::Unavailable, Unreadable::Shifting))
    }

    async fn pass(
        &self,
        operation: Operation,
        (plan, pages): (&ListPlan, &PagesPlan),
        parameters: &Parameters,
    ) -> Result<Pass, Error> {
        let bad = |e: Unreadable| self.unreadable(operation, e);
        let mut all: Vec<Token> = Vec::new();
        let mut seen: BTreeSet<TokenId> = BTreeSet::new();
        let mut first_total = None;
        for page in 1..=MAX_PAGES {
            let query = vec![
                (pages.page.clone(), page.to_string()),
                (pages.size.clone(), pages.max.to_string()),
            ];
            let answer = self.page(operation, plan, parameters, query).await?;
            let total = total(pages, &answer).map_err(bad)?;
            let tokens = self.tokens(plan, &answer, parameters).map_err(bad)?;
            if *first_total.get_or_insert(total) != total {
                return Ok(Pass::Disturbed);
            }
            let found = tokens.len();
            for token in tokens {
                if !seen.insert(token.id.clone()) {
                    return Ok(Pass::Disturbed);
                }
                all.push(token);
            }
            match all.len() {
                count if count == total => return Ok(Pass::Complete(all)),
                count if count > total => return Ok(Pass::Disturbed),
                _ if found == 0 => return Err(bad(Unreadable::CutShort)),
                _ => {}
            }
        }
        Err(bad(Unreadable::Endless))
    }

    async fn page(
        &self,
        operation: Operation,
        plan: &ListPlan,
        parameters: &Parameters,
        query: Vec<(String, String)>,
    ) -> Result<Value, Error> {
        let mut asking = self.asking(operation, &plan.call, self.context(parameters));
        asking.query = query;
        let answer = self.send(asking).await?;
        let json = self.judge(operation, &plan.call, &answer)?;
        Ok(of_json(&json))
    }

    fn tokens(
        &self,
        plan: &ListPlan,
        answer: &Value,
        parameters: &Parameters,
    ) -> Result<Vec<Token>, Unreadable> {
        let items = match &plan.items {
            Some(items) => items.eval(&context_of(answer))?,
            None => Some(answer.clone()),
        };
        // An absent or null list is no empty one.
        let items = items
            .filter(|items| items.kind() == ValueKind::Seq)
            .ok_or(Unreadable::NoList)?;
        let items = items.try_iter().map_err(|_| Unreadable::NoList)?;
        let mut context = self.context(parameters);
        items
            .map(|item| {
                context.insert("item".to_owned(), item);
                token(&self.profile.plan.token, &context)
            })
            .collect()
    }
}

fn total(pages: &PagesPlan, answer: &Value) -> Result<usize, Unreadable> {
    let total = pages.total.eval(&context_of(answer))?;
    let total = total.and_then(|total| total.as_usize());
    total.ok_or(Unreadable::Missing("total"))
}

fn context_of(answer: &Value) -> Context {
    Context::from([("answer".to_owned(), answer.clone())])
}
