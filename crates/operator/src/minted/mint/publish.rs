//! How a mint meets the Secret: the rehearsal, the one write, and what became of it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::names::{event, reason};
use tokenwright_core::Publication;
use tokenwright_core::{
    Answer, Destination, DestinationVersion, Held, Proven, Reason, TokenId, TokenRef,
};

use crate::cluster::calls::CallError;
use crate::cluster::cause;
use crate::cluster::events::{Event, send};
use crate::cluster::finalizers::is_credential;
use crate::cluster::history::JUST_NOW;
use crate::minted::mint::over::{Over, Unrehearsed, rehearsed};
use crate::minted::mint::task::{Existing, Mint};
use crate::minted::observe::Look;
use crate::secret::delivery::{
    Delivery, Ownership, Token, carried, left_behind, names, ownership, version,
};
use crate::secret::owner::about_foreign;
use crate::secret::parts::Parts;

impl Mint {
    /// The exact write as a dry run, with a placeholder of the largest size.
    pub(super) async fn rehearse(&mut self) -> Answer {
        if let Some(shown) = self.managed.shown_metadata() {
            return match self.rehearse_over(shown).await {
                // The watch lags, or it is a Secret that it does not show: what is there is read, and
                // decided from anew.
                Err(CallError::Conflict(_) | CallError::Missing(_)) => {
                    let _seen = self.managed.look_now().await;
                    Answer::AttemptConflict
                }
                answered => self.rehearsed(answered),
            };
        }
        let look = match self.managed.look_now().await {
            Ok(look) => look,
            Err(error) => return self.rehearsed(Err(error)),
        };
        if look.destination == Destination::Foreign {
            let told = look.secret.as_ref();
            let told = told.map(|secret| about_foreign(secret, &self.managed.manager));
            self.in_trouble(Reason::DestinationForeign.name(), told.unwrap_or_default());
            return Answer::RehearsalRefused;
        }
        let answered = self.rehearse_over(look).await;
        self.rehearsed(answered)
    }

    fn rehearsed(&mut self, answered: Result<Answer, CallError>) -> Answer {
        let uid = &self.managed.manager.uid;
        let for_long = self.managed.context.fails_for_long(uid);
        answered.unwrap_or_else(|error| match error {
            CallError::Refused { .. } | CallError::Contested { .. } => {
                self.in_trouble(Reason::RehearsalRefused.name(), error.to_string());
                Answer::RehearsalRefused
            }
            // A person should know.
            CallError::Unclear { .. } if for_long => {
                self.in_trouble(Reason::RehearsalRefused.name(), error.to_string());
                Answer::RehearsalRefused
            }
            // Nobody said anything of the value: it is tried again, as any other call.
            CallError::Conflict(_) | CallError::Missing(_) | CallError::Unclear { .. } => {
                self.managed
                    .remember(|seen| seen.unwritten = Some(Box::new(error)));
                Answer::AttemptConflict
            }
        })
    }

    /// The dry run over what was seen.
    async fn rehearse_over(&mut self, look: Look) -> Result<Answer, CallError> {
        let Look {
            secret,
            destination,
        } = look;
        let over = Over::of(&self.managed, secret);
        let (held, repairs) = (self.placeholder(), self.flow.plan().repairs.is_some());
        match rehearsed(&self.managed, &over, &held, repairs).await {
            Ok(()) => {}
            Err(Unrehearsed::Build(error)) => {
                self.in_trouble(reason::INVALID_SPEC, cause::chain(&error));
                self.managed.cannot(error.as_invalid());
                return Ok(Answer::RehearsalRefused);
            }
            Err(Unrehearsed::Call(error)) => return Err(error),
        }
        let version = version(over.secret.as_ref());
        self.existing = Existing::Read(Arc::new(over));
        self.seen = destination;
        // What somebody else wrote there is no word of another process that publishes just now.
        let says = self.seen.carried();
        Ok(Answer::Rehearsed {
            version,
            current: says.map(|says| says.current.token.marker.nonce.clone()),
        })
    }

    /// A token like the one that will be minted, as far as the size of its metadata goes.
    pub(super) fn placeholder(&self) -> Held {
        let plan = self.flow.plan();
        Held {
            token: TokenRef {
                id: TokenId::new("x".repeat(128)),
                marker: plan.marker.clone(),
                parameters: plan.spec.inputs.parameters.clone(),
                endpoint: plan.issuer.endpoint.clone(),
                identity: plan.issuer.identity.clone(),
            },
            inputs: plan.spec.inputs.clone(),
            created_at: self.now(),
            expires_at: Some(self.now()),
            proven: Proven::Yes,
            wished_end: None,
            disabled_by_us: false,
        }
    }

    /// Whether the store was set back since the attempt was written down, so that it expects no token.
    async fn is_expected_no_more(&self) -> bool {
        // Nothing works any more but what took the place of the current one.
        if self.flow.took_a_place() {
            return false;
        }
        let calls = &self.managed.context.calls;
        if self.attempted.is_some_and(|at| at.elapsed() < JUST_NOW) {
            return calls.history().was_set_back();
        }
        let goes_on = calls.store_goes_on(&self.managed.manager.namespace);
        matches!(goes_on.await, Err(CallError::Conflict(_)))
    }

