//! The names, the sums and the contents of a release, as those want them who read it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::Command;

use serde_json::{Value, json};
use tokenwright_testbed::tools;
use zip::ZipArchive;

use super::packed::{Packed, VERSION, platform, root, run};

#[test]
fn a_release_has_the_names_that_the_registries_and_helm_want() {
    let packed = Packed::new();
    let platform = platform();
    let archive = format!("terraform-provider-tokenwright_{VERSION}_{platform}.zip");
    let expected = [
        format!("terraform-provider-tokenwright_{VERSION}_SHA256SUMS"),
        format!("terraform-provider-tokenwright_{VERSION}_manifest.json"),
        format!("mirror/registry.terraform.io/tokenwright/tokenwright/{archive}"),
        format!("mirror/registry.opentofu.org/tokenwright/tokenwright/{archive}"),
        format!("tokenwright_{VERSION}_{platform}.tar.gz"),
        format!("tokenwright_{VERSION}_SHA256SUMS"),
        format!("tokenwright-{VERSION}.tgz"),
        format!("tokenwright-operator_{VERSION}.yaml"),
        "tokenwright.rb".to_owned(),
        "tokenwright.nix".to_owned(),
        archive.clone(),
    ];
    let found: BTreeSet<_> = packed.files.iter().cloned().collect();
    assert_eq!(found, BTreeSet::from(expected));

    let manifest = format!("terraform-provider-tokenwright_{VERSION}_manifest.json");
    let manifest: Value =
        serde_json::from_slice(&fs::read(packed.path(&manifest)).unwrap()).unwrap();
    let expected = json!({ "version": 1, "metadata": { "protocol_versions": ["6.0"] } });
    assert_eq!(manifest, expected);

    let mut zip = ZipArchive::new(File::open(packed.path(&archive)).unwrap()).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    let program = format!("terraform-provider-tokenwright_v{VERSION}");
    assert_eq!(names, ["LICENSE.txt", &program]);
    assert_eq!(zip.by_name(&program).unwrap().unix_mode(), Some(0o100_755));
}

#[test]
fn the_sums_of_a_release_are_accepted_and_name_every_file() {
    let packed = Packed::new();
    let mut summed = BTreeSet::new();
    for sums in packed
        .files
        .iter()
        .filter(|name| name.ends_with("SHA256SUMS"))
    {
        let mut check = Command::new("sha256sum");
        run(check
            .args(["--check", "--strict", sums])
            .current_dir(packed.folder()));
        let text = fs::read_to_string(packed.path(sums)).unwrap();
        summed.extend(text.lines().map(|line| line[66..].to_owned()));
    }
    // The last one holds the others' sums, and nobody its own.
    let last = format!("tokenwright_{VERSION}_SHA256SUMS");
    let top = packed.files.iter().filter(|name| !name.contains('/'));
    let top: BTreeSet<_> = top.filter(|name| **name != last).cloned().collect();
    assert_eq!(summed, top);
}

#[test]
fn homebrew_and_nix_are_told_this_version_and_the_name_and_sum_of_its_archive() {
    let packed = Packed::new();
    let sums = fs::read_to_string(packed.path(&format!("tokenwright_{VERSION}_SHA256SUMS")));
    let sums = sums.unwrap();
    let archive = format!("tokenwright_{VERSION}_{}.tar.gz", platform());
    let sum = sums.lines().find(|line| line.ends_with(&archive)).unwrap();
    let sum = sum.split(' ').next().unwrap();
    for (recipe, says) in [
        ("tokenwright.rb", format!("version \"{VERSION}\"\n")),
        ("tokenwright.nix", format!("version = \"{VERSION}\";\n")),
    ] {
        let text = fs::read_to_string(packed.path(recipe)).unwrap();
        for part in [sum, &archive, &says] {
            assert_eq!(text.matches(part).count(), 1, "{recipe}, {part}: {text}");
        }
        assert!(!text.contains('@'), "{recipe} has a gap: {text}");
    }
}

#[test]
fn what_the_recipes_put_in_place_is_in_the_archive() {
    let packed = Packed::new();
    let archive = packed.path(&format!("tokenwright_{VERSION}_{}.tar.gz", platform()));
    let listed = run(Command::new("tar").arg("-tzf").arg(archive));
    let formula = fs::read_to_string(packed.path("tokenwright.rb")).unwrap();
    let named = formula.split('"').filter(|word| {
        let folder = word.starts_with("share/") || word.starts_with("bin/");
        folder && !word.contains(' ')
    });
    let named: Vec<&str> = named.map(|word| word.trim_end_matches('*')).collect();
    assert_eq!(named.len(), 5, "{named:?}");
    for path in named {
        assert!(
            listed.contains(&format!("/{path}")),
            "{path} is not in {listed}"
        );
    }
}

#[test]
fn two_packings_of_the_same_programs_are_the_same_to_the_byte() {
    let (one, other) = (Packed::new(), Packed::new());
    assert_eq!(one.files, other.files);
    for file in &one.files {
        let same = fs::read(one.path(file)).unwrap() == fs::read(other.path(file)).unwrap();
        assert!(same, "{file} differs");
    }
}

#[test]
fn the_packed_chart_renders_what_the_checkout_renders() {
    let packed = Packed::new();
    let render = |chart| {
        let mut helm = Command::new(tools::helm().unwrap());
        run(helm.args(["template", "tokenwright"]).arg(chart))
    };
    let archive = packed.path(&format!("tokenwright-{VERSION}.tgz"));
    assert_eq!(render(archive), render(root().join("charts/tokenwright")));
}
