//! Performing what was planned, step by step. The steps name what to do; nothing is chosen here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tfplugin::{Diagnostics, Value};
use tokenwright_client::account::SecretDigests;
use tokenwright_client::{ChangeError, SecretValue};
use tokenwright_core::{
    Held, Identity, LostAnswer, Nonce, Outcome, Proven, Reason, Retiring, Revision, Switch,
    TokenRef, TokenStatus, View, evolve, schedule,
};

use super::mint::{Minting, Product, Which};
use super::output::Output;
use super::owner::digest_of;
use super::state::Stored;
use super::state::name;
use super::steps::Step;
use super::wanted::Wanted;
use super::why::rotation_reason;
use crate::age::Envelope;
use crate::diagnostics;
use crate::schema::names::*;
use crate::session::Session;
use crate::value_version;

/// The work of one apply, and what it leads to.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) session: &'a Session,
    pub(super) wanted: &'a Wanted,
    pub(super) stored: Stored,
    /// The value that the state held before.
    pub(super) old_value: Option<SecretValue>,
    /// What a token that was minted in this apply delivers.
    pub(super) minted: Option<Value>,
    /// What was minted in this apply, and could be neither used nor revoked again.
    pub(super) not_withdrawn: Option<TokenRef>,
    /// Why room was made for what is minted next.
    pub(super) why: Option<String>,
}

impl<'a> Work<'a> {
    /// The work on what is stored, of which no value is known and none was minted.
    pub(super) fn new(session: &'a Session, wanted: &'a Wanted, stored: Stored) -> Self {
        Self {
            session,
            wanted,
            stored,
            old_value: None,
            minted: None,
            not_withdrawn: None,
            why: None,
        }
    }
}

