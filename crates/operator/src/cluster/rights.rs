//! What the operator needs to be allowed to do, and what it lacks. The page about rights and the roles of the
//! chart are held against this list.

use std::fmt;

use k8s_openapi::api::authorization::v1::ResourceRule;
use tokenwright_api::names::GROUP;

/// Something that the API server lets one do, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// `get`, `list`, …
    pub verb: &'static str,
    /// The group of the kind; empty for Kubernetes' oldest ones.
    pub group: &'static str,
    /// With a slash before its part: `apitokens/status`.
    pub resource: &'static str,
    /// What happens where it is missing.
    pub without: &'static str,
}

const fn right(
    verb: &'static str,
    (group, resource): (&'static str, &'static str),
    without: &'static str,
) -> Right {
    Right {
        verb,
        group,
        resource,
        without,
    }
}

const TOKENS: (&str, &str) = (GROUP, "apitokens");
const ISSUERS: (&str, &str) = (GROUP, "tokenissuers");
const SECRETS: (&str, &str) = ("", "secrets");

/// What it needs in each namespace that it watches.
pub const NEEDED: &[Right] = &[
    right("list", TOKENS, "nothing there is seen"),
    right("watch", TOKENS, "nothing there is seen"),
    right(
        "get",
        TOKENS,
        "no token is ended, and an ApiToken that this version cannot read is told nowhere but in the log",
    ),
    right(
        "patch",
        TOKENS,
        "nothing is minted, since no finalizer can be set",
    ),
    right(
        "update",
        (GROUP, "apitokens/status"),
        "nothing is minted, since no intent can be written down",
    ),
    right(
        "list",
        ISSUERS,
        "nothing there is minted or ended, since no issuer is seen",
    ),
    right(
        "watch",
        ISSUERS,
        "nothing there is minted or ended, since no issuer is seen",
    ),
    right(
        "get",
        ISSUERS,
        "an issuer that this version cannot read is told nowhere but in the log",
    ),
    right(
        "patch",
        ISSUERS,
        "no issuer is ready, since none can be held while it is needed",
    ),
    right(
        "update",
        (GROUP, "tokenissuers/status"),
        "no issuer is ready, since none can say how it stands",
    ),
    right(
        "list",
        SECRETS,
        "nothing there is minted or ended, since no Secret is seen",
    ),
    right(
        "watch",
        SECRETS,
        "nothing there is minted or ended, since no Secret is seen",
    ),
    right("get", SECRETS, "no credential and no value can be read"),
    right("create", SECRETS, "no value is delivered to a new Secret"),
    right(
        "update",
        SECRETS,
        "no value is delivered to a Secret that is there",
    ),
    right(
        "patch",
        SECRETS,
        "no issuer is ready, since no credential can be held while it is needed",
    ),
    right(
        "delete",
        SECRETS,
        "no deletion is done before its deadline, and the Secret outlives it",
    ),
    right(
        "create",
        ("events.k8s.io", "events"),
        "events are only logged",
    ),
];

const SHARED: (&str, &str) = (GROUP, "clustertokenissuers");
const PROFILES: (&str, &str) = (GROUP, "tokenprofiles");
const NAMESPACES: (&str, &str) = ("", "namespaces");

/// What it needs beside that where it watches all namespaces.
pub const NEEDED_OF_CLUSTER: &[Right] = &[
    right("list", SHARED, "no ClusterTokenIssuer is seen"),
    right("watch", SHARED, "no ClusterTokenIssuer is seen"),
    right(
        "get",
        SHARED,
        "a ClusterTokenIssuer that this version cannot read is told nowhere but in the log",
    ),
    right(
        "patch",
        SHARED,
        "no ClusterTokenIssuer is ready, since none can be held while it is needed",
    ),
    right(
        "update",
        (GROUP, "clustertokenissuers/status"),
        "no ClusterTokenIssuer is ready, since none can say how it stands",
    ),
    right(
        "list",
        PROFILES,
        "no ClusterTokenIssuer is ready, and no issuer with a TokenProfile",
    ),
    right(
        "watch",
        PROFILES,
        "no ClusterTokenIssuer is ready, and no issuer with a TokenProfile",
    ),
    right(
        "get",
        PROFILES,
        "a TokenProfile that this version cannot read is told nowhere but in the log",
    ),
    right(
        "update",
        (GROUP, "tokenprofiles/status"),
        "no TokenProfile says how it stands",
    ),
    right(
        "list",
        NAMESPACES,
        "no ClusterTokenIssuer is ready, since no grant by labels is known",
    ),
    right(
        "watch",
        NAMESPACES,
        "no ClusterTokenIssuer is ready, since no grant by labels is known",
    ),
];

