//! The token resources of other Terraform providers, and what ours calls the same.

/// One of their resources.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its type.
    pub(super) kind: &'static str,
    /// The profile of the same system.
    pub(super) profile: &'static str,
    /// The attribute with the token's name.
    pub(super) name: Option<&'static str>,
    /// The attribute with its scopes.
    pub(super) scopes: Option<&'static str>,
    /// Attributes that are parameters here: theirs, ours, and how it is written here.
    pub(super) parameters: &'static [(&'static str, &'static str, Written)],
    /// The attribute with the value, which is never read.
    pub(super) value: &'static str,
}

/// How what they write is written here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// The same.
    Same,
    /// What follows the last colon or slash: their ids name what contains them first.
    Last,
    /// A role of GitLab's by its number.
    Role,
}

use Written::{Last, Role, Same};

/// Those that are known.
pub(super) const PEERS: [Peer; 11] = [
    Peer {
        kind: "scaleway_iam_api_key",
        profile: "scaleway",
        name: Some("description"),
        scopes: None,
        parameters: &[
            ("application_id", "application_id", Same),
            ("user_id", "user_id", Same),
            ("default_project_id", "default_project_id", Same),
        ],
        value: "secret_key",
    },
    Peer {
        kind: "gitlab_project_access_token",
        profile: "gitlab-project",
        name: Some("name"),
        scopes: Some("scopes"),
        parameters: &[
            ("project", "project", Same),
            ("access_level", "access_level", Role),
        ],
        value: "token",
    },
    Peer {
        kind: "gitlab_group_access_token",
        profile: "gitlab-group",
        name: Some("name"),
        scopes: Some("scopes"),
        parameters: &[
            ("group", "group", Same),
            ("access_level", "access_level", Role),
        ],
        value: "token",
    },
    Peer {
        kind: "gitlab_personal_access_token",
        profile: "gitlab-personal",
        name: Some("name"),
        scopes: Some("scopes"),
        parameters: &[("user_id", "user_id", Same)],
        value: "token",
    },
    Peer {
        kind: "grafana_service_account_token",
        profile: "grafana",
        name: Some("name"),
        scopes: None,
        parameters: &[("service_account_id", "service_account_id", Last)],
        value: "key",
    },
    Peer {
        kind: "aws_iam_access_key",
        profile: "aws-iam",
        name: Some("user"),
        scopes: None,
        parameters: &[("user", "user_name", Same)],
        value: "secret",
    },
    Peer {
        kind: "google_service_account_key",
        profile: "google-service-account",
        name: None,
        scopes: None,
        parameters: &[("service_account_id", "service_account", Last)],
        value: "private_key",
    },
    Peer {
        kind: "azuread_application_password",
        profile: "entra-application",
        name: Some("display_name"),
        scopes: None,
        parameters: &[("application_id", "application_id", Last)],
        value: "value",
    },
    Peer {
        kind: "datadog_api_key",
        profile: "datadog",
        name: Some("name"),
        scopes: None,
        parameters: &[],
        value: "key",
    },
    Peer {
        kind: "tailscale_tailnet_key",
        profile: "tailscale",
        name: Some("description"),
        scopes: Some("tags"),
        parameters: &[
            ("reusable", "reusable", Same),
            ("ephemeral", "ephemeral", Same),
        ],
        value: "key",
    },
    Peer {
        kind: "linode_token",
        profile: "linode",
        name: Some("label"),
        // One text of theirs; ours are a set.
        scopes: Some("scopes"),
        parameters: &[],
        value: "token",
    },
];

/// The roles of GitLab, by their names in its provider.
pub(super) const ROLES: [(&str, &str); 6] = [
    ("guest", "10"),
    ("planner", "15"),
    ("reporter", "20"),
    ("developer", "30"),
    ("maintainer", "40"),
    ("owner", "50"),
];

/// Words of types that hold a token and that nothing is known of here.
pub(super) const LOOKS_LIKE_ONE: [&str; 6] = [
    "_api_key",
    "_access_token",
    "_api_token",
    "_access_key",
    "_token",
    "_auth_key",
];
