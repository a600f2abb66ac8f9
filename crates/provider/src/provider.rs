//! The provider: its block, its resource, and the end of a run.

use std::sync::{Arc, PoisonError, RwLock};

use tfplugin::{Diagnostics, Provider, ProviderSchema, Resource, Value, async_trait};
use tokenwright_client::Clock;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::connect::{Connections, Maker, by_profile, check};
use crate::schema;
use crate::token::ApiToken;

/// The provider.
pub(crate) struct Tokenwright {
    schema: ProviderSchema,
    maker: Arc<Maker>,
    clock: Clock,
    connections: Arc<RwLock<Option<Arc<Connections>>>>,
    api_token: ApiToken,
    stop: CancellationToken,
}

impl Tokenwright {
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(by_profile), Clock::system())
    }

    pub(crate) fn with(maker: Arc<Maker>, clock: Clock) -> Self {
        let connections = Arc::<RwLock<Option<Arc<Connections>>>>::default();
        let stop = CancellationToken::new();
        Self {
            schema: schema::schema(),
            maker,
            clock,
            api_token: ApiToken {
                connections: Arc::clone(&connections),
                stop: stop.clone(),
            },
            connections,
            stop,
        }
    }
}

#[async_trait]
impl Provider for Tokenwright {
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    async fn validate_config(&self, config: &Value, diags: &mut Diagnostics) {
        let settings = Settings::read(config, diags);
        check(&settings, diags);
    }

    async fn configure(&self, config: Value, diags: &mut Diagnostics) {
        let settings = Settings::read(&config, diags);
        let connections = Connections::new(settings, Arc::clone(&self.maker), self.clock.clone());
        let mut kept = self
            .connections
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::new(connections));
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        match type_name {
            schema::API_TOKEN => Some(&self.api_token),
            _ => None,
        }
    }

    async fn stop(&self) {
        tracing::info!("interrupted: nothing new is minted, running work ends");
        self.stop.cancel();
    }
}
