//! Tokens of other providers' resources come over by a `moved` block, values and all.

use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::go_host::moves::{resting, rotating};
use crate::support::{World, client};

mod shown;

/// A state as Scaleway's own provider leaves it, with a key that works.
async fn key_of_another_provider(world: &World) -> Value {
    let application = world.played.parameter("application_id").unwrap();
    let sent = client()
        .post(format!("{}/iam/v1alpha1/api-keys", world.played.endpoint))
        .header("X-Auth-Token", &world.played.credential)
        .json(&json!({
            "application_id": application,
            "description": "deploy",
            "expires_at": "2037-01-01T00:00:00Z",
        }));
    let answer = sent.send().await.unwrap().error_for_status().unwrap();
    let mut key: Value = answer.json().await.unwrap();
    key["id"] = key["access_key"].clone();
    key
}

/// Terraform wants the provider of everything in its state, though it asks it nothing about what is moved: any
/// will do.
fn stand_in(world: &World) {
    let folder = world.path("scaleway");
    std::fs::create_dir(&folder).unwrap();
    let provider = env!("CARGO_BIN_EXE_terraform-provider-tokenwright");
    std::os::unix::fs::symlink(provider, folder.join("terraform-provider-scaleway")).unwrap();
    let rc = std::fs::read_to_string(world.path("terraformrc")).unwrap();
    let more = format!("dev_overrides {{\n    \"scaleway/scaleway\" = {folder:?}");
    std::fs::write(
        world.path("terraformrc"),
        rc.replace("dev_overrides {", &more),
    )
    .unwrap();
}

/// The state file of a run that had only the other provider.
fn state_of(world: &World, of: &str, attributes: &Value) {
    states_of(world, &[(of, "ci".to_owned(), attributes)]);
}

/// The same of resources with these types, names and attributes.
fn states_of(world: &World, all: &[(&str, String, &Value)]) {
    let provider = format!(
        "provider[\"registry.terraform.io/{}\"]",
        "scaleway/scaleway"
    );
    let resource = |(of, name, attributes): &(&str, String, &Value)| {
        json!({
            "mode": "managed",
            "type": of,
            "name": name,
            "provider": provider,
            "instances": [{ "schema_version": 0, "attributes": attributes }],
        })
    };
    let resources: Vec<_> = all.iter().map(resource).collect();
    let state = json!({
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "3f0d9a1c-5d0e-4c0c-9a77-0d3b0a1f7a11",
        "outputs": {},
        "resources": resources,
    });
    std::fs::write(world.path("terraform.tfstate"), state.to_string()).unwrap();
}

