//! The operator's image of two platforms, as container engines see it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use xtask::image::USER;

use super::packed::{VERSION, root, run};
use crate::container::{Container, OPERATOR, expected};

/// The processor that a program is made for, as its header says.
fn machine(program: &[u8]) -> u16 {
    u16::from_le_bytes([program[18], program[19]])
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
    let version = run(container.command().arg("--version"));
    assert_eq!(version, format!("{OPERATOR} {VERSION}\n"));
    // As OpenShift starts it: a user of the namespace, in the group of root.
    let version = run(container.command_as("1000770000:0").arg("--version"));
    assert_eq!(version, format!("{OPERATOR} {VERSION}\n"));
    let help = run(container.command().arg("--help"));
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

#[test]
fn the_dockerfile_builds_with_the_compiler_of_the_checkout_and_starts_the_program_alike() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (dockerfile, toolchain) = (read("Dockerfile"), read("rust-toolchain.toml"));
    let (_, channel) = toolchain.split_once("channel = \"").unwrap();
    let (channel, _) = channel.split_once('"').unwrap();
    let (minor, _) = channel.rsplit_once('.').unwrap();
    let Container { root, config } = Container::unpacked();
    let entry = &config["config"]["Entrypoint"];
    for line in [
        format!("FROM rust:{minor}-alpine AS build"),
        format!("ENV RUSTUP_TOOLCHAIN={channel}"),
        format!("USER {USER}:{USER}"),
        format!("ENTRYPOINT {entry}"),
    ] {
        assert!(dockerfile.lines().any(|it| it == line), "no {line}");
    }
    let into_image = dockerfile.lines().filter_map(|line| {
        let copied = line.strip_prefix("COPY --from=")?;
        copied.rsplit_once(' ').map(|(_, path)| path)
    });
    let into_image: Vec<_> = into_image.collect();
    assert_eq!(into_image.len(), 3);
    for path in into_image {
        let inside = root.path().join(path.trim_start_matches('/'));
        assert!(inside.exists(), "{path} is in no image of ours");
    }
}
