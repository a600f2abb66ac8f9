//! The plugin framework's own judgement of each kind of attribute, in each position.

use serde_json::json;

use crate::support::example;
use crate::support::framework::judged_alike;
use crate::support::go::Host;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_configuration_by_its_schema_is_what_the_plugin_framework_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::of(&example("judged_provider"), folder.path(), []);
    let valid = |_: &str| json!({ "required": "a", "map": { "one": { "required": "a" } } });
    let judged = judged_alike(&mut host, valid, |_, _| false).await;
    assert!(judged > 2500, "{judged}");
}
