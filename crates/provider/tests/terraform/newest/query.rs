//! What a query lists comes under resources with what it writes, and nothing follows.

use serde_json::Value;
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use super::{example, new_terraform, planned, world};
use crate::support::{CI, Ran, World};

/// Three tokens of all kinds that an import can tell apart.
const MORE: &str = r#"
}
resource "tokenwright_api_token" "deploy" {
  name     = "deploy"
  scopes   = ["models:read"]
  lifetime = "never"
  enabled  = false
}
resource "tokenwright_api_token" "nightly" {
  name     = "ci nightly"
  scopes   = ["models:read", "models:write"]
  lifetime = "400d"
"#;

/// Asks, as the example does, for what these filters let pass.
async fn query(world: &World, filters: &str, more: &[&str]) -> Ran {
    let list = example("list-resources/tokenwright_api_token/list-resource.tfquery.hcl");
    let list = list.replace("name_prefix = \"ci\"", filters);
    std::fs::write(world.path("tokens.tfquery.hcl"), list).unwrap();
    world.run(&[&["query", "-json"], more].concat()).await
}

/// What a query showed, by the names that people read.
fn found(ran: &Ran) -> Vec<(&str, &Value)> {
    let found = ran.lines.iter().map(|line| &line["list_resource_found"]);
    let told = found.filter(|found| found.is_object());
    let mut told: Vec<_> = told
        .map(|found| (found["display_name"].as_str().unwrap(), found))
        .collect();
    told.sort_by_key(|(name, _)| *name);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_query_finds_is_imported_with_what_it_writes_and_the_next_plan_is_empty() {
    let world = world().await;
    world.configure(&format!("{CI}{MORE}"));
    world.apply().await;
    // Nobody manages it: it is no resource of ours.
    let by_hand = world.made_by_api().await;

    for (filters, names) in [
        (
            "name_prefix = \"ci\"",
            ["ci (revision 1)", "ci nightly (revision 1)"].as_slice(),
        ),
        ("enabled = false", &["deploy (revision 1)"]),
        ("expires_within = \"31d\"", &["ci (revision 1)"]),
        ("ours = false", &[]),
    ] {
        let ran = query(&world, filters, &[]).await.succeeded();
        let told: Vec<_> = found(&ran).iter().map(|(name, _)| *name).collect();
        assert_eq!(told, names, "{filters}: {}", ran.text);
    }
    let wrong = query(&world, "expires_within = \"soon\"", &[]).await;
    wrong.failed().says(&["expires_within is no duration"]);

    // Another state, another folder: nothing but the issuer knows of them.
    std::fs::remove_file(world.path("terraform.tfstate")).unwrap();
    world.configure("");
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let (provider, _) = text.split_once("resource ").unwrap();
    std::fs::write(world.path("main.tf"), provider).unwrap();
    let ran = query(&world, "", &["-generate-config-out=found.tf"]).await;
    let ran = ran.succeeded();
    let all = found(&ran);
    assert_eq!(all.len(), 3, "{}", ran.text);
    assert_eq!(all[2].1["resource_object"]["status"], "disabled");
    std::fs::remove_file(world.path("tokens.tfquery.hcl")).unwrap();

    let plan = ["plan", "-json", "-out=plan"];
    world.run(&plan).await.succeeded();
    let planned = planned(&world).await;
    assert_eq!(planned.len(), 3, "{planned:?}");
    assert!(
        planned.values().all(|of| of == "no-op+import"),
        "{planned:?}"
    );
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    world.plans_nothing().await;
    let written = std::fs::read_to_string(world.path("found.tf")).unwrap();
    for word in ["\"30d\"", "\"never\"", "\"400d\"", "\"models:write\""] {
        assert!(written.contains(word), "{written}");
    }
    // Ours, and the one by hand.
    assert_eq!(world.count(What::Mint), 4);
    assert_eq!(world.count(What::Update), 0);
    world.destroy().await;
    let left: Vec<_> = world
        .lives()
        .into_iter()
        .filter(|life| life.ended_at.is_none())
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].id, by_hand);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_writes_a_fixed_end_as_a_person_would() {
    let mut world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    world.core = new_terraform();
    let application = world.played.parameter("application_id").unwrap();
    let needs = format!("parameters = {{ application_id = {application:?} }}");
    let end = "expires_at = \"2037-01-31T00:00:00Z\"";
    world.configure(&format!("  name = \"ci\"\n  {end}\n  {needs}"));
    world.apply().await;
    std::fs::remove_file(world.path("terraform.tfstate")).unwrap();
    world.configure("");
    let text = std::fs::read_to_string(world.path("main.tf")).unwrap();
    let (provider, _) = text.split_once("resource ").unwrap();
    std::fs::write(world.path("main.tf"), provider).unwrap();
    query(&world, &needs, &["-generate-config-out=found.tf"])
        .await
        .succeeded();
    std::fs::remove_file(world.path("tokens.tfquery.hcl")).unwrap();
    let written = std::fs::read_to_string(world.path("found.tf")).unwrap();
    let words: Vec<_> = written.split_whitespace().collect();
    assert!(words.join(" ").contains(end), "{written}");
    world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
    let planned = planned(&world).await;
    assert!(planned.values().eq(["no-op+import"]), "{planned:?}");
}
