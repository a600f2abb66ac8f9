//! `why`: the decision of the lifecycle for one ApiToken, made again from what the API server shows.
//!
//! The issuer is not asked, so what only its listing tells is missing: that is said.

use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use tokenwright_api::ApiToken;
use tokenwright_api::names::{annotation, reason, told};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{record, wanted};
use tokenwright_client::{Profile, profile};
use tokenwright_core::{
    Action, AtDestination, AtIssuer, Carried, Destination, DestinationVersion, Doubt, Explained,
    Flow, Identity, Intact, IssuerSeen, ManagerId, Note, Observed, Record, TokenStatus, View,
    bounds, explain, explain_deletion, reason::more,
};

use super::trouble::{Trouble, advice, condensed};
use super::{Cluster, Refusal, named};
use crate::arguments::Why;
use crate::clock;
use crate::exit::Exit;
use crate::output::{give, print, tame};
use crate::reach::runtime;
use crate::when::relative;

/// An explanation, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    object: String,
    /// What happens now; null where nothing does.
    now: Option<String>,
    reason: String,
    sentence: String,
    advice: String,
    /// When the operator decides again even if nothing changes.
    again_at: Option<Timestamp>,
    /// The rules that were asked, in their order.
    rules: Vec<&'static str>,
    /// The rule that won; null where none had anything to say.
    won: Option<&'static str>,
    current: Option<Token>,
    retiring: Vec<Token>,
    trouble: Vec<Trouble>,
    /// What was not looked at, and may change the answer.
    unseen: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    id: String,
    revision: u32,
    expires_at: Option<Timestamp>,
    /// When the next rotation of the current token is due, or a previous one is revoked.
    until: Option<Timestamp>,
}

/// Prints it.
pub(crate) fn run(asked: &Why) -> anyhow::Result<Exit> {
    let explained = runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.object.cluster).await?;
        match Seen::of(&cluster, asked).await {
            Ok(seen) => seen.explained(clock::now()).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    })?;
    let explanation = match explained {
        Ok(explanation) => explanation,
        Err(refusal) => return Ok(refusal.told("reading the ApiToken")),
    };
    give(asked.output, &explanation, |explanation| {
        print(&explanation.told(clock::now()));
    })?;
    Ok(Exit::Done)
}

/// What the API server shows of one ApiToken.
struct Seen {
    object: ApiToken,
    issuer: Option<DynamicObject>,
    /// Of a profile that is an object.
    own_profile: Option<DynamicObject>,
    /// Its metadata alone; an error where it may not be seen.
    secret: Result<Option<PartialObjectMeta<Secret>>, String>,
}

impl Seen {
    async fn of(cluster: &Cluster, asked: &Why) -> Result<Self, Refusal> {
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
        Ok(Self {
            secret: secret.map_err(|error| Refusal(error).words()),
            object,
            issuer,
            own_profile,
        })
    }

    fn explained(&self, now: Timestamp) -> anyhow::Result<Explanation> {
        let object = &self.object;
        let shown = named(&object.namespace().unwrap_or_default(), &object.name_any());
        let status = object.status.clone().unwrap_or_default();
        let trouble = condensed(&serde_json::to_value(&status)?, &object.metadata, now);
        if object.spec.adopt.is_some() {
            return Ok(Explanation::of_adopted(shown, trouble.trouble, &status));
        }
        let manager = ManagerId::of(&object.uid().unwrap_or_default());
        let record = record::read(&status, |marker| marker.manager == manager)?;
        let mut record = record.without_impossible_waits(now);
        // It digests what only the operator knows, and would seem to have ended.
        record.retry_basis = None;
        let profile = self.profile()?;
        let spec = wanted::read(
            object,
            record.handled_trigger.as_deref(),
            bounds::REQUEST_TIMEOUT.least,
        )
        .map_err(|invalid| anyhow::anyhow!("{}: {}", invalid.field, invalid.message))
        .with_context(|| format!("{shown} cannot be carried out"))?;
        let observed = self.observed(&profile);
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
        let mut explanation = Explanation::of(shown, explained, &record, trouble.trouble);
        if let Some(current) = &mut explanation.current {
            current.until = status.current.as_ref().and_then(|current| current.renew_at);
        }
        explanation.unseen = self.unseen();
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

    fn observed(&self, profile: &Profile) -> Observed {
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
            destination: self.destination(),
            status: TokenStatus::Unknown,
            survey: None,
            hold_revokes: false,
            clock_ahead: SignedDuration::ZERO,
            suspect: false,
            doubt: Doubt::default(),
        }
    }

