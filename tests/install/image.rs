//! The operator's image, unpacked as a container engine unpacks it, and run with that as its whole world.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use xtask::archive::Effort;
use xtask::image::{Image, Machine, USER, archive, filesystem};

use super::packed::{VERSION, platform, run, stripped};

const OPERATOR: &str = "tokenwright-operator";

/// What an engine makes of the archive: the file system, and how to start the program in it.
struct Container {
    root: TempDir,
    config: Value,
}

impl Container {
    fn unpacked() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = stripped(OPERATOR);
        let contents = filesystem(&program, platform(), &Machine::default()).unwrap();
        let image = Image {
            repository: "ghcr.io/tokenwright/tokenwright-operator",
            version: VERSION,
            program: OPERATOR,
            platforms: vec![(platform(), contents)],
            effort: Effort::Quick,
        };
        let path = folder.path().join("image.tar");
        fs::write(&path, archive(&image).unwrap()).unwrap();

        let layout = folder.path().join("layout");
        unpack(&path, &layout);
        let top = read(&layout.join("index.json"));
        let index = read(&blob(&layout, &top["manifests"][0]));
        let manifest = read(&blob(&layout, &index["manifests"][0]));
        let root = tempfile::tempdir().unwrap();
        for layer in manifest["layers"].as_array().unwrap() {
            unpack(&blob(&layout, layer), root.path());
        }
        // An engine lets the container's user in.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let config = read(&blob(&layout, &manifest["config"]));
        Self { root, config }
    }

    /// Runs the image's entry point as the image's user.
    fn run(&self, argument: &str) -> String {
        let config = &self.config["config"];
        let user = config["User"].as_str().unwrap();
        let mut command = match fs::metadata("/proc/self").unwrap().uid() {
            0 => Command::new("chroot"),
            _ => {
                let mut sudo = Command::new("sudo");
                sudo.args(["--non-interactive", "chroot"]);
                sudo
            }
        };
        command
            .arg(format!("--userspec={user}"))
            .arg(self.root.path())
            .arg(config["Entrypoint"][0].as_str().unwrap());
        run(command
            .arg(argument)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"))
    }
}

fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut tar = Command::new("tar");
    run(tar
        .args(["--no-same-owner", "-xpf"])
        .arg(archive)
        .arg("-C")
        .arg(folder));
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn blob(layout: &Path, named: &Value) -> PathBuf {
    let digest = named["digest"].as_str().unwrap();
    layout.join("blobs").join(digest.replace(':', "/"))
}

#[test]
fn the_operator_starts_in_its_image_and_in_nothing_else() {
    let container = Container::unpacked();
    let version = container.run("--version");
    assert_eq!(version, format!("{OPERATOR} {VERSION}\n"));
    let help = container.run("--help");
    assert!(help.contains("--listen"), "{help}");
}

#[test]
fn the_image_has_authorities_and_time_zones_and_nothing_that_its_user_may_write() {
    let container = Container::unpacked();
    let root = container.root.path();
    let authorities = fs::read_to_string(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    assert!(authorities.contains("BEGIN CERTIFICATE"));
    for zone in ["Europe/Berlin", "America/New_York", "UTC"] {
        let zone = fs::read(root.join("usr/share/zoneinfo").join(zone)).unwrap();
        assert!(zone.starts_with(b"TZif"), "{zone:?}");
    }
    assert_eq!(container.config["config"]["User"], format!("{USER}:{USER}"));
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let found = entry.metadata().unwrap();
            let path = entry.path();
            assert_ne!(found.uid(), USER, "{} is the user's own", path.display());
            assert_eq!(found.mode() & 0o022, 0, "{} is open", path.display());
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
}
