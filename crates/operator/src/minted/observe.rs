//! What is seen of one `ApiToken` beside its object: its Secret, and what the issuer's newest listing
//! shows of it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use tokenwright_client::survey;
use tokenwright_core::instant::before;
use tokenwright_core::{
    Destination, Doubt, Held, Inputs, Intact, LostAnswer, Nonce, Observed, Spec, Survey,
    TokenStatus,
};

use crate::cluster::calls::CallError;
use crate::issuer::losses::Mine;
use crate::minted::managed::Managed;
use crate::minted::seen::{SecretSeen, Seen};
use crate::secret::delivery::{Ownership, carried, ownership, said, version};
use crate::secret::manager::Manager;
use crate::secret::owner::{about_foreign, exchanged};
use crate::secret::shown::without_value;

/// A Secret that was read just now, and what it is to the manager.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// The Secret itself; `None` if there is none, or if what was seen before is still true.
    pub(crate) secret: Option<Secret>,
    /// What it is.
    pub(crate) destination: Destination,
}

impl Look {
    /// What it is alone. The Secret may have a megabyte, and whose it is may decide how long an issuer takes.
    pub(crate) fn without_secret(self) -> Self {
        Self {
            secret: None,
            ..self
        }
    }

    /// The version of the Secret that was read.
    pub(crate) fn version(&self) -> Option<String> {
        self.secret.as_ref().and_then(ResourceExt::resource_version)
    }
}

impl Managed {
    /// Everything that is seen, given what the destination is.
    pub(crate) fn observed(
        &self,
        destination: Destination,
        running: Option<Nonce>,
        now: Timestamp,
    ) -> Observed {
        let survey = self.survey(now);
        let told_from = self.told_from(now);
        let fresh = survey
            .as_ref()
            .filter(|survey| told_from.is_none_or(|at| survey.started_at >= at));
        let doubt = self.doubt(&destination, fresh, now);
        let status = match (fresh, &self.record.current) {
            (Some(survey), Some(current)) => {
                TokenStatus::from_survey(survey, current, &doubt, self.can().settle, now)
            }
            _ => TokenStatus::Unknown,
        };
        // What we end ourselves is no loss.
        let ends = |held: &&Held| {
            let token = &held.token;
            self.record.open_revoke(&token.id, &token.marker).is_some()
        };
        let held = self.record.current.as_ref().filter(|held| !ends(held));
        let mine = Mine {
            uid: &self.manager.uid,
            held,
            unlisted: held.is_some()
                && matches!(status, TokenStatus::Unlisted | TokenStatus::Missing),
            settle: self.can().settle,
        };
        let suspect = self
            .handle
            .losses
            .suspect(mine, &self.handle.inventory, now);
        let refusal = self.remember(|seen| seen.refusal.clone());
        let destination = match refusal.filter(|_| self.spec.deletion.since.is_some()) {
            Some(refusal) => refusal.stands_before(destination, now),
            None => destination,
        };
        Observed {
            running,
            issuer: self.handle.seen(),
            destination,
            status,
            // After a start nothing is ended before the issuer has shown what there is.
            hold_revokes: self.lists() && survey.is_none(),
            clock_ahead: self.handle.account.gate.ahead(),
            survey,
            suspect,
            doubt,
            not_granted: self.not_granted(),
        }
    }

    /// The open attempts that would ask for more than is granted, if they were sent again as the status says.
    fn not_granted(&self) -> Vec<Nonce> {
        if self.can().lost_answer != LostAnswer::Replay {
            return Vec::new();
        }
        let handle = &self.handle;
        let granted = |inputs: &Inputs| {
            let valid = handle.issuer.validate(inputs).is_ok();
            valid && handle.allowances.grants(&self.object, inputs)
        };
        let attempts = self.record.attempts.iter();
        let refused = attempts.filter(|attempt| !granted(&attempt.inputs));
        refused.map(|attempt| attempt.nonce.clone()).collect()
    }

    /// What speaks for or against the current token.
    fn doubt(&self, destination: &Destination, survey: Option<&Survey>, now: Timestamp) -> Doubt {
        let Some(current) = &self.record.current else {
            return Doubt::default();
        };
        let at_hand = matches!(
            destination,
            Destination::Present {
                intact: Intact::Yes | Intact::Unknown,
                ..
            }
        );
        let can_check = self.can().check && at_hand && !current.disabled_by_us;
        let id = &current.token.id;
        // A listing from before the token says nothing about it.
        let survey = survey.filter(|s| s.covers(current.there_since(now), self.can().settle));
        let listed = survey.map(|survey| survey.ours.iter().any(|s| s.id == *id));
        self.remember(|seen| {
            seen.unlisted = match (listed, seen.unlisted.take(), survey) {
                (Some(false), Some(known), _) if known.0 == *id && known.1 <= now => Some(known),
                (Some(false), _, Some(survey)) => Some(Box::new((id.clone(), survey.started_at))),
                (Some(true), ..) => None,
                (_, known, _) => known,
            };
            let version = seen.secret.as_ref().map(|secret| secret.version.clone());
            let said = seen.said.as_ref();
            let said = said.filter(|said| version.as_ref() == Some(&said.of));
            Doubt {
                can_check,
                checked: said.map(|said| said.checked).filter(|said| said.at <= now),
                unlisted_since: seen.unlisted.as_ref().map(|known| known.1),
            }
        })
    }

