//! Compiles what is shipped, for each platform that this machine can compile for.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use xtask::dist::Platform;
use xtask::image::needs_loader;
use xtask::progress::{command_line, say};

use super::cargo::{cargo, root, workspace};

/// Cargo's profile of what is shipped.
const DIST: &str = "dist";

/// Which platforms, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Shipped {
    /// Build for this platform; may be repeated [default: all that this machine can build for]
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<Platform>,

    /// Cargo's profile: `dist` is what is shipped, `release` is built sooner
    #[arg(long, value_name = "PROFILE", default_value = DIST)]
    profile: String,
}

/// The folder with the programs of one platform.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) platform: Platform,
    pub(crate) folder: PathBuf,
}

impl Shipped {
    /// What is shipped for this machine.
    pub(crate) fn here() -> Result<Self> {
        let platform = Platform::host().context("nothing is shipped for this machine")?;
        Ok(Self {
            platform: vec![platform],
            profile: DIST.to_owned(),
        })
    }

    /// Cargo's profile.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// The folder of that profile below a target's.
    pub(crate) fn folder(&self) -> &str {
        match self.profile.as_str() {
            "dev" => "debug",
            other => other,
        }
    }

    /// Builds these packages; a platform that nobody asked for by name is left out with a sentence.
    pub(crate) fn build(&self, packages: &[&str]) -> Result<Vec<Built>> {
        let mut built = Vec::new();
        for platform in Platform::ALL {
            let asked = self.platform.contains(&platform);
            if !asked && !self.platform.is_empty() {
                continue;
            }
            match compiler(platform) {
                Ok(compiler) => built.push(self.compile(platform, &compiler, packages)?),
                Err(missing) if asked => return Err(missing),
                Err(missing) => say(format!("{platform} is left out: {missing:#}")),
            }
        }
        if built.is_empty() {
            bail!("this machine can build for none of the platforms; the sentences above say why");
        }
        Ok(built)
    }

    fn compile(&self, platform: Platform, compiler: &str, packages: &[&str]) -> Result<Built> {
        let target = platform.target();
        let mut build = cargo(&["build", "--profile", &self.profile, "--target", target]);
        build.args(packages.iter().flat_map(|package| ["--package", package]));
        let name = target.replace('-', "_");
        build
            .env(format!("CC_{name}"), compiler)
            // Some distributions turn on checks whose helpers only their own C library has.
            .env(format!("CFLAGS_{name}"), "-U_FORTIFY_SOURCE")
            .env("CARGO_ENCODED_RUSTFLAGS", flags()?);
        if Platform::host() != Some(platform) {
            // For this machine's own processor Rust links musl with the system's compiler; musl-gcc, which
            // compiles the C, would ask for a loader that no other machine has.
            let linker = format!("CARGO_TARGET_{}_LINKER", name.to_uppercase());
            build.env(linker, compiler);
        }
        say(format!("{platform}: {}", command_line(&build)));
        let status = build
            .stdin(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!(
                "the programs do not build for {platform}; the compiler's message above says why"
            );
        }
        let target = workspace()?.target_directory.join(target);
        let folder = target.join(self.folder());
        for package in packages {
            // Each package of the workspace that is shipped has one program, of its own name.
            let program = folder.join(package);
            if needs_loader(program.as_std_path())? {
                bail!(
                    "{program} was linked with the system's libraries, and would run nowhere else"
                );
            }
        }
        Ok(Built {
            platform,
            folder: folder.into(),
        })
    }
}

/// The C compiler that links for a platform, where Rust's standard library for it is there, too.
fn compiler(platform: Platform) -> Result<String> {
    let target = platform.target();
    let library = Command::new("rustc")
        .current_dir(root())
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .context("cannot start rustc")?;
    let library = String::from_utf8_lossy(&library.stdout);
    if !Path::new(library.trim()).is_dir() {
        bail!("Rust's standard library for it is missing: run `rustup target add {target}`");
    }
    let (compiler, package) = match Platform::host() == Some(platform) {
        true => ("musl-gcc".to_owned(), "musl-tools".to_owned()),
        false => {
            let processor = platform.processor();
            let package = format!("gcc-{}-linux-gnu", processor.replace('_', "-"));
            (format!("{processor}-linux-gnu-gcc"), package)
        }
    };
    let runs = Command::new(&compiler).arg("--version").output();
    if !runs.is_ok_and(|output| output.status.success()) {
        bail!("the C compiler {compiler} is missing (Debian: apt-get install {package})");
    }
    Ok(compiler)
}

/// Flags that keep the folders of this machine out of the programs, so that a build elsewhere is the same, and
/// that list addresses in a few kilobytes: a program reads all of that list at its start.
fn flags() -> Result<String> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir()
            .context("there is no home folder")?
            .join(".cargo"),
    };
    let flags = [
        format!("--remap-path-prefix={}=/tokenwright", root().display()),
        format!("--remap-path-prefix={}=/cargo", cargo_home.display()),
        "-Clink-arg=-Wl,-z,pack-relative-relocs".to_owned(),
    ];
    // The character that divides flags in this variable.
    Ok(flags.join("\u{1f}"))
}
