//! Whose a Secret is that is left alone, in a sentence for whoever wanted it.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::annotation;
use tokenwright_api::owner::Owner;
use tokenwright_core::Reason;

use crate::cluster::calls::{CallError, Calls};
use crate::cluster::contest::rival;
use crate::secret::delivery::{Ownership, other_manager, ownership};
use crate::secret::manager::Manager;

/// The common label of tools that manage objects.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Says whose a Secret is, and how this manager may have it.
pub(crate) fn about_foreign(secret: &Secret, manager: &Manager) -> String {
    let (name, sentence) = (secret.name_any(), Reason::DestinationForeign.sentence());
    let (allow, us) = (annotation::ALLOW_TAKEOVER_BY, &manager.name);
    let ours = ownership(secret, manager) == Ownership::Ours;
    if let Some(taker) = manager.owner().taker(&secret.metadata).filter(|_| ours) {
        let taker = format!("the {} {}", taker.kind, taker.name);
        return format!(
            "{sentence} It is the Secret {name}: {taker} has made it its own and put another value into it. Let that one write another Secret and take its owner reference off this one, and the operator goes on by itself; or let a new ApiToken name another one, or allow this one to take it back by the annotation {allow}: {us}."
        );
    }
    let whose = owner(secret).map_or_else(String::new, |owner| format!(" It belongs to {owner}."));
    format!(
        "{sentence} It is the Secret {name}.{whose} Delete it, let a new ApiToken name another one, or allow this one to take it over by the annotation {allow}: {us}."
    )
}

/// Whose value a Secret that we delivered to holds, where that is another `ApiToken`, which has its own Secret elsewhere
/// or is gone: somebody exchanged the contents of two, or copied one over the other. Both values are in wrong places
/// then, and nobody's only place is overwritten by a new one. `ours` is the name of that Secret.
pub(crate) async fn exchanged(
    calls: &Calls,
    manager: &Manager,
    (ours, secret): (&str, &Secret),
) -> Result<Option<Owner>, CallError> {
    let Some(other) = other_manager(secret, manager) else {
        return Ok(None);
    };
    let namespace = manager.namespace.as_str();
    let live = match other.namespace == namespace {
        true => calls.token(namespace, &other.name).await?,
        false => None,
    };
    Ok(Some(other).filter(|other| other.delivers_elsewhere((namespace, ours), live.as_ref())))
}

fn owner(secret: &Secret) -> Option<String> {
    let annotated = |key: &str| secret.annotations().get(key);
    if let Some(kind) = annotated(annotation::MANAGER_KIND) {
        let of = |key| annotated(key).map_or("", String::as_str);
        let (namespace, name) = (
            of(annotation::MANAGER_NAMESPACE),
            of(annotation::MANAGER_NAME),
        );
        return Some(format!("the {kind} {namespace}/{name}"));
    }
    if let Some(owner) = secret.owner_references().first() {
        return Some(format!("the {} {}", owner.kind, owner.name));
    }
    if let Some(tool) = secret.labels().get(MANAGED_BY) {
        return Some(format!("what {tool} manages"));
    }
    rival(&secret.metadata, None).map(|name| format!("the writer {name:?}"))
}
