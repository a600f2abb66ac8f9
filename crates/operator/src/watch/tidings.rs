//! What the watches tell, and who is to look again because of it. Told after the stores know it.

use std::sync::Arc;

use kube::Resource as _;
use kube::api::ObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use tokenwright_api::token::IssuerKind;
use tokenwright_api::{ApiToken, ClusterTokenIssuer};

use crate::adopted::release;
use crate::cluster::token::PackedToken;
use crate::cluster::unreadable::Place;
use crate::issuer::object::IssuerObject;
use crate::secret::shown::SecretMeta;
use crate::watch::feeds::{Feed, Told};
use crate::watch::index::Index;
use crate::watch::mappers::{adopters_of, issuer_of, issuers_with};
use crate::watch::serve::Work;

/// The whole of an `ApiToken`, where it names an issuer of the cluster.
fn of_cluster(token: &PackedToken) -> Option<ApiToken> {
    let of_cluster = token.brief().issuer.kind == IssuerKind::ClusterTokenIssuer;
    of_cluster.then(|| token.unpack()).flatten()
}

impl Work {
    /// Told after the store knows it: whoever looks there then sees who needs a source or an issuer now.
    pub(super) fn told_of_tokens(
        &self,
        feed: Feed<PackedToken, Arc<Index>>,
    ) -> Feed<PackedToken, Arc<Index>> {
        let work = self.clone();
        feed.telling(move |told| {
            let allowances = &work.dispatch.issuers.allowances;
            let (token, gone, news) = match told {
                Told::There(token) => {
                    let known = work.shown.tokens.get(token.namespace(), token.name());
                    let known = known.map(|known| known.version());
                    let history = work.dispatch.context.calls.history();
                    history.goes_on(known, Some(token.version()));
                    history.saw(token.version(), || token.reference());
                    let news = work.shown.tokens.there(token);
                    work.dispatch.context.shows(token);
                    let there = of_cluster(token).map(|token| allowances.there(&token));
                    work.dispatch.context.wake_all(there.unwrap_or_default());
                    (token, false, news)
                }
                Told::Gone(token) => {
                    let history = work.dispatch.context.calls.history();
                    history.goes(&token.reference());
                    work.shown.tokens.gone(token);
                    work.dispatch.forget(token);
                    (token, true, true)
                }
                Told::ListedAgain => return work.all_due(),
            };
            for name in release::left_by(token.brief(), gone) {
                let _ended = work
                    .sources
                    .send(ObjectRef::new(name).within(token.namespace()));
            }
            if news {
                work.tell_issuer_of(token);
            }
        })
    }

    /// Something can be read again, or is gone: what was kept for it, and who names it, is looked at again. No more than
    /// that: a tenant may make such objects and mend them all day.
    pub(super) fn readable_again(&self, at: &Place) {
        let (issuers, cluster_issuers) = &self.heralds;
        let is_here = |object: &ObjectMeta| object.namespace.as_deref() == Some(&at.namespace);
        if at.kind == ApiToken::kind(&()) {
            let shown = self.shown.issuers.state().into_iter();
            for issuer in shown.filter(|issuer| is_here(issuer.meta())) {
                issuers.tell(ObjectRef::from_obj(issuer.as_ref()));
            }
            let shown = self.shown.cluster_issuers.iter().flat_map(Store::state);
            for issuer in shown {
                cluster_issuers.tell(ObjectRef::from_obj(issuer.as_ref()));
            }
            let shown = self.shown.sources.state().into_iter();
            for source in shown.filter(|source| is_here(source.meta())) {
                let _ended = self.sources.send(ObjectRef::from_obj(source.as_ref()));
            }
            return;
        }
        self.unheld.tell(());
        let kind = match at.kind == ClusterTokenIssuer::kind(&()) {
            true => IssuerKind::ClusterTokenIssuer,
            false => IssuerKind::TokenIssuer,
        };
        for token in self.shown.tokens.of_issuer(kind, &at.namespace, &at.name) {
            self.dispatch.context.wakes.send(token.reference());
        }
    }

    fn tell_issuer_of(&self, token: &PackedToken) {
        let (issuers, cluster_issuers) = &self.heralds;
        match token.brief().issuer.kind {
            IssuerKind::TokenIssuer => issuers.tell(issuer_of(token)),
            IssuerKind::ClusterTokenIssuer => cluster_issuers.tell(issuer_of(token)),
        }
    }

    /// Whoever changes its reference, or goes, may have been the last one to hold a credential. A tenant may have
    /// thousands of both: one look finds those that nobody holds, however many issuers are told of.
    pub(super) fn told_of_issuers<K: IssuerObject>(&self, feed: Feed<K>) -> Feed<K> {
        let work = self.clone();
        feed.telling(move |told| match told {
            Told::There(_) | Told::Gone(_) => work.unheld.tell(()),
            Told::ListedAgain => work.all_due(),
        })
    }

    /// A credential that changes concerns the issuers that use it, and whoever adopts it. Many may use one that
    /// changes all the time.
    pub(super) fn told_of_credentials(&self, feed: Feed<SecretMeta>) -> Feed<SecretMeta> {
        let work = self.clone();
        let (issuers, cluster_issuers) = self.heralds.clone();
        self.told_of_secrets(feed).telling(move |told| match told {
            Told::There(secret) | Told::Gone(secret) => {
                let home = &work.dispatch.context.home;
                for issuer in issuers_with(secret, &work.shown.issuers, home) {
                    issuers.tell(issuer);
                }
                let of_cluster = work.shown.cluster_issuers.iter();
                for issuer in of_cluster.flat_map(|all| issuers_with(secret, all, home)) {
                    cluster_issuers.tell(issuer);
                }
            }
            Told::ListedAgain => {}
        })
    }

    /// A value may be adopted from a Secret that is something else to somebody else.
    pub(super) fn told_of_secrets<S>(&self, feed: Feed<SecretMeta, S>) -> Feed<SecretMeta, S> {
        let work = self.clone();
        feed.telling(move |told| match told {
            Told::There(secret) | Told::Gone(secret) => {
                if matches!(told, Told::Gone(_)) {
                    let place = Place::at::<SecretMeta>(&secret.metadata);
                    work.dispatch.failures.forget(&place.to_string());
                }
                for token in adopters_of(secret, &work.shown.tokens) {
                    work.dispatch.context.wakes.send(token);
                }
            }
            Told::ListedAgain => work.all_due(),
        })
    }
}
