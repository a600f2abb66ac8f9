//! What people declare beside a token: that it is forgotten, kept, targeted, given to another alias or manager,
//! imported with other wishes; and a successor whose former is left behind.

use std::collections::BTreeMap;

use serde_json::json;
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, Ran, World};

const ADDRESS: &str = "tokenwright_api_token.ci";
const REFRESH_ALONE: [&str; 4] = ["plan", "-refresh-only", "-detailed-exitcode", "-json"];

fn trigger(n: u32, more: &str) -> String {
    format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}\n{more}")
}

async fn rests(world: &World) {
    let ran = world.run(&REFRESH_ALONE).await;
    assert_eq!(ran.code, 0, "{}", ran.text);
    world.plans_nothing().await;
}

/// The provider's block as `configure` writes it, and this after it.
fn beside(world: &World, rest: &str) {
    world.configure("");
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let (provider, _) = text.split_once("resource ").unwrap();
    std::fs::write(world.path("main.tf"), format!("{provider}{rest}")).unwrap();
}

async fn applied(world: &World, more: &[&str]) -> Ran {
    let apply = ["apply", "-auto-approve", "-json"];
    world.run(&[&apply, more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_without_a_destroy_lives_on_and_is_imported_again() {
    let retirement = "}\nresource \"tokenwright_retirement\" \"ci\" {\n  token_id = tokenwright_api_token.ci.token_id\n";
    let world = World::new(86_400.0, &format!("{CI}{retirement}")).await;
    world.apply().await;
    let before = world.state().await;
    let removed = |what: &str| {
        format!("removed {{\n  from = {what}.ci\n  lifecycle {{\n    destroy = false\n  }}\n}}\n")
    };
    let both = ["tokenwright_api_token", "tokenwright_retirement"].map(removed);
    beside(&world, &both.concat());
    let ran = world.apply().await;
    assert!(world.named().is_empty(), "{}", ran.text);
    assert_eq!(world.count(What::Revoke), 0);
    assert!(world.works(&before["value"]).await);
    rests(&world).await;

    let id = json!({ "token_id": before["token_id"], "value_version": before["value_version"] });
    let import = format!("import {{\n  to = {ADDRESS}\n  id = {:?}\n", id.to_string());
    world.configure(&format!("{CI}{retirement}}}\n{import}"));
    world.apply().await;
    rests(&world).await;
    assert_eq!(world.state().await["token_id"], before["token_id"]);
    assert_eq!(world.count(What::Mint), 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_destroyed_is_rotated_and_neither_replaced_nor_destroyed() {
    let kept = "  lifecycle {\n    prevent_destroy = true\n  }";
    let world = World::new(86_400.0, &trigger(1, kept)).await;
    world.apply().await;
    world.configure(&trigger(2, kept));
    world.apply().await;
    let state = world.state().await;
    assert_eq!(state["revision"], 2);
    let replace = format!("-replace={ADDRESS}");
    for ran in [
        applied(&world, &[&replace]).await,
        applied(&world, &["-destroy"]).await,
    ] {
        let ran = ran.failed();
        assert!(ran.text.contains("prevent_destroy"), "{}", ran.text);
    }
    assert_eq!(world.count(What::Revoke), 0);
    assert!(world.works(&state["value"]).await);
    rests(&world).await;
    world.configure(&trigger(2, ""));
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_token_that_its_replacement_could_not_end_ends_with_the_next_apply() {
    let first = "  lifecycle {\n    create_before_destroy = true\n  }";
    let world = World::new(86_400.0, &format!("{CI}{first}")).await;
    world.apply().await;
    let former = world.state().await;
    world.fault(json!({ "operation": "revoke" }), json!({ "status": 403 }));
    for _ in 0..2 {
        let replace = format!("-replace={ADDRESS}");
        let ran = applied(&world, &[&replace]).await.failed();
        ran.says(&["was not revoked"]);
    }
    assert!(world.works(&former["value"]).await);
    assert_eq!(world.summary().live, 3, "each replacement is kept");
    world.sandbox.faults().clear();
    let current = world.state().await;
    let ran = world.run(&["plan", "-json"]).await.succeeded();
    assert!(
        !ran.said("warning").contains("other tokens"),
        "{}",
        ran.text
    );
    world.apply().await;
    assert_eq!(world.summary().live, 1, "{:#?}", world.lives());
    assert!(world.works(&current["value"]).await);
    rests(&world).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_of_one_instance_leaves_the_others_to_the_next_apply_and_a_moved_key_moves_its_token()
 {
    let world = World::new(86_400.0, CI).await;
    let configure = |keys: &str, trigger: u32, more: &str| {
        beside(
            &world,
            &format!(
                "resource \"tokenwright_api_token\" \"ci\" {{\n  for_each = toset([{keys}])\n  name     = each.key\n  scopes   = [\"models:read\"]\n  lifetime = \"30d\"\n\
                 rotation = {{ triggers = {{ a = \"{trigger}\" }} }}\n}}\n{more}"
            ),
        );
    };
    let revisions = || {
        let tokens = world.tokens().into_iter();
        let of = tokens.map(|(address, token)| (address, token["revision"].as_i64().unwrap()));
        of.collect::<BTreeMap<_, _>>()
            .into_values()
            .collect::<Vec<_>>()
    };
    configure("\"a\", \"b\", \"c\"", 1, "");
    world.apply().await;
    configure("\"a\", \"b\", \"c\"", 2, "");
    applied(&world, &["-target=tokenwright_api_token.ci[\"b\"]"])
        .await
        .succeeded();
    assert_eq!(revisions(), [1, 2, 1]);
    let (_, ran) = world.plan().await;
    assert_eq!(ran.planned().len(), 2, "{:?}", ran.planned());
    world.apply().await;
    assert_eq!(revisions(), [2, 2, 2]);
    rests(&world).await;

    // One goes, and one gets another key while it is rotated: the name follows the key.
    let moved = format!("moved {{\n  from = {ADDRESS}[\"c\"]\n  to   = {ADDRESS}[\"d\"]\n}}\n");
    configure("\"b\", \"d\"", 3, &moved);
    let (_, ran) = world.plan().await;
    let planned: Vec<_> = ran.planned().into_values().collect();
    assert_eq!(planned, ["delete", "update", "update"], "{}", ran.text);
    world.apply().await;
    assert_eq!(revisions(), [3, 3]);
    rests(&world).await;
    world.destroy().await;
    assert_eq!(world.count(What::Mint), 8);
    world.nothing_lives();
}

/// The provider twice, by these managers, and the resource under one of them.
fn aliased(world: &World, managers: [&str; 2], which: &str, resource: &str) {
    let provider = |manager: &str, alias: &str| {
        format!(
            "provider \"tokenwright\" {{\n  {alias}\n  manager = {manager:?}\n  issuers = {{\n    vendor = {{\n      profile = \"seeme\"\n      {}\n    }}\n  }}\n}}\n",
            world.issuer
        )
    };
    world.write(&format!(
        "{}{}resource \"tokenwright_api_token\" \"ci\" {{\n  provider = {which}\n{resource}\n}}\n",
        provider(managers[0], ""),
        provider(managers[1], "alias = \"second\""),
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_alias_or_manager_changes_no_token_and_forgets_none() {
    let world = World::new(86_400.0, CI).await;
    aliased(&world, ["test", "test"], "tokenwright", &trigger(1, ""));
    world.apply().await;
    aliased(
        &world,
        ["test", "test"],
        "tokenwright.second",
        &trigger(1, ""),
    );
    rests(&world).await;
    world.apply().await;
    for (manager, n) in [("other", 2), ("third", 3)] {
        aliased(
            &world,
            ["test", manager],
            "tokenwright.second",
            &trigger(n - 1, ""),
        );
        rests(&world).await;
        let before = world.state().await;
        aliased(
            &world,
            ["test", manager],
            "tokenwright.second",
            &trigger(n, ""),
        );
        world.apply().await;
        let after = world.state().await;
        assert_eq!(after["revision"], n);
        assert_eq!(after["retiring"][0]["token_id"], before["token_id"]);
        rests(&world).await;
    }
    assert_eq!(world.count(What::Mint), 3);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_core_writes_of_an_import_block_is_imported_once_it_has_one_end_and_nothing_follows()
{
    let world = World::new(86_400.0, &trigger(1, "")).await;
    world.apply().await;
    let before = world.state().await;
    std::fs::remove_file(world.path("terraform.tfstate")).unwrap();
    let id = before["token_id"].as_str().unwrap();
    beside(
        &world,
        &format!("import {{\n  to = {ADDRESS}\n  id = {id:?}\n}}\n"),
    );
    let written = world.path("written.tf");
    let plan = ["plan", "-json", "-generate-config-out=written.tf"];
    // It writes all that a person may write, and a person takes the one or the other end away.
    let ran = world.run(&plan).await.failed();
    ran.says(&["expires_at stands beside lifetime"]);
    let text = std::fs::read_to_string(&written).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("expires_at"))
        .collect();
    std::fs::write(&written, lines.join("\n")).unwrap();
    let (action, ran) = world.plan().await;
    assert_eq!(action, "no-op", "{}", ran.text);
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    rests(&world).await;
    let after = world.state().await;
    for name in ["token_id", "lifetime", "scopes", "name", "expires_at"] {
        assert_eq!(after[name], before[name], "{name}: {text}");
    }
    assert_eq!(world.count(What::Mint), 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_block_beside_other_wishes_imports_and_rotates_in_one_apply() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    std::fs::remove_file(world.path("terraform.tfstate")).unwrap();
    let id = before["token_id"].as_str().unwrap();
    let wider = CI.replace("\"models:read\"", "\"models:read\", \"models:write\"");
    world.configure(&format!(
        "{wider}}}\nimport {{\n  to = {ADDRESS}\n  id = {id:?}\n"
    ));
    let (action, _) = world.plan().await;
    assert_eq!(action, "update");
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    let after = world.state().await;
    assert_eq!(after["revision"], 2);
    assert_eq!(after["retiring"][0]["token_id"], before["token_id"]);
    assert!(world.works(&after["value"]).await && world.works(&before["value"]).await);
    rests(&world).await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_of_all_else_may_be_known_only_once_they_are_applied() {
    let world = World::new(86_400.0, CI).await;
    world.configure(&format!(
        r#"{CI}
}}
resource "terraform_data" "given" {{
  input = {{ id = tokenwright_api_token.ci.token_id, name = "run", scope = "models:read", lifetime = "1d", version = 1, end = "2099-01-01T00:00:00Z", time = "2m", within = "60d" }}
}}
locals {{ given = terraform_data.given.output }}
resource "tokenwright_retirement" "ci" {{
  token_id = local.given.id
}}
ephemeral "tokenwright_api_token" "run" {{
  name     = local.given.name
  scopes   = [local.given.scope]
  lifetime = local.given.lifetime
}}
resource "terraform_data" "user" {{
  provisioner "local-exec" {{
    command     = "test -n \"$VALUE\""
    environment = {{ VALUE = ephemeral.tokenwright_api_token.run.value }}
  }}
}}
resource "tokenwright_adopted_token" "seen" {{
  name             = local.given.name
  expires_at       = local.given.end
  warn_before      = local.given.within
  value_wo         = tokenwright_api_token.ci.value
  value_wo_version = local.given.version
}}
data "tokenwright_api_token" "ci" {{
  token_id = local.given.id
}}
data "tokenwright_api_tokens" "all" {{
  name_prefix    = local.given.name
  expires_within = local.given.within
}}
output "seen" {{
  value = data.tokenwright_api_token.ci.name
"#
    ));
    world.run(&["validate"]).await.succeeded();
    world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
    assert_eq!(world.summary().live, 0, "nothing is opened in vain");
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    assert_eq!(world.summary().live, 1);
    rests(&world).await;
    world.destroy().await;
    world.nothing_lives();
}

/// A rotation and a destroy in which this operation is answered by a page, and then without it.
async fn behind_a_page(operation: &str, effect: &serde_json::Value) {
    let what = format!("{operation} {effect}");
    let world = World::new(86_400.0, &trigger(1, "")).await;
    world.apply().await;
    let first = world.state().await;
    world.configure(&trigger(2, "  timeouts = { update = \"5s\" }"));
    world.fault(json!({ "operation": operation }), effect.clone());
    let ran = world.try_apply().await;
    match operation {
        "list" | "mint" => drop(ran.failed()),
        "revoke" | "other" => drop(ran.succeeded()),
        _ => {}
    }
    assert!(world.works(&first["value"]).await, "{what}");
    let ran = applied(&world, &["-destroy"]).await;
    let left = world.summary().live;
    assert!(ran.code != 0 || left == 0, "{what}: {left} {}", ran.text);
    world.sandbox.faults().clear();
    // What ended behind the page is missed once a listing must show it: the destroy waits for that.
    if operation != "revoke" {
        world.apply().await;
        rests(&world).await;
        assert!(world.works(&world.state().await["value"]).await, "{what}");
    }
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_html_in_place_of_any_answer_loses_no_token_and_is_no_proof() {
    // What takes effect behind the page, and what does not.
    let [done, not_done] = [
        json!({ "html": true }),
        json!({ "html": true, "status": 200 }),
    ];
    for effect in [&done, &not_done] {
        tokio::join!(
            behind_a_page("list", effect),
            behind_a_page("mint", effect),
            behind_a_page("check", effect),
            behind_a_page("revoke", effect),
            behind_a_page("other", effect),
        );
    }
}
