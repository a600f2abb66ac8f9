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
        world.played.endpoint, world.played.credential
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
