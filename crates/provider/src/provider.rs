//! The provider: its block, its resources, and the end of a run.

use std::sync::Arc;

use tfplugin::{
    Action, DataSource, Diagnostics, Ephemeral, Function, Lister, Provider, ProviderSchema,
    Resource, Value, async_trait,
};
use tokenwright_client::Clock;

use crate::actions::{TokenAction, Verb};
use crate::adopted::AdoptedToken;
use crate::config::Settings;
use crate::connect::{Connections, Maker, by_profile, check};
use crate::data::{IdentityData, TokenData, TokensData};
use crate::decrypt::Decrypt;
use crate::retirement::Retirement;
use crate::schema;
use crate::session::Sessions;
use crate::token::{ApiToken, EphemeralToken, TokenList};

/// The provider.
pub(crate) struct Tokenwright {
    schema: ProviderSchema,
    maker: Arc<Maker>,
    clock: Clock,
    sessions: Sessions,
    api_token: ApiToken,
    adopted_token: AdoptedToken,
    retirement: Retirement,
    ephemeral_token: EphemeralToken,
    token_data: TokenData,
    tokens_data: TokensData,
    identity_data: IdentityData,
    token_list: TokenList,
    actions: [(&'static str, TokenAction); 3],
}

impl Tokenwright {
    pub(crate) fn new() -> Self {
        Self::with(Arc::new(by_profile), Clock::system())
    }

    pub(crate) fn with(maker: Arc<Maker>, clock: Clock) -> Self {
        let sessions = Sessions::default();
        Self {
            schema: schema::schema(),
            maker,
            clock,
            api_token: ApiToken {
                sessions: sessions.clone(),
            },
            adopted_token: AdoptedToken {
                sessions: sessions.clone(),
            },
            retirement: Retirement {
                sessions: sessions.clone(),
            },
            ephemeral_token: EphemeralToken::new(sessions.clone()),
            token_data: TokenData {
                sessions: sessions.clone(),
            },
            tokens_data: TokensData {
                sessions: sessions.clone(),
            },
            identity_data: IdentityData {
                sessions: sessions.clone(),
            },
            token_list: TokenList {
                sessions: sessions.clone(),
            },
            actions: [
                (schema::REVOKE, Verb::Revoke),
                (schema::DISABLE, Verb::Disable),
                (schema::ENABLE, Verb::Enable),
            ]
            .map(|(name, verb)| {
                let sessions = sessions.clone();
                (name, TokenAction { verb, sessions })
            }),
            sessions,
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
        let (maker, clock) = (Arc::clone(&self.maker), self.clock.clone());
        self.sessions
            .configure(Connections::new(settings, maker, clock));
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        match type_name {
            schema::API_TOKEN => Some(&self.api_token),
            schema::ADOPTED_TOKEN => Some(&self.adopted_token),
            schema::RETIREMENT => Some(&self.retirement),
            _ => None,
        }
    }

    fn data_source(&self, type_name: &str) -> Option<&dyn DataSource> {
        match type_name {
            schema::TOKEN_DATA => Some(&self.token_data),
            schema::TOKENS_DATA => Some(&self.tokens_data),
            schema::IDENTITY_DATA => Some(&self.identity_data),
            _ => None,
        }
    }

    fn ephemeral(&self, type_name: &str) -> Option<&dyn Ephemeral> {
        (type_name == schema::API_TOKEN).then_some(&self.ephemeral_token)
    }

    fn lister(&self, type_name: &str) -> Option<&dyn Lister> {
        (type_name == schema::API_TOKEN).then_some(&self.token_list)
    }

    fn action(&self, name: &str) -> Option<&dyn Action> {
        let found = self.actions.iter().find(|(of, _)| *of == name);
        found.map(|(_, action)| action as &dyn Action)
    }

    fn function(&self, name: &str) -> Option<&dyn Function> {
        (name == schema::DECRYPT).then_some(&Decrypt)
    }

    async fn stop(&self) {
        tracing::info!("interrupted: nothing new is minted, running work ends");
        self.sessions.stop();
    }
}
