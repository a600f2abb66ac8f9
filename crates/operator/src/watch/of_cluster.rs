//! What belongs to no namespace: issuers for many, profiles of an administrator, and the labels of
//! namespaces that grants are for. Watched where all namespaces are.

use std::sync::Arc;

use futures::StreamExt as _;
use kube::ResourceExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::reflector::ObjectRef;
use tokenwright_api::{ClusterTokenIssuer, TokenProfile};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::issuer::described;
use crate::issuer::object::IssuerObject as _;
use crate::watch::called::calling;
use crate::watch::dispatch::Dispatch;
use crate::watch::feeds::{ClusterFeeds, Feed, NamespaceMeta, Told};
use crate::watch::serve::{Work, place, received};

impl Work {
    /// Their controllers; nothing where they are left to another operator.
    pub(super) async fn of_cluster(
        &self,
        feeds: Option<ClusterFeeds>,
        issuers_due: UnboundedReceiver<ObjectRef<ClusterTokenIssuer>>,
    ) {
        let Some(feeds) = feeds else {
            return;
        };
        let issuers = self.told_of_grants(self.told_of_issuers(feeds.issuers));
        let namespaces = self.told_of_namespaces(feeds.namespaces);
        let labels = namespaces.events.for_each(|_| std::future::ready(()));
        let controllers = async {
            futures::join!(
                self.issuers(issuers, (self.cluster_issuers.clone(), issuers_due)),
                self.profiles(self.told_of_profiles(feeds.profiles)),
            )
        };
        tokio::select! {
            _ = controllers => {}
            () = labels => {}
        }
    }

    /// What is allowed counts from when it is seen; that those who are concerned look again, the reconcile
    /// of the issuer sees to.
    fn told_of_grants(&self, feed: Feed<ClusterTokenIssuer>) -> Feed<ClusterTokenIssuer> {
        let dispatch = Arc::clone(&self.dispatch);
        feed.telling(move |told| match told {
            Told::There(issuer) => dispatch.issuers.allowances.grant(issuer),
            Told::Gone(issuer) => dispatch.issuers.allowances.withdraw(&issuer.name_any()),
            Told::ListedAgain => {}
        })
    }

    fn told_of_namespaces(&self, feed: Feed<NamespaceMeta>) -> Feed<NamespaceMeta> {
        let dispatch = Arc::clone(&self.dispatch);
        feed.telling(move |told| {
            let (namespace, labels) = match told {
                Told::There(namespace) => (namespace, Some(namespace.labels())),
                Told::Gone(namespace) => (namespace, None),
                Told::ListedAgain => return,
            };
            let allowances = &dispatch.issuers.allowances;
            for concerned in allowances.label(&namespace.name_any(), labels) {
                dispatch.context.wake(&concerned);
            }
        })
    }

    /// The issuers that name a profile which changes are made anew.
    fn told_of_profiles(&self, feed: Feed<TokenProfile>) -> Feed<TokenProfile> {
        let work = self.clone();
        feed.telling(move |told| {
            let described = &work.dispatch.issuers.described;
            let name = match told {
                Told::There(profile) if described.there(profile) => profile.name_any(),
                Told::Gone(profile) => {
                    described.gone(&profile.name_any());
                    profile.name_any()
                }
                Told::There(_) | Told::ListedAgain => return,
            };
            work.profile_changed(&name);
        })
    }

    fn profile_changed(&self, name: &str) {
        for issuer in self.shown.issuers.state() {
            if issuer.describes(name) {
                let _ended = self.issuers.send(ObjectRef::from_obj(issuer.as_ref()));
            }
        }
        for issuer in self
            .shown
            .cluster_issuers
            .iter()
            .flat_map(|all| all.state())
        {
            if issuer.describes(name) {
                let issuer = ObjectRef::from_obj(issuer.as_ref());
                let _ended = self.cluster_issuers.send(issuer);
            }
        }
    }

    async fn profiles(&self, profiles: Feed<TokenProfile>) {
        let (again, due) = unbounded_channel();
        let (shown, signals) = (profiles.shown.clone(), self.signals.clone());
        Controller::for_stream(profiles.events.applied_objects(), profiles.shown)
            .with_config(Self::config())
            .reconcile_on(received(due))
            .graceful_shutdown_on(self.signals.stop.clone().cancelled_owned())
            .run(
                move |object: Arc<TokenProfile>, dispatch: Arc<Dispatch>| {
                    let call = calling(&shown, &again, &object);
                    let (signals, shown) = (signals.clone(), shown.clone());
                    async move {
                        // Whoever stands by only watches.
                        tokio::select! {
                            () = signals.leading.cancelled() => {}
                            () = signals.stop.cancelled() => return Ok(Action::await_change()),
                        }
                        // Hours later it may be another one, or gone.
                        let Some(object) = shown.get(&ObjectRef::from_obj(object.as_ref())) else {
                            return Ok(Action::await_change());
                        };
                        let Dispatch {
                            context, issuers, ..
                        } = dispatch.as_ref();
                        let say = described::say(context, &issuers.described, &object);
                        dispatch.run(&place(object.as_ref()), call, say).await
                    }
                },
                |object, error, dispatch| dispatch.again(&place(object.as_ref()), error),
                Arc::clone(&self.dispatch),
            )
            .for_each(|_| std::future::ready(()))
            .await;
    }
}
