//! Installs what comes as an archive from Maven Central: programs for the Java that is there.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Version;
use super::made::Made;
use super::python;
use crate::progress::{self, say};

/// Keycloak with its server made ready: it would take a minute at every start otherwise.
pub(super) fn keycloak(version: Version, workshop: &Path) -> Result<Made> {
    let name = "keycloak";
    say(format!(
        "  {name} {version}: installing it once from Maven Central"
    ));
    let artifact = "keycloak-quarkus-dist";
    let log = workshop.join("log");
    let mut maven = Command::new("mvn");
    maven
        .current_dir(workshop)
        .args(["-q", "dependency:copy", "-DoutputDirectory=."])
        .arg(format!("-Dartifact=org.keycloak:{artifact}:{version}:zip"));
    progress::watch(&format!("{name}: downloading"), &mut maven, &log).context(
        "install Maven and Java 17 or newer (Debian: apt-get install maven); \
         Maven Central may be out of reach, too",
    )?;
    let archive = format!("{artifact}-{version}.zip");
    let mut unpack = Command::new("python3");
    unpack
        .current_dir(workshop)
        .args(["-m", "zipfile", "-e", &archive, "."]);
    progress::watch(&format!("{name}: unpacking"), &mut unpack, &log)?;
    let folder = workshop.join("server");
    fs::rename(workshop.join(format!("{name}-{version}")), &folder)
        .context("the archive holds another folder")?;
    let mut build = Command::new("bash");
    build
        .current_dir(&folder)
        .args(["bin/kc.sh", "build", "--db=dev-mem"]);
    progress::watch(&format!("{name}: making it ready"), &mut build, &log)?;
    let script = "#!/bin/sh\nexec bash \"$(dirname \"$0\")\"/server/bin/kc.sh \"$@\"\n";
    Ok(Made {
        executable: python::write_script(workshop, name, script)?,
        beside: vec![folder],
    })
}
