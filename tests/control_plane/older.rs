//! The version before this one, as far as files say it: chart and Kustomize base under another number, with
//! kinds that lack what a version may bring. The program is the one of this build; `cargo xtask test --older
//! REVISION` runs another one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokenwright_testbed::chart;

use super::cluster::root;

/// The number of this version, and that of the one before.
pub(crate) const NUMBERS: [&str; 2] = [env!("CARGO_PKG_VERSION"), "0.0.9"];

/// A field of the issuers that the version before did not have.
pub(crate) const NEW: &str = "requestTimeout";

/// A value of the chart that the version before did not have, nor the object that it is for.
const NEW_VALUE: &str = "networkPolicy";

/// An argument that the version before had and this one has not.
pub(crate) const OF_BEFORE: &str = "--of-before";

/// What of an ApiToken's status the version before did not know: all that came since the kinds were first
/// written, the record of open revokes above all. Its API server drops these.
const LATER: [&str; 10] = [
    "account",
    "attempts.identity",
    "attempts.repairs",
    "current.wishedEnd",
    "failures.message",
    "failures.reason",
    "past.endedAt",
    "past.undelivered",
    "revokes",
    "secretVersion",
];

/// Writes the chart of the version before into a folder that is not there yet.
pub(crate) fn chart(into: &Path) -> Result<()> {
    copy("charts/tokenwright", into)?;
    let about = into.join("Chart.yaml");
    fs::write(&about, renumbered(&about)?)?;
    let values = into.join("values.yaml");
    let mut known = chart::documents(&fs::read_to_string(&values)?)?;
    let known = known[0].as_object_mut().context("no values")?;
    known.remove(NEW_VALUE).context("no such value")?;
    fs::write(&values, serde_json::to_string(known)?)?;
    fs::remove_file(into.join("templates/networkpolicy.yaml"))?;
    for kind in fs::read_dir(into.join("files/crds"))? {
        rewrite(&kind?.path())?;
    }
    Ok(())
}

/// The same for the Kustomize base.
pub(crate) fn base(into: &Path) -> Result<()> {
    copy("deploy/kustomize", into)?;
    rewrite(&into.join("crds.yaml"))?;
    rewrite(&into.join("operator.yaml"))
}

fn copy(from: &str, into: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    let copied = copy.arg("-r").arg(root().join(from)).arg(into).status()?;
    ensure!(copied.success(), "cannot copy {from}");
    Ok(())
}

fn renumbered(path: &PathBuf) -> Result<String> {
    let text = fs::read_to_string(path)?;
    let [this, before] = NUMBERS;
    ensure!(text.contains(this), "{} has no number", path.display());
    Ok(text.replace(this, before))
}

fn rewrite(path: &PathBuf) -> Result<()> {
    let documents = chart::documents(&renumbered(path)?)?;
    let older = documents.into_iter().map(|mut document| {
        match document["kind"].as_str() {
            Some("CustomResourceDefinition") => kind(&mut document)?,
            // What a version had and the next one has not.
            Some("Deployment") => {
                let container = &mut document["spec"]["template"]["spec"]["containers"][0];
                let arguments = container["args"].as_array_mut();
                arguments.context("no arguments")?.push(OF_BEFORE.into());
            }
            _ => {}
        }
        Ok(format!("---\n{document}\n"))
    });
    fs::write(path, older.collect::<Result<String>>()?).context("cannot write a file")
}

/// Makes a kind one of the version before.
pub(crate) fn kind(kind: &mut Value) -> Result<()> {
    let [this, before] = NUMBERS;
    let annotations = kind["metadata"]["annotations"].as_object_mut();
    for said in annotations.into_iter().flat_map(|all| all.values_mut()) {
        if said == this {
            *said = before.into();
        }
    }
    let is_token = kind["spec"]["names"]["kind"] == "ApiToken";
    let version = &mut kind["spec"]["versions"][0];
    let of_version = version.as_object_mut().context("no version")?;
    of_version.remove("selectableFields");
    let parts = &mut version["schema"]["openAPIV3Schema"]["properties"];
    let status = parts["status"].as_object_mut().context("no status")?;
    status.remove("default").context("no default")?;
    if let Some(fields) = parts["spec"]["properties"].as_object_mut() {
        fields.remove(NEW);
    }
    for path in LATER.iter().filter(|_| is_token) {
        forget(&mut parts["status"], path).with_context(|| format!("no status.{path}"))?;
    }
    Ok(())
}

/// Takes a field out of a schema; each step of its path may lead through a list.
fn forget(schema: &mut Value, path: &str) -> Option<Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let fields = schema["properties"].as_object_mut()?;
    if rest.is_empty() {
        return fields.remove(first);
    }
    let inside = fields.get_mut(first)?;
    match inside["items"].is_null() {
        true => forget(inside, rest),
        false => forget(&mut inside["items"], rest),
    }
}