    fn destination(&self) -> Destination {
        let secret = match &self.secret {
            Err(_) => return Destination::NotLooked,
            Ok(None) => return Destination::Absent,
            Ok(Some(secret)) => secret,
        };
        let annotations = secret.annotations();
        if annotations.get(annotation::MANAGER_UID) != self.object.uid().as_ref() {
            return Destination::Foreign;
        }
        let said = |name: &str| annotations.get(name).map(String::as_str);
        let current = said(annotation::CURRENT).and_then(|text| serde_json::from_str(text).ok());
        let retiring = said(annotation::RETIRING).and_then(|text| serde_json::from_str(text).ok());
        Destination::Present {
            version: DestinationVersion::Present {
                uid: secret.uid().unwrap_or_default(),
                resource_version: secret.resource_version().unwrap_or_default(),
            },
            carried: current.map(|current| {
                Box::new(Carried {
                    current,
                    retiring: retiring.unwrap_or_default(),
                })
            }),
            // No value is read here.
            intact: Intact::Yes,
        }
    }

    fn unseen(&self) -> Vec<String> {
        let mut unseen = vec![
            "the issuer was not asked: whether the token still lives there, and what else carries its marker".to_owned(),
            "the value in the Secret was not read: whether somebody changed it".to_owned(),
        ];
        if let Err(why) = &self.secret {
            unseen.push(format!("the Secret was not seen: {why}"));
        }
        unseen
    }
}

impl Explanation {
    fn of(object: String, explained: Explained, record: &Record, trouble: Vec<Trouble>) -> Self {
        let decision = explained.decision;
        let won = explained
            .asked
            .last()
            .copied()
            .filter(|_| !explained.none_won);
        let current = record.current.as_ref().map(|held| Token {
            id: held.token.id.to_string(),
            revision: held.token.marker.revision,
            expires_at: held.expires_at,
            until: None,
        });
        let retiring = record.retiring.iter().map(|retiring| Token {
            id: retiring.token.id.to_string(),
            revision: retiring.token.marker.revision,
            expires_at: retiring.expires_at,
            until: Some(retiring.not_before),
        });
        Self {
            object,
            now: decision.action.as_ref().map(step),
            reason: decision.reason.name().to_owned(),
            sentence: decision.reason.sentence().to_owned(),
            advice: decision.reason.advice().to_owned(),
            again_at: decision.check_again,
            rules: explained.asked,
            won,
            current,
            retiring: retiring.collect(),
            trouble,
            unseen: Vec::new(),
        }
    }

    /// Nothing is minted there, so no rule of minting is asked.
    fn of_adopted(
        object: String,
        trouble: Vec<Trouble>,
        status: &tokenwright_api::ApiTokenStatus,
    ) -> Self {
        let adopted = status.adopted.as_ref();
        let known = told();
        let told = known.get(reason::ADOPTED);
        Self {
            object,
            now: None,
            reason: reason::ADOPTED.to_owned(),
            sentence: told.map_or_else(String::new, |told| told.sentence.to_owned()),
            advice: advice(reason::ADOPTED).to_owned(),
            again_at: adopted.and_then(|adopted| adopted.warn_at),
            rules: Vec::new(),
            won: None,
            current: adopted.map(|adopted| Token {
                id: adopted.token_id.clone().unwrap_or_else(|| "-".to_owned()),
                revision: adopted.revision.unwrap_or_default(),
                expires_at: adopted.expires_at,
                until: adopted.warn_at,
            }),
            retiring: Vec::new(),
            trouble,
            unseen: Vec::new(),
        }
    }

