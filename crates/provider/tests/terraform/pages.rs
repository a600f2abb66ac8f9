//! Each block of the pages is a configuration that a core finds valid: by itself, or with what stands here.
//!
//! All of them are validated at once, each as a module of its own. Other providers are played by stand-ins with the
//! attributes that their documentation names. What a page saves under a name is run besides, where it is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::support::World;
use crate::support::cores::{new_terraform, usual};
use crate::support::go::built;
use crate::support::mirror::{mirror, provides};

/// What a block may leave to its reader: who refers to the first has the second somewhere.
const LEFT: [(&str, &str); 8] = [
    (
        "tokenwright_api_token.ci",
        "resource \"tokenwright_api_token\" \"ci\" {\n name = \"ci\"\n lifetime = \"90d\"\n}\n",
    ),
    (
        "aws_secretsmanager_secret.ci",
        "resource \"aws_secretsmanager_secret\" \"ci\" {}\n",
    ),
    (
        "aws_secretsmanager_secret.deploy",
        "resource \"aws_secretsmanager_secret\" \"deploy\" {}\n",
    ),
    (
        "cloudflare_zero_trust_access_service_token.ci",
        "resource \"cloudflare_zero_trust_access_service_token\" \"ci\" {}\n",
    ),
    (
        "google_secret_manager_secret.ci",
        "resource \"google_secret_manager_secret\" \"ci\" {}\n",
    ),
    (
        "okta_app_oauth.ci",
        "resource \"okta_app_oauth\" \"ci\" {}\n",
    ),
    ("var.access_key", "variable \"access_key\" {}\n"),
    ("var.secret_key", "variable \"secret_key\" {}\n"),
];

/// The names of other providers, where a block does not say them.
const SOURCES: [(&str, &str); 12] = [
    ("aws", "hashicorp/aws"),
    ("cloudflare", "cloudflare/cloudflare"),
    ("databricks", "databricks/databricks"),
    ("datadog", "DataDog/datadog"),
    ("google", "hashicorp/google"),
    ("kubernetes", "hashicorp/kubernetes"),
    ("okta", "okta/okta"),
    ("tfe", "hashicorp/tfe"),
    ("sendgrid", "kenzo0107/sendgrid"),
    ("time", "hashicorp/time"),
    ("tokenwright", "tokenwright/tokenwright"),
    ("vault", "hashicorp/vault"),
];

/// What stands at the root alone, and needs a newer core: a query, and an import by identity.
const AT_THE_ROOT: [&str; 2] = ["list \"", IMPORT];

/// What only a newer Terraform knows.
const NEWER: [&str; 3] = ["list \"", IMPORT, "action \""];

const IMPORT: &str = "import {";

/// The settings of a core, which are no configuration.
const SETTINGS: &str = "provider_installation {";

struct Block {
    /// The page and the line, as the name of a folder.
    name: String,
    text: String,
}

impl Block {
    fn has(&self, any: &[&str]) -> bool {
        let begins = |line: &str| any.iter().any(|word| line.starts_with(word));
        self.text.lines().any(begins)
    }

    /// With what is left to the reader.
    fn with_left(&self) -> String {
        let mut text = self.text.clone();
        for (reference, left) in LEFT {
            let (head, _) = left.split_once('{').unwrap();
            if text.contains(reference) && !text.contains(head) {
                text += left;
            }
        }
        text
    }

    /// And with the providers.
    fn completed(&self) -> String {
        let text = self.with_left();
        let uses = |name: &str| {
            let words = [format!("\"{name}_"), format!("provider \"{name}\"")];
            words.iter().any(|word| text.contains(word))
        };
        let used = SOURCES.into_iter().filter(|(name, _)| uses(name));
        match text.contains("required_providers") {
            true => text,
            false => format!("{}{text}", required(used)),
        }
    }

    /// The variables that whoever uses the module must give.
    fn variables(&self) -> Vec<String> {
        let text = self.completed();
        let all = text.split("variable \"").skip(1);
        let all = all.map(|rest| rest.split_once('"').unwrap());
        let open = all.filter(|(_, rest)| {
            let body = rest.split_once("\n}").map_or(*rest, |(body, _)| body);
            !body.contains("default")
        });
        open.map(|(name, _)| name.to_owned()).collect()
    }
}

fn required<'a>(providers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let each = providers.into_iter();
    let each = each.map(|(name, source)| format!("{name} = {{ source = {source:?} }}\n"));
    let each: String = each.collect();
    format!("terraform {{\nrequired_providers {{\n{each}}}\n}}\n")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            found.insert(path);
        }
    }
}

/// Every block of Terraform's language that a page shows.
fn blocks() -> Vec<Block> {
    let root = repository();
    let mut found =
        BTreeSet::from(["README.md", "crates/tfplugin/README.md"].map(|at| root.join(at)));
    pages(&root.join("docs"), &mut found);
    let mut blocks = Vec::new();
    for path in found {
        let page = path.strip_prefix(&root).unwrap().display().to_string();
        let page = page.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().zip(2..);
        while let Some((line, number)) = lines.next() {
            if ["```hcl", "```terraform"].contains(&line) {
                let inside = lines.by_ref().take_while(|(line, _)| *line != "```");
                let text = inside.map(|(line, _)| format!("{line}\n")).collect();
                let name = format!("{page}_{number}");
                blocks.push(Block { name, text });
            }
        }
    }
    blocks
}

