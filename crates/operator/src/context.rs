//! What all tasks of the operator share.
//!
//! Everything in it can be lost: a restart finds what it needs in the API server and at the issuers.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use tokenwright_api::ApiToken;
use tokenwright_client::Clock;
use tokenwright_core::{Destination, InvalidSpec, Nonce, Origin, TokenId};
use tokio::sync::mpsc::UnboundedSender;

use crate::adopt::known::Remembered;
use crate::calls::Calls;
use crate::factory::IssuerFactory;
use crate::issuers::Issuers;
use crate::locked::Locked;
use crate::options::Options;
use crate::parts::DigestKey;
use crate::scheduler::Wake;

/// What all tasks share.
#[derive(Debug)]
pub struct Context {
    /// The API server.
    pub calls: Calls,
    /// The time.
    pub clock: Clock,
    /// What the administrator said.
    pub options: Options,
    /// The cluster, as markers spell it.
    pub origin: Origin,
    /// The key of the digests.
    pub key: DigestKey,
    /// Makes issuers.
    pub factory: Arc<dyn IssuerFactory>,
    /// The issuers that can be used.
    pub issuers: Issuers,
    /// What is known of each manager, by UID.
    pub memory: Locked<HashMap<String, Memory>>,
    /// Takes tasks that outlive a reconcile; whoever runs the operator owns them.
    pub tasks: Tasks,
    /// Wakes managers.
    pub wakes: Wakes,
}

/// What is known of one manager beside its object.
#[derive(Debug, Default)]
pub struct Memory {
    /// The object itself.
    pub object: Option<ObjectRef<ApiToken>>,
    /// The newest version that this process has written or read.
    pub newest: Option<Arc<ApiToken>>,
    /// The mint flow that runs for it.
    pub running: Option<Nonce>,
    /// Its Secret when it was last read.
    pub secret: Option<SecretSeen>,
    /// When this process last changed its token at the issuer; older listings say nothing about it.
    pub touched_at: Option<Timestamp>,
    /// What its Secret was found not to be able to look like, at which generation.
    pub impossible: Option<(Option<i64>, InvalidSpec)>,
    /// Whether a listing is awaited for it.
    pub listing: bool,
    /// How often in a row its reconcile failed.
    pub failures: u32,
    /// Tokens that the issuer showed without our marker when they were to be revoked, and when that was.
    pub not_proven: Vec<(TokenId, Timestamp)>,
    /// What is known of its adopted token beyond its status.
    pub(crate) adopted: Option<Remembered>,
}

/// A Secret as it was read.
#[derive(Debug, Clone)]
pub struct SecretSeen {
    /// Its version; `None` where there was none.
    pub version: Option<String>,
    /// What it is to its manager.
    pub destination: Destination,
    /// The generation of the manager then; another one may want the Secret to look different.
    pub generation: Option<i64>,
}

impl Context {
    /// Changes what is known of a manager.
    pub fn remember<T>(&self, uid: &str, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(self.memory.lock().entry(uid.to_owned()).or_default())
    }

    /// The newest version of an object: a watch may lag behind what this process wrote.
    #[must_use]
    pub fn newest(&self, watched: Arc<ApiToken>) -> Arc<ApiToken> {
        let Some(uid) = watched.uid() else {
            return watched;
        };
        self.remember(&uid, |memory| match &memory.newest {
            Some(newest) if version_of(newest) > version_of(&watched) => Arc::clone(newest),
            Some(_) | None => {
                memory.object = Some(ObjectRef::from_obj(watched.as_ref()));
                memory.newest = Some(Arc::clone(&watched));
                watched
            }
        })
    }

    /// Remembers a version that this process wrote.
    pub fn wrote(&self, object: &ApiToken) {
        if let Some(uid) = object.uid() {
            self.remember(&uid, |memory| {
                memory.newest = Some(Arc::new(object.clone()))
            });
        }
    }

    /// Wakes a manager.
    pub fn wake(&self, uid: &str) {
        let object = self
            .memory
            .lock()
            .get(uid)
            .and_then(|memory| memory.object.clone());
        if let Some(object) = object {
            self.wakes.send(object);
        }
    }

    /// A function that wakes managers and holds nothing of this but their names.
    #[must_use]
    pub fn waker(self: &Arc<Self>) -> Wake {
        let context = Arc::downgrade(self);
        Arc::new(move |uid: &str| {
            if let Some(context) = context.upgrade() {
                context.wake(uid);
            }
        })
    }
}

/// Versions of one API server are numbers that grow.
fn version_of(object: &ApiToken) -> u64 {
    object
        .resource_version()
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

/// Hands tasks to whoever runs the operator, so that its end is theirs.
#[derive(Clone)]
pub struct Tasks(pub UnboundedSender<BoxFuture<'static, ()>>);

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tasks")
    }
}

impl Tasks {
    /// Starts a task; after the end of the operator it is dropped unstarted.
    pub fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let _ended = self.0.send(Box::pin(task));
    }
}

/// Wakes managers, each through the controller of its namespace.
#[derive(Debug, Default)]
pub struct Wakes {
    /// By namespace; the empty one is for all.
    pub senders: HashMap<String, UnboundedSender<ObjectRef<ApiToken>>>,
}

impl Wakes {
    /// Asks for a reconcile.
    pub fn send(&self, object: ObjectRef<ApiToken>) {
        let namespace = object.namespace.clone().unwrap_or_default();
        let sender = self
            .senders
            .get(&namespace)
            .or_else(|| self.senders.get(""));
        if let Some(sender) = sender {
            let _ended = sender.send(object);
        }
    }
}
