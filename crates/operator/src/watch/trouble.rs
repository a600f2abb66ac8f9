//! A watch that does not work, told in a sentence that says what to do.

use std::sync::Arc;
use std::time::Duration;

use kube::Resource;
use kube::runtime::watcher;

use crate::cluster::cause;
use crate::cluster::context::Context;

/// A watch that fails is tried again within a minute, and one that works may be silent.
const TOLD_FOR: Duration = Duration::from_secs(120);

/// Whom the errors of one watch are told.
pub(crate) struct Trouble {
    context: Arc<Context>,
    kind: String,
    namespace: String,
    sort: String,
}

/// For a watch of a kind, in one namespace or, where that is empty, in all; `sort` is the label that
/// narrows it.
pub(crate) fn of<K: Resource<DynamicType = ()>>(
    context: &Arc<Context>,
    namespace: &str,
    sort: &str,
) -> Trouble {
    Trouble {
        context: Arc::clone(context),
        kind: K::kind(&()).into_owned(),
        namespace: namespace.to_owned(),
        sort: sort.to_owned(),
    }
}

impl Trouble {
    /// Tells an error, or that there is none any more.
    pub(crate) fn tell(&self, error: Option<&watcher::Error>) {
        let place = match self.namespace.as_str() {
            "" => "in all namespaces".to_owned(),
            namespace => format!("in the namespace {namespace}"),
        };
        let sort = match self.sort.as_str() {
            "" => String::new(),
            sort => format!(" ({sort})"),
        };
        let watch = format!("the watch of {}s{sort} {place}", self.kind);
        let Some(error) = error else {
            self.context.troubles.over(&watch);
            return;
        };
        let Self {
            kind, namespace, ..
        } = self;
        if code(error) == Some(410) {
            tracing::info!(
                kind,
                namespace,
                "{watch} missed a part of the history and lists anew"
            );
            return;
        }
        let what = match code(error) {
            Some(404) => format!(
                "{watch} fails: the kind is not installed; install the CRDs of this version of the operator"
            ),
            Some(401 | 403) => {
                if let Some(barred) = self.context.barred.get(namespace) {
                    barred.cancel();
                }
                format!(
                    "{watch} fails: the operator may not list or watch there; give its ServiceAccount the Role and RoleBinding of the chart"
                )
            }
            _ => format!("{watch} fails and is tried again"),
        };
        let error = cause::chain(error);
        tracing::warn!(kind, namespace, error, "{what}");
        self.context.troubles.begin_for(&watch, what, TOLD_FOR);
    }
}

fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::WatchError(status) => Some(status.code),
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => match error {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        },
        watcher::Error::NoResourceVersion => None,
    }
}
