//! What follows a token by the core's own means, and a destroy that was planned before the world went on.

use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, Ran, World};

fn trigger(n: u32) -> String {
    format!("{CI}\n  rotation = {{ triggers = {{ a = \"{n}\" }} }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_triggers_and_data_follow_a_rotation_in_its_apply_and_rest_with_it() {
    let world = World::new(86_400.0, "").await;
    let configure = |n: u32| {
        world.configure(&format!(
            r#"{}
  lifecycle {{
    postcondition {{
      condition     = self.status == "active" && self.revision >= 1 && length(self.orphans) == 0
      error_message = "The token is not as it should be."
    }}
  }}
}}
resource "terraform_data" "consumer" {{
  lifecycle {{
    replace_triggered_by = [tokenwright_api_token.ci.revision]
    precondition {{
      condition     = timecmp(tokenwright_api_token.ci.expires_at, plantimestamp()) > 0
      error_message = "The token has ended."
    }}
  }}
}}
data "tokenwright_api_token" "ci" {{
  token_id = tokenwright_api_token.ci.token_id
}}
check "lives" {{
  assert {{
    condition     = data.tokenwright_api_token.ci.enabled != false
    error_message = "It is disabled."
  }}
}}
output "seen" {{
  value = data.tokenwright_api_token.ci.token_id
}}
output "value" {{
  value     = tokenwright_api_token.ci.value
  sensitive = true
"#,
            trigger(n)
        ));
    };
    let output = async |name: &str| {
        let ran = world.run(&["output", "-json", name]).await.succeeded();
        serde_json::from_str::<Value>(&ran.text).unwrap()
    };
    for n in 1..=2 {
        configure(n);
        world.run(&["plan", "-json", "-out=plan"]).await.succeeded();
        let ran = world.run(&["apply", "-json", "plan"]).await.succeeded();
        let replaced = ran.applied().contains_key("terraform_data.consumer");
        assert!(replaced, "{}", ran.text);
        let state = world.state().await;
        assert_eq!(state["revision"], n);
        assert_eq!(output("seen").await, state["token_id"]);
        assert!(world.works(&output("value").await).await);
        world.plans_nothing().await;
    }
    world.destroy().await;
    world.nothing_lives();
}

/// Two tokens, of which one retires, and the plan of their destroy.
async fn to_be_destroyed() -> World {
    let world = World::new(86_400.0, &trigger(1)).await;
    world.apply().await;
    world.configure(&trigger(2));
    world.apply().await;
    let plan = ["plan", "-destroy", "-json", "-out=plan"];
    world.run(&plan).await.succeeded();
    world
}

async fn apply_saved(world: &World) -> Ran {
    world.run(&["apply", "-json", "plan"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_destroy_ends_all_also_where_a_person_ended_or_disabled_one_before() {
    for method in [None, Some(Method::PUT), Some(Method::DELETE)] {
        for retiring in [false, true] {
            let world = to_be_destroyed().await;
            let state = world.state().await;
            let id = match retiring {
                true => &state["retiring"][0]["token_id"],
                false => &state["token_id"],
            };
            if let Some(method) = &method {
                world.by_hand(method.clone(), id).await;
            }
            apply_saved(&world).await.succeeded();
            assert!(world.state().await.is_null(), "{method:?} {retiring}");
            world.nothing_lives();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_destroy_that_may_not_or_cannot_end_a_token_forgets_none() {
    let mut world = to_be_destroyed().await;
    let before = world.state().await;
    // By now the run's own credential is the token itself.
    let value = before["value"].as_str().unwrap().to_owned();
    let persons = world.credential.replace(value);
    let ran = apply_saved(&world).await.failed();
    ran.says(&["this run's own credential"]);
    world.credential = persons;
    for effect in [
        json!({ "status": 503 }),
        json!({ "status": 401 }),
        json!({ "html": true, "status": 200 }),
    ] {
        let plan = ["plan", "-destroy", "-json", "-out=plan"];
        world.run(&plan).await.succeeded();
        world.fault(json!({}), effect.clone());
        apply_saved(&world).await.failed();
        world.sandbox.faults().clear();
        let after = world.state().await;
        assert_eq!(after["token_id"], before["token_id"], "{effect}");
        assert_eq!(after["retiring"], before["retiring"], "{effect}");
    }
    assert_eq!(world.count(What::Revoke), 0);
    world.plans_nothing().await;

    // Another run rotates, and the plan is of a state that was.
    let plan = ["plan", "-destroy", "-json", "-out=plan"];
    world.run(&plan).await.succeeded();
    world.configure(&trigger(3));
    world.apply().await;
    let ran = apply_saved(&world).await.failed();
    assert!(ran.text.contains("Saved plan is stale"), "{}", ran.text);
    assert!(world.works(&world.state().await["value"]).await);
    world.destroy().await;
    world.nothing_lives();
}
