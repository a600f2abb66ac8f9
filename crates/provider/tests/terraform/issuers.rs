//! Several issuers, profiles of one's own, and configurations that are not known yet.

use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_ones_own_and_several_issuers_work() {
    let world = World::new(86_400.0, CI).await;
    let (profile, _) = tokenwright_client::profile::builtin_files("seeme").unwrap();
    std::fs::write(
        world.path("hub.yaml"),
        profile.replace("profile: seeme", "profile: hub"),
    )
    .unwrap();
    let provider = format!(
        "provider \"tokenwright\" {{\n issuers = {{\n  vendor = {{ profile = \"seeme\", endpoint = {0:?}, credential_parts = {{ key = {1:?} }} }}\n\
           hub = {{ profile = file(\"hub.yaml\"), endpoint = {0:?}, credential = {1:?} }}\n }}\n}}\n",
        world.played.endpoint,
        // With the line end that `file()` leaves behind it.
        format!("{}\n", world.played.credential)
    );
    let resources = "resource \"tokenwright_api_token\" \"a\" {\n issuer = \"vendor\"\n name = \"a\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n}\n\
        resource \"tokenwright_api_token\" \"b\" {\n issuer = \"hub\"\n name = \"b\"\n scopes = [\"models:read\"]\n lifetime = \"never\"\n}\n";
    world.write(&format!("{provider}{resources}"));
    world.apply().await;
    assert_eq!(world.summary().live, 2);

    // Another issuer is another token: the resource is replaced.
    world.write(&format!(
        "{provider}{}",
        resources.replace("issuer = \"hub\"", "issuer = \"vendor\"")
    ));
    world.apply().await;
    assert_eq!(world.summary().live, 2);
    assert_eq!(world.summary().minted, 3);

    world.write(&format!(
        "{provider}{}",
        resources.replace("issuer = \"vendor\"\n name = \"a\"", "name = \"a\"")
    ));
    world
        .run(&["plan", "-json"])
        .await
        .failed()
        .says(&["issuer is missing", "hub, vendor"]);
    world.write(&provider);
    world.apply().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_and_credentials_may_come_from_what_is_yet_to_be_applied() {
    let world = World::new(86_400.0, CI).await;
    let config = |scope: &str| {
        format!(
            "resource \"terraform_data\" \"given\" {{\n input = {{ scope = {scope:?}, credential = {:?}, issuer = \"vendor\" }}\n}}\n\
             provider \"tokenwright\" {{\n issuers = {{ vendor = {{ profile = \"seeme\", endpoint = {:?}, credential = terraform_data.given.output.credential }}, other = {{ profile = \"seeme\" }} }}\n}}\n\
             resource \"tokenwright_api_token\" \"ci\" {{\n issuer = terraform_data.given.output.issuer\n name = \"ci\"\n scopes = [terraform_data.given.output.scope]\n lifetime = \"30d\"\n}}\n",
            world.played.credential, world.played.endpoint
        )
    };
    world.write(&config("models:read"));
    world.apply().await;
    let ran = world.run(&["plan", "-detailed-exitcode", "-json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.text);
    world.write(&config("datasets:read"));
    world.apply().await;
    assert_eq!(world.summary().minted, 2);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_not_known_yet_changes_nothing_of_a_token_that_rests() {
    for issuers in [
        "{ vendor = { profile = terraform_data.given.output.profile, endpoint = terraform_data.given.output.endpoint } }",
        "{ vendor = terraform_data.given.output }",
        "{ for key in [\"vendor\"] : key => terraform_data.given.output }",
        "terraform_data.given.output.all",
    ] {
        rests_while_not_known(issuers).await;
    }
}

async fn rests_while_not_known(issuers: &str) {
    let world = World::new(86_400.0, CI).await;
    let configure = |given: &str, scope: &str| {
        world.write(&format!(
            r#"
resource "terraform_data" "given" {{
  input = {{ other = {given:?}, profile = "seeme", endpoint = {0:?}, all = {{ vendor = {{ profile = "seeme", endpoint = {0:?} }} }} }}
}}
provider "tokenwright" {{
  issuers = {issuers}
}}
resource "tokenwright_api_token" "ci" {{
  name     = "ci"
  scopes   = [{scope:?}]
  lifetime = "30d"
  rotation = {{}}
}}
resource "terraform_data" "consumer" {{
  triggers_replace = tokenwright_api_token.ci.value_version
}}
"#,
            world.played.endpoint
        ));
    };
    configure("a", "models:read");
    world.apply().await;
    configure("b", "models:read");
    let ran = world.run(&["plan", "-json"]).await.succeeded();
    let changes = |ran: &crate::support::Ran| {
        let changes = ran
            .lines
            .iter()
            .filter(|line| line["type"] == "planned_change");
        let names = changes.map(|line| {
            line["change"]["resource"]["addr"]
                .as_str()
                .unwrap()
                .to_owned()
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(changes(&ran), ["terraform_data.given"]);
    world.apply().await;
    assert_eq!(world.summary().minted, 1);
    // What is asked of the issuer has changed, so nobody knows what it will do.
    configure("c", "datasets:read");
    let ran = world.run(&["plan", "-json"]).await.succeeded();
    assert_eq!(changes(&ran).len(), 3, "{:?}", changes(&ran));
    world.apply().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_for_the_same_issuer_changes_no_token() {
    let world = World::new(86_400.0, CI).await;
    let configure = |keys: &[&str], issuer: Option<&str>| {
        let issuers = keys.iter().map(|key| {
            format!(
                "{key} = {{ profile = \"seeme\", endpoint = {:?} }}",
                world.played.endpoint
            )
        });
        let issuers = issuers.collect::<Vec<_>>().join("\n  ");
        let resource = issuer.map(|issuer| {
            format!("resource \"tokenwright_api_token\" \"ci\" {{\n issuer = {issuer}\n{CI}}}\n")
        });
        world.write(&format!(
            "provider \"tokenwright\" {{\n manager = \"test\"\n issuers = {{\n  {issuers}\n }}\n}}\n{}",
            resource.unwrap_or_default()
        ));
    };
    configure(&["old"], Some("\"old\""));
    world.apply().await;
    for (keys, issuer) in [
        (&["new"][..], "\"new\""),
        (&["newer"][..], "null"),
        (&["newest"][..], "null"),
        // Two keys, and the identity tells which of them minted it.
        (&["one", "two"][..], "\"two\""),
    ] {
        configure(keys, Some(issuer));
        let (actions, _) = world.plan().await;
        assert!(["update", "no-op"].contains(&actions.as_str()), "{actions}");
        world.apply().await;
        world.plans_nothing().await;
    }
    assert_eq!(world.summary().minted, 1);
    assert_eq!(world.summary().live, 1);
    // The state alone has to find its issuer.
    configure(&["last"], None);
    world.apply().await;
    world.nothing_lives();
}
