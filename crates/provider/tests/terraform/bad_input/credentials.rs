//! A credential that is missing, wrong, or the very token that is to end; an issuer that is not there.

use crate::support::{CI, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_credential_is_said_at_plan_with_the_ways_to_give_one() {
    let mut world = World::new(86_400.0, CI).await;
    let credential = world.credential.take();
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&[
        "Issuer \"vendor\" cannot be used",
        "credential",
        "SEEME_API_KEY",
    ]);
    assert_eq!(world.sandbox.ledger(None).unwrap().events.len(), 0);
    // In the configuration it is as good.
    world.issuer += &format!("\n credential = {:?}", credential.unwrap());
    world.configure(CI);
    world.apply().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_text_that_only_a_plan_knows_is_said_at_its_attribute_and_leaves_nothing_out() {
    let mut world = World::new(86_400.0, "").await;
    let endpoint = &world.played.endpoint;
    world.write(&format!(
        "variable \"key\" {{}}\nvariable \"manager\" {{}}\nprovider \"tokenwright\" {{\n manager = var.manager\n issuers = {{ vendor = {{\n  profile = \"seeme\"\n  endpoint = {endpoint:?}\n  credential = var.key\n }} }}\n}}\n\
         resource \"tokenwright_api_token\" \"ci\" {{\n{CI}\n}}\n"
    ));
    world.run(&["validate", "-json"]).await.succeeded();
    for (key, manager, words) in [
        (
            "",
            "test",
            ["The credential is empty", "issuers[\"vendor\"].credential"],
        ),
        (
            "a-key",
            " ",
            ["The manager is empty", "[manager = var.manager]"],
        ),
    ] {
        world.variables = [("key", key.to_owned()), ("manager", manager.to_owned())].into();
        // The environment has a credential that would do.
        world.run(&["plan", "-json"]).await.failed().says(&words);
    }
    assert_eq!(world.sandbox.ledger(None).unwrap().events.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_is_said_before_anything_is_minted_and_at_every_read() {
    let mut world = World::new(86_400.0, CI).await;
    let right = world.credential.replace("wrong".to_owned());
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "gave no new token",
        "does not accept the credential",
        "Nothing was minted",
        "does not help",
    ]);
    world.credential = right;
    world.apply().await;
    let before = world.state().await;
    let right = world.credential.replace("wrong".to_owned());
    world
        .run(&["plan", "-json"])
        .await
        .failed()
        .says(&["does not accept the credential"]);
    assert_eq!(world.state().await, before);
    world.credential = right;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_never_revokes_its_own_credential() {
    let mut world = World::new(86_400.0, CI).await;
    world.apply().await;
    let state = world.state().await;
    let management = world
        .credential
        .replace(state["value"].as_str().unwrap().to_owned());
    let ran = world
        .run(&["destroy", "-auto-approve", "-json"])
        .await
        .failed();
    ran.says(&["this run's own credential", "another credential"]);
    assert!(world.works(&state["value"]).await);
    world.credential = management;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_answers_is_said_soon() {
    let mut world = World::new(86_400.0, CI).await;
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    world.issuer = format!("endpoint = \"http://127.0.0.1:{port}\"\n request_timeout = \"2s\"");
    world.configure(CI);
    let start = std::time::Instant::now();
    world.try_apply().await.failed().says(&[
        "cannot be reached",
        "Check the endpoint",
        "Nothing was minted",
    ]);
    assert!(start.elapsed().as_secs() < 20);
}
