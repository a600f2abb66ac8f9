//! Whose a Secret is, as its annotations say: the operator decides by it, and the command line explains it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::ResourceExt as _;

use crate::names::annotation;
use crate::token::ApiToken;

/// The kind that our annotations name.
pub const KIND: &str = "ApiToken";

type Annotations = BTreeMap<String, String>;

/// One `ApiToken`, as the Secret that it delivers to names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// Whose a Secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// This `ApiToken` delivers to it.
    Ours,
    /// Its owner allows this one to take it over.
    Offered,
    /// It was delivered to by an object of our kind, namespace and name with this UID.
    /// If that object is gone, the Secret is taken over.
    Predecessor {
        /// The UID.
        uid: String,
    },
    /// It is somebody else's.
    Foreign,
}

impl Ownership {
    /// The same to an `ApiToken` that may be on its way out: then nothing is taken over any more.
    #[must_use]
    pub fn to_one_that(self, goes: bool) -> Self {
        match self {
            Self::Offered | Self::Predecessor { .. } if goes => Self::Foreign,
            says => says,
        }
    }
}

impl Owner {
    /// This object; without what the API server gives, nobody's owner.
    #[must_use]
    pub fn of(object: &ApiToken) -> Self {
        Self {
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// The `ApiToken` that a Secret says it is of.
    #[must_use]
    pub fn named(annotations: &Annotations) -> Option<Self> {
        let says = |key: &str| annotations.get(key).cloned();
        says(annotation::MANAGER_KIND).filter(|kind| kind == KIND)?;
        Some(Self {
            namespace: says(annotation::MANAGER_NAMESPACE)?,
            name: says(annotation::MANAGER_NAME)?,
            uid: says(annotation::MANAGER_UID)?,
        })
    }

    /// Whose a Secret is to this `ApiToken`.
    #[must_use]
    pub fn ownership(&self, annotations: &Annotations) -> Ownership {
        match Self::named(annotations) {
            Some(named) if named == *self => return Ownership::Ours,
            // An object of the same name exists once: we are it, so the one with that UID is gone.
            Some(named) if named.is_in_place_of(self) => {
                return Ownership::Predecessor { uid: named.uid };
            }
            Some(_) | None => {}
        }
        match self.is_allowed(annotations) {
            true => Ownership::Offered,
            false => Ownership::Foreign,
        }
    }

    fn is_allowed(&self, annotations: &Annotations) -> bool {
        annotations.get(annotation::ALLOW_TAKEOVER_BY) == Some(&self.name)
    }

    /// The controller that has made a Secret of ours its own, which we never are, unless a person allows this
    /// `ApiToken` to take it back. With a value of that controller in it, it is not ours any more.
    #[must_use]
    pub fn taker<'a>(&self, secret: &'a ObjectMeta) -> Option<&'a OwnerReference> {
        let allowed = secret
            .annotations
            .as_ref()
            .is_some_and(|all| self.is_allowed(all));
        let mut owners = secret.owner_references.iter().flatten();
        owners
            .find(|owner| owner.controller == Some(true))
            .filter(|_| !allowed)
    }

    /// The other `ApiToken` that a Secret says it is of.
    #[must_use]
    pub fn other(&self, annotations: &Annotations) -> Option<Self> {
        Self::named(annotations).filter(|named| !named.is_in_place_of(self))
    }

    /// Whether both have one namespace and name.
    fn is_in_place_of(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.name == other.name
    }

    /// Whether what was delivered to this `ApiToken` has its place elsewhere than in that Secret, or none at
    /// all; `live` is the object that has its name now. Where that Secret was delivered to by another one,
    /// somebody exchanged the contents of two, or copied one over the other.
    #[must_use]
    pub fn delivers_elsewhere(
        &self,
        (namespace, secret): (&str, &str),
        live: Option<&ApiToken>,
    ) -> bool {
        let live = live.filter(|live| live.metadata.uid.as_ref() == Some(&self.uid));
        self.namespace != namespace || live.is_none_or(|live| live.spec.secret.name != secret)
    }

    /// What a Secret of another `ApiToken` holds then.
    #[must_use]
    pub fn exchanged(&self) -> String {
        let Self {
            namespace, name, ..
        } = self;
        format!(
            "It holds what was delivered to the ApiToken {namespace}/{name}: somebody exchanged the contents of two Secrets, or copied one over the other. Rotate that one, too, where its value could be read by whom it should not."
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(namespace: &str, name: &str, uid: &str) -> Owner {
        Owner {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }
    }

    fn says(owner: &Owner) -> Annotations {
        [
            (annotation::MANAGER_KIND, KIND),
            (annotation::MANAGER_NAMESPACE, &owner.namespace),
            (annotation::MANAGER_NAME, &owner.name),
            (annotation::MANAGER_UID, &owner.uid),
        ]
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .into()
    }

    #[test]
    fn another_kind_of_the_same_name_is_somebody_else() {
        let us = owner("team-a", "ci", "1");
        let mut annotations = says(&us);
        assert_eq!(us.ownership(&annotations), Ownership::Ours);
        annotations.insert(annotation::MANAGER_KIND.to_owned(), "Other".to_owned());
        assert_eq!(us.ownership(&annotations), Ownership::Foreign);
        assert_eq!(us.other(&annotations), None);
    }

    #[test]
    fn what_lies_in_two_places_was_exchanged_and_a_secret_that_both_want_was_not() {
        let other = owner("team-a", "other", "2");
        let live = |uid: &str, secret: &str| -> ApiToken {
            serde_json::from_value(json!({
                "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
                "metadata": { "name": "other", "namespace": "team-a", "uid": uid },
                "spec": {
                    "issuerRef": { "name": "issuer" },
                    "token": { "name": "other", "lifetime": "1d" },
                    "secret": { "name": secret },
                },
            }))
            .unwrap()
        };
        let here = ("team-a", "ci-token");
        assert!(other.delivers_elsewhere(here, None));
        assert!(other.delivers_elsewhere(here, Some(&live("2", "its-own"))));
        assert!(other.delivers_elsewhere(here, Some(&live("3", "ci-token"))));
        assert!(!other.delivers_elsewhere(here, Some(&live("2", "ci-token"))));
        let moved = owner("team-b", "other", "2");
        assert!(moved.delivers_elsewhere(here, Some(&live("2", "ci-token"))));
    }
}
