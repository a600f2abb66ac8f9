//! Which Secrets are left to others: those that another controller acts upon, or that are keys to the
//! cluster itself. Whoever may only create ApiTokens must not get at them through the operator.

use k8s_openapi::api::core::v1::Secret;
use tokenwright_api::token::SecretTemplate;
use tokenwright_core::InvalidSpec;

/// Types of Secrets that other programs act upon; one that ends in `/` stands for all that begin so.
pub(crate) const REFUSED_TYPES: &[&str] =
    &["helm.sh/", "bootstrap.kubernetes.io/", "cluster.x-k8s.io/"];

/// Beginnings of labels and annotations that other controllers act upon: clusters and repositories of
/// GitOps tools, releases, and copiers that carry a Secret into other namespaces.
pub(crate) const REFUSED_METADATA: &[&str] = &[
    "argocd.argoproj.io/",
    "helm.sh/",
    "meta.helm.sh/",
    "toolkit.fluxcd.io/",
    "cluster.x-k8s.io/",
    "reflector.v1.k8s.emberstack.com/",
    "replicator.v1.mittwald.de/",
    "kubed.appscode.com/",
];

/// Labels and annotations of Kubernetes and of ours: those of a Secret say whose key it is, and whether it is
/// read. Admission refuses them, too, where the definition of today is installed; no administrator allows them.
const RESERVED: &[&str] = &["kubernetes.io/", "k8s.io/", "tokenwright.dev/"];

/// The types of Kubernetes itself that are no key to the cluster.
const PLAIN: &[&str] = &[
    "kubernetes.io/basic-auth",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/tls",
];

/// What the administrator refuses.
#[derive(Debug, Default)]
pub(crate) struct SecretLimits {
    pub(crate) types: Vec<String>,
    pub(crate) metadata: Vec<String>,
}

impl SecretLimits {
    /// Refuses a Secret that would be another controller's.
    ///
    /// # Errors
    ///
    /// The field at fault.
    pub(crate) fn check(&self, wanted: &SecretTemplate) -> Result<(), InvalidSpec> {
        self.check_type(wanted)?;
        self.check_metadata("spec.secret.labels", wanted.labels.keys())?;
        self.check_metadata("spec.secret.annotations", wanted.annotations.keys())
    }

    /// Whether a value or a credential may be taken from this Secret: not where it is a key to the cluster, such
    /// as the token of a ServiceAccount, or belongs to another program. The administrator's list only adds to
    /// that: what it lets an `ApiToken` make is still no source.
    pub(crate) fn may_read(&self, secret: &Secret) -> bool {
        let type_ = secret.type_.as_deref().unwrap_or_default();
        let own = self.types.iter().map(String::as_str);
        let mut refused = REFUSED_TYPES.iter().copied().chain(own);
        !is_of_kubernetes(type_) && !refused.any(|at| matches(type_, at))
    }

    fn check_type(&self, wanted: &SecretTemplate) -> Result<(), InvalidSpec> {
        let refuse = |message| Err(InvalidSpec::new("spec.secret.type", message));
        if is_of_kubernetes(&wanted.type_) {
            return refuse(format!(
                "{:?} is a type of Kubernetes that is not for ApiTokens: Opaque, {} and types of your own are",
                wanted.type_,
                PLAIN.join(", ")
            ));
        }
        match self.types.iter().find(|at| matches(&wanted.type_, at)) {
            Some(refused) => refuse(format!(
                "{:?} is not for ApiTokens: the administrator refuses the type {refused:?}",
                wanted.type_
            )),
            None => Ok(()),
        }
    }

    fn check_metadata<'a>(
        &self,
        field: &'static str,
        keys: impl Iterator<Item = &'a String>,
    ) -> Result<(), InvalidSpec> {
        for key in keys {
            if let Some(reserved) = RESERVED.iter().find(|of| key.contains(*of)) {
                let message = format!("{key:?} is not for ApiTokens: it is under {reserved}");
                return Err(InvalidSpec::new(field, message));
            }
            if let Some(refused) = self.metadata.iter().find(|at| matches(key, at)) {
                let message = format!(
                    "{key:?} is not for ApiTokens: the administrator refuses what begins with {refused:?}"
                );
                return Err(InvalidSpec::new(field, message));
            }
        }
        Ok(())
    }
}