impl Work<'_> {
    /// Performs the steps in order. `false` after an error: what was done until then is in `stored`.
    pub(super) async fn perform(
        &mut self,
        steps: &[(Step, Reason)],
        diags: &mut Diagnostics,
    ) -> bool {
        let mut all = true;
        for (step, reason) in steps {
            // Nobody will hear of it: end here, so that the caller can take back what was minted.
            if self.session.connection.is_gone() {
                return false;
            }
            tracing::debug!(reason = reason.name(), "perform a planned step");
            let done = match step {
                Step::Mint(revision) => self.mint((*revision, *reason), diags).await,
                Step::Update(change) => self.update(change, diags).await,
                Step::SetEnabled(switch) => self.switch(*switch, diags).await,
                Step::Revoke(token) => self.retire(token, diags).await,
                Step::MakeRoom(token) => self.make_room((token, *reason), diags).await,
            };
            match step {
                // A token that is not revoked keeps no other alive.
                Step::Revoke(_) => all &= done,
                Step::Mint(_) | Step::Update(_) | Step::SetEnabled(_) | Step::MakeRoom(_) => {
                    if !done {
                        return false;
                    }
                }
            }
        }
        all
    }

    async fn mint(
        &mut self,
        (revision, reason): (Revision, Reason),
        diags: &mut Diagnostics,
    ) -> bool {
        let made_room = self.why.is_some();
        let why =
            (self.why.take()).unwrap_or_else(|| rotation_reason(reason, &self.stored, self.wanted));
        let Some(nonce) = self.nonce(diags) else {
            return false;
        };
        // What made room for it must not be left without it.
        let beyond = self.session.uninterrupted();
        let session = match made_room {
            true => &beyond,
            false => self.session,
        };
        let Some(identity) = self.identity(session, diags).await else {
            return false;
        };
        let endpoint = session.connected.issuer.endpoint();
        let Some(envelope) = self.envelope(diags) else {
            return false;
        };
        let which = Which {
            manager: self.stored.manager(),
            revision,
            nonce,
            envelope,
        };
        let started_at = session.now();
        let Some(spec) = self.wanted.at_mint(started_at, diags) else {
            return false;
        };
        let mut observed = self
            .stored
            .observed(&session.connected.origin, endpoint, started_at);
        observed.issuer.identity.clone_from(&identity);
        let view = View {
            spec: &spec,
            record: &self.stored.record,
            observed: &observed,
            can: session.connected.issuer.capabilities(),
        };
        let minting = session.mint(&view, &which).await;
        self.stored.endpoint = Some(endpoint.to_owned());
        self.stored.identity = identity
            .map(|identity| identity.to_string())
            .or_else(|| digest_of(&session.connected, &self.stored));
        match minting {
            Minting {
                outcome: outcome @ Outcome::Published(_),
                product: Some(product),
                ..
            } => {
                self.published(outcome, product, diags);
                self.stored.rotation_reason = Some(why);
                true
            }
            minting => {
                self.say_not_minted(&minting, diags);
                match minting.outcome {
                    Outcome::Lost { .. } => {
                        self.stored.lost_until = Some(session.lost_until(started_at));
                    }
                    Outcome::NotWithdrawn(token) => {
                        self.keep_to_end(token, minting.product.as_ref());
                    }
                    _ => {}
                }
                false
            }
        }
    }

    /// What nobody can use and what could not be ended has one handle, which is its id: it is ended later.
    fn keep_to_end(&mut self, token: TokenRef, product: Option<&Product>) {
        let stored = &mut self.stored;
        let name = token.marker.remote_name(&self.wanted.spec.inputs.name);
        stored.names.insert(token.id.clone(), name);
        stored.next_nonce = Some(stored.nonce_after(&token.marker.nonce));
        self.not_withdrawn = Some(token.clone());
        stored.record.retiring.push(Retiring {
            token,
            not_before: self.session.now(),
            expires_at: product.and_then(|product| product.token.expires_at),
        });
    }

    /// Who the credential is, as far as the issuer says. `None` after an error.
    async fn identity(
        &self,
        session: &Session,
        diags: &mut Diagnostics,
    ) -> Option<Option<Identity>> {
        let asked = session.patiently(|| session.connected.identity());
        let said = asked.await.inspect_err(|error| {
            diagnostics::issuer_error(diags, &self.not_minted(), error, &self.after(error));
        });
        said.ok()
    }

    /// The nonce that the state promised, or a new one for the first mint.
    fn nonce(&mut self, diags: &mut Diagnostics) -> Option<Nonce> {
        if let Some(nonce) = &self.stored.next_nonce {
            return Some(nonce.clone());
        }
        let nonce = draw(diags)?;
        self.stored.next_nonce = Some(nonce.clone());
        Some(nonce)
    }

    /// What the value is put in; made before the mint, after which nothing may go wrong with it any more.
    fn envelope(&self, diags: &mut Diagnostics) -> Option<Option<Envelope>> {
        let made = self
            .wanted
            .output
            .envelope(|bytes| getrandom::fill(bytes).is_ok());
        made.inspect_err(|error| {
            let detail = format!("The value could not be encrypted: {error}. Nothing was minted.");
            diags.error(self.not_minted(), detail);
        })
        .ok()
    }

    fn published(&mut self, outcome: Outcome, product: Product, diags: &mut Diagnostics) {
        let now = self.session.now();
        let stored = &mut self.stored;
        if let Some(Held { token, .. }) = &stored.record.current {
            if let Some(name) = stored.remote_name.take() {
                stored.names.insert(token.id.clone(), name);
            }
            if let Some(value) = &self.old_value {
                let fingerprint = SecretDigests::of(value).keyed(stored.instance.as_bytes());
                stored.fingerprints.insert(token.id.clone(), fingerprint);
            }
            stored.rotated_at = Some(now);
        }
        let before = stored.record.retiring.clone();
        stored.record = evolve(std::mem::take(&mut stored.record), outcome, now);
        let fingerprints = &stored.fingerprints;
        for retiring in &mut stored.record.retiring {
            let kept = before.iter().find(|kept| kept.token == retiring.token);
            if let Some(kept) = kept.filter(|kept| !fingerprints.contains_key(&kept.token.id)) {
                retiring.not_before = kept.not_before;
            }
        }
        let Some(held) = &stored.record.current else {
            return;
        };
        let marker = &held.token.marker;
        stored.remote_name = Some(marker.remote_name(&held.inputs.name));
        stored.value_version = Some(value_version::after(stored.value_version, now));
        stored.status = Some(TokenStatus::Active);
        stored.granted_scopes = Some(product.token.details.scopes.clone());
        // The same credential mints for the same owner, where the answer does not tell.
        stored.owner = product.token.details.owner.clone().or(stored.owner.take());
        // A state that has no value in the clear tells by this which token is the run's own credential.
        if self.wanted.output != Output::State {
            let fingerprint = SecretDigests::of(&product.value).keyed(stored.instance.as_bytes());
            stored
                .fingerprints
                .insert(held.token.id.clone(), fingerprint);
        }
        advise_of_new(held, self.wanted, diags);
        let used = marker.nonce.clone();
        stored.next_nonce =
            Some(draw(&mut Diagnostics::new()).unwrap_or_else(|| stored.nonce_after(&used)));
        // The same request gets the same token: that of the lost answer is this one.
        let can = self.session.connected.issuer.capabilities();
        if can.lost_answer == LostAnswer::Replay {
            stored.lost_until = None;
        }
        self.minted = Some(product.published.with(PUBLIC_PARTS, product.public));
    }

    async fn update(&mut self, change: &tokenwright_core::Change, diags: &mut Diagnostics) -> bool {
        let Some(held) = &self.stored.record.current else {
            return true;
        };
        let session = self.session;
        let remote_name = held.token.marker.remote_name(&change.inputs.name);
        let account = &session.connected;
        let ask = || async {
            let updated = tokenwright_client::change(account, (held, None), change);
            updated.await.map_err(ChangeError::into_error)
        };
        let updated = session.patiently(ask).await;
        session.connected.changed(&held.token.parameters);
        match updated {
            Ok(token) => {
                let outcome = Outcome::Updated {
                    inputs: change.inputs.clone(),
                    expires_at: token.expires_at,
                };
                self.evolve(outcome);
                self.stored.remote_name = Some(remote_name);
                self.stored.granted_scopes = Some(token.details.scopes.clone());
                true
            }
            Err(error) => {
                let summary = diagnostics::not_done(&name(&self.stored), "changed", &error);
                let next = diagnostics::then(&error, "The next plan shows the change again.");
                let inputs = &change.inputs;
                diagnostics::inputs_refused(diags, (&summary, &next), &error, inputs);
                false
            }
        }
    }

    async fn switch(&mut self, switch: Switch, diags: &mut Diagnostics) -> bool {
        let Some(held) = &self.stored.record.current else {
            return true;
        };
        let Held { token, .. } = held.clone();
        let session = self.session;
        let issuer = &session.connected.issuer;
        let switched = session
            .patiently(|| issuer.set_enabled(&token.id, &token.parameters, switch))
            .await;
        session.connected.changed(&token.parameters);
        let Err(error) = switched else {
            self.evolve(Outcome::Switched(switch));
            self.stored.status = Some(match switch {
                Switch::Enable => TokenStatus::Active,
                Switch::Disable => TokenStatus::Disabled,
            });
            return true;
        };
        let verb = match switch {
            Switch::Enable => "enabled",
            Switch::Disable => "disabled",
        };
        let summary = diagnostics::not_done(&name(&self.stored), verb, &error);
        let next = &diagnostics::then(&error, "The next plan shows it again.");
        if self.minted.is_some() {
            diagnostics::issuer_warning(diags, &summary, &error, next);
            true
        } else {
            diagnostics::issuer_error(diags, &summary, &error, next);
            false
        }
    }

    pub(super) fn evolve(&mut self, outcome: Outcome) {
        let record = std::mem::take(&mut self.stored.record);
        self.stored.record = evolve(record, outcome, self.session.now());
    }
}

