//! The operator's image, unpacked as a container engine unpacks it, to be run with that as its whole world.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenwright_testbed::tools::product_binary;
use xtask::archive::{Effort, sha256};
use xtask::dist::Platform;
use xtask::image::{Image, Machine, archive, filesystem};

/// The version of every crate, of this one too.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) const OPERATOR: &str = "tokenwright-operator";

/// Who enters a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// An ordinary user, in a namespace of users where the image's user is nobody else's.
    Ordinary,
    /// Root, where there are no such namespaces.
    Root,
    /// Whoever may become root.
    Sudo,
}

/// An ordinary user, where the test is root itself.
const NOBODY: &str = "65534";

fn way() -> Way {
    static WAY: OnceLock<Way> = OnceLock::new();
    *WAY.get_or_init(|| {
        let mut tried = as_ordinary("unshare");
        tried.args(["--user", "--map-root-user", "--mount", "true"]);
        let tried = tried.stdout(Stdio::null()).stderr(Stdio::null()).status();
        match tried.is_ok_and(|tried| tried.success()) {
            true => Way::Ordinary,
            false if is_root() => Way::Root,
            false => Way::Sudo,
        }
    })
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A program without the rights of root.
fn as_ordinary(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut ordinary = Command::new("setpriv");
    let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
    ordinary.args([&user, &group, "--clear-groups", program]);
    ordinary
}

/// A program with the rights of whoever enters a container.
pub(crate) fn as_entering(program: &str) -> Command {
    if way() != Way::Sudo {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", "--preserve-env", program]);
    sudo
}

/// What an engine makes of the archive: the file system, and how to start the program in it.
pub(crate) struct Container {
    pub(crate) root: TempDir,
    pub(crate) config: Value,
}

impl Container {
    /// One image of two platforms, as engines of each take it from one index. Of the other platform there is a
    /// program that nothing here can run.
    pub(crate) fn of_every_platform() -> [(Platform, Self); 2] {
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
    pub(crate) fn unpacked() -> Self {
        let containers = Self::of_every_platform().into_iter();
        let mut native = containers.filter(|(of, _)| *of == platform());
        native.next().unwrap().1
    }

    /// The image's entry point as the image's user, in the image and nothing else, where nobody can write.
    pub(crate) fn command(&self) -> Command {
        self.command_as(self.config["config"]["User"].as_str().unwrap())
    }

    /// The same as a user that the cluster chose.
    pub(crate) fn command_as(&self, user: &str) -> Command {
        let (uid, gid) = user.split_once(':').unwrap();
        let read_only =
            "mount --bind \"$1\" \"$1\" && mount -o remount,ro,bind \"$1\" && shift && exec \"$@\"";
        let mut command = match way() {
            Way::Ordinary => as_ordinary("unshare"),
            Way::Root | Way::Sudo => as_entering("unshare"),
        };
        if way() == Way::Ordinary {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["--mount", "sh", "-c", read_only, "sh"])
            .arg(self.root.path());
        match way() {
            Way::Ordinary => command
                .args(["unshare", "--user"])
                .arg(format!("--map-user={uid}"))
                .arg(format!("--map-group={gid}"))
                .arg(format!("--root={}", self.root.path().display())),
            Way::Root | Way::Sudo => command
                .arg("chroot")
                .arg(format!("--userspec={user}"))
                .arg(self.root.path()),
        };
        command
            .arg(self.config["config"]["Entrypoint"][0].as_str().unwrap())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
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

/// What the header of a platform's programs says of their processor.
pub(crate) fn expected(platform: Platform) -> u16 {
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

/// The platform that tests run on.
pub(crate) fn platform() -> Platform {
    Platform::host().expect("no release is made for this machine")
}

/// A copy of one of our programs without what debuggers read, as the release profile leaves it; made once.
pub(crate) fn stripped(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let program = product_binary(name).unwrap();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let age = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if age(&copy) <= age(&program) {
        run(Command::new("strip").arg("-o").arg(&copy).arg(program));
    }
    copy
}

/// Runs a program to its end, which must be a good one, and gives what it printed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {said}");
    String::from_utf8(output.stdout).unwrap()
}
