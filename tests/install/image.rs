//! The operator's image of two platforms, unpacked as a container engine unpacks it, and run with that as its
//! whole world.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::archive::{Effort, sha256};
use xtask::dist::Platform;
use xtask::image::{Image, Machine, USER, archive, filesystem};

use super::packed::{VERSION, platform, run, stripped};

const OPERATOR: &str = "tokenwright-operator";

/// What an engine makes of the archive: the file system, and how to start the program in it.
struct Container {
    root: TempDir,
    config: Value,
}

impl Container {
    /// One image of two platforms, as engines of each take it from one index. Of the other platform there is a
    /// program that nothing here can run.
    fn of_every_platform() -> [(Platform, Self); 2] {
        let folder = tempfile::tempdir().unwrap();
        let of = |platform, program: &Path| {
            let contents = filesystem(program, platform, &Machine::default()).unwrap();
            (platform, contents)
        };
        let native = of(platform(), &stripped(OPERATOR));
        let other = Platform::ALL.into_iter().find(|it| *it != platform());
        let stand_in = folder.path().join(OPERATOR);
        fs::write(&stand_in, program_of(other.unwrap())).unwrap();
        let other = of(other.unwrap(), &stand_in);
        let image = Image {
            repository: "ghcr.io/tokenwright/tokenwright-operator",
            version: VERSION,
            program: OPERATOR,
            platforms: vec![other, native],
            effort: Effort::Quick,
        };
        let path = folder.path().join("image.tar");
        fs::write(&path, archive(&image).unwrap()).unwrap();

        let layout = folder.path().join("layout");
        unpack(&path, &layout);
        let top = read(&layout.join("index.json"));
        let index = read(&blob(&layout, &top["manifests"][0]));
        let manifests = index["manifests"].as_array().unwrap();
        assert_eq!(manifests.len(), 2);
        Platform::ALL.map(|platform| {
            let of = json!({ "architecture": platform.architecture(), "os": "linux" });
            let mut named = manifests.iter().filter(|named| named["platform"] == of);
            let manifest = read(&blob(&layout, named.next().unwrap()));
            assert!(named.next().is_none(), "{platform} is there twice");
            (platform, Self::of(&layout, &manifest))
        })
    }

    fn of(layout: &Path, manifest: &Value) -> Self {
        let root = tempfile::tempdir().unwrap();
        for layer in manifest["layers"].as_array().unwrap() {
            unpack(&blob(layout, layer), root.path());
        }
        // An engine lets the container's user in.
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let config = read(&blob(layout, &manifest["config"]));
        Self { root, config }
    }

    /// What the engine of this machine takes.
    fn unpacked() -> Self {
        let containers = Self::of_every_platform().into_iter();
        let mut native = containers.filter(|(of, _)| *of == platform());
        native.next().unwrap().1
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

/// The file that is named, which must be what its name says, as engines look.
fn blob(layout: &Path, named: &Value) -> PathBuf {
    let digest = named["digest"].as_str().unwrap();
    let path = layout.join("blobs").join(digest.replace(':', "/"));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(format!("sha256:{}", sha256(&bytes)), digest);
    assert_eq!(named["size"], bytes.len());
    path
}

/// The processor that a program is made for, as its header says.
fn machine(program: &[u8]) -> u16 {
    u16::from_le_bytes([program[18], program[19]])
}

/// What [`machine`] says of a platform's programs.
fn expected(platform: Platform) -> u16 {
    match platform {
        Platform::LinuxAmd64 => 62,
        Platform::LinuxArm64 => 183,
    }
}

/// The smallest program of a platform: a header, and nothing that needs a loader.
fn program_of(platform: Platform) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header[16] = 2; // an executable
    header[18..20].copy_from_slice(&expected(platform).to_le_bytes());
    header[20] = 1; // the version of the format
    header[52] = 64; // the size of this header
    header
}

#[test]
fn each_platform_of_one_index_has_its_own_program_in_the_same_image() {
    let containers = Container::of_every_platform();
    for (platform, container) in &containers {
        let config = &container.config;
        assert_eq!(config["architecture"], platform.architecture());
        assert_eq!(config["os"], "linux");
        assert_eq!(config["config"], containers[0].1.config["config"]);
        let program = fs::read(container.root.path().join(OPERATOR)).unwrap();
        assert_eq!(machine(&program), expected(*platform), "{platform}");
        let layers = config["rootfs"]["diff_ids"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        assert!(container.root.path().join("etc/passwd").exists());
    }
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
