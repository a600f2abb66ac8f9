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

/// The files of the registry's layout that every core can read, from the folder of examples.
///
/// Actions and lists need Terraform 1.14: `newest` runs them.
fn files() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in [
        "data-sources",
        "ephemeral-resources",
        "functions",
        "resources",
    ] {
        for of in std::fs::read_dir(examples().join(kind)).unwrap() {
            for file in std::fs::read_dir(of.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let name = path.strip_prefix(examples()).unwrap();
                found.insert(name.display().to_string());
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
    let is_whole = |file: &String| file.ends_with(".tf") && !file.ends_with(BY_IDENTITY);
    let (configurations, others): (Vec<_>, Vec<_>) = files().into_iter().partition(is_whole);
    let imports = [BY_IDENTITY, "import.sh"].map(|name| format!("{OF_A_TOKEN}/{name}"));
    assert_eq!(others, imports);
    assert!(configurations.len() >= 7, "{configurations:?}");
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

#[test]
fn pages_show_the_examples_that_are_run() {
    for (page, file) in [
        (
            "data-sources/api_token.md",
            "data-sources/tokenwright_api_token/data-source.tf",
        ),
        (
            "data-sources/api_tokens.md",
            "data-sources/tokenwright_api_tokens/data-source.tf",
        ),
        ("functions/decrypt.md", "functions/decrypt/function.tf"),
        (
            "resources/api_token.md",
            "resources/tokenwright_api_token/import.sh",
        ),
        (
            "resources/api_token.md",
            "resources/tokenwright_api_token/import-by-identity.tf",
        ),
        (
            "list-resources/api_token.md",
            "list-resources/tokenwright_api_token/list-resource.tfquery.hcl",
        ),
        ("actions/revoke.md", "actions/tokenwright_revoke/action.tf"),
        (
            "actions/disable.md",
            "actions/tokenwright_disable/action.tf",
        ),
        ("actions/enable.md", "actions/tokenwright_enable/action.tf"),
    ] {
        let shown = std::fs::read_to_string(examples().join("../docs").join(page)).unwrap();
        let run = std::fs::read_to_string(examples().join(file)).unwrap();
        assert!(shown.contains(&run), "{page} does not show {file}");
    }
}
