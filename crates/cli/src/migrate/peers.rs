//! The token resources of other Terraform providers, and what ours calls the same.

use serde_json::Value;

/// One of their resources.
#[derive(Debug)]
pub(super) struct Peer {
    /// Its type.
    pub(super) kind: &'static str,
    /// Which of that type it is, where they are of several kinds: an attribute, and what it says.
    only: Option<(&'static str, &'static [&'static str])>,
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
    /// How the old token ends, where its provider does not end it with the resource.
    pub(super) stays: Option<&'static str>,
    /// Where it says when its token is rotated.
    pub(super) schedule: Option<Schedule>,
}

/// Where it says that: pointers to how long a token lives, and to how long before its end the next follows.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) lifetime: &'static str,
    pub(super) renew_before: &'static str,
    /// The unit of what is a bare number there.
    pub(super) unit: char,
}

/// How what they write is written here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// The same.
    Same,
    /// What follows the last colon or slash: their ids name what contains them first.
    Last,
}

use Written::{Last, Same};

impl Peer {
    /// The one that a resource is, by its type and attributes.
    pub(super) fn of(kind: &str, attributes: &Value) -> Option<&'static Self> {
        PEERS.iter().find(|peer| {
            let said = |(name, words): (&str, &[&str])| {
                attributes[name]
                    .as_str()
                    .is_some_and(|word| words.contains(&word))
            };
            peer.kind == kind && peer.only.is_none_or(said)
        })
    }
}

/// What most of them have.
const MOST: Peer = Peer {
    kind: "",
    only: None,
    profile: "",
    name: Some("name"),
    scopes: None,
    parameters: &[],
    value: "token",
    stays: None,
    schedule: None,
};

const GITLAB: Peer = Peer {
    scopes: Some("scopes"),
    schedule: Some(Schedule {
        lifetime: "/rotation_configuration/expiration_days",
        renew_before: "/rotation_configuration/rotate_before_days",
        unit: 'd',
    }),
    ..MOST
};

const GRAFANA: Peer = Peer {
    profile: "grafana",
    parameters: &[("service_account_id", "service_account_id", Last)],
    value: "key",
    ..MOST
};

const GRAFANA_ROTATING: Peer = Peer {
    name: Some("name_prefix"),
    stays: Some(LEFT_TO_EXPIRE),
    schedule: Some(Schedule {
        lifetime: "/seconds_to_live",
        renew_before: "/early_rotation_window_seconds",
        unit: 's',
    }),
    ..GRAFANA
};

const GRAFANA_CLOUD: Peer = Peer {
    profile: "grafana-cloud",
    parameters: &[
        ("region", "region", Same),
        ("access_policy_id", "access_policy_id", Last),
    ],
    ..MOST
};

const LEFT_TO_EXPIRE: &str = "once its resource is removed, it lives until its end; apply delete_on_destroy = true before, where it is to end with it";

