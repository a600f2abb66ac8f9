//! The examples in the layout of Terraform's registry, each from its first apply to its destroy.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::World;

/// A key pair of nobody's, for the example that decrypts.
const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
const IDENTITY: &str = "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8";

/// What there is before an example is applied.
const BEFORE: &str = "resource \"tokenwright_api_token\" \"before\" {\n name = \"deploy\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n}\n";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The files of the registry's layout that every core can read, from the folder of examples.
///
/// Actions and lists need Terraform 1.14: the Go host makes their calls, with the same attributes.
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
    let (configurations, others): (Vec<_>, Vec<_>) =
        files().into_iter().partition(|file| file.ends_with(".tf"));
    assert_eq!(others, ["resources/tokenwright_api_token/import.sh"]);
    assert!(configurations.len() >= 7, "{configurations:?}");
    for file in &configurations {
        works(file).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_an_import_brings_its_token_back() {
    let world = World::new(86_400.0, "").await;
    let at = |name: &str| {
        examples()
            .join("resources/tokenwright_api_token")
            .join(name)
    };
    written(&world, &std::fs::read_to_string(at("resource.tf")).unwrap());
    world.apply().await;
    let id = world.state().await["token_id"].as_str().unwrap().to_owned();
    let address = "tokenwright_api_token.ci";
    world.run(&["state", "rm", address]).await.succeeded();
    let script = std::fs::read_to_string(at("import.sh")).unwrap();
    let script = script.replace("TOKEN_ID", &id);
    let words: Vec<_> = script.split_whitespace().skip(1).collect();
    world.run(&words).await.succeeded();
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
