//! One request, from its first byte to its answer: who asks, what goes wrong, what the system says.
//!
//! The order is the same for every system; a system only routes, enforces and answers.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::asked::{Asked, MintFaults, Route};
use crate::clock;
use crate::console;
use crate::faults::{By, Effect, Operation, Plan, Seen};
use crate::http::{Answer, Content, Cut, Request, Wire};
use crate::ledger::What;
use crate::shared::Shared;
use crate::store::{Db, Standing, StoreError, Token};
use crate::system::System;

/// One played system.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    pub(crate) system: Arc<dyn System>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) stop: CancellationToken,
}

impl Player {
    /// Answers one request, in a task of its own: what has begun also ends when the client hangs up.
    pub(crate) async fn handle(
        self,
        request: http::Request<Incoming>,
    ) -> Result<Response<Wire>, Cut> {
        let request = Request::read(request).await?;
        let stop = self.stop.clone();
        let task = tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => Err(Cut),
                answered = self.answer(request) => answered,
            }
        });
        task.await.unwrap_or(Err(Cut))
    }

    async fn answer(&self, request: Request) -> Result<Response<Wire>, Cut> {
        if console::concerns(&request) {
            let answer = console::answer(&*self.system, &self.shared, &request);
            return Ok(answer.map_or_else(|error| broken(&error), |page| page.into_response(false)));
        }
        let route = self.system.route(&request);
        let plan = match self.see(&request, &route) {
            Ok(seen) => self.shared.faults.meet(&seen),
            Err(error) => return Ok(broken(&error)),
        };
        if let Some(hang) = &plan.hang {
            self.shared.faults.hold(hang).await;
            return Err(Cut);
        }
        if let Some(pause) = &plan.late_effect {
            self.shared.faults.hold(pause).await;
        }
        let mut answer = match refusal(&plan.effect) {
            Some(refusal) => self.system.finish(refusal),
            None => match self.perform(&request, &route, &plan) {
                Ok(answer) => self.system.finish(answer),
                Err(error) => return Ok(broken(&error)),
            },
        };
        if let Some(pause) = &plan.late_answer {
            self.shared.faults.hold(pause).await;
        }
        if plan.effect.lost_reply {
            return Err(Cut);
        }
        let mut half = false;
        if plan.effect.status.is_none() {
            half = self.spoil(&mut answer, &route, &plan.effect);
        }
        Ok(answer.into_response(half))
    }

    /// What the faults may know of this request.
    fn see(&self, request: &Request, route: &Route) -> Result<Seen, StoreError> {
        let system = self.system.name();
        let settings = self.shared.settings();
        self.shared.store.with(|db| {
            let caller = self.system.caller(db, request, &settings)?;
            let addressed = route
                .id
                .as_ref()
                .map(|id| db.by_id(system, id))
                .transpose()?
                .flatten();
            let by = caller.as_ref().map(|caller| {
                if caller.minted {
                    By::Minted
                } else if caller.by_hand {
                    By::MadeByHand
                } else {
                    By::Credential
                }
            });
            let known = caller
                .into_iter()
                .chain(addressed)
                .flat_map(|token| [token.id, token.name]);
            Ok(Seen {
                system,
                operation: route.operation,
                by,
                tokens: known.chain(route.name.clone()).collect(),
                last_minted: db.last_minted(system)?.map(|token| token.id),
            })
        })
    }

    /// Lets the request take effect, as one transaction.
    fn perform(&self, request: &Request, route: &Route, plan: &Plan) -> Result<Answer, StoreError> {
        let settings = self.shared.settings();
        let work = |db: &Db<'_>| {
            // Read within the transaction, so that instants and effects have one order.
            let now = clock::now();
            let listed_from = |ms| {
                now.checked_add(Duration::from_millis(ms))
                    .unwrap_or(Timestamp::MAX)
            };
            let caller = match self.system.caller(db, request, &settings)? {
                Some(caller) => {
                    let standing = self.system.standing(&caller, now, &settings);
                    Some(met(db, (caller, standing), route.operation, now)?)
                }
                None => None,
            };
            let asked = Asked {
                system: self.system.name(),
                request,
                route,
                db,
                now,
                settings: &settings,
                actor: match &caller {
                    Some((caller, _)) if caller.counts() => caller.id.clone(),
                    _ => "credential".to_owned(),
                },
                caller,
                by_hand: false,
                mint: MintFaults {
                    born_dead: plan.effect.born_dead,
                    listed_from: plan.effect.eventual_list.map(listed_from),
                    quota: plan.effect.quota,
                },
            };
            self.system.answer(&asked)
        };
        match plan.effect.no_effect {
            true => self.shared.store.without_effect(work),
            false => self.shared.store.with(work),
        }
    }

    /// Spoils a good answer; true when it must end in the middle.
    fn spoil(&self, answer: &mut Answer, route: &Route, effect: &Effect) -> bool {
        let mut half = false;
        if let Some(cut) = effect
            .cut_listing
            .as_ref()
            .filter(|_| route.operation == Operation::List)
        {
            match &mut answer.content {
                Content::Rows(rows) => rows.truncate(cut.keep),
                Content::Json(body) => {
                    if let Some(items) = self.system.items(body) {
                        items.truncate(cut.keep);
                    }
                }
                Content::Empty | Content::Raw { .. } => {}
            }
            half = cut.mid_body;
        }
        if let Some(status) = effect
            .five_xx
            .and_then(|status| StatusCode::from_u16(status).ok())
        {
            *answer = Answer::raw(status, "text/plain", "upstream error");
        }
        if effect.html {
            *answer = html(StatusCode::OK);
        }
        if effect.truncate_body {
            let bytes = answer.bytes();
            answer.content = Content::Raw {
                kind: "application/json".into(),
                bytes: bytes.slice(..bytes.len() / 2),
            };
        }
        if let Some(seconds) = effect.clock_behind {
            answer.headers.extend(dated(seconds));
        }
        half
    }
}