    /// One conditional write of everything.
    pub(super) async fn publish(&mut self, publication: &Publication) -> Answer {
        if self.is_expected_no_more().await {
            return Answer::Changed;
        }
        if matches!(self.existing, Existing::NotRead) {
            match self.managed.look_now().await {
                Ok(look) => self.goes_over(look.secret),
                Err(error) => return self.publish_failed(&error),
            }
        }
        let over = match &self.existing {
            Existing::Read(over) => Arc::clone(over),
            Existing::NotRead => Arc::default(),
        };
        if version(over.secret.as_ref()) != publication.destination {
            return self.after_conflict(publication).await;
        }
        let Publication {
            current, retiring, ..
        } = publication;
        self.managed.sealed(&current.token);
        let named = retiring.iter().map(|old| &old.token);
        let seals = self.managed.seals(named.chain([&current.token]));
        let built = {
            let empty = Parts::default();
            let parts = self.value.as_ref().map_or(&empty, |(_, parts, _)| parts);
            Delivery {
                manager: &self.managed.manager,
                template: &self.managed.object.spec.secret,
                token: Token::Minted {
                    current,
                    retiring,
                    seals: &seals,
                },
                parts,
                previous: &over.kept,
                key: &self.managed.key,
            }
            .build(over.secret.as_ref())
            .await
        };
        let secret = match built {
            Ok(secret) => secret,
            Err(error) => {
                self.in_trouble(reason::INVALID_SPEC, cause::chain(&error));
                return Answer::PublishFailed;
            }
        };
        match self.managed.context.calls.deliver(&secret, false).await {
            Ok(secret) => {
                self.left_behind(over.secret.as_ref()).await;
                self.delivered = Some(secret);
                Answer::Committed
            }
            Err(CallError::Conflict(_) | CallError::Missing(_) | CallError::Unclear { .. }) => {
                self.after_conflict(publication).await
            }
            Err(error @ (CallError::Refused { .. } | CallError::Contested { .. })) => {
                self.publish_failed(&error)
            }
        }
    }

    fn goes_over(&mut self, secret: Option<Secret>) {
        self.existing = Existing::Read(Arc::new(Over::of(&self.managed, secret)));
    }

    pub(super) fn publish_failed(&mut self, error: &CallError) -> Answer {
        self.in_trouble(Reason::PublishRefused.name(), error.to_string());
        Answer::PublishFailed
    }

    /// What became of a write that got no clear answer, or met another version.
    pub(super) async fn after_conflict(&mut self, publication: &Publication) -> Answer {
        let live = match self.managed.look_now().await {
            Ok(look) => look.secret,
            Err(error) => return self.publish_failed(&error),
        };
        let says = live
            .as_ref()
            .and_then(|secret| carried(secret, &self.managed.manager));
        if names(says.as_ref(), &publication.current.token) {
            self.delivered = live;
            return Answer::Committed;
        }
        let now_at = version(live.as_ref());
        if now_at == publication.destination {
            return Answer::PublishFailed;
        }
        let same_object = matches!(
            (&now_at, &publication.destination),
            (DestinationVersion::Present { uid: now, .. }, DestinationVersion::Present { uid: then, .. }) if now == then
        );
        let foreign = live
            .as_ref()
            .is_some_and(|secret| ownership(secret, &self.managed.manager) == Ownership::Foreign);
        let before = self.flow.plan().current.as_ref().map(|held| &held.token.id);
        let same_token = says.as_ref().map(|says| &says.current.token.id) == before;
        if same_object && same_token && !foreign && self.attempt_is_open().await {
            self.goes_over(live);
            return Answer::Moved(now_at);
        }
        Answer::Changed
    }

    /// The fence: an attempt that somebody closed must not be published any more.
    pub(super) async fn attempt_is_open(&self) -> bool {
        let manager = &self.managed.manager;
        let nonce = self.flow.plan().marker.nonce.to_string();
        let live = self
            .managed
            .context
            .calls
            .token(&manager.namespace, &manager.name)
            .await;
        let status = live.ok().flatten().and_then(|object| object.status);
        status.is_some_and(|status| status.attempts.iter().any(|attempt| attempt.nonce == nonce))
    }

    /// Says what stays alive where a Secret is taken over: the token of a gone object, or the credential
    /// with which a person made the first one possible.
    pub(super) async fn left_behind(&self, taken_over: Option<&Secret>) {
        let Some(secret) = taken_over else { return };
        let note = match ownership(secret, &self.managed.manager) {
            Ownership::Predecessor { uid } => left_behind(&uid, &secret.metadata, self.now()),
            Ownership::Offered if is_credential(secret) => {
                let name = secret.metadata.name.as_deref().unwrap_or_default();
                format!(
                    "The credential that a person had put into the Secret {name} stays alive, since it is not ours. End it at the issuer: the token that replaces it lets in."
                )
            }
            Ownership::Offered | Ownership::Ours | Ownership::Foreign => return,
        };
        send(
            &self.managed.context,
            &self.managed.object,
            &Event::warning(event::LEFT_BEHIND, "TakeOver", note),
        )
        .await;
    }
}