    /// What the newest listing shows of ours. By a clock that is ahead nothing has expired yet.
    pub(crate) fn survey(&self, now: Timestamp) -> Option<Survey> {
        let listing = self.handle.inventory.newest(&self.spec.inputs.parameters)?;
        let Manager { origin, id, .. } = &self.manager;
        let theirs = before(now, self.handle.account.gate.ahead());
        Some(survey(&listing, origin, id, theirs))
    }

    /// Whether the issuer's listing shows what is ours.
    pub(crate) fn lists(&self) -> bool {
        self.can().lost_answer == LostAnswer::FindByMarker
    }

    /// Reads the Secret, unless the watch shows that it is as it was.
    ///
    /// # Errors
    ///
    /// If the API server does not answer clearly.
    pub(crate) async fn look(&self) -> Result<Look, CallError> {
        match self.shown().filter(|_| !self.is_unsealed()) {
            Some(destination) => Ok(Look {
                secret: None,
                destination,
            }),
            None => self.look_now().await,
        }
    }

    /// What a publish needs of the Secret, its metadata, as the watch shows them; nothing where it must be
    /// read. A write that is conditional on them finds out whether they are still true.
    pub(crate) fn shown_metadata(&self) -> Option<Look> {
        if self.object.spec.secret.keep_previous {
            return None;
        }
        let destination = self.shown()?;
        let watched = self.watched.as_deref().map(without_value);
        let secret = match &destination {
            // A watch that lags shows no version that could be written over.
            Destination::Present { version, .. } if self::version(watched.as_ref()) != *version => {
                return None;
            }
            Destination::Present { .. } => watched,
            _ => None,
        };
        Some(Look {
            secret,
            destination,
        })
    }

    /// What the Secret is, where the watch shows it at a version that was looked at before, by this process
    /// or by one that wrote so into the status.
    pub(crate) fn shown(&self) -> Option<Destination> {
        if self.remember(|seen| seen.doubted) {
            return None;
        }
        if let Some(known) = self.remember(|seen| seen.secret.clone()) {
            return self.still_true(&known).then(|| self.seen_again(known));
        }
        let destination = self.recorded()?;
        if let Some(shown) = &self.watched {
            self.saw(Some(&without_value(shown)), &destination);
        }
        Some(destination)
    }

    /// The same, as the status and the metadata tell it together.
    fn recorded(&self) -> Option<Destination> {
        let begun = !self.record.attempts.is_empty() || self.spec.revoke_previous.is_some();
        if begun || self.is_of_a_clock_ahead() || self.context.observe_only {
            return None;
        }
        let Some(shown) = &self.watched else {
            // Nothing was delivered yet. A Secret of somebody else the rehearsal meets.
            let nothing = self.record.last_revision == 0 && self.record.current.is_none();
            return nothing.then_some(Destination::Absent);
        };
        let (status, current) = (self.object.status.as_ref()?, self.record.current.as_ref()?);
        let version = status.secret_version.as_ref()?;
        let sealed = status.digest.as_ref().is_some_and(|d| self.key.sealed(d));
        let same_version = shown.metadata.resource_version.as_ref() == Some(version);
        if !sealed || !same_version || status.observed_generation != self.object.metadata.generation
        {
            return None;
        }
        let secret = without_value(shown);
        let ours = ownership(&secret, &self.manager) == Ownership::Ours;
        let says = carried(&secret, &self.manager).filter(|_| ours)?;
        (says.current.token == current.token).then(|| Destination::Present {
            version: self::version(Some(&secret)),
            carried: Some(Box::new(says)),
            intact: Intact::Yes,
        })
    }

    /// What the Secret is wanted to look like, as a digest: beside its template that is until when it names
    /// what is superseded, and of what a value consists.
    pub(crate) fn form(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        let template = serde_json::to_string(&self.object.spec.secret);
        template.unwrap_or_default().hash(&mut digest);
        let Spec {
            overlap,
            request_timeout,
            revoke_previous,
            ..
        } = &self.spec;
        (overlap, request_timeout, revoke_previous).hash(&mut digest);
        self.is_of_a_clock_ahead().hash(&mut digest);
        // Other parts make other texts possible.
        (self.handle.issuer.value_parts(), &self.handle.public_parts).hash(&mut digest);
        digest.finish()
    }

