//! What the ApiTokens of a cluster claim. Of their Secrets only what is written beside the value is read.

use anyhow::{Context as _, anyhow};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{Api, ResourceExt as _};
use serde::de::DeserializeOwned;
use tokenwright_api::names::annotation;
use tokenwright_api::{ApiToken, record};
use tokenwright_core::{Held, ManagerId, Origin, Retiring};

use super::{Manager, Records};
use crate::cluster::{Cluster, Refusal, named, read as as_token};
use crate::progress::Progress;

/// The namespace whose UID tells one cluster from another, as the operator takes it.
const KUBE_SYSTEM: &str = "kube-system";

/// Reads all of them: an object that cannot be read ends it, since nobody could tell its tokens.
pub(super) async fn read(cluster: &Cluster, records: &mut Records) -> anyhow::Result<()> {
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let refused = |doing: &str, error| anyhow!("{doing}: {}", Refusal::from(error).words());
    let system = namespaces.get(KUBE_SYSTEM).await;
    let system = system.map_err(|error| refused("asking which cluster it is", error))?;
    let origin = Origin::of(&system.uid().context("the cluster tells no UID of itself")?);
    records
        .whole
        .insert(origin, format!("the cluster {}", cluster.server));

    let listed = cluster.all("ApiToken", None).await;
    let objects = listed.map_err(|error| refused("listing the ApiTokens", error))?;
    let mut progress = Progress::of("looking at ApiTokens", objects.len());
    for object in objects {
        progress.step();
        let shown = named(&object.namespace().unwrap_or_default(), &object.name_any());
        let token = as_token(&object).with_context(|| shown.clone())?;
        take(&token, &shown, records).with_context(|| shown.clone())?;
        held(cluster, &token, &shown, records)
            .await
            .with_context(|| shown)?;
    }
    Ok(())
}

/// What its status says.
fn take(token: &ApiToken, shown: &str, records: &mut Records) -> anyhow::Result<()> {
    let uid = token.uid().unwrap_or_default();
    let id = ManagerId::of(&uid);
    let status = token.status.clone().unwrap_or_default();
    let known = record::read(&status, |marker| marker.manager == id)?;
    let attempts = known.attempts.iter();
    let pending = attempts.map(|attempt| attempt.nonce.clone()).collect();
    let name = format!("ApiToken {shown}");
    if known.last_revision > 0 {
        records.reached(&id, known.last_revision);
    }
    let current = known.current.map(|held| held.token.marker);
    let retiring = known.retiring.into_iter().map(|one| one.token.marker);
    for marker in current.into_iter().chain(retiring) {
        records.claim(marker, &name);
    }
    records.managers.insert(id, Manager { name, pending });
    Ok(())
}

/// What its Secret says, which is the truth about the token in use where the status lags behind.
async fn held(
    cluster: &Cluster,
    token: &ApiToken,
    shown: &str,
    records: &mut Records,
) -> anyhow::Result<()> {
    let namespace = token.namespace().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), &namespace);
    let name = &token.spec.secret.name;
    let seen = secrets.get_metadata_opt(name).await;
    let seen = seen.map_err(|error| {
        let why = Refusal::from(error).words();
        anyhow!("its Secret {name} says which token is in use, and cannot be seen: {why}")
    })?;
    let Some(secret) = seen else {
        return Ok(());
    };
    let annotations = secret.annotations();
    if annotations.get(annotation::MANAGER_UID) != token.uid().as_ref() {
        return Ok(());
    }
    let current: Option<Held> = told(annotations.get(annotation::CURRENT))?;
    let retiring: Option<Vec<Retiring>> = told(annotations.get(annotation::RETIRING))?;
    let retiring = retiring.into_iter().flatten().map(|one| one.token);
    for held in current.into_iter().map(|held| held.token).chain(retiring) {
        records.claim(held.marker, &format!("ApiToken {shown}"));
    }
    Ok(())
}

fn told<T: DeserializeOwned>(annotation: Option<&String>) -> anyhow::Result<Option<T>> {
    let read = annotation
        .map(|text| serde_json::from_str(text))
        .transpose();
    // What the parser says could quote what somebody wrote there.
    read.map_err(|_| anyhow!("this version cannot read what is written beside its value"))
}