/// Those that are known.
pub(super) const PEERS: [Peer; 25] = [
    Peer {
        kind: "scaleway_iam_api_key",
        profile: "scaleway",
        name: Some("description"),
        parameters: &[
            ("application_id", "application_id", Same),
            ("user_id", "user_id", Same),
            ("default_project_id", "default_project_id", Same),
        ],
        value: "secret_key",
        ..MOST
    },
    Peer {
        kind: "terrakube_team_token",
        profile: "terrakube-team",
        name: Some("description"),
        parameters: &[("team_name", "team", Same)],
        value: "value",
        ..MOST
    },
    Peer {
        kind: "gitlab_project_access_token",
        profile: "gitlab-project",
        parameters: &[
            ("project", "project", Same),
            ("access_level", "access_level", Same),
        ],
        ..GITLAB
    },
    Peer {
        kind: "gitlab_group_access_token",
        profile: "gitlab-group",
        parameters: &[
            ("group", "group", Same),
            ("access_level", "access_level", Same),
        ],
        ..GITLAB
    },
    Peer {
        kind: "gitlab_personal_access_token",
        profile: "gitlab-personal",
        parameters: &[("user_id", "user_id", Same)],
        ..GITLAB
    },
    Peer {
        kind: "gitlab_group_service_account_access_token",
        profile: "gitlab-personal",
        parameters: &[("user_id", "user_id", Same)],
        ..GITLAB
    },
    Peer {
        kind: "grafana_service_account_token",
        ..GRAFANA
    },
    Peer {
        kind: "grafana_service_account_rotating_token",
        ..GRAFANA_ROTATING
    },
    Peer {
        kind: "grafana_cloud_stack_service_account_token",
        ..GRAFANA
    },
    Peer {
        kind: "grafana_cloud_stack_service_account_rotating_token",
        ..GRAFANA_ROTATING
    },
    Peer {
        kind: "grafana_cloud_access_policy_token",
        ..GRAFANA_CLOUD
    },
    Peer {
        kind: "grafana_cloud_access_policy_rotating_token",
        name: Some("name_prefix"),
        stays: Some(LEFT_TO_EXPIRE),
        schedule: Some(Schedule {
            lifetime: "/expire_after",
            renew_before: "/early_rotation_window",
            unit: 's',
        }),
        ..GRAFANA_CLOUD
    },
    Peer {
        kind: "aws_iam_access_key",
        profile: "aws-iam",
        name: Some("user"),
        parameters: &[("user", "user_name", Same)],
        value: "secret",
        ..MOST
    },
    Peer {
        kind: "google_service_account_key",
        profile: "google-service-account",
        name: None,
        parameters: &[("service_account_id", "service_account", Last)],
        value: "private_key",
        ..MOST
    },
    Peer {
        kind: "azuread_application_password",
        profile: "entra-application",
        name: Some("display_name"),
        parameters: &[("application_id", "application_id", Last)],
        value: "value",
        ..MOST
    },
    Peer {
        kind: "datadog_api_key",
        profile: "datadog",
        value: "key",
        ..MOST
    },
    Peer {
        kind: "vault_token",
        profile: "openbao",
        name: Some("display_name"),
        scopes: Some("policies"),
        value: "client_token",
        ..MOST
    },
    Peer {
        kind: "artifactory_scoped_token",
        profile: "artifactory",
        name: Some("description"),
        scopes: Some("scopes"),
        parameters: &[("username", "username", Same)],
        value: "access_token",
        ..MOST
    },
    Peer {
        kind: "tfe_team_token",
        profile: "hcp-terraform-team",
        name: Some("description"),
        parameters: &[("team_id", "team_id", Same)],
        ..MOST
    },
    Peer {
        kind: "tfe_agent_token",
        profile: "hcp-terraform-agent",
        name: Some("description"),
        parameters: &[("agent_pool_id", "agent_pool_id", Same)],
        ..MOST
    },
    Peer {
        kind: "newrelic_api_access_key",
        only: Some(("key_type", &["INGEST"])),
        profile: "new-relic",
        parameters: &[
            ("account_id", "account_id", Same),
            ("ingest_type", "type", Same),
        ],
        value: "key",
        ..MOST
    },
    Peer {
        kind: "newrelic_api_access_key",
        only: Some(("key_type", &["USER"])),
        profile: "new-relic-user",
        parameters: &[
            ("account_id", "account_id", Same),
            ("user_id", "user_id", Same),
        ],
        value: "key",
        ..MOST
    },
    Peer {
        kind: "okta_app_oauth",
        // An application of another method has no secret.
        only: Some((
            "token_endpoint_auth_method",
            &[
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
            ],
        )),
        profile: "okta-client-secret",
        name: Some("label"),
        parameters: &[("id", "app_id", Same), ("client_id", "app_client_id", Same)],
        value: "client_secret",
        stays: Some(
            "deactivate and delete its first secret in the Admin Console before the first rotation, which needs its place",
        ),
        ..MOST
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
        ..MOST
    },
    Peer {
        kind: "linode_token",
        profile: "linode",
        name: Some("label"),
        // One text of theirs; ours are a set.
        scopes: Some("scopes"),
        ..MOST
    },
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
