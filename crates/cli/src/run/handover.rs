//! How the parts of a value reach the command: in variables, or in files that nobody else can read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;
use tokenwright_client::{Minted, Profile};
use tokio::process::Command;

/// Which part goes where.
#[derive(Debug)]
pub(super) struct Handover {
    /// The variable of each part that is handed over as it is.
    variables: BTreeMap<String, String>,
    /// The variable of each part that is handed over in a file.
    files: BTreeMap<String, String>,
    /// Variables that may hold the credential, which is not the command's.
    hidden: Vec<String>,
}

/// A command that is about to start, and the files that it reads.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) command: Command,
    /// Its name, for messages.
    pub(super) name: String,
    /// They go with it.
    _files: Option<TempDir>,
}

impl Handover {
    /// As it was asked for; the rest in the variables that the system's own users know.
    pub(super) fn of(
        profile: &Profile,
        variables: &[(String, String)],
        files: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let mut parts: Vec<&str> = profile.value_parts().keys().map(String::as_str).collect();
        parts.extend(profile.public_parts());
        let chosen = |given: &[(String, String)], option: &str| {
            let unknown = given
                .iter()
                .find(|(part, _)| !parts.contains(&part.as_str()));
            match unknown {
                None => Ok(given.iter().cloned().collect::<BTreeMap<_, _>>()),
                Some((part, _)) => Err(anyhow!(
                    "{option}: a token of {} has no part {part:?}; it has {}",
                    profile.title(),
                    parts.join(", ")
                )),
            }
        };
        let mut handover = Self {
            variables: chosen(variables, "--env")?,
            files: chosen(files, "--file")?,
            hidden: Vec::new(),
        };
        let known = profile.credential();
        handover.hidden = known.values().filter_map(|part| part.env.clone()).collect();
        // One secret that is used as one is named like the other.
        let alone = match (known.len(), profile.value_parts().len()) {
            (1, 1) => known.values().next().and_then(|part| part.env.clone()),
            _ => None,
        };
        for part in profile.value_parts().keys() {
            if handover.variables.contains_key(part) || handover.files.contains_key(part) {
                continue;
            }
            let own = known.get(part).and_then(|part| part.env.clone());
            let Some(variable) = own.or_else(|| alone.clone()) else {
                bail!(
                    "no variable is known for part {part}: give --env {part}=VARIABLE or --file {part}=VARIABLE"
                );
            };
            handover.variables.insert(part.clone(), variable);
        }
        Ok(handover)
    }

    /// The command with what it is handed.
    pub(super) fn prepared(&self, words: &[OsString], minted: &Minted) -> anyhow::Result<Prepared> {
        let (program, arguments) = words.split_first().context("there is no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        for variable in &self.hidden {
            command.env_remove(variable);
        }
        for (part, variable) in &self.variables {
            command.env(variable, text(minted, part)?);
        }
        let folder = match self.files.is_empty() {
            true => None,
            // Made with access for nobody else.
            false => Some(tempfile::tempdir().context("making a folder for the token")?),
        };
        for (part, variable) in &self.files {
            let Some(folder) = &folder else { continue };
            let path = folder.path().join(part);
            write(&path, text(minted, part)?).context("writing the token to a file")?;
            command.env(variable, path);
        }
        Ok(Prepared {
            command,
            name: program.to_string_lossy().into_owned(),
            _files: folder,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "delivered to the command that a person names"
)]
fn text<'a>(minted: &'a Minted, part: &str) -> anyhow::Result<&'a str> {
    let secret = minted.value.part(part).map(|text| text.expose());
    let text = secret.or_else(|| minted.public.get(part).map(String::as_str));
    text.with_context(|| format!("the issuer gave no part {part}"))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
