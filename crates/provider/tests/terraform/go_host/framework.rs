//! What HashiCorp's plugin framework says of a configuration is what is said here, of all that the provider serves.

use serde_json::{Value, json};

use super::Host;
use crate::support::framework::{Put, judged_alike};
use crate::support::{CI, World};

/// A valid configuration of each block.
fn valid(of: &str) -> Value {
    match of {
        "provider" => json!({ "manager": "test", "issuers": { "vendor": { "profile": "seeme" } } }),
        "resource:tokenwright_api_token" => json!({ "name": "ci", "lifetime": "30d" }),
        "resource:tokenwright_adopted_token" => json!({ "name": "ci", "value_wo": "a-value" }),
        "resource:tokenwright_retirement" => json!({ "token_id": "token-1" }),
        "data:tokenwright_api_token" => json!({ "token_id": "token-1" }),
        "ephemeral:tokenwright_api_token" => json!({ "name": "run", "lifetime": "1h" }),
        action if action.starts_with("action:") => json!({ "token_id": "token-1" }),
        // Nothing is required.
        _ => json!({}),
    }
}

/// Where there are rules that no schema can say.
fn rules(place: &str, put: Put) -> bool {
    let places: &[&str] = match put {
        // Either of two attributes is required.
        Put::Null => &[
            "resource:tokenwright_api_token/lifetime",
            "data:tokenwright_api_token/token_id",
        ],
        Put::Unknown => &[],
        // At most one of two is set, and what has an element is.
        Put::UnknownElement => &[
            "resource:tokenwright_adopted_token/values_wo",
            "resource:tokenwright_api_token/recipients",
        ],
        Put::Fits | Put::Mistyped | Put::NullElement | Put::NullEntry => return true,
    };
    places.contains(&place)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attribute_is_judged_as_the_plugin_framework_judges_it() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    let judged = judged_alike(&mut host, valid, rules).await;
    assert!(judged > 600, "{judged}");
}
