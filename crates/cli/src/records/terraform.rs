//! A state as Terraform writes it. Only what tells tokens apart is taken from it, and nothing is quoted.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use tokenwright_core::{ManagerId, Marker, Nonce};

use super::{Manager, Records};

/// The form of a state since Terraform 0.12.
const VERSION: u64 = 4;

#[derive(Debug, Deserialize)]
struct State {
    version: u64,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    module: Option<String>,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Debug, Deserialize)]
struct Instance {
    #[serde(default)]
    index_key: Option<Value>,
    #[serde(default)]
    attributes: Option<Value>,
}

/// Of a `tokenwright_api_token`; those of other resources are never looked at.
#[derive(Debug, Default, Deserialize)]
struct Attributes {
    #[serde(default)]
    remote_name: Option<String>,
    #[serde(default)]
    retiring: Option<Vec<Superseded>>,
    /// Since schema version 1; encoded since version 2, and of names of one letter since version 3.
    #[serde(default)]
    record: Option<String>,
    /// Of schema version 0.
    #[serde(default)]
    instance: Option<String>,
    #[serde(default)]
    next_nonce: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Superseded {
    #[serde(default)]
    remote_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Bookkeeping {
    #[serde(default, alias = "i")]
    instance: Option<String>,
    /// Of an imported token, whose markers are made from something else.
    #[serde(default, alias = "m")]
    manager: Option<String>,
    #[serde(default, alias = "n")]
    next_nonce: Option<String>,
}

impl Bookkeeping {
    fn read(text: &str) -> Option<Self> {
        let encoded = URL_SAFE_NO_PAD.decode(text).ok();
        let bytes = encoded.unwrap_or_else(|| text.as_bytes().to_vec());
        serde_json::from_slice(&bytes).ok()
    }

    fn id(&self) -> Option<ManagerId> {
        match &self.manager {
            Some(manager) => manager.parse().ok(),
            None => self.instance.as_deref().map(ManagerId::of),
        }
    }
}

/// Reads one state.
pub(super) fn read(path: &Path, records: &mut Records) -> anyhow::Result<()> {
    let shown = path.display();
    let text = match path.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("reading the state from standard input")?;
            text
        }
        false => std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))?,
    };
    parse(&text, records).with_context(|| format!("--state {shown}"))
}

pub(super) fn parse(text: &str, records: &mut Records) -> anyhow::Result<()> {
    let advice = "is no Terraform state: give the file, or what `terraform state pull` prints";
    let Ok(state) = serde_json::from_str::<State>(text) else {
        // What the parser says could quote the file.
        bail!("{advice}");
    };
    if state.version != VERSION {
        bail!(
            "has the version {}, and {VERSION} is known: {advice}",
            state.version
        );
    }
    let ours = state
        .resources
        .iter()
        .filter(|resource| resource.mode == "managed" && resource.kind == "tokenwright_api_token");
    for resource in ours {
        for instance in &resource.instances {
            let name = address(resource, instance);
            take(&name, instance, records).with_context(|| name.clone())?;
        }
    }
    Ok(())
}

fn take(name: &str, instance: &Instance, records: &mut Records) -> anyhow::Result<()> {
    // Of other forms nothing can be told; what the parser says could quote a value.
    let attributes = instance.attributes.clone().unwrap_or_default();
    let Ok(attributes) = serde_json::from_value::<Attributes>(attributes) else {
        bail!("its attributes cannot be read");
    };
    let kept = match &attributes.record {
        Some(text) => Bookkeeping::read(text)
            .context("its record cannot be read, so nobody can tell its tokens")?,
        None => Bookkeeping {
            instance: attributes.instance.clone(),
            manager: None,
            next_nonce: attributes.next_nonce.clone(),
        },
    };
    let Some(id) = kept.id() else {
        bail!("has no record of its tokens, so nobody can tell them");
    };
    let next = kept
        .next_nonce
        .and_then(|nonce| nonce.parse::<Nonce>().ok());
    let manager = Manager {
        name: name.to_owned(),
        pending: next.into_iter().collect(),
    };
    records.managers.insert(id, manager);
    let superseded = attributes.retiring.iter().flatten();
    let names = superseded.filter_map(|retiring| retiring.remote_name.as_deref());
    for remote_name in attributes.remote_name.as_deref().into_iter().chain(names) {
        if let Some(marker) = Marker::of_name(remote_name) {
            records.claim(marker, name);
        }
    }
    Ok(())
}

/// As `terraform state list` writes it.
fn address(resource: &Resource, instance: &Instance) -> String {
    let module = resource.module.as_deref();
    let module = module.map(|module| format!("{module}."));
    let key = instance.index_key.as_ref().map(|key| format!("[{key}]"));
    format!(
        "{}{}.{}{}",
        module.unwrap_or_default(),
        resource.kind,
        resource.name,
        key.unwrap_or_default()
    )
}
