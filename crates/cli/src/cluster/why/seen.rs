//! What the API server shows of one ApiToken, and what the operator decides by it.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::{Api, ResourceExt as _};
use tokenwright_api::ApiToken;
use tokenwright_api::names::{annotation, condition};
use tokenwright_api::owner::{Owner, Ownership};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{record, wanted};
use tokenwright_client::{Profile, profile};
use tokenwright_core::schedule::attempt_within;
use tokenwright_core::{
    Carried, Destination, DestinationVersion, Doubt, Identity, Intact, IssuerSeen, ManagerId,
    Observed, Reason, Record, TokenStatus, View, bounds, explain, explain_deletion,
};

use super::explanation::Explanation;
use crate::arguments::Why;
use crate::cluster::trouble::condensed;
use crate::cluster::{Cluster, Refusal, named};

/// What the API server shows of one ApiToken.
pub(super) struct Seen {
    object: ApiToken,
    issuer: Option<DynamicObject>,
    /// Of a profile that is an object.
    own_profile: Option<DynamicObject>,
    /// Its metadata alone; an error where it may not be seen.
    secret: Result<Option<PartialObjectMeta<Secret>>, String>,
    /// Whose name stands on that Secret, where that is another ApiToken of the namespace.
    holder: Result<Option<ApiToken>, String>,
}

