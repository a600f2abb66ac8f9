//! What is told of single systems, since no profile says it: a person read it, or saw it.

/// Systems whose real servers answered; of all others only the documentation was read.
pub(crate) const SEEN: &[(&str, &str)] = &[
    ("devpi", "a real server"),
    ("gitea", "a real server: Gitea"),
    ("headscale", "a real server"),
    ("jupyterhub", "a real server"),
    ("keycloak", "a real server"),
    ("miniflux", "a real server"),
    ("npm", "a real server: Verdaccio"),
    ("openstack", "a real server"),
    ("ory-hydra", "a real server: Hydra"),
    ("scaleway", "recorded traffic"),
    ("synapse", "a real server"),
    ("terrakube-team", "a real server, recorded"),
    ("terrakube-user", "a real server, recorded"),
    ("unleash", "a real server"),
    ("zenml", "a real server"),
];

/// Systems whose documented shapes were compared once more with what the vendor, its source or its users say.
pub(crate) const COMPARED: &[&str] = &[
    "argocd",
    "aws-iam",
    "confluent",
    "databricks",
    "datadog",
    "digitalocean-spaces",
    "docker-hub",
    "entra-application",
    "github-app",
    "gitlab-group",
    "gitlab-personal",
    "gitlab-project",
    "google-service-account",
    "grafana",
    "harbor",
    "hcp-terraform",
    "honeycomb",
    "jenkins",
    "linode",
    "mattermost",
    "mongodb-atlas",
    "netbox",
    "netbox-v2",
    "tailscale",
    "twilio",
    "upcloud",
    "vercel",
];

/// How many tokens there may be at once, where it is said: a rotation with overlap needs room for one more.
pub(crate) const AT_MOST: &[(&str, &str)] = &[
    ("atlassian-data-center", "ten tokens of a user"),
    ("aws-iam", "two keys of a user"),
    ("databricks", "600 tokens of a user"),
    ("datadog", "50 keys"),
    ("google-service-account", "ten keys of an account"),
    ("mongodb-atlas", "two secrets of an account"),
    ("new-relic", "1,000 keys of each type"),
    ("nexus", "one token of a user"),
    ("okta-client-secret", "two secrets of an application"),
    ("openai-project", "one key of a service account"),
    ("scaleway", "100 keys of an organization"),
    ("snowflake", "fifteen tokens of a user"),
];

/// What no code can handle, and people must be told: profile, and words that say it.
pub(crate) const TOLD: &[(&str, &[&str])] = &[
    (
        "terrakube-user",
        &[
            "registry does not honour deletions",
            "60 seconds",
            "keeps the groups of the credential that minted it",
            "each generation adds",
            "acts in its maker's name",
            "every organization that has a team of that name",
            "Whoever knows an id can delete that token",
            "must have 32 bytes",
            "very many groups",
        ],
    ),
    (
        "scaleway",
        &[
            "100 API keys",
            "expired ones count until they are deleted",
            "one application for each set of rights",
            "key for another user",
            "longest lifetime",
            "a later one is a new key",
        ],
    ),
    (
        "seeme",
        &[
            "never sends it twice",
            "likely everything",
            "USERNAME:KEY",
            "POST /api-keys",
        ],
    ),
    (
        "aws-iam",
        &["no name and no end", "two keys at most", "A wrong clock"],
    ),
    (
        "okta-client-secret",
        &[
            "no name and no end",
            "two at most",
            "only secret",
            "made by people alone",
        ],
    ),
    ("hcp-terraform-team", &["two years", "team of owners"]),
    (
        "google-service-account",
        &[
            "ten at most",
            "forbid keys altogether",
            "Precondition check failed",
        ],
    ),
    (
        "github-app",
        &[
            "one hour, never more or less",
            "Only its value",
            "some 520 characters",
        ],
    ),
    ("entra-application", &["only where the client id"]),
    ("artifactory", &["six hours"]),
    ("jenkins", &["No call lists tokens"]),
    (
        "mongodb-atlas",
        &["two secrets", "keeps its place", "seven days"],
    ),
    ("databricks", &["after two years", "for somebody else"]),
    ("docker-hub", &["No access token may manage others"]),
    ("snowflake", &["fifteen tokens", "needs the `role`"]),
    ("consul", &["a minute and a day", "thirty seconds"]),
    ("sonarqube", &["named by its name"]),
    ("bitbucket-data-center", &["the credential is a password"]),
    ("atlassian-data-center", &["for oneself alone"]),
    ("nexus", &["a reset ends it at once"]),
    ("dependency-track", &["4.13 or newer"]),
    ("gitlab-deploy", &["no value is checked"]),
    ("heroku", &["what was asked for counts"]),
    ("ibm-cloud", &["lives on until then"]),
    ("zabbix", &["a token without a value is left"]),
    ("synapse", &["lives until its end"]),
    ("seenode", &["acts in one team", "passwords of databases"]),
    ("online-net", &["retired"]),
    ("transiyzi", &["where a project is named", "with a colon"]),
    (
        "jupyterhub",
        &["gives the id of a token that is gone to a new one"],
    ),
    ("devpi", &["has no name"]),
];
