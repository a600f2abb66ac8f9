//! What is not known yet: variables at validate, other resources' attributes at plan.

use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_not_known_yet_are_judged_when_they_are() {
    let world = World::new(86_400.0, "").await;
    let configure = |lifetime: &str| {
        world.write(&format!(
            r#"
variable "timeout" {{ default = "2s" }}
variable "tokens" {{ default = {{ a = {{ l = {lifetime:?}, scopes = ["models:read"] }} }} }}
variable "before" {{ default = "14d" }}
resource "terraform_data" "known_later" {{ input = {lifetime:?} }}
provider "tokenwright" {{
  issuers = {{ vendor = {{ profile = "seeme", endpoint = {:?}, request_timeout = var.timeout }} }}
}}
resource "tokenwright_api_token" "of_a_variable" {{
  for_each = var.tokens
  name     = each.key
  scopes   = each.value.scopes
  lifetime = each.value.l
  rotation = {{ renew_before = var.before, overlap = "70d" }}
}}
resource "tokenwright_api_token" "of_a_resource" {{
  name     = "b"
  scopes   = ["models:read"]
  lifetime = terraform_data.known_later.output
  rotation = {{ renew_before = var.before, overlap = "70d" }}
}}
"#,
            world.played.endpoint
        ));
    };
    configure("90d");
    world.run(&["validate"]).await.succeeded();
    world.run(&["plan", "-json"]).await.succeeded();
    world.apply().await;
    assert_eq!(world.count(What::Mint), 2);
    world.destroy().await;
    world.nothing_lives();

    // Once it is known, it is judged.
    configure("80d");
    world.run(&["validate"]).await.succeeded();
    let ran = world.try_apply().await.failed();
    ran.says(&["rotation.overlap must not be longer than the lifetime less renew_before"]);
    assert_eq!(world.count(What::Mint), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_which_nothing_is_known_at_plan_lives_rests_and_rotates() {
    let world = World::new(86_400.0, "").await;
    let configure = |round: u32, trigger: u32| {
        world.write(&format!(
            r#"
resource "terraform_data" "given" {{
  input = {{
    round = {round}, trigger = "{trigger}", manager = "test", name = "ci", profile = "seeme", endpoint = {:?}, credential = {:?}
    timeout = "2s", scope = "models:read", lifetime = "90d", before = "14d", every = "60d", overlap = "1d"
    enabled = true, loss = "remint", destroy = "revoke", value = "keep", output = "state"
  }}
}}
locals {{ given = terraform_data.given.output }}
provider "tokenwright" {{
  manager = local.given.manager
  issuers = {{ vendor = {{
    profile = local.given.profile, endpoint = local.given.endpoint, credential = local.given.credential
    request_timeout = local.given.timeout
  }} }}
}}
resource "tokenwright_api_token" "ci" {{
  name     = local.given.name
  scopes   = [local.given.scope]
  lifetime = local.given.lifetime
  rotation = {{
    renew_before = local.given.before
    every        = local.given.every
    overlap      = local.given.overlap
    triggers     = {{ a = local.given.trigger }}
  }}
  enabled          = local.given.enabled
  on_loss          = local.given.loss
  on_destroy       = local.given.destroy
  on_missing_value = local.given.value
  secret_output    = local.given.output
  timeouts         = {{ create = local.given.timeout == "2s" ? "1m" : "2m" }}
}}
resource "terraform_data" "consumer" {{
  triggers_replace = tokenwright_api_token.ci.value_version
  provisioner "local-exec" {{
    command     = "printf %s \"$VALUE\" > held"
    environment = {{ VALUE = tokenwright_api_token.ci.value }}
  }}
}}
"#,
            world.played.endpoint, world.played.credential
        ));
    };
    let held = || std::fs::read_to_string(world.path("held")).unwrap();
    let mut values = Vec::new();
    // In the second round nothing that matters turns out to be another.
    for (round, trigger) in [(1, 1), (2, 1), (3, 2)] {
        configure(round, trigger);
        world.run(&["validate"]).await.succeeded();
        world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
        let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
        let shown: serde_json::Value = serde_json::from_str(&shown.text).unwrap();
        let changes = shown["resource_changes"].as_array().unwrap();
        let token = changes
            .iter()
            .find(|of| of["address"] == "tokenwright_api_token.ci");
        let change = &token.unwrap()["change"];
        let action = match round {
            1 => "create",
            _ => "update",
        };
        assert_eq!(change["actions"], serde_json::json!([action]));
        for open in ["name", "lifetime", "enabled", "on_destroy", "value"] {
            assert_eq!(change["after_unknown"][open], true, "{open}: {change}");
        }
        world.run(&["apply", "-json", "plan"]).await.succeeded();
        world.plans_nothing().await;
        assert!(world.works(&held().into()).await);
        values.push(held());
    }
    assert_eq!(values[0], values[1]);
    assert_ne!(values[1], values[2]);
    assert_eq!(world.count(What::Mint), 2);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_recipients_and_parameters_may_be_known_only_once_they_are_applied() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    let recipient = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
    let end = "2098-01-31T00:00:00Z";
    world.configure(&format!(
        r#"
  name          = "ci"
  expires_at    = terraform_data.given.output.end
  secret_output = "encrypted"
  recipients    = [terraform_data.given.output.recipient]
  parameters    = {{ application_id = terraform_data.given.output.application }}
}}
resource "terraform_data" "given" {{
  input = {{ end = {end:?}, recipient = {recipient:?}, application = {application:?} }}
"#
    ));
    world.run(&["validate"]).await.succeeded();
    world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: serde_json::Value = serde_json::from_str(&shown.text).unwrap();
    let changes = shown["resource_changes"].as_array().unwrap();
    let token = |of: &&serde_json::Value| of["address"] == "tokenwright_api_token.ci";
    let unknown = &changes.iter().find(token).unwrap()["change"]["after_unknown"];
    assert_eq!(unknown["expires_at"], true, "{unknown}");
    assert_eq!(unknown["recipients"], serde_json::json!([true]));
    assert_eq!(unknown["parameters"]["application_id"], true, "{unknown}");
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    world.plans_nothing().await;
    let state = world.state().await;
    assert_eq!(state["expires_at"], end);
    assert_eq!(state["parameters"]["application_id"], *application);
    let encrypted = state["encrypted_value"].as_str().unwrap();
    assert!(encrypted.starts_with("-----BEGIN AGE"), "{encrypted}");
    assert_eq!(world.count(What::Mint), 1);
    world.destroy().await;
    world.nothing_lives();
}
