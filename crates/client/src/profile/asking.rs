//! A call that is about to be made, and who makes it.

use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use minijinja::Value;
use serde_json::Value as Json;
use std::sync::Arc;
use tokenwright_core::{Parameters, Switch};
use url::Url;

use super::ProfileIssuer;
use super::plan::{AuthPlan, CallPlan, Place, ValuePlan};
use super::secrets::Session;
use crate::account::gate::Words;
use crate::error::{Error, ErrorKind, Operation};
use crate::secret::SecretValue;
use crate::text::Context;

/// A call that is about to be made.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) operation: Operation,
    pub(super) call: &'a CallPlan,
    pub(super) context: Context,
    pub(super) who: Who,
    /// Whose words stand in it.
    pub(super) words: Words,
    /// How whoever asks authenticates.
    pub(super) auth: Option<&'a AuthPlan>,
    /// Whether the connection shows the credential's certificate.
    pub(super) certified: bool,
    /// The value that is asked about, exchanged or ended.
    pub(super) value: Option<&'a SecretValue>,
    /// What the value was exchanged for.
    pub(super) exchanged: Option<Arc<Session>>,
    /// Which secrets stand in the answer.
    pub(super) takes: Takes<'a>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) query: Vec<(String, String)>,
    /// What stands in the body beside what the call says, by JSON pointers.
    pub(super) placed: Vec<(String, Json)>,
    /// The next page, where an answer named it.
    pub(super) url: Option<Url>,
    /// It must not be sent after this instant.
    pub(super) send_by: Option<Timestamp>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The credential, logged in where the system wants that.
    Us,
    /// The parts of the credential, or of a value, to turn them into a token.
    Login,
    /// A value.
    Value,
}

/// Which secrets stand in an answer, beside those whose places the call itself names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes<'a> {
    /// Such as a mint would answer with, at any depth: they are hidden.
    Shown,
    /// The same of a page of a list, whose own keys are no token's.
    ShownBelow,
    /// The parts of a value that is minted.
    Value(&'a [ValuePlan]),
    /// What a login gives.
    Login(&'a Place),
}

impl Operation {
    /// Whether a request of this operation may have an effect.
    pub(super) fn changes(self) -> bool {
        match self {
            Self::Mint | Self::Update | Self::Enable | Self::Disable | Self::Revoke => true,
            Self::Identity | Self::Check | Self::Get | Self::List => false,
        }
    }
}

impl Asking<'_> {
    /// Whether this request may have an effect; a login, whatever it is for, mints and ends nothing.
    pub(super) fn changes(&self) -> bool {
        self.operation.changes() && self.who != Who::Login
    }
}

impl CallPlan {
    /// Whether a status is a success of this call.
    pub(super) fn is_success(&self, status: u16) -> bool {
        match self.success.as_slice() {
            [] => (200..300).contains(&status),
            listed => listed.contains(&status),
        }
    }
}

impl ProfileIssuer {
    /// What names stand for in a call; parameters that are not given are nothing.
    pub(super) fn context(&self, parameters: &Parameters) -> Context {
        let mut context = self.known.clone();
        let known = self.profile.parameters.iter();
        context.extend(known.map(|(name, known)| {
            let given = parameters.get(name).or(known.default.as_ref());
            (name.clone(), Value::from(given.cloned()))
        }));
        context
    }

    pub(super) fn asking<'a>(
        &'a self,
        operation: Operation,
        call: &'a CallPlan,
        context: Context,
    ) -> Asking<'a> {
        Asking {
            operation,
            call,
            context,
            who: Who::Us,
            words: match operation {
                Operation::Identity => Words::Ours,
                _ => Words::Theirs,
            },
            auth: self.way.auth.as_ref(),
            certified: true,
            value: None,
            exchanged: None,
            takes: Takes::Shown,
            headers: Vec::new(),
            query: Vec::new(),
            placed: Vec::new(),
            url: None,
            send_by: None,
        }
    }
}

/// A look that failed after a request that worked: something was done, and nobody saw what.
pub(super) fn unknown_again(operation: Operation, error: Error) -> Error {
    Error {
        kind: ErrorKind::OutcomeUnknown,
        operation,
        ..error
    }
}

pub(super) fn operation_of(switch: Switch) -> Operation {
    match switch {
        Switch::Enable => Operation::Enable,
        Switch::Disable => Operation::Disable,
    }
}