/// The profiles that pages of moving write, by the files that they are.
fn profiles() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(repository().join("docs/guides")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("/moving-") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for block in text.split("```yaml\n# ").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let (file, profile) = block.split_once('\n').unwrap();
            let file = file.rsplit('/').next().unwrap().to_owned();
            assert_eq!(found.insert(file, profile.to_owned()), None);
        }
    }
    found
}

/// The sources of all providers that blocks name.
fn sources(blocks: &[&Block]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in blocks {
        let text = block.completed();
        let named = text.split("source = \"").skip(1);
        found.extend(named.map(|rest| rest.split_once('"').unwrap().0.to_owned()));
    }
    found.remove("tokenwright/tokenwright");
    found
}

/// Has a core validate these together.
async fn are_valid(core: PathBuf, blocks: &[&Block]) {
    let mut world = World::new(86_400.0, "").await;
    world.core = core;
    mirror(&world);
    let peers = built("./peers", "terraform-provider-peers");
    for source in sources(blocks) {
        provides(&world, &source, &peers);
    }
    let ours = ("tokenwright", "tokenwright/tokenwright");
    let mut root = format!("variable \"any\" {{}}\n{}", required([ours]));
    for block in blocks {
        if block.has(&AT_THE_ROOT) {
            let end = match block.has(&["list \""]) {
                true => "tfquery.hcl",
                false => "tf",
            };
            let file = world.path(&format!("{}.{end}", block.name));
            std::fs::write(file, block.with_left()).unwrap();
            continue;
        }
        let folder = world.path(&block.name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("main.tf"), block.completed()).unwrap();
        write!(root, "module {0:?} {{\n source = \"./{0}\"\n", block.name).unwrap();
        for variable in block.variables() {
            writeln!(root, " {variable} = var.any").unwrap();
        }
        root += "}\n";
    }
    std::fs::write(world.path("main.tf"), root).unwrap();
    for (file, profile) in profiles() {
        std::fs::write(world.path(&file), profile).unwrap();
    }
    let profile = repository().join("crates/client/profiles/jupyterhub.yaml");
    std::fs::copy(profile, world.path("hub.yaml")).unwrap();
    let query: &[&str] = match blocks.iter().any(|block| block.has(&["list \""])) {
        true => &["-query"],
        false => &[],
    };
    for arguments in [
        &["init", "-no-color"],
        &[&["validate", "-no-color"], query].concat()[..],
    ] {
        let mut command = world.command(arguments);
        command.env("TF_CLI_CONFIG_FILE", world.path("mirror.rc"));
        crate::support::ran(command.output().await.unwrap()).succeeded();
    }
}

/// Has a core read these as its settings.
async fn are_settings(text: &str) {
    let world = World::new(86_400.0, "").await;
    let file = world.path("settings");
    std::fs::write(&file, text).unwrap();
    let mut command = world.command(&["version"]);
    command.env("TF_CLI_CONFIG_FILE", file);
    let ran = crate::support::ran(command.output().await.unwrap()).succeeded();
    assert!(!ran.text.contains("Error"), "{}", ran.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_of_the_pages_is_valid_with_what_it_leaves_to_its_reader() {
    let blocks = blocks();
    let (settings, blocks): (Vec<_>, Vec<_>) =
        blocks.iter().partition(|block| block.has(&[SETTINGS]));
    assert_eq!(settings.len(), 2);
    for block in settings {
        are_settings(&block.text).await;
    }
    let (newer, usual_ones): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| block.has(&NEWER));
    assert!(usual_ones.len() > 50 && newer.len() > 5);
    are_valid(usual(), &usual_ones).await;
    // A configuration has one import of a resource.
    let (imports, together): (Vec<_>, Vec<_>) =
        newer.into_iter().partition(|block| block.has(&[IMPORT]));
    are_valid(new_terraform(), &together).await;
    for import in imports {
        are_valid(new_terraform(), &[import]).await;
    }
}

#[test]
fn every_profile_that_a_page_of_moving_writes_can_be_read() {
    let profiles = profiles();
    let read = profiles.values().map(|text| {
        let profile = tokenwright_client::profile::Profile::parse(text).unwrap();
        let mints = profile.mints() && profile.capabilities().revoke;
        (profile.name().to_string(), mints)
    });
    let written: BTreeMap<_, _> = read.collect();
    let told = |name: &str| written.get(name).copied();
    let people_make_them = ["access", "okta-api"];
    let programs_make_them = ["datadog-service", "hub"];
    assert!(
        people_make_them
            .iter()
            .all(|name| told(name) == Some(false))
    );
    assert!(
        programs_make_them
            .iter()
            .all(|name| told(name) == Some(true))
    );
    assert_eq!(written.len(), 4);
}
