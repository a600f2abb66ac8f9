//! What may go wrong with a request, what was seen of it, and the point at which a test stops a
//! client. Which request is hit is said by closures; nothing here is random.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kube::core::Status;
use serde_json::Value;
use tokio::sync::Notify;

use super::call::{Call, Verb};

/// One request as a fault hook sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// 1, 2, 3 … over all clients.
    pub number: u64,
    /// The label of the client.
    pub who: String,
    /// What it does.
    pub verb: Verb,
    /// `secrets`, `apitokens.tokenwright.dev`.
    pub resource: String,
    /// `status`, where the request is for it.
    pub subresource: Option<String>,
    /// The namespace in the path.
    pub namespace: Option<String>,
    /// The name in the path; a create has none.
    pub name: Option<String>,
    /// Whether it changes nothing by its own wish.
    pub dry_run: bool,
}

impl Seen {
    pub(super) fn new(number: u64, who: &str, call: &Call) -> Self {
        Self {
            number,
            who: who.to_owned(),
            verb: call.verb,
            resource: call.resource(),
            subresource: call.subresource.clone(),
            namespace: call.namespace.clone(),
            name: call.name.clone(),
            dry_run: call.dry_run,
        }
    }

    /// Whether the request means to change something: a write that is neither a dry run nor a question.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.verb.is_write() && !self.dry_run && self.resource != super::kinds::REVIEWS
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The request.
    pub seen: Seen,
    /// The status that the server came to, also where its reply was lost; `None` while it hangs,
    /// is delayed, or was stopped before its effect.
    pub status: Option<u16>,
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing unusual.
    Pass,
    /// Refused with this status before any effect.
    Refuse(Box<Status>),
    /// Takes effect; the client gets a connection error instead of the reply.
    LoseReply,
    /// The client gets a connection error at once; the effect comes this much later.
    LateEffect(Duration),
    /// The connection fails before any effect.
    LoseRequest,
    /// Answered in order, but this much later; the effect comes after the delay.
    Delay(Duration),
    /// No effect, no reply, ever.
    Hang,
    /// Tells the stop point and waits for ever, before any effect.
    StopBefore(StopPoint),
    /// Takes effect, then tells the stop point and waits for ever.
    StopAfter(StopPoint),
}

impl Fault {
    /// Refused with this code, reason and message.
    #[must_use]
    pub fn refuse(code: u16, reason: &str, message: &str) -> Self {
        Self::Refuse(Box::new(super::refusal(code, reason, message)))
    }
}

/// A place at which a client is held, so that a test can end it exactly there.
#[derive(Debug, Clone, Default)]
pub struct StopPoint(Arc<Notify>);

impl StopPoint {
    /// A new point that nobody has reached.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until a request is held here. The test then drops or aborts the client.
    pub async fn reached(&self) {
        self.0.notified().await;
    }

    pub(super) async fn hold(&self) -> std::convert::Infallible {
        self.0.notify_one();
        std::future::pending().await
    }
}

type Hook = Box<dyn FnMut(&Seen) -> Fault + Send>;
type Matcher = Box<dyn Fn(&Seen) -> bool + Send>;
type Webhook = Box<dyn FnMut(&Seen, &mut Value) + Send>;

/// The faults that are set: one-shot ones first, then the hook.
#[derive(Default)]
pub(super) struct Faults {
    hook: Option<Hook>,
    webhook: Option<Webhook>,
    once: VecDeque<(Matcher, Fault)>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("hook", &self.hook.is_some())
            .field("once", &self.once.len())
            .finish()
    }
}

impl Faults {
    pub(super) fn set_hook(&mut self, hook: Hook) {
        self.hook = Some(hook);
    }

    pub(super) fn set_webhook(&mut self, webhook: Webhook) {
        self.webhook = Some(webhook);
    }

    /// The call with the object that admission makes of the one in it.
    pub(super) fn admitted(&mut self, seen: &Seen, call: Call) -> Call {
        let whole = matches!(call.verb, Verb::Create | Verb::Update);
        match (&mut self.webhook, call.json()) {
            (Some(webhook), Ok(mut object)) if whole => {
                webhook(seen, &mut object);
                let body = object.to_string().into();
                Call { body, ..call }
            }
            _ => call,
        }
    }

    pub(super) fn add_once(&mut self, matcher: Matcher, fault: Fault) {
        self.once.push_back((matcher, fault));
    }

    pub(super) fn clear(&mut self) {
        self.hook = None;
        self.webhook = None;
        self.once.clear();
    }

    pub(super) fn pending(&self) -> usize {
        self.once.len()
    }

    pub(super) fn decide(&mut self, seen: &Seen) -> Fault {
        let hit = self.once.iter().position(|(matches, _)| matches(seen));
        if let Some((_, fault)) = hit.and_then(|index| self.once.remove(index)) {
            return fault;
        }
        self.hook.as_mut().map_or(Fault::Pass, |hook| hook(seen))
    }
}
