//! Takes a program out of a package of Debian, without installing it: where its Go module would bring the
//! clients of every cloud along, and take half an hour.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Tool;
use super::made::Made;
use crate::progress;

/// Takes `promtool` out of the package `prometheus`.
pub(super) fn promtool(workshop: &Path) -> Result<Made> {
    let log = workshop.join("log");
    let how = format!(
        "install promtool 2.42 or newer, a part of Prometheus, or name it in {}",
        Tool::Promtool.env_var()
    );
    // Lists of packages of its own: a new machine has none, and to fetch its own takes root.
    let folders = [("Dir::State::lists", "lists"), ("Dir::Cache", "cache")];
    let apt_get = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        for (option, folder) in folders {
            let folder = workshop.join(folder);
            command
                .arg("-o")
                .arg(format!("{option}={}", folder.display()));
        }
        command.args(words).current_dir(workshop);
        command
    };
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(workshop.join(folder)).context("cannot make a folder")?;
    }
    let mut update = apt_get(&["update"]);
    progress::watch("promtool: looking for its package", &mut update, &log)
        .with_context(|| how.clone())?;
    let mut download = apt_get(&["download", "prometheus"]);
    progress::watch("promtool: downloading", &mut download, &log).context(how)?;
    let entries = workshop
        .read_dir()
        .context("cannot look for what was downloaded")?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let package = files.find(|path| path.extension().is_some_and(|end| end == "deb"));
    let Some(package) = package else {
        bail!("apt-get downloaded no package");
    };
    let mut unpack = Command::new("dpkg-deb");
    unpack
        .arg("--extract")
        .arg(package)
        .arg(workshop.join("package"));
    progress::watch("promtool: unpacking", &mut unpack, &log)?;
    Ok(Made::program(workshop.join("package/usr/bin/promtool")))
}
