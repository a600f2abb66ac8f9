//! Whose a Secret is that is left alone, in a sentence for whoever wanted it.

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use tokenwright_api::names::annotation;
use tokenwright_core::Reason;

use crate::cluster::contest::rival;
use crate::secret::manager::Manager;

/// The common label of tools that manage objects.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Says whose a Secret is, and how this manager may have it.
pub(crate) fn about_foreign(secret: &Secret, manager: &Manager) -> String {
    let name = secret.name_any();
    let whose = owner(secret).map_or_else(String::new, |owner| format!(" It belongs to {owner}."));
    format!(
        "{} It is the Secret {name}.{whose} Delete it, let a new ApiToken name another one, or allow this one to take it over by the annotation {}: {}.",
        Reason::DestinationForeign.sentence(),
        annotation::ALLOW_TAKEOVER_BY,
        manager.name
    )
}

/// Which controller took a Secret that was ours, in a sentence: we never write such a reference.
pub(crate) fn taken(secret: &Secret) -> Option<String> {
    let owners = secret.owner_references().iter();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true));
    let taker = controllers.next()?;
    Some(format!(
        " The {} {} has made the Secret its own.",
        taker.kind, taker.name
    ))
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