fn configure(world: &World, of: &str, resource: &str) {
    world.configure(resource);
    let written = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let moved = format!("moved {{\n  from = {of}.ci\n  to = tokenwright_api_token.ci\n}}\n");
    std::fs::write(world.path("main.tf"), format!("{written}{moved}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_scaleways_own_provider_comes_over_with_its_value_and_is_rotated_away() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    let key = key_of_another_provider(&world).await;
    state_of(&world, "scaleway_iam_api_key", &key);
    stand_in(&world);
    let wants = |more: &str| {
        configure(
            &world,
            "scaleway_iam_api_key",
            &format!(
                "  name = \"deploy\"\n  expires_at = \"2037-01-01T00:00:00Z\"\n  parameters = {{ application_id = {application:?} }}\n{more}"
            ),
        );
    };
    wants("");
    let (actions, ran) = world.plan().await;
    assert_eq!(actions, "no-op", "{}", ran.text);
    ran.warns(&["carries no marker", "first rotation"]);
    world.apply().await;
    let moved = world.state().await;
    assert_eq!(moved["value"], key["secret_key"]);
    assert_eq!(moved["token_id"], key["access_key"]);
    assert_eq!(moved["public_parts"]["access_key"], key["access_key"]);
    assert_eq!(world.count(What::Mint), 1);

    wants("  rotation = { triggers = { a = \"1\" }, overlap = \"1d\" }");
    world.apply().await;
    let rotated = world.state().await;
    assert_eq!(rotated["revision"], 2);
    assert_eq!(rotated["retiring"][0]["token_id"], key["access_key"]);
    assert!(world.works(&rotated["value"]).await && world.works(&key["secret_key"]).await);

    // Nothing proves that the old one is ours: a destroy ends the new one, and leaves the old to a person.
    let destroy = ["destroy", "-auto-approve", "-json"];
    let ran = world.run(&destroy).await.failed();
    ran.says(&[key["access_key"].as_str().unwrap(), "then destroy again"]);
    assert!(!world.works(&rotated["value"]).await);
    assert!(world.works(&key["secret_key"]).await);
    world.deleted(key["access_key"].as_str().unwrap()).await;
    world.run(&destroy).await.succeeded();
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_key_that_a_person_gives_the_name_of_its_marker_is_ours_and_ends_with_its_resource()
{
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    let key = key_of_another_provider(&world).await;
    state_of(&world, "scaleway_iam_api_key", &key);
    stand_in(&world);
    configure(
        &world,
        "scaleway_iam_api_key",
        &format!(
            "  name = \"deploy\"\n  expires_at = \"2037-01-01T00:00:00Z\"\n  parameters = {{ application_id = {application:?} }}\n"
        ),
    );
    world.apply().await;
    let name = world.state().await["remote_name"].clone();
    let ran = world.plans_nothing().await;
    ran.warns(&["carries another name", name.as_str().unwrap()]);

    let id = key["access_key"].as_str().unwrap();
    let sent = client()
        .patch(format!(
            "{}/iam/v1alpha1/api-keys/{id}",
            world.played.endpoint
        ))
        .header("X-Auth-Token", &world.played.credential)
        .json(&json!({ "description": name }));
    sent.send().await.unwrap().error_for_status().unwrap();
    world.apply().await;
    let said = world.plans_nothing().await.said("warning");
    assert!(!said.contains("carries another name"), "{said}");
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_grafanas_provider_rotates_comes_over_with_its_schedule_and_nothing_changes() {
    let world = World::of(SystemName::Grafana, 86_400.0, "").await;
    let account = world.played.parameter("service_account_id").unwrap();
    let tokens = format!(
        "{}/api/serviceaccounts/{account}/tokens",
        world.played.endpoint
    );
    let credential = &world.played.credential;
    let made = client()
        .post(&tokens)
        .json(&json!({ "name": "ci-1", "secondsToLive": 7_776_000 }));
    let made = made.bearer_auth(credential).send().await.unwrap();
    let made: Value = made.error_for_status().unwrap().json().await.unwrap();
    let listed = client().get(&tokens).bearer_auth(credential);
    let listed: Value = listed.send().await.unwrap().json().await.unwrap();
    let mut listed = listed.as_array().unwrap().iter();
    let shown = listed.find(|one| one["id"] == made["id"]).unwrap();
    let kind = "grafana_service_account_rotating_token";
    let state = json!({
        "id": made["id"].to_string(), "key": made["key"], "name": "ci-1", "name_prefix": "ci",
        "service_account_id": format!("1:{account}"), "expiration": shown["expiration"],
        "seconds_to_live": 7_776_000, "early_rotation_window_seconds": 604_800,
    });
    state_of(&world, kind, &state);
    stand_in(&world);
    let ours = format!(
        "  name = \"ci\"\n  lifetime = \"90d\"\n  rotation = {{ renew_before = \"7d\" }}\n  parameters = {{ service_account_id = {account:?} }}\n"
    );
    configure(&world, kind, &ours);
    let (actions, ran) = world.plan().await;
    assert_eq!(actions, "no-op", "{}", ran.text);
    world.apply().await;
    assert_eq!(world.state().await["value"], made["key"]);
    world.plans_nothing().await;
    assert_eq!(world.count(What::Mint), 1);
}

/// A resource that takes over one of another type, with an issuer of its own.
fn comes_over(name: &str, of: &str, (profile, endpoint): (&str, &str), wanted: &str) -> String {
    format!(
        r#"
provider "tokenwright" {{
  alias   = "{name}"
  issuers = {{ only = {{ profile = "{profile}", endpoint = "{endpoint}", credential = "x" }} }}
}}
moved {{
  from = {of}.{name}
  to   = tokenwright_api_token.{name}
}}
resource "tokenwright_api_token" "{name}" {{
  provider = tokenwright.{name}
  name     = "ci"
  {wanted}
}}
"#
    )
}

/// Whose tokens another provider's resource has.
fn profile_of(of: &str) -> &'static str {
    let begins = |(word, _): &&(&str, _)| of.starts_with(word);
    let all = [
        ("scaleway_", "scaleway"),
        ("terrakube_", "terrakube-team"),
        ("gitlab_project_", "gitlab-project"),
        ("gitlab_group_access_", "gitlab-group"),
        ("gitlab_", "gitlab-personal"),
        ("grafana_cloud_access_policy_", "grafana-cloud"),
        ("grafana_", "grafana"),
    ];
    all.iter().find(begins).unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_comes_over_on_a_core_and_nothing_is_planned_before_its_issuer_was_asked() {
    let world = World::new(86_400.0, "").await;
    let mut all = resting();
    let with_parameters = |(of, state): (&'static str, Value)| {
        let resting = of.replace("_rotating", "");
        let found = all
            .iter()
            .find(|(other, ..)| resting == *other && resting != of)?;
        Some((of, state, "3", found.3.clone()))
    };
    let rotating: Vec<_> = rotating().into_iter().filter_map(with_parameters).collect();
    all.extend(rotating);
    assert_eq!(all.len(), 12);
    let mut text = String::new();
    let mut states = Vec::new();
    for (number, (of, state, _, parameters)) in all.iter().enumerate() {
        let (profile, name) = (profile_of(of), format!("t{number}"));
        let scopes = match of.starts_with("gitlab_") {
            true => "scopes = [\"api\"]",
            false => "",
        };
        let wanted = format!("lifetime = \"90d\"\n  parameters = {parameters}\n  {scopes}");
        // Nobody is asked, so that none of them is there.
        let issuer = (profile, "http://127.0.0.1:9/api");
        text.push_str(&comes_over(&name, of, issuer, &wanted));
        states.push((*of, name, state));
    }
    states_of(&world, &states);
    stand_in(&world);
    world.write(&text);
    let ran = world
        .run(&["plan", "-refresh=false", "-json"])
        .await
        .failed();
    let (errors, warnings) = (ran.said("error"), ran.said("warning"));
    for (of, _, id, _) in &all {
        assert!(
            warnings.contains(&format!("It was made by {of}, ")),
            "{of}: {warnings}"
        );
        assert!(
            errors.contains(&format!("Token {id} (\"ci tw1-")),
            "{of}: {errors}"
        );
    }
    assert_eq!(
        errors.matches(" was never refreshed: ").count(),
        all.len(),
        "{errors}"
    );
}
