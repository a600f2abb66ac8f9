//! Calls about one token: look and tell.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Value;
use tokenwright_core::instant::after;
use tokenwright_core::{InvalidSpec, Lifetime, Parameters, TokenId};

use super::answered::Answered;
use super::file::{Never, Unit};
use super::plan::{CallPlan, LookPlan};
use super::read::{Unreadable, token};
use super::{Profile, ProfileIssuer};
use crate::error::{Error, ErrorKind, Operation};
use crate::issuer::{Filter, Token};
use crate::text::{Context, ExplicitNull};

impl ProfileIssuer {
    /// What the system cannot do through its API, with what a person can do instead.
    pub(super) fn cannot(&self, operation: Operation, what: &str) -> Error {
        let problem = match &self.profile.manual {
            Some(manual) => format!("the system cannot {what} through its API: {manual}"),
            None => format!("the system cannot {what}"),
        };
        self.error(operation, ErrorKind::Invalid, problem)
    }

    pub(super) fn invalid(&self, operation: Operation, spec: InvalidSpec) -> Error {
        self.error(operation, ErrorKind::Invalid, spec)
    }

    /// A lifetime as the system wants to be asked for it; nothing where it ends after the end of time.
    pub(super) fn lifetime(&self, lifetime: Lifetime, at: Timestamp) -> Option<Value> {
        let plan = &self.profile.plan;
        let wanted = match lifetime {
            Lifetime::For(wanted) => wanted,
            Lifetime::Never => {
                return Some(match &plan.never {
                    Never::Omit | Never::Impossible => Value::from(()),
                    Never::Zero => Value::from(0),
                    Never::MinusOne => Value::from(-1),
                    Never::ExplicitNull => Value::from_object(ExplicitNull),
                    Never::Word(word) => Value::from(word.as_str()),
                });
            }
        };
        let rounded = self.profile.limits.rounded(wanted);
        Some(match plan.unit {
            Unit::None => Value::from(()),
            Unit::Instant => {
                let expiry = at.checked_add(rounded).ok()?.as_second();
                Value::from(Timestamp::from_second(expiry).ok()?.to_string())
            }
            Unit::Unix => Value::from(at.checked_add(rounded).ok()?.as_second()),
            Unit::UnixMillisecond => Value::from(at.checked_add(rounded).ok()?.as_millisecond()),
            Unit::Millisecond => Value::from(rounded.as_secs().checked_mul(1_000)?),
            // The token ends as its day begins, which is never later than wanted.
            Unit::Date => {
                let expiry = at.checked_add(wanted).ok()?.to_zoned(TimeZone::UTC);
                Value::from(expiry.date().to_string())
            }
            Unit::Second | Unit::Minute | Unit::Hour | Unit::Day => Value::from(
                rounded
                    .as_secs()
                    .checked_div(plan.unit.length().as_secs())?,
            ),
        })
    }

    /// The lifetime of a token that was minted then, as the system wants to be asked for it now.
    pub(super) fn lifetime_left(&self, lifetime: Lifetime, since: Timestamp) -> Option<Value> {
        let now = self.clock.now();
        match lifetime {
            Lifetime::For(whole) if self.profile.plan.unit.counts_from_now() => {
                let left = after(since, whole).duration_since(now);
                // Less than one unit would be told as none, which may mean for ever.
                let enough = left >= self.profile.plan.unit.length();
                enough.then(|| self.lifetime(Lifetime::For(left), now))?
            }
            _ => self.lifetime(lifetime, since),
        }
    }

