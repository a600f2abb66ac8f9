//! What a state keeps of resources, read from its file: a core would start the provider for its schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::World;

impl World {
    /// The attributes of the minted token in the state, or of the only resource; null without one.
    pub(crate) async fn state(&self) -> Value {
        let all = self.managed();
        let token = |(address, _): &&(String, Value)| address.starts_with("tokenwright_api_token.");
        let one = all.iter().find(token).or(all.first());
        one.map_or(Value::Null, |(_, values)| values.clone())
    }

    /// The attributes of each minted token in the state, by address.
    pub(crate) fn tokens(&self) -> BTreeMap<String, Value> {
        let all = self.managed().into_iter();
        all.filter(|(address, _)| address.starts_with("tokenwright_api_token."))
            .collect()
    }

    /// The addresses of all that the state names.
    pub(crate) fn named(&self) -> BTreeSet<String> {
        let all = self.managed().into_iter();
        all.map(|(address, _)| address).collect()
    }

    /// What the state keeps of the resources of the root module, as it stands in its file.
    fn managed(&self) -> Vec<(String, Value)> {
        let workspace = std::fs::read_to_string(self.path(".terraform/environment"));
        let file = match workspace.as_deref() {
            Ok(name) if name != "default" => {
                format!("terraform.tfstate.d/{name}/terraform.tfstate")
            }
            _ => "terraform.tfstate".to_owned(),
        };
        let text = std::fs::read_to_string(self.path(&file)).unwrap_or_default();
        // A core that was killed may leave an empty file, which the next takes for no state.
        let state: Value = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text).unwrap(),
        };
        let resources = state["resources"].as_array().into_iter().flatten();
        let managed = resources.filter(|of| of["mode"] == "managed" && of["module"].is_null());
        let mut all = Vec::new();
        for resource in managed {
            let [of, name] = ["type", "name"].map(|key| resource[key].as_str().unwrap());
            for instance in resource["instances"].as_array().unwrap() {
                if !instance["deposed"].is_null() {
                    continue;
                }
                let key = match &instance["index_key"] {
                    Value::Null => String::new(),
                    key => format!("[{key}]"),
                };
                all.push((format!("{of}.{name}{key}"), instance["attributes"].clone()));
            }
        }
        all
    }
}
