//! What `tokenwright migrate` writes, read by the program that it is for.

use std::fs;
use std::process::Command;

use tokenwright_testbed::tools::{product_binary, terraform};

use super::packed::run;

const STATE: &str = r#"{ "version": 4, "resources": [
  { "mode": "managed", "type": "scaleway_iam_api_key", "name": "ci", "instances": [
    { "index_key": "a", "attributes": { "description": "a \"b\" ${c}", "application_id": "7f3c", "secret_key": "s" } },
    { "index_key": "b", "attributes": { "application_id": "7f3d", "user_id": null } } ] },
  { "mode": "managed", "type": "tailscale_tailnet_key", "name": "3d", "instances": [
    { "attributes": { "description": "printer", "tags": ["tag:ci"], "reusable": true } } ] },
  { "mode": "managed", "type": "datadog_api_key", "name": "agent", "instances": [
    { "attributes": { "name": "agent" } } ] },
  { "mode": "managed", "type": "tfe_team_token", "name": "team", "instances": [
    { "attributes": { "team_id": "team-1" } } ] },
  { "mode": "managed", "type": "newrelic_api_access_key", "name": "logs", "instances": [
    { "attributes": { "key_type": "INGEST", "account_id": 7, "ingest_type": "LICENSE" } } ] },
  { "mode": "managed", "type": "okta_app_oauth", "name": "app", "instances": [
    { "attributes": { "id": "0oa1", "label": "app", "token_endpoint_auth_method": "client_secret_basic" } } ] } ] }"#;

#[test]
fn terraform_takes_what_is_written_in_the_place_of_other_resources() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("terraform.json");
    fs::write(&state, STATE).unwrap();
    let tokenwright = product_binary("tokenwright").unwrap();
    let text = run(Command::new(tokenwright).arg("migrate").arg(&state));
    assert_eq!(text.matches("\nresource ").count(), 7, "{text}");
    // Beside a configuration with its own list of providers, which takes the line that the text tells.
    let line = "tokenwright = { source = \"tokenwright/tokenwright\" }";
    assert!(text.contains(line), "{text}");
    let theirs = format!("terraform {{\n  required_providers {{\n    {line}\n  }}\n}}\n");
    fs::write(folder.path().join("main.tf"), theirs).unwrap();
    fs::write(folder.path().join("moved.tf"), &text).unwrap();

    let provider = product_binary("terraform-provider-tokenwright").unwrap();
    let rc = folder.path().join("terraform.rc");
    let beside = provider.parent().unwrap();
    fs::write(
        &rc,
        format!("provider_installation {{\n  dev_overrides {{\n    \"tokenwright/tokenwright\" = {beside:?}\n  }}\n}}\n"),
    )
    .unwrap();
    let terraform = terraform().unwrap();
    let call = |arguments: &[&str]| {
        let mut command = Command::new(&terraform);
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("TF_CLI_CONFIG_FILE", &rc)
            .env("CHECKPOINT_DISABLE", "1");
        run(&mut command)
    };
    call(&["fmt", "-check", "-diff", "moved.tf"]);
    call(&["validate", "-no-color"]);
}