    pub(super) async fn look(
        &self,
        operation: Operation,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<Option<Token>, Error> {
        let Some(plan) = &self.profile.plan.get else {
            if self.profile.plan.list.is_none() {
                return Err(self.cannot(operation, "show a token"));
            }
            let filter = Filter::of(parameters.clone());
            let tokens = self.list_all(operation, &filter).await?;
            return Ok(tokens.into_iter().find(|token| &token.id == id));
        };
        let Some((answered, item)) = self.look_raw(plan, id, parameters).await? else {
            return Ok(None);
        };
        let mut context = self.about(id, parameters);
        context.insert("item".to_owned(), item);
        let bad = |e: Unreadable| self.unreadable(Operation::Get, answered.status, e);
        let shown = token((&self.profile.plan.token, &plan.token), context, false).map_err(bad)?;
        match &shown.id == id {
            true => Ok(Some(shown)),
            false => Err(bad(Unreadable::OtherToken)),
        }
    }

    /// What `get` shows, as it stands in the answer.
    async fn look_raw(
        &self,
        plan: &LookPlan,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<Option<(Answered, Value)>, Error> {
        // To look is harmless, whatever the look is for.
        let operation = Operation::Get;
        let asking = self.asking(operation, &plan.call, self.about(id, parameters));
        let answered = match self.ask(&asking).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            answered => answered?,
        };
        let bad = |e: Unreadable| self.unreadable(operation, answered.status, e);
        let item = answered.item(plan.item.as_ref()).map_err(bad)?;
        let skip = plan.skip.as_ref();
        match self.skipped(skip, &item, parameters).map_err(bad)? {
            true => Ok(None),
            false => Ok(Some((answered, item))),
        }
    }

    /// Puts the token as it is into the context of a request that repeats parts of it.
    pub(super) async fn with_item(
        &self,
        operation: Operation,
        call: &CallPlan,
        (id, parameters): (&TokenId, &Parameters),
        context: &mut Context,
    ) -> Result<(), Error> {
        let (true, Some(plan)) = (call.uses_item, &self.profile.plan.get) else {
            return Ok(());
        };
        let looked = self.look_raw(plan, id, parameters).await;
        let looked = looked.map_err(|error| Error { operation, ..error })?;
        let Some((answered, item)) = looked else {
            return Err(self.error(operation, ErrorKind::NotFound, "the token is not there"));
        };
        context.insert("item".to_owned(), item);
        let shown = token(
            (&self.profile.plan.token, &plan.token),
            context.clone(),
            false,
        );
        let kind = ErrorKind::AnswerNotUnderstood;
        match shown {
            Ok(shown) if &shown.id == id => Ok(()),
            Ok(_) => Err(self.error(operation, kind, Unreadable::OtherToken)),
            Err(error) => {
                tracing::debug!(status = answered.status, "a token cannot be read");
                Err(self.error(operation, kind, error))
            }
        }
    }

    pub(super) fn about(&self, id: &TokenId, parameters: &Parameters) -> Context {
        let mut context = self.context(parameters);
        context.insert("id".to_owned(), Value::from(id.as_str()));
        context
    }

    /// Sends a call about one token, whose answer says nothing more than that it worked.
    pub(super) async fn tell(
        &self,
        operation: Operation,
        call: &CallPlan,
        id: &TokenId,
        parameters: &Parameters,
    ) -> Result<(), Error> {
        let mut context = self.about(id, parameters);
        self.with_item(operation, call, (id, parameters), &mut context)
            .await?;
        let asking = self.asking(operation, call, context);
        self.ask(&asking).await.map(|_| ())
    }
}

impl Profile {
    /// When a token ends that is asked for at this instant and gets what it asks for.
    pub(super) fn expiry(&self, lifetime: Lifetime, at: Timestamp) -> Option<Timestamp> {
        let wanted = lifetime.duration()?;
        match self.plan.unit {
            Unit::None => None,
            Unit::Date => {
                let day = at.checked_add(wanted).ok()?.to_zoned(TimeZone::UTC);
                Some(day.start_of_day().ok()?.timestamp())
            }
            Unit::Instant
            | Unit::Unix
            | Unit::UnixMillisecond
            | Unit::Second
            | Unit::Millisecond
            | Unit::Minute
            | Unit::Hour
            | Unit::Day => at.checked_add(self.limits.rounded(wanted)).ok(),
        }
    }
}
