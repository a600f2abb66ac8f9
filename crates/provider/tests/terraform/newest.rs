//! What only the newest Terraform asks for: lists for `terraform query` with the configuration that it writes, and
//! actions, by hand and beside the changes of resources.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::cores::new_terraform;
use crate::support::{CI, World};

mod actions;
mod query;
mod saved;

/// An example of the registry's layout.
fn example(name: &str) -> String {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    std::fs::read_to_string(all.join(name)).unwrap()
}

async fn world() -> World {
    let mut world = World::new(86_400.0, CI).await;
    world.core = new_terraform();
    world
}

/// What was planned last: the actions for each resource that is not left as it is, an import among them.
async fn planned(world: &World) -> BTreeMap<String, String> {
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let changes = shown["resource_changes"].as_array().into_iter().flatten();
    let told = changes.filter_map(|of| {
        let actions = of["change"]["actions"].as_array().unwrap().iter();
        let mut actions: Vec<_> = actions.map(|action| action.as_str().unwrap()).collect();
        if of["change"]["importing"].is_object() {
            actions.push("import");
        }
        let address = of["address"].as_str().unwrap().to_owned();
        (actions != ["no-op"]).then(|| (address, actions.join("+")))
    });
    told.collect()
}