/// What it needs of single objects that belong to no namespace, whatever it watches; named by what they are.
pub const NEEDED_OF_ONE: &[(Right, &str)] = &[
    (
        right("get", NAMESPACES, "nothing begins: markers need its UID"),
        "`kube-system`",
    ),
    (
        right(
            "get",
            ("apiextensions.k8s.io", "customresourcedefinitions"),
            "nobody is told that a kind is missing or of another version",
        ),
        "the kinds of Tokenwright",
    ),
];

const LEASES: (&str, &str) = ("coordination.k8s.io", "leases");

/// What it needs in its own namespace, and of which object; Kubernetes cannot narrow a create to one.
pub const NEEDED_AT_HOME: &[(Right, &str)] = &[
    (
        right("create", SECRETS, "nothing begins: there is no key"),
        "any: makes the key of its digests once",
    ),
    (
        right("get", SECRETS, "nothing begins: the key cannot be read"),
        "`tokenwright-digest-key`",
    ),
    (
        right("create", LEASES, "no replica works"),
        "any: makes its Lease once, and tries to make one to see what time it is there",
    ),
    (right("get", LEASES, "no replica works"), "its Lease"),
    (
        right("update", LEASES, "no replica works for long"),
        "its Lease",
    ),
];

/// What is needed in a namespace, or in all of them, and not among these rules.
pub(crate) fn missing(rules: &[ResourceRule], in_all: bool) -> Vec<Right> {
    let given = |right: &Right| rules.iter().any(|rule| right.is_given_by(rule));
    let of_cluster = NEEDED_OF_CLUSTER.iter().filter(|_| in_all);
    let needed = NEEDED.iter().chain(of_cluster).copied();
    needed.filter(|right| !given(right)).collect()
}

impl Right {
    /// Whether nothing at all is served without it.
    pub(crate) fn is_vital(self) -> bool {
        (self.group, self.resource) == TOKENS && ["list", "watch"].contains(&self.verb)
    }

    /// What happens where it is missing.
    pub(crate) fn without(self) -> &'static str {
        self.without
    }

    fn is_given_by(self, rule: &ResourceRule) -> bool {
        let named = |words: Option<&Vec<String>>, wanted: &str| {
            let mut words = words.into_iter().flatten();
            words.any(|word| word == "*" || word == wanted)
        };
        let of_one_name = rule.resource_names.as_ref().is_some_and(|n| !n.is_empty());
        !of_one_name
            && named(Some(&rule.verbs), self.verb)
            && named(rule.api_groups.as_ref(), self.group)
            && named(rule.resources.as_ref(), self.resource)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(rule: serde_json::Value) -> ResourceRule {
        serde_json::from_value(rule).unwrap()
    }

    #[test]
    fn a_right_to_one_name_is_no_right_to_all() {
        let all = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] });
        assert!(missing(&[rule(all.clone())], true).is_empty());
        let mut one = all;
        one["resourceNames"] = json!(["tokenwright-digest-key"]);
        assert_eq!(missing(&[rule(one)], false), NEEDED);
    }

    #[test]
    fn what_is_given_in_part_is_missing_in_part() {
        let some = json!({ "verbs": ["list", "watch", "get", "patch"], "apiGroups": ["", GROUP], "resources": ["secrets", "apitokens", "tokenissuers"] });
        let lacks: Vec<_> = missing(&[rule(some)], false)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            lacks,
            [
                "update apitokens/status",
                "update tokenissuers/status",
                "create secrets",
                "update secrets",
                "delete secrets",
                "create events",
            ]
        );
    }
}