    /// Whether the Secret says by a clock that was ahead when what is superseded ends.
    pub(crate) fn is_of_a_clock_ahead(&self) -> bool {
        let (current, now) = (self.record.current.as_ref(), self.context.clock.now());
        current.is_some_and(|held| held.was_minted_ahead_of(now))
    }

    fn still_true(&self, known: &SecretSeen) -> bool {
        let watched = self.watched.as_ref().map(|shown| &shown.metadata);
        let watched = watched.and_then(|metadata| metadata.resource_version.as_ref());
        // While an attempt is open nothing but the truth will do.
        let unsettled = !self.record.attempts.is_empty();
        let unsure = matches!(
            known.destination,
            Destination::Present {
                intact: Intact::No | Intact::Unknown,
                ..
            } | Destination::Foreign
        );
        let shown = known.version.as_ref() == watched || known.is_newer_than(watched);
        !unsettled && !unsure && shown && known.form == self.form()
    }

    /// What a Secret was seen to be; not told where that rests on what it says, which neither this process nor
    /// the watch has at hand.
    pub(crate) fn seen_again(&self, known: SecretSeen) -> Destination {
        let watched = self.watched.as_ref().map(|shown| &shown.metadata);
        let watched = watched.filter(|shown| shown.resource_version == known.version);
        match (known.destination, watched) {
            (
                Destination::Present {
                    version, intact, ..
                },
                Some(shown),
            ) if known.says => {
                let is_shown = |seen: &mut Seen| seen.secret.as_mut().map(SecretSeen::is_shown);
                self.remember(is_shown);
                Destination::Present {
                    version,
                    carried: said(shown, &self.manager).map(Box::new),
                    intact,
                }
            }
            (Destination::Present { carried: None, .. }, None) if known.says => {
                Destination::NotLooked
            }
            (destination, _) => destination,
        }
    }

    /// Reads the Secret as it is now.
    ///
    /// # Errors
    ///
    /// If the API server does not answer clearly.
    pub(crate) async fn look_now(&self) -> Result<Look, CallError> {
        let name = &self.object.spec.secret.name;
        let secret = self
            .context
            .calls
            .secret(&self.manager.namespace, name)
            .await?;
        let destination = match self.judge(secret.as_ref()) {
            Destination::Foreign if self.exchanged(secret.as_ref()).await? => {
                Destination::Present {
                    version: version(secret.as_ref()),
                    carried: None,
                    intact: Intact::No,
                }
            }
            seen => seen,
        };
        self.saw(secret.as_ref(), &destination);
        Ok(Look {
            secret,
            destination,
        })
    }

    /// Whether the Secret that we delivered to holds what was delivered to another `ApiToken`.
    async fn exchanged(&self, secret: Option<&Secret>) -> Result<bool, CallError> {
        let delivered = self.record.current.is_some() && self.spec.deletion.since.is_none();
        let Some(secret) = secret.filter(|_| delivered) else {
            return Ok(false);
        };
        let ours = (self.object.spec.secret.name.as_str(), secret);
        let other = exchanged(&self.context.calls, &self.manager, ours).await?;
        Ok(other.is_some())
    }

    /// Remembers what a Secret was seen to be.
    pub(crate) fn saw(&self, secret: Option<&Secret>, destination: &Destination) {
        self.saw_in(self.form(), secret, destination);
    }

    /// The same of one that was written in this form, which may not be the wanted one any more.
    pub(crate) fn saw_in(&self, form: u64, secret: Option<&Secret>, destination: &Destination) {
        let foreign = secret.filter(|_| *destination == Destination::Foreign);
        let foreign = foreign.map(|secret| about_foreign(secret, &self.manager));
        if let Some(secret) = secret {
            self.sealed_in(secret);
        }
        let shown = self.watched.as_ref().map(|shown| &shown.metadata);
        let mut secret = SecretSeen {
            version: secret.and_then(ResourceExt::resource_version),
            destination: destination.clone(),
            says: destination.carried().is_some(),
            form,
        };
        if shown.is_some_and(|shown| shown.resource_version == secret.version) {
            secret.is_shown();
        }
        self.remember(|seen| {
            seen.secret = Some(secret);
            seen.doubted = false;
            seen.foreign = foreign.map(Box::from);
        });
    }

    /// The Secret was removed: nothing of it is there, though a watch that lags may still show it.
    pub(crate) fn removed(&mut self) {
        self.watched = None;
        self.saw(None, &Destination::Absent);
    }
}