impl Seen {
    pub(super) async fn of(cluster: &Cluster, asked: &Why) -> Result<Self, Refusal> {
        let object = cluster.token(&asked.object).await?;
        let namespace = object.namespace().unwrap_or_default();
        let reference = &object.spec.issuer_ref;
        let issuers = match reference.kind {
            IssuerKind::TokenIssuer => cluster.objects("TokenIssuer", Some(&namespace)),
            IssuerKind::ClusterTokenIssuer => cluster.objects("ClusterTokenIssuer", None),
        };
        // Whoever may not see it is told what that hides.
        let issuer = issuers.get_opt(&reference.name).await.unwrap_or_default();
        let own = issuer
            .as_ref()
            .and_then(|it| it.data["spec"]["profileRef"]["name"].as_str());
        let own_profile = match own {
            Some(name) => cluster
                .objects("TokenProfile", None)
                .get_opt(name)
                .await
                .unwrap_or_default(),
            None => None,
        };
        let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), &namespace);
        let secret = secrets.get_metadata_opt(&object.spec.secret.name).await;
        let secret = secret.map_err(|error| Refusal::from(error).words());
        let shown = secret.as_ref().ok().and_then(Option::as_ref);
        let other = shown.and_then(|secret| Owner::of(&object).other(secret.annotations()));
        let tokens: Api<ApiToken> = Api::namespaced(cluster.client.clone(), &namespace);
        let holder = match other.filter(|other| other.namespace == namespace) {
            Some(other) => tokens.get_opt(&other.name).await,
            None => Ok(None),
        };
        Ok(Self {
            holder: holder.map_err(|error| Refusal::from(error).words()),
            secret,
            object,
            issuer,
            own_profile,
        })
    }

    pub(super) fn explained(&self, now: Timestamp) -> anyhow::Result<Explanation> {
        let object = &self.object;
        let shown = named(&object.namespace().unwrap_or_default(), &object.name_any());
        let status = object.status.clone().unwrap_or_default();
        let trouble = condensed(&serde_json::to_value(&status)?, &object.metadata, now);
        if object.spec.adopt.is_some() {
            return Ok(Explanation::of_adopted(shown, trouble.trouble, &status));
        }
        let manager = ManagerId::of(&object.uid().unwrap_or_default());
        let record = record::read(&status, |marker| marker.manager == manager)?;
        let profile = self.profile()?;
        let attempt = attempt_within(bounds::REQUEST_TIMEOUT.greatest, profile.capabilities());
        let mut record = record.as_of(now, wanted::longest(object, attempt));
        // It digests what only the operator knows, and would seem to have ended.
        record.retry_basis = None;
        let spec = wanted::read(
            object,
            record.handled_trigger.as_deref(),
            bounds::REQUEST_TIMEOUT.least,
        )
        .map_err(|invalid| anyhow::anyhow!("{}: {}", invalid.field, invalid.message))
        .with_context(|| format!("{shown} cannot be carried out"))?;
        let mut observed = self.observed(&profile, self.destination(&record));
        let attempts = record.attempts.iter();
        let refused = attempts.filter(|open| profile.limits().validate(&open.inputs).is_err());
        observed.not_granted = refused.map(|open| open.nonce.clone()).collect();
        let view = View {
            spec: &spec,
            record: &record,
            observed: &observed,
            can: profile.capabilities(),
        };
        let explained = match spec.deletion.since {
            Some(_) => explain_deletion(&view, now),
            None => explain(&view, now),
        };
        let decision = explained.decision.reason;
        let of_cluster = object.spec.issuer_ref.kind == IssuerKind::ClusterTokenIssuer;
        let mut explanation = Explanation::of(shown, explained, &record, trouble.trouble);
        if let Some(current) = &mut explanation.current {
            current.until = status.current.as_ref().and_then(|current| current.renew_at);
        }
        let exchanged = self.exchanged(&record).ok().flatten();
        if let Some(other) = exchanged.filter(|_| decision == Reason::ValueModified) {
            explanation.sentence = format!("{} {}", explanation.sentence, other.exchanged());
        }
        explanation.unseen = self.unseen(&record);
        if of_cluster && decision == Reason::ReplayLostAnswer {
            explanation.unseen.push("the grants of the ClusterTokenIssuer were not looked at: a mint that asks for more than they allow is not sent again".to_owned());
        }
        if let Some(reason) = self.stalls() {
            explanation.stands_before(reason);
        }
        Ok(explanation)
    }

    fn profile(&self) -> anyhow::Result<Arc<Profile>> {
        let reference = &self.object.spec.issuer_ref.name;
        let issuer = self.issuer.as_ref().with_context(|| {
            format!(
                "issuer {reference} is not there, or may not be seen: nothing is decided without it"
            )
        })?;
        if let Some(own) = &self.own_profile {
            // JSON is YAML.
            let text = serde_json::to_string(&own.data["spec"])?;
            return Ok(Arc::new(Profile::parse(&text)?));
        }
        let name = issuer.data["spec"]["profile"].as_str().unwrap_or_default();
        profile::builtin(name).with_context(|| {
            format!("issuer {reference} has the profile {name:?}, which this version does not know")
        })
    }

    fn observed(&self, profile: &Profile, destination: Destination) -> Observed {
        let issuer = self.issuer.as_ref().map(|issuer| &issuer.data);
        let text = |path: &[&str]| {
            let found = issuer.and_then(|data| path.iter().try_fold(data, |at, key| at.get(key)));
            found.and_then(|value| value.as_str()).map(str::to_owned)
        };
        let endpoint = text(&["spec", "endpoint"]).unwrap_or_else(|| profile.endpoint().to_owned());
        Observed {
            running: None,
            issuer: IssuerSeen {
                endpoint: endpoint.trim_end_matches('/').to_owned(),
                credential: None,
                identity: text(&["status", "identity"]).map(Identity::new),
            },
            destination,
            status: TokenStatus::Unknown,
            survey: None,
            hold_revokes: false,
            clock_ahead: SignedDuration::ZERO,
            suspect: false,
            doubt: Doubt::default(),
            not_granted: Vec::new(),
        }
    }

    /// What the Secret is to the ApiToken, by the same rules as the operator's, as far as its metadata tell.
    fn destination(&self, record: &Record) -> Destination {
        let secret = match &self.secret {
            Err(_) => return Destination::NotLooked,
            Ok(None) => return Destination::Absent,
            Ok(Some(secret)) => secret,
        };
        let present = |carried, intact| Destination::Present {
            version: DestinationVersion::Present {
                uid: secret.uid().unwrap_or_default(),
                resource_version: secret.resource_version().unwrap_or_default(),
            },
            carried,
            intact,
        };
        let us = Owner::of(&self.object);
        match us
            .ownership(secret.annotations())
            .to_one_that(self.is_deleted())
        {
            // No value is read here: the operator says whether it is ours still.
            Ownership::Ours if us.taker(&secret.metadata).is_some() && self.says_foreign() => {
                Destination::Foreign
            }
            Ownership::Ours => present(carried(secret), Intact::Yes),
            Ownership::Offered | Ownership::Predecessor { .. } => {
                let delivered = record.current.is_some();
                present(None, if delivered { Intact::No } else { Intact::Yes })
            }
            Ownership::Foreign => match self.exchanged(record) {
                Ok(Some(_)) => present(None, Intact::No),
                Ok(None) => Destination::Foreign,
                Err(()) => Destination::NotLooked,
            },
        }
    }

    fn is_deleted(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// Why the operator carries nothing out, where that is nothing that a rule could know: a grant that is
    /// missing, a specification that cannot be.
    fn stalls(&self) -> Option<&str> {
        let generation = self.object.metadata.generation;
        let conditions = self
            .object
            .status
            .iter()
            .flat_map(|status| &status.conditions);
        let mut stalled = conditions.filter(|known| {
            known.type_ == condition::STALLED
                && known.status == "True"
                && known.observed_generation == generation
        });
        let reason = stalled.next()?.reason.as_str();
        let decided = Reason::ALL.iter().any(|known| known.name() == reason);
        (!decided && !self.is_deleted()).then_some(reason)
    }

    /// Whether the operator, which reads the value, has found that the Secret is somebody else's.
    fn says_foreign(&self) -> bool {
        let conditions = self
            .object
            .status
            .iter()
            .flat_map(|status| &status.conditions);
        let foreign = Reason::DestinationForeign.name();
        conditions
            .filter(|known| known.type_ == condition::STALLED)
            .any(|known| known.reason == foreign)
    }

    /// Whose value the Secret holds in place of ours, where two were exchanged; an error where it cannot be
    /// seen whether that is so.
    fn exchanged(&self, record: &Record) -> Result<Option<Owner>, ()> {
        let delivered = record.current.is_some() && !self.is_deleted();
        let secret = self.secret.as_ref().ok().and_then(Option::as_ref);
        let us = Owner::of(&self.object);
        let other = secret.and_then(|secret| us.other(secret.annotations()));
        let Some(other) = other.filter(|_| delivered) else {
            return Ok(None);
        };
        let live = self.holder.as_ref().map_err(|_| ())?;
        let place = (us.namespace.as_str(), self.object.spec.secret.name.as_str());
        Ok(Some(other).filter(|other| other.delivers_elsewhere(place, live.as_ref())))
    }

    fn unseen(&self, record: &Record) -> Vec<String> {
        let mut unseen = vec![
            "the issuer was not asked: whether the token still lives there, and what else carries its marker".to_owned(),
            "the value in the Secret was not read: whether somebody changed it".to_owned(),
        ];
        if let Err(why) = &self.secret {
            unseen.push(format!("the Secret was not seen: {why}"));
        }
        if let Err(why) = &self.holder {
            unseen.push(format!(
                "the ApiToken that the Secret names was not seen: {why}"
            ));
        }
        if record.current.is_some() && self.destination(record) == Destination::Foreign {
            unseen.push("the Secret says that it is not ours: whether it holds our value all the same, so that only what it says is mended".to_owned());
        }
        unseen
    }
}

/// What a Secret says about its token.
fn carried(secret: &PartialObjectMeta<Secret>) -> Option<Box<Carried>> {
    let said = |name: &str| secret.annotations().get(name).map(String::as_str);
    let current = said(annotation::CURRENT).and_then(|text| serde_json::from_str(text).ok())?;
    let retiring = said(annotation::RETIRING).and_then(|text| serde_json::from_str(text).ok());
    Some(Box::new(Carried {
        current,
        retiring: retiring.unwrap_or_default(),
    }))
}