/// What a person should know of a token that was just minted.
fn advise_of_new(held: &Held, wanted: &Wanted, diags: &mut Diagnostics) {
    let id = &held.token.id;
    if held.proven == Proven::NotYet {
        let then = match wanted.output {
            Output::State => "The next refresh asks again.",
            Output::Encrypted(_) => "The state has it encrypted, so no refresh can ask again.",
        };
        diags.warning(
            "The new token is not proven yet",
            format!("Whether the value of token {id} authenticates could not be found out. {then}"),
        );
    }
    if schedule::lifetime_shortened(&wanted.spec, held) {
        diags.warning_at(
            ROTATION.path().attribute(RENEW_BEFORE),
            "The issuer gave a shorter lifetime",
            format!("renew_before is not shorter than the lifetime that token {id} was given, so it is rotated when one third of that is left."),
        );
    }
}

/// A nonce, from the system's randomness.
pub(super) fn draw(diags: &mut Diagnostics) -> Option<Nonce> {
    let mut bytes = [0; 5];
    random(&mut bytes, diags).then(|| Nonce::from_bytes(bytes))
}

/// What the manager part of the markers of a resource is made from.
pub(super) fn draw_instance(diags: &mut Diagnostics) -> Option<String> {
    let mut bytes = [0; 16];
    random(&mut bytes, diags).then(|| URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes for a marker.
pub(super) fn random(bytes: &mut [u8], diags: &mut Diagnostics) -> bool {
    crate::random::fill(
        bytes,
        "A token's marker needs some. Nothing was minted.",
        diags,
    )
}
