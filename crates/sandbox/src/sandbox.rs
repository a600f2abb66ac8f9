//! A running sandbox: listeners, accounts, and the handles that tests hold.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::clock;
use crate::faults::Faults;
use crate::http;
use crate::ledger::Ledger;
use crate::play::Player;
use crate::played::Played;
use crate::settings::{InvalidSettings, Settings};
use crate::shared::Shared;
use crate::store::{Store, StoreError};
use crate::systems::SystemName;

/// Any free port of this machine alone.
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What to play, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The systems.
    pub systems: Vec<SystemName>,
    /// One address for each system, or one with port 0 for all of them.
    pub listen: Vec<SocketAddr>,
    /// Where the admin API listens.
    pub admin: SocketAddr,
    /// The file that keeps accounts, tokens and ledger over a restart; in memory without.
    pub data: Option<PathBuf>,
    /// The switches to begin with.
    pub settings: Settings,
}

impl Options {
    /// These systems, in memory, on free ports.
    pub fn new(systems: impl IntoIterator<Item = SystemName>) -> Self {
        Self {
            systems: systems.into_iter().collect(),
            listen: vec![ANY_PORT],
            admin: ANY_PORT,
            data: None,
            settings: Settings::default(),
        }
    }
}

/// Why a sandbox did not start, or could not answer its owner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address that others could reach.
    #[error("cannot listen on {0}: the sandbox listens on loopback addresses only")]
    NotLoopback(SocketAddr),
    /// No system, the same one twice, or not as many addresses as systems.
    #[error(
        "cannot play {systems} systems on {addresses} addresses: name each system once, with one address each or one with port 0 for all"
    )]
    Systems {
        /// How many systems were asked for.
        systems: usize,
        /// How many addresses were given.
        addresses: usize,
    },
    /// The address is taken or not there.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The settings cannot be.
    #[error("cannot use these settings")]
    Settings(#[source] InvalidSettings),
    /// The database refused.
    #[error("cannot use the sandbox's database")]
    Store(#[source] StoreError),
}

/// A running sandbox; it ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    played: Arc<Vec<Played>>,
    admin: String,
    stop: CancellationToken,
    listeners: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts all listeners within the caller's tokio runtime.
    ///
    /// # Errors
    ///
    /// An address that is not loopback or not free, a database that cannot be opened, settings that
    /// cannot be.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let addresses = addresses(&options)?;
        options.settings.check().map_err(Error::Settings)?;
        let store = Store::open(options.data.as_deref()).map_err(Error::Store)?;
        let names = options
            .systems
            .iter()
            .map(|system| system.as_str().to_owned())
            .collect();
        let shared = Arc::new(Shared {
            store,
            faults: Faults::new(names),
            settings: RwLock::new(options.settings),
        });
        let stop = CancellationToken::new();
        let (admin_listener, admin_address) = bind(options.admin).await?;
        let admin = format!("http://{admin_address}");
        let mut played = Vec::new();
        let mut players = Vec::new();
        for (name, address) in options.systems.iter().zip(addresses) {
            let system = name.system();
            let (listener, address) = bind(address).await?;
            let account = shared
                .store
                .with(|db| system.open(db, clock::now()))
                .map_err(Error::Store)?;
            played.push(Played {
                system: *name,
                endpoint: format!("http://{address}{}", system.base_path()),
                credential: account.credential,
                admin: admin.clone(),
                console: format!("http://{address}/console"),
                parameters: account.parameters,
            });
            players.push((
                listener,
                Player {
                    system,
                    shared: Arc::clone(&shared),
                    stop: stop.clone(),
                },
            ));
        }
        let played = Arc::new(played);
        let mut listeners: Vec<JoinHandle<()>> = players
            .into_iter()
            .map(|(listener, player)| {
                let handle = move |request| player.clone().handle(request);
                tokio::spawn(http::serve(listener, stop.clone(), handle))
            })
            .collect();
        let router = admin::router(Admin {
            shared: Arc::clone(&shared),
            played: Arc::clone(&played),
        });
        listeners.push(tokio::spawn(http::serve_router(
            admin_listener,
            stop.clone(),
            router,
        )));
        Ok(Self {
            shared,
            played,
            admin,
            stop,
            listeners,
        })
    }

    /// All played systems, in the order of the options.
    pub fn played(&self) -> &[Played] {
        &self.played
    }

    /// One played system.
    pub fn system(&self, name: SystemName) -> Option<&Played> {
        self.played.iter().find(|played| played.system == name)
    }

    /// The URL of the admin API.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The faults, to add and remove.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What happened so far, in all systems or in one.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn ledger(&self, system: Option<SystemName>) -> Result<Ledger, Error> {
        let systems: Vec<&str> = self
            .played
            .iter()
            .map(|played| played.system)
            .filter(|played| system.is_none_or(|system| system == *played))
            .map(SystemName::as_str)
            .collect();
        self.shared
            .store
            .with(|db| Ledger::read(db, &systems, clock::now()))
            .map_err(Error::Store)
    }

    /// The switches as they stand.
    pub fn settings(&self) -> Settings {
        self.shared.settings()
    }

    /// Sets all switches.
    ///
    /// # Errors
    ///
    /// Settings that cannot be.
    pub fn set(&self, settings: Settings) -> Result<(), Error> {
        settings.check().map_err(Error::Settings)?;
        *self
            .shared
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// Ends the sandbox and waits until its ports are free.
    pub async fn stop(mut self) {
        self.stop.cancel();
        for listener in std::mem::take(&mut self.listeners) {
            // A listener that panicked is gone as well.
            let _ = listener.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn addresses(options: &Options) -> Result<Vec<SocketAddr>, Error> {
    let mut distinct = options.systems.clone();
    distinct.sort();
    distinct.dedup();
    let systems = options.systems.len();
    let addresses = match options.listen.as_slice() {
        [one] if systems == 1 || one.port() == 0 => vec![*one; systems],
        several => several.to_vec(),
    };
    if systems == 0 || distinct.len() != systems || addresses.len() != systems {
        return Err(Error::Systems {
            systems,
            addresses: options.listen.len(),
        });
    }
    let open = addresses
        .iter()
        .chain([&options.admin])
        .find(|address| !address.ip().is_loopback());
    match open {
        Some(open) => Err(Error::NotLoopback(*open)),
        None => Ok(addresses),
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