/// The `Date` of a clock that is so many seconds behind.
fn dated(seconds: u64) -> Option<(HeaderName, HeaderValue)> {
    let then = clock::now()
        .checked_sub(Duration::from_secs(seconds))
        .ok()?;
    let date = then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Some((header::DATE, HeaderValue::try_from(date).ok()?))
}

/// The answer of a fault that stands in the place of any effect.
fn refusal(effect: &Effect) -> Option<Answer> {
    let status = StatusCode::from_u16(effect.status?).ok()?;
    let answer = match (&effect.body, effect.html) {
        (_, true) => html(status),
        (Some(Value::String(text)), false) => Answer::raw(status, "text/plain", text.clone()),
        (Some(body), false) => Answer::json(status, body.clone()),
        // A system's refusal has words; only what stands before a system is silent.
        (None, false) if status.is_client_error() => {
            let words = status.canonical_reason().unwrap_or("refused");
            Answer::json(status, serde_json::json!({ "message": words }))
        }
        (None, false) => Answer::empty(status),
    };
    Some(match effect.retry_after {
        Some(seconds) => answer.with(header::RETRY_AFTER, &seconds.to_string()),
        None => answer,
    })
}

/// Writes the use of a value, or its refusal, into the ledger.
fn met(
    db: &Db<'_>,
    (mut caller, standing): (Token, Standing),
    operation: Operation,
    now: Timestamp,
) -> Result<(Token, Standing), StoreError> {
    let what = match standing {
        Standing::Live => What::Use,
        Standing::Expired | Standing::Disabled | Standing::Revoked | Standing::BornDead => {
            What::Refused
        }
    };
    if standing == Standing::Live {
        caller.used = Some(now);
        db.update(&caller)?;
    }
    if caller.counts() {
        db.event(&caller, what.name(), now, &caller.id, operation.name())?;
    }
    Ok((caller, standing))
}

fn html(status: StatusCode) -> Answer {
    Answer::raw(
        status,
        "text/html; charset=utf-8",
        "<!doctype html><html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>",
    )
}

/// The sandbox itself failed: a header tells it from anything that a played system answers.
fn broken(error: &StoreError) -> Response<Wire> {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "the sandbox cannot answer"
    );
    Answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        .with(HeaderName::from_static("x-sandbox-error"), "storage")
        .into_response(false)
}
