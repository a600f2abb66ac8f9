//! What is not known yet: variables at validate, other resources' attributes at plan.

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
