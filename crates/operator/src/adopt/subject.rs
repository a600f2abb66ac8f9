//! One `ApiToken` that adopts, under work: its object, what is known of it, and its issuer.

use std::sync::Arc;

use jiff::Timestamp;
use tokenwright_api::ApiToken;
use tokenwright_api::adopt::AdoptRequest;
use tokenwright_api::names::finalizer;
use tokenwright_core::InvalidSpec;
use tokenwright_core::adopt::{AdoptDecision, AdoptSpec, Fingerprint};

use super::known::{self, Known, Remembered};
use super::news::news;
use super::report::{Scene, status};
use super::sight::{Recognised, Sight};
use super::wish;
use crate::calls::CallError;
use crate::context::Context;
use crate::events::report;
use crate::finalizers;
use crate::issuers::{Handle, Obstacle};
use crate::manager::Manager;
use crate::parts::Parts;
use crate::report::Trouble;
use crate::scheduler::Permit;

/// The digits of a digest that tell values apart: 64 bits, under a key that nobody else has.
const DIGITS: usize = 16;

/// One `ApiToken` that adopts.
#[derive(Debug)]
pub(super) struct Adopted {
    pub(super) context: Arc<Context>,
    pub(super) manager: Manager,
    /// The object at the version that was read or written last.
    pub(super) object: ApiToken,
    /// Its `spec.adopt`.
    pub(super) request: AdoptRequest,
    /// Who is asked about values, or why nobody can be.
    pub(super) issuer: Result<Arc<Handle>, Obstacle>,
    /// What is wanted.
    pub(super) spec: AdoptSpec,
    /// What of it cannot be carried out.
    pub(super) invalid: Option<InvalidSpec>,
    /// What is known, which is more than the status says until that is written.
    pub(super) known: Known,
    /// What went wrong just now.
    pub(super) trouble: Option<Trouble>,
    /// When that is tried again.
    pub(super) retry_at: Option<Timestamp>,
    /// The accepted value, where the Secret that held it was removed a moment ago.
    pub(super) kept: Option<Recognised>,
    /// Leave to ask the issuer, where more than one step needs it.
    pub(super) permit: Option<Permit>,
}

impl Adopted {
    pub(super) fn new(
        context: &Arc<Context>,
        (manager, object): (Manager, ApiToken),
        request: AdoptRequest,
        issuer: Result<Arc<Handle>, Obstacle>,
    ) -> Self {
        let handle = issuer.as_ref().ok().map(AsRef::as_ref);
        let (spec, invalid) = wish::read(&object, &request, handle);
        let base = object
            .status
            .as_ref()
            .and_then(|status| status.adopted.clone());
        let remembered = context.remember(&manager.uid, |memory| memory.adopted.clone());
        let known = match remembered {
            Some(remembered) if remembered.base == base => remembered.known,
            Some(_) | None => known::read(base.as_ref()),
        };
        Self {
            context: Arc::clone(context),
            manager,
            object,
            request,
            issuer,
            spec,
            invalid,
            known,
            trouble: None,
            retry_at: None,
            kept: None,
            permit: None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    /// The name of the Secret that a person fills.
    pub(super) fn source(&self) -> &str {
        &self.request.value_from.secret_ref.name
    }

    /// What a person must do at this system.
    pub(super) fn manual(&self) -> Option<&str> {
        self.issuer.as_ref().ok()?.issuer.manual()
    }

    pub(super) fn in_trouble(&mut self, reason: &str, message: String) {
        self.trouble = Some(Trouble {
            reason: reason.to_owned(),
            message,
        });
    }

    /// A value with what tells it from others.
    pub(super) fn recognise(&self, parts: Parts) -> Recognised {
        let digest = parts.digest(&self.context.key);
        let beginning: String = digest.chars().take(DIGITS).collect();
        Recognised {
            fingerprint: Fingerprint::new(beginning),
            parts,
        }
    }

    /// Keeps in memory what is known, for whoever comes next in this process.
    pub(super) fn remember(&self) {
        let status = self.object.status.as_ref();
        let remembered = Remembered {
            base: status.and_then(|status| status.adopted.clone()),
            known: self.known.clone(),
        };
        self.context.remember(&self.manager.uid, |memory| {
            memory.adopted = Some(remembered);
        });
    }

    /// The finalizer stands before anything is done that must be undone at the end.
    pub(super) async fn ensure_finalizer(&mut self) -> Result<(), CallError> {
        let stands = finalizers::has(&self.object, finalizer::API_TOKEN);
        if stands || self.spec.deletion.since.is_some() {
            return Ok(());
        }
        let finalizers = finalizers::with(&self.object, finalizer::API_TOKEN);
        let calls = &self.context.calls;
        self.object = calls.set_finalizers(&self.object, &finalizers).await?;
        self.context.wrote(&self.object);
        Ok(())
    }

    /// Writes down what is known and what it means, and reports what is new; nothing is sent where
    /// nothing would change.
    pub(super) async fn record(
        &mut self,
        sight: &Sight,
        decision: &AdoptDecision,
    ) -> Result<(), CallError> {
        let now = self.now();
        let before = self.object.status.clone().unwrap_or_default();
        let scene = Scene {
            adopted: self,
            sight,
            decision,
        };
        let after = status(&scene, &before, now);
        let mut timeless = after.clone();
        timeless.adopted.clone_from(&before.adopted);
        if timeless == before && known::same(before.adopted.as_ref(), after.adopted.as_ref()) {
            self.remember();
            return Ok(());
        }
        let mut next = self.object.clone();
        next.status = Some(after.clone());
        self.object = self.context.calls.write_status(next).await?;
        self.context.wrote(&self.object);
        self.remember();
        for news in news(&before, &after) {
            report(&self.context, &self.object, &news).await;
        }
        Ok(())
    }
}