    fn told(&self, now: Timestamp) -> String {
        let at = |at: Option<Timestamp>| match at {
            Some(at) => format!("{at} ({})", relative(at, now)),
            None => "never".to_owned(),
        };
        let mut lines = vec![self.object.clone()];
        lines.push(format!(
            "  now       {}",
            self.now.as_deref().unwrap_or("nothing is done")
        ));
        lines.push(format!("  because   {}: {}", self.reason, self.sentence));
        if self.advice != "Nothing." {
            lines.push(format!("  you       {}", self.advice));
            lines.push(format!("  more      {}", more(&self.reason)));
        }
        if let Some(again) = self.again_at {
            lines.push(format!(
                "  again     {}, and at every change",
                at(Some(again))
            ));
        }
        if let Some(token) = &self.current {
            let renews = token
                .until
                .map(|until| format!(", next {}", at(Some(until))));
            lines.push(format!(
                "  current   revision {}, id {}, expires {}{}",
                token.revision,
                tame(&token.id),
                at(token.expires_at),
                renews.unwrap_or_default()
            ));
        }
        for token in &self.retiring {
            lines.push(format!(
                "  retiring  revision {}, id {}, revoked {}",
                token.revision,
                tame(&token.id),
                at(token.until)
            ));
        }
        for trouble in &self.trouble {
            lines.push(format!(
                "  trouble   {}: {} {} {}",
                trouble.reason,
                tame(&trouble.message),
                trouble.advice,
                more(&trouble.reason)
            ));
        }
        if !self.rules.is_empty() {
            lines.push("  rules, in the order in which they were asked:".to_owned());
        }
        // The last one that was asked is why it is as it is, where none of them had to do anything, too.
        if let Some((last, before)) = self.rules.split_last() {
            lines.extend(before.iter().map(|rule| format!("    – {rule}")));
            lines.push(format!("    ✓ {last}: {}", self.reason));
        }
        if !self.unseen.is_empty() {
            lines.push("  not looked at here:".to_owned());
        }
        lines.extend(self.unseen.iter().map(|unseen| format!("    {unseen}")));
        lines
            .iter()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

/// A step in words.
fn step(action: &Action) -> String {
    match action {
        Action::Flow(Flow::Mint { revision }) => format!("revision {revision} is minted"),
        Action::Flow(Flow::Replay(attempt)) => {
            format!("the mint of revision {} is sent again", attempt.revision)
        }
        Action::Issuer(request) => asked(request),
        Action::Record(note) => noted(note),
        Action::Destination(AtDestination::Trust(token)) => {
            format!("the digest of the value of token {} is made anew", token.id)
        }
        Action::Destination(AtDestination::Remove) => "the Secret is removed".to_owned(),
        Action::Destination(AtDestination::Release) => "the Secret is released".to_owned(),
        Action::Finish => "the object may go".to_owned(),
    }
}

fn asked(request: &AtIssuer) -> String {
    match request {
        AtIssuer::Revoke(token) => format!("token {} is revoked", token.id),
        AtIssuer::MakeRoom(token) => {
            format!("token {} is revoked to make room for the next", token.id)
        }
        AtIssuer::SetEnabled(token, _) => format!("token {} is enabled or disabled", token.id),
        AtIssuer::Update(token, _) => format!("token {} is changed in place", token.id),
        AtIssuer::Prove(token) | AtIssuer::Check(token) => format!(
            "the issuer is asked whether the value of token {} authenticates",
            token.id
        ),
    }
}

fn noted(note: &Note) -> String {
    match note {
        Note::Published(_) => "what the Secret says is current is recorded".to_owned(),
        Note::RevokeClosed { token, .. } => format!("the end of token {} is recorded", token.id),
        Note::AttemptClosed { attempt, .. } => {
            format!("the lost answer of revision {} is closed", attempt.revision)
        }
        Note::IntentWithdrawn => "that it is not disabled by us is recorded".to_owned(),
        Note::Recognised(identity) => format!("the account {identity} is recorded as ours"),
    }
}