/// Whether a label or annotation is of Kubernetes or ours, so that no `ApiToken` can have asked for it.
pub(crate) fn is_reserved(key: &str) -> bool {
    RESERVED.iter().any(|of| key.contains(of))
}

/// Whether a type is one that Kubernetes acts upon.
fn is_of_kubernetes(type_: &str) -> bool {
    type_.contains("kubernetes.io") && !PLAIN.contains(&type_)
}

/// The whole, or the beginning where `pattern` ends in a slash.
fn matches(text: &str, pattern: &str) -> bool {
    match pattern.ends_with('/') {
        true => text.starts_with(pattern),
        false => text == pattern,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn limits() -> SecretLimits {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        SecretLimits {
            types: owned(REFUSED_TYPES),
            metadata: owned(REFUSED_METADATA),
        }
    }

    fn refused(changes: Value) -> Option<String> {
        let mut template = json!({ "name": "ci-token" });
        template
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let template: SecretTemplate = serde_json::from_value(template).unwrap();
        limits()
            .check(&template)
            .err()
            .map(|invalid| invalid.field.to_owned())
    }

    #[test]
    fn what_another_controller_acts_upon_is_refused_by_its_field() {
        let cluster = json!({ "labels": { "argocd.argoproj.io/secret-type": "cluster" } });
        assert_eq!(refused(cluster).as_deref(), Some("spec.secret.labels"));
        let release = json!({ "type": "helm.sh/release.v1" });
        assert_eq!(refused(release).as_deref(), Some("spec.secret.type"));
        let copied = json!({ "annotations": { "replicator.v1.mittwald.de/replicate-to": "*" } });
        assert_eq!(refused(copied).as_deref(), Some("spec.secret.annotations"));
        for fine in [
            json!({}),
            json!({ "type": "example.com/token", "labels": { "team": "a" } }),
            json!({ "annotations": { "reloader.stakater.com/match": "true" } }),
        ] {
            assert_eq!(refused(fine), None);
        }
    }

    #[test]
    fn everything_on_the_lists_is_refused_and_the_page_about_security_tells_it() {
        let page = include_str!("../../../../docs/guides/security.md");
        let told = |pattern: &str| page.contains(&format!("`{pattern}…`"));
        for type_ in REFUSED_TYPES {
            let one = json!({ "type": format!("{type_}any") });
            assert_eq!(refused(one).as_deref(), Some("spec.secret.type"), "{type_}");
            assert!(told(type_), "{type_}");
        }
        for prefix in REFUSED_METADATA {
            for field in ["labels", "annotations"] {
                let one = json!({ field: { format!("{prefix}any"): "yes" } });
                let at = format!("spec.secret.{field}");
                assert_eq!(refused(one), Some(at), "{prefix}");
            }
            assert!(told(prefix), "{prefix}");
        }
    }

    #[test]
    fn an_administrator_s_own_list_takes_the_place_of_the_program_s() {
        let own = SecretLimits {
            types: vec!["example.com/".to_owned()],
            metadata: vec!["example.com/".to_owned()],
        };
        let check = |template: Value| {
            let template: SecretTemplate = serde_json::from_value(template).unwrap();
            own.check(&template)
                .err()
                .map(|invalid| invalid.field.to_owned())
        };
        let of = |type_: &str| json!({ "name": "ci-token", "type": type_ });
        assert_eq!(check(of("helm.sh/release.v1")), None);
        let refused = check(of("example.com/key"));
        assert_eq!(refused.as_deref(), Some("spec.secret.type"));
    }

    #[test]
    fn nothing_is_taken_from_a_secret_that_is_a_key_to_the_cluster_or_that_an_administrator_refuses()
     {
        let own = SecretLimits {
            types: vec!["example.com/key".to_owned()],
            metadata: Vec::new(),
        };
        let plain = |type_: Option<&str>| {
            own.may_read(&Secret {
                type_: type_.map(str::to_owned),
                ..Secret::default()
            })
        };
        for type_ in [
            None,
            Some("Opaque"),
            Some("kubernetes.io/basic-auth"),
            Some("example.com/another"),
        ] {
            assert!(plain(type_), "{type_:?}");
        }
        for type_ in [
            "kubernetes.io/service-account-token",
            "bootstrap.kubernetes.io/token",
            "helm.sh/release.v1",
            "example.com/key",
        ] {
            assert!(!plain(Some(type_)), "{type_}");
        }
    }
}
