//! All objects in an order in which no namespace waits for the crowd of another.

use std::collections::HashMap;
use std::sync::Arc;

use kube::Resource;

/// The first of each namespace, then the second of each, and so on.
pub(super) fn in_turn<K: Resource>(all: Vec<Arc<K>>) -> Vec<Arc<K>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let placed = all.into_iter().map(|object| {
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let count = counts.entry(namespace).or_default();
        *count = count.saturating_add(1);
        (*count, object)
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, object)| object).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::ResourceExt as _;
    use kube::api::ObjectMeta;

    use super::*;

    fn of(namespace: &str, name: String) -> Arc<Secret> {
        Arc::new(Secret {
            metadata: ObjectMeta {
                name: Some(name),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            ..Secret::default()
        })
    }

    #[test]
    fn a_tenant_with_one_comes_first_however_many_another_has_before_it() {
        let crowd = (0..10_000).map(|n| of("crowd", n.to_string()));
        let few = (0..2).map(|n| of("few", format!("few-{n}")));
        let all = in_turn(crowd.chain(few).collect());
        let place = |name: &str| all.iter().position(|object| object.name_any() == name);
        assert_eq!((place("few-0"), place("few-1")), (Some(1), Some(3)));
        assert_eq!((place("0"), place("9999")), (Some(0), Some(10_001)));
    }
}
