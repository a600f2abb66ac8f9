//! The provider under a host on HashiCorp's own Go libraries: go-plugin with AutoMTLS, go-cty, and the plugin
//! framework beside it. What only a newer core asks for is asked for here, too.

use serde_json::{Value, json};

use crate::support::World;
use crate::support::go::{Host, said};
use crate::support::record::PROVIDER;

mod actions;
mod cases;
mod framework;
mod functions;
mod inventory;
mod life;
pub(crate) mod moves;
mod values;

const TOKEN: &str = "tokenwright_api_token";
const OF_TOKEN: &str = "resource:tokenwright_api_token";

impl Host {
    async fn start(world: &World) -> Self {
        Self::of(PROVIDER.as_ref(), world.folder.path(), world.credential())
    }

    /// Started, with the provider configured for the vendor of this world.
    async fn configured(world: &World) -> Self {
        let mut host = Self::start(world).await;
        let issuer = json!({
            "profile": world.played.system.to_string(),
            "endpoint": world.played.endpoint,
            "request_timeout": "2s",
        });
        let config = json!({ "manager": "test", "issuers": { "vendor": issuer } });
        let request = json!({ "terraformVersion": "1.16.0", "config": { "$value": config } });
        host.calm("ConfigureProvider", "provider", request).await;
        host
    }
}

/// What the provider offers, as the protocol says it.
pub(crate) async fn protocol_schemas(world: &World) -> Value {
    let mut host = Host::start(world).await;
    host.calm("GetProviderSchema", "", Value::Null).await
}

/// A configuration of a token, as go-cty will write it: what is left out is null.
fn config(more: Value) -> Value {
    let mut config = json!({ "name": "ci", "scopes": ["models:read"], "lifetime": "30d" });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}
