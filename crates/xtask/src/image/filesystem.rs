//! What the operator finds around it: itself, certificate authorities, time zones and a user.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::layout::USER;
use super::libraries;
use crate::archive::{Contents, Item};
use crate::dist::Platform;

/// Where a machine keeps what goes into the image beside the program.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The certificate authorities that issuers are believed by, as one PEM file.
    pub certificates: PathBuf,
    /// The database of time zones.
    pub zones: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            certificates: "/etc/ssl/certs/ca-certificates.crt".into(),
            zones: "/usr/share/zoneinfo".into(),
        }
    }
}

/// What the database of time zones holds beside the zones: itself again, in other countings, and what the
/// machine itself is set to.
const NO_ZONES: &[&str] = &["posix", "right", "localtime", "posixrules"];

/// The file system in which a program runs, under its own name at the top.
///
/// # Errors
///
/// When something is missing on this machine, or the program needs libraries of another one.
pub fn filesystem(program: &Path, platform: Platform, machine: &Machine) -> Result<Contents> {
    let name = program.file_name().and_then(|name| name.to_str());
    let name = name.context("the program has no name")?;
    let bytes = read(program)?;
    let mut contents = libraries::needed(program, &bytes, platform)?;
    contents.put(name, Item::Program(bytes));

    let certificates = read(&machine.certificates).context(
        "the image needs certificate authorities (Debian: apt-get install ca-certificates)",
    )?;
    contents.put(
        "etc/ssl/certs/ca-certificates.crt",
        Item::File(certificates),
    );
    let zones = zones(&machine.zones)
        .context("the image needs time zones (Debian: apt-get install tzdata)")?;
    contents.merge(zones.below("usr/share/zoneinfo"));
    let user = format!("nonroot:x:{USER}:{USER}:nonroot:/:/sbin/nologin\n");
    contents.put("etc/passwd", Item::File(user.into_bytes()));
    let group = format!("nonroot:x:{USER}:\n");
    contents.put("etc/group", Item::File(group.into_bytes()));
    // Only glibc reads it: names are looked up in the file and then asked for.
    let order = b"hosts: files dns\n".to_vec();
    contents.put("etc/nsswitch.conf", Item::File(order));
    Ok(contents)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn zones(root: &Path) -> Result<Contents> {
    let mut contents = Contents::default();
    let listed = fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    for entry in listed {
        let path = entry.context("cannot list a folder")?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.context("a file's name is no text")?;
        if NO_ZONES.contains(&name) {
            continue;
        }
        if path.is_dir() {
            contents.merge(zones(&path)?.below(name));
        } else {
            // A zone under its older name is a link to it; as a file of its own it stays right.
            contents.put(name, Item::File(read(&path)?));
        }
    }
    if contents.iter().next().is_none() {
        bail!("{} is empty", root.display());
    }
    Ok(contents)
}
