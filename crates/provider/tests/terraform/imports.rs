//! A token whose resource the state lost comes back by its id; its value does not.

pub(crate) mod identities;

use serde_json::json;
use tokenwright_sandbox::SystemName;
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, World};

const ADDRESS: &str = "tokenwright_api_token.ci";

/// The state forgets the resource, and a person imports what it was.
async fn forget_and_import(world: &World, id: &str) -> crate::support::Ran {
    world.run(&["state", "rm", ADDRESS]).await.succeeded();
    assert!(world.state().await.is_null());
    world.run(&["import", "-no-color", ADDRESS, id]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_token_forces_nothing_and_is_revoked_by_its_destroy() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    let id = before["token_id"].as_str().unwrap();
    let ran = forget_and_import(&world, id).await.succeeded();
    assert!(ran.text.contains("is not in the state"), "{}", ran.text);
    let after = world.state().await;
    assert!(after["value"].is_null());
    for name in [
        "token_id",
        "remote_name",
        "revision",
        "expires_at",
        "lifetime",
        "scopes",
        "status",
    ] {
        assert_eq!(after[name], before[name], "{name}");
    }
    world.plans_nothing().await;
    assert_eq!(world.count(What::Mint), 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_had_is_rotated_where_that_is_wished_and_the_old_token_keeps_its_overlap()
 {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let before = world.state().await;
    let id = before["token_id"].as_str().unwrap();
    forget_and_import(&world, id).await.succeeded();
    world.configure(&format!("{CI}\n  on_missing_value = \"rotate\""));
    let (actions, _) = world.plan().await;
    assert_eq!(actions, "update");
    assert_eq!(
        world.planned().await["after"]["rotation_reason"],
        "the state has no value"
    );
    world.apply().await;
    let after = world.state().await;
    assert_eq!(after["revision"], 2);
    assert_eq!(after["retiring"][0]["token_id"], before["token_id"]);
    assert!(world.works(&after["value"]).await && world.works(&before["value"]).await);
    world.plans_nothing().await;

    // The same once more: what still retires comes along.
    let id = after["token_id"].as_str().unwrap();
    forget_and_import(&world, id).await.succeeded();
    assert_eq!(
        world.state().await["retiring"][0]["token_id"],
        before["token_id"]
    );
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_issuer_needs_to_find_a_token_stands_in_the_id() {
    let world = World::of(SystemName::Scaleway, 86_400.0, "").await;
    let application = world.played.parameter("application_id").unwrap();
    world.configure(&format!(
        "  name = \"ci\"\n  lifetime = \"30d\"\n  parameters = {{ application_id = {application:?} }}"
    ));
    world.apply().await;
    let id = world.state().await["token_id"].clone();
    // A state without them would have the token replaced.
    let ran = forget_and_import(&world, id.as_str().unwrap()).await;
    let said = ran.failed().text;
    assert!(said.contains("user_id"), "{said}");
    let id = json!({ "token_id": id, "parameters": { "application_id": application } });
    let import = ["import", "-no-color", ADDRESS, &id.to_string()];
    world.run(&import).await.succeeded();
    world.plans_nothing().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_fixed_end_is_imported_and_keeps_it() {
    for system in [SystemName::Scaleway, SystemName::Seeme] {
        // SeeMe counts whole days, so that its token ends before.
        let world = World::of(system, 86_400.0, "").await;
        let application = world.played.parameter("application_id");
        let parameters = json!(application.map(|id| json!({ "application_id": id })));
        let scopes = match system {
            SystemName::Seeme => "scopes = [\"models:read\"]",
            _ => "",
        };
        world.configure(&format!(
            "  name = \"ci\"\n  {scopes}\n  expires_at = \"2037-01-31T00:00:00Z\"\n  parameters = {parameters}"
        ));
        world.apply().await;
        let before = world.state().await;
        let mut id = json!({ "token_id": before["token_id"] });
        if !parameters.is_null() {
            id["parameters"] = parameters;
        }
        // No lifetime that a person would write leads to this end; to the one in whole days a lifetime does.
        if system == SystemName::Seeme {
            id["expires_at"] = json!("2036-01-31T00:00:00Z");
            let ran = forget_and_import(&world, &id.to_string()).await.failed();
            assert!(ran.text.contains("it ends at"), "{}", ran.text);
            id["expires_at"] = before["expires_at"].clone();
        } else {
            world.run(&["state", "rm", ADDRESS]).await.succeeded();
        }
        let import = ["import", "-no-color", ADDRESS, &id.to_string()];
        world.run(&import).await.succeeded();
        world.plans_nothing().await;
        let after = world.state().await;
        assert_eq!(after["expires_at"], before["expires_at"]);
        assert_eq!(world.count(What::Mint), 1);
        world.destroy().await;
        world.nothing_lives();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_imported_is_said_with_the_way_that_is_left() {
    let world = World::new(86_400.0, CI).await;
    let by_hand = world.made_by_api().await;
    for (id, words) in [
        ("no-such-token", ["There is no such token", "does not show"]),
        (&by_hand, ["carries no marker", "tokenwright_adopted_token"]),
        ("{\"id\": 1}", ["The id cannot be read", "token_id"]),
        (
            "{\"token_id\": \"a\", \"parameters\": {\"a\": \"b\"}}",
            ["parameters", "a is not known to this system"],
        ),
        (
            "{\"issuer\": \"other\", \"token_id\": \"a\"}",
            ["The issuer is not known", "knows vendor"],
        ),
        (
            "{\"token_id\": \"a\", \"value_version\": -1}",
            [
                "The id cannot be read",
                "value_version: must be a whole number from 1",
            ],
        ),
        (
            "{\"token_id\": \"a\", \"parameters\": {\"project_id\": 7}}",
            [
                "The id cannot be read",
                "parameters.project_id: invalid type",
            ],
        ),
    ] {
        let ran = world
            .run(&["import", "-no-color", ADDRESS, id])
            .await
            .failed();
        let text = ran
            .text
            .replace(['\n', '│'], " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_resource_has_is_not_imported() {
    let world = World::new(86_400.0, CI).await;
    world.apply().await;
    let id = world.state().await["token_id"].clone();
    let id = id.as_str().unwrap();
    let twice = format!("{CI}\n}}\nresource \"tokenwright_api_token\" \"again\" {{\n{CI}");
    world.configure(&twice);
    let import = ["import", "-no-color", "tokenwright_api_token.again", id];
    let ran = world.run(&import).await.failed();
    assert!(ran.text.contains("of another resource"), "{}", ran.text);
    world.configure(CI);
    world.plans_nothing().await;

    // An import that is a part of the plan.
    world.configure(&format!(
        "{twice}\n}}\nimport {{\n to = tokenwright_api_token.again\n id = {id:?}\n"
    ));
    let said = world.try_apply().await.failed().said("error");
    let told = ["of another resource", "is in the state twice"];
    assert!(told.iter().any(|words| said.contains(words)), "{said}");
    world.configure(CI);
    world.plans_nothing().await;
    assert_eq!(world.count(What::Mint), 1);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_import_blocks_with_one_token_none_is_applied() {
    for one_at_a_time in [false, true] {
        let world = World::new(86_400.0, CI).await;
        world.apply().await;
        let id = world.state().await["token_id"].clone();
        std::fs::remove_file(world.path("terraform.tfstate")).unwrap();
        let import =
            |to: &str| format!("import {{\n  to = tokenwright_api_token.{to}\n  id = {id}\n}}\n");
        let again = format!("resource \"tokenwright_api_token\" \"again\" {{\n{CI}");
        let both = format!("{}{}", import("ci"), import("again"));
        world.configure(&format!("{CI}}}\n{both}{again}"));
        let mut args = vec!["apply", "-auto-approve", "-json"];
        if one_at_a_time {
            args.push("-parallelism=1");
        }
        let said = world.run(&args).await.failed().said("error");
        let told = ["of another resource", "is in the state twice"];
        assert!(told.iter().any(|words| said.contains(words)), "{said}");
        assert!(world.state().await.is_null());

        world.configure(&format!(
            "{CI}}}\n{}",
            import("ci").trim_end().strip_suffix('}').unwrap()
        ));
        world.apply().await;
        world.plans_nothing().await;
        assert_eq!(world.count(What::Mint), 1);
        world.destroy().await;
        world.nothing_lives();
    }
}
