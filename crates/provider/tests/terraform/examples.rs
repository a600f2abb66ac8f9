//! The examples in the layout of Terraform's registry, each from its first apply to its destroy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::imports::identities::identity;
use crate::support::World;
use crate::support::cores::with_identities;

/// A key pair of nobody's, for the example that decrypts.
const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
const IDENTITY: &str = "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8";

/// What there is before an example is applied.
const BEFORE: &str = "resource \"tokenwright_api_token\" \"before\" {\n name = \"deploy\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n}\n";

const OF_A_TOKEN: &str = "resources/tokenwright_api_token";
const BY_IDENTITY: &str = "import-by-identity.tf";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The folders of the registry's layout, and where the protocol's schemas name what each has.
pub(crate) const LAYOUT: [(&str, &str); 6] = [
    ("actions", "actionSchemas"),
    ("data-sources", "dataSourceSchemas"),
    ("ephemeral-resources", "ephemeralResourceSchemas"),
    ("functions", "functions"),
    ("list-resources", "listResourceSchemas"),
    ("resources", "resourceSchemas"),
];

/// The provider's own example.
const OF_THE_PROVIDER: &str = "provider/provider.tf";

/// Actions and lists need Terraform 1.14: `newest` runs them, and `pages` has it validate them.
const NEWER: [&str; 2] = ["actions", "list-resources"];

/// The page of something.
pub(crate) fn page(kind: &str, name: &str) -> String {
    let name = name.strip_prefix("tokenwright_").unwrap_or(name);
    format!("docs/{kind}/{name}.md")
}

/// What these folders of the registry's layout have: kind, name and file.
pub(crate) fn files() -> BTreeSet<[String; 3]> {
    let read = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    let mut found = BTreeSet::new();
    for (kind, _) in LAYOUT {
        let folder = examples().join(kind);
        for name in read(&folder) {
            for file in read(&folder.join(&name)) {
                found.insert([kind.to_owned(), name.clone(), file]);
            }
        }
    }
    found
}

fn written(world: &World, text: &str) {
    let endpoint = &world.played.endpoint;
    world.write(&format!(
        "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n seeme = {{ profile = \"seeme\", endpoint = {endpoint:?}, request_timeout = \"2s\" }}\n }}\n}}\n{text}"
    ));
}

async fn works(file: &str) {
    let mut world = World::new(86_400.0, "").await;
    world.variables.insert("recipient", RECIPIENT.to_owned());
    world.variables.insert("identity", IDENTITY.to_owned());
    let key = world.played.credential.clone();
    world.variables.insert("deploy_key", key);
    let text = std::fs::read_to_string(examples().join(file)).unwrap();
    let before = match file.starts_with("data-sources") {
        true => BEFORE,
        false => "",
    };
    written(&world, before);
    if !before.is_empty() {
        world.apply().await;
    }
    written(&world, &format!("{before}{text}"));
    world.apply().await;
    let again = world.run(&["plan", "-detailed-exitcode"]).await;
    assert_eq!(again.code, 0, "{file}: {}", again.text);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_in_the_registrys_layout_applies_rests_and_leaves_nothing() {
    let files = files();
    let usual = files.iter().filter(|[kind, ..]| !NEWER.contains(&&**kind));
    let files = usual.map(|file| file.join("/"));
    let is_whole = |file: &String| file.ends_with(".tf") && !file.ends_with(BY_IDENTITY);
    let (configurations, others): (Vec<_>, Vec<_>) = files.partition(is_whole);
    let imports = [BY_IDENTITY, "import.sh"].map(|name| format!("{OF_A_TOKEN}/{name}"));
    assert_eq!(others, imports);
    assert!(configurations.len() >= 8, "{configurations:?}");
    for file in &configurations {
        works(file).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_an_import_bring_their_token_back() {
    let mut world = World::new(86_400.0, "").await;
    world.core = with_identities();
    let text = |name: &str| {
        let path = examples().join(OF_A_TOKEN).join(name);
        std::fs::read_to_string(path).unwrap()
    };
    written(&world, &text("resource.tf"));
    world.apply().await;
    let id = world.state().await["token_id"].as_str().unwrap().to_owned();
    let address = "tokenwright_api_token.ci";
    let identity = identity(&world);
    world.run(&["state", "rm", address]).await.succeeded();
    let script = text("import.sh").replace("TOKEN_ID", &id);
    let words: Vec<_> = script.split_whitespace().skip(1).collect();
    world.run(&words).await.succeeded();
    assert_eq!(world.state().await["token_id"], id.as_str());

    world.run(&["state", "rm", address]).await.succeeded();
    let mut block = text(BY_IDENTITY);
    for (of_nobody, name) in [
        ("gmfokolpicrsn", "manager"),
        ("https://api.scaleway.com", "endpoint"),
    ] {
        assert!(block.contains(of_nobody));
        block = block.replace(of_nobody, identity[name].as_str().unwrap());
    }
    written(&world, &format!("{}{block}", text("resource.tf")));
    world.apply().await;
    assert_eq!(world.state().await["token_id"], id.as_str());
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_provider_is_planned() {
    let mut world = World::new(86_400.0, "").await;
    let credential = "a credential".to_owned();
    world.variables.insert("hub_credential", credential);
    let text = std::fs::read_to_string(examples().join(OF_THE_PROVIDER)).unwrap();
    std::fs::write(world.path("main.tf"), text).unwrap();
    let profile = examples().join("../crates/client/profiles/jupyterhub.yaml");
    std::fs::copy(profile, world.path("hub.yaml")).unwrap();
    let ran = world.run(&["plan", "-no-color"]).await.succeeded();
    assert!(ran.text.contains("1 to add"), "{}", ran.text);
}

#[test]
fn every_example_is_shown_on_its_page() {
    let each = files().into_iter().map(|[kind, name, file]| {
        let shown = page(&kind, &name);
        ([kind, name, file].join("/"), shown)
    });
    let of_the_provider = (OF_THE_PROVIDER.to_owned(), "docs/index.md".to_owned());
    for (file, page) in each.chain([of_the_provider]) {
        let shown = std::fs::read_to_string(examples().join("..").join(&page)).unwrap();
        let run = std::fs::read_to_string(examples().join(&file)).unwrap();
        let fenced = ["terraform", "shell"].map(|fence| format!("```{fence}\n{run}```"));
        assert!(
            fenced.iter().any(|block| shown.contains(block)),
            "{page} does not show {file}"
        );
    }
}
