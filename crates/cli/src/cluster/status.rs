//! `status`: every ApiToken and issuer at a glance.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde::Serialize;
use serde_json::Value;
use tokenwright_core::instant::after;

use super::trouble::{Condensed, condensed};
use super::{Cluster, Refusal, named, read};
use crate::arguments::Status;
use crate::clock;
use crate::exit::Exit;
use crate::output::{Cell, Tone, complain, give, print, show};
use crate::reach::runtime;
use crate::when::relative;

/// Soon enough that a person should know.
const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A cluster at a glance, as programs read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Glance {
    api_tokens: Vec<TokenRow>,
    issuers: Vec<IssuerRow>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenRow {
    namespace: String,
    name: String,
    issuer: Option<String>,
    revision: Option<u64>,
    expires_at: Option<Timestamp>,
    renews_at: Option<Timestamp>,
    retiring: usize,
    #[serde(flatten)]
    condensed: Condensed,
    /// Why this version cannot read the object.
    unreadable: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuerRow {
    kind: String,
    namespace: String,
    name: String,
    profile: Option<String>,
    identity: Option<String>,
    #[serde(flatten)]
    condensed: Condensed,
}

/// Prints it.
pub(crate) fn run(asked: &Status) -> anyhow::Result<Exit> {
    let taken = runtime()?.block_on(async {
        let cluster = Cluster::reach(&asked.cluster).await?;
        anyhow::Ok(take(&cluster, asked.namespace.as_deref()).await)
    })?;
    let mut glance = match taken {
        Ok(glance) => glance,
        Err(refusal) => return Ok(refusal.told("reading the ApiTokens")),
    };
    let (all, troubled) = (glance.api_tokens.len(), glance.troubled());
    if asked.trouble {
        glance.api_tokens.retain(TokenRow::in_trouble);
        glance
            .issuers
            .retain(|row| !row.condensed.trouble.is_empty());
    }
    give(asked.output, &glance, |glance| {
        glance.show(clock::now());
        let noun = if all == 1 { "ApiToken" } else { "ApiTokens" };
        complain(&match troubled {
            0 => format!("{all} {noun}, no trouble"),
            _ => format!(
                "{all} {noun}, {troubled} {} in trouble: `tokenwright why NAME` explains an ApiToken, `tokenwright explain REASON` a reason",
                if troubled == 1 { "object" } else { "objects" }
            ),
        });
    })?;
    Ok(match troubled {
        0 => Exit::Done,
        _ => Exit::Failed,
    })
}

async fn take(cluster: &Cluster, namespace: Option<&str>) -> Result<Glance, Refusal> {
    let tokens = cluster.all("ApiToken", namespace).await?;
    let mut issuers = Vec::new();
    for object in cluster.all("TokenIssuer", namespace).await? {
        issuers.push(IssuerRow::of("TokenIssuer", &object));
    }
    // Not everybody may see what is the cluster's, and not every cluster has it.
    for object in cluster
        .all("ClusterTokenIssuer", None)
        .await
        .unwrap_or_default()
    {
        issuers.push(IssuerRow::of("ClusterTokenIssuer", &object));
    }
    Ok(Glance {
        api_tokens: tokens.iter().map(TokenRow::of).collect(),
        issuers,
    })
}

impl TokenRow {
    fn of(object: &DynamicObject) -> Self {
        let (spec, status) = (&object.data["spec"], &object.data["status"]);
        let token = match &status["current"] {
            Value::Null => &status["adopted"],
            current => current,
        };
        let instant = |field: &str| token[field].as_str().and_then(|text| text.parse().ok());
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            issuer: spec["issuerRef"]["name"].as_str().map(str::to_owned),
            revision: token["revision"].as_u64(),
            expires_at: instant("expiresAt"),
            renews_at: instant("renewAt").or_else(|| instant("warnAt")),
            retiring: status["retiring"].as_array().map_or(0, Vec::len),
            condensed: condensed(status, &object.metadata, clock::now()),
            unreadable: read(object).err().map(|error| error.to_string()),
        }
    }

    fn in_trouble(&self) -> bool {
        !self.condensed.trouble.is_empty() || self.unreadable.is_some()
    }
}

impl IssuerRow {
    fn of(kind: &str, object: &DynamicObject) -> Self {
        let (spec, status) = (&object.data["spec"], &object.data["status"]);
        let profile = spec["profile"]
            .as_str()
            .or(spec["profileRef"]["name"].as_str());
        Self {
            kind: kind.to_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            profile: profile.map(str::to_owned),
            identity: status["identity"].as_str().map(str::to_owned),
            condensed: condensed(status, &object.metadata, clock::now()),
        }
    }
}

impl Glance {
    fn troubled(&self) -> usize {
        let tokens = self.api_tokens.iter().filter(|row| row.in_trouble());
        let issuers = self
            .issuers
            .iter()
            .filter(|row| !row.condensed.trouble.is_empty());
        tokens.count().saturating_add(issuers.count())
    }

    fn show(&self, now: Timestamp) {
        let tokens = self.api_tokens.iter().map(|row| {
            vec![
                Cell::from(named(&row.namespace, &row.name)),
                Cell::from(row.issuer.as_deref().unwrap_or("-")),
                ready(&row.condensed),
                Cell::from(row.revision.map_or("-".to_owned(), |it| it.to_string())),
                expiry(row, now),
                Cell::from(row.renews_at.map_or("-".to_owned(), |at| relative(at, now))),
                match &row.unreadable {
                    Some(why) => Cell::toned(why, Tone::Bad),
                    None => trouble(&row.condensed),
                },
            ]
        });
        let headings = [
            "APITOKEN", "ISSUER", "READY", "REV", "EXPIRES", "RENEWS", "TROUBLE",
        ];
        show(&headings, tokens.collect());
        if self.issuers.is_empty() {
            return;
        }
        print("\n");
        let issuers = self.issuers.iter().map(|row| {
            vec![
                Cell::from(named(&row.namespace, &row.name)),
                Cell::from(row.profile.as_deref().unwrap_or("-")),
                ready(&row.condensed),
                Cell::from(row.identity.as_deref().unwrap_or("-")),
                trouble(&row.condensed),
            ]
        });
        let headings = ["ISSUER", "PROFILE", "READY", "IDENTITY", "TROUBLE"];
        show(&headings, issuers.collect());
    }
}

fn ready(condensed: &Condensed) -> Cell {
    match condensed.ready {
        Some(true) => Cell::toned("True", Tone::Good),
        Some(false) => Cell::toned("False", Tone::Bad),
        None => Cell::toned("-", Tone::Warning),
    }
}

fn trouble(condensed: &Condensed) -> Cell {
    let words = condensed
        .trouble
        .iter()
        .map(|it| format!("{}: {}", it.reason, it.message));
    Cell::toned(words.collect::<Vec<_>>().join("; "), Tone::Bad)
}

fn expiry(row: &TokenRow, now: Timestamp) -> Cell {
    match (row.expires_at, row.revision) {
        (None, None) => Cell::from("-"),
        (None, Some(_)) => Cell::from("never"),
        (Some(at), _) if at <= now => Cell::toned(relative(at, now), Tone::Bad),
        (Some(at), _) if at <= after(now, SOON) => Cell::toned(relative(at, now), Tone::Warning),
        (Some(at), _) => Cell::from(relative(at, now)),
    }
}
