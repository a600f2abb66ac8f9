//! What an object says of itself, and no memory should keep.

use kube::Resource;

/// Where `kubectl apply` keeps a copy of the whole object that it applied: of a Secret, its values, too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes away what nobody here reads, and what no memory should keep.
pub(crate) fn without_copies<K: Resource>(object: K) -> K {
    let mut object = without_writers(object);
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.remove(LAST_APPLIED);
    }
    object
}

/// Takes away who wrote what of it.
pub(crate) fn without_writers<K: Resource>(mut object: K) -> K {
    object.meta_mut().managed_fields = None;
    object
}

#[cfg(test)]
mod tests {
    use kube::api::ObjectMeta;

    use super::*;
    use crate::secret::shown::SecretMeta;

    #[test]
    fn the_copy_that_kubectl_keeps_of_a_secret_stays_in_no_memory() {
        let of = |key: &str| (key.to_owned(), "{}".to_owned());
        let metadata = ObjectMeta {
            managed_fields: Some(Vec::new()),
            annotations: Some([of(LAST_APPLIED), of("tokenwright.dev/current")].into()),
            ..ObjectMeta::default()
        };
        let secret = SecretMeta {
            metadata,
            ..SecretMeta::default()
        };
        let metadata = without_copies(secret).metadata;
        let left: Vec<_> = metadata.annotations.unwrap().into_keys().collect();
        assert_eq!(left, ["tokenwright.dev/current"]);
        assert!(metadata.managed_fields.is_none());
    }
}
