//! What front ends are promised of each profile and no exchange shows: where it is spoken to, which
//! environment variables its users know, and how long its values can be.

use tokenwright_client::Profile;

struct Promise {
    profile: &'static str,
    /// Empty where every issuer names its own.
    endpoint: &'static str,
    /// Part and variable.
    credential: &'static [(&'static str, &'static str)],
    /// The most bytes of each secret part. A rehearsal publishes as much: more would refuse destinations
    /// that were good enough before.
    value: &'static [(&'static str, usize)],
}

const PROMISES: [Promise; 18] = [
    Promise {
        profile: "cloudflare-account",
        endpoint: "https://api.cloudflare.com/client/v4",
        credential: &[("api_token", "CLOUDFLARE_API_TOKEN")],
        value: &[("api_token", 256)],
    },
    Promise {
        profile: "cloudflare-user",
        endpoint: "https://api.cloudflare.com/client/v4",
        credential: &[("api_token", "CLOUDFLARE_API_TOKEN")],
        value: &[("api_token", 256)],
    },
    Promise {
        profile: "devpi",
        endpoint: "http://localhost:3141",
        credential: &[("password", "DEVPI_PASSWORD"), ("user", "DEVPI_USER")],
        value: &[("token", 4096)],
    },
    Promise {
        profile: "gitea",
        endpoint: "",
        credential: &[
            ("password", "GITEA_PASSWORD"),
            ("username", "GITEA_USERNAME"),
        ],
        value: &[("token", 512)],
    },
    Promise {
        profile: "gitlab-group",
        endpoint: "https://gitlab.com/api/v4",
        credential: &[("token", "GITLAB_TOKEN")],
        value: &[("token", 512)],
    },
    Promise {
        profile: "gitlab-personal",
        endpoint: "",
        credential: &[("token", "GITLAB_TOKEN")],
        value: &[("token", 512)],
    },
    Promise {
        profile: "gitlab-project",
        endpoint: "https://gitlab.com/api/v4",
        credential: &[("token", "GITLAB_TOKEN")],
        value: &[("token", 512)],
    },
    Promise {
        profile: "grafana",
        endpoint: "",
        credential: &[("token", "GRAFANA_AUTH")],
        value: &[("token", 512)],
    },
    Promise {
        profile: "jupyterhub",
        endpoint: "http://127.0.0.1:8081/hub/api",
        credential: &[("token", "JUPYTERHUB_API_TOKEN")],
        value: &[("token", 256)],
    },
    Promise {
        profile: "npm",
        endpoint: "https://registry.npmjs.org",
        credential: &[],
        value: &[("token", 512)],
    },
    Promise {
        profile: "online-net",
        endpoint: "https://api.cloud.online.net",
        credential: &[],
        value: &[("token", 256)],
    },
    Promise {
        profile: "openbao",
        endpoint: "",
        credential: &[("token", "VAULT_TOKEN")],
        value: &[("token", 1024)],
    },
    Promise {
        profile: "scaleway",
        endpoint: "https://api.scaleway.com",
        credential: &[("secret_key", "SCW_SECRET_KEY")],
        value: &[("secret_key", 256)],
    },
    Promise {
        profile: "seeme",
        endpoint: "https://api.seeme.ai/api/v1",
        credential: &[("key", "SEEME_API_KEY")],
        value: &[("key", 512)],
    },
    Promise {
        profile: "seenode",
        endpoint: "https://api.seenode.com",
        credential: &[],
        value: &[("key", 512)],
    },
    Promise {
        profile: "terrakube-team",
        endpoint: "",
        credential: &[("token", "TERRAKUBE_TOKEN")],
        value: &[("token", 7900)],
    },
    Promise {
        profile: "terrakube-user",
        endpoint: "",
        credential: &[("token", "TERRAKUBE_TOKEN")],
        value: &[("token", 7900)],
    },
    Promise {
        profile: "transiyzi",
        endpoint: "https://transiyzi.com/api/v1",
        credential: &[],
        value: &[("token", 512)],
    },
];

/// Whether a profile is still what users of this name configured.
pub(super) fn keeps(name: &str, profile: &Profile) -> bool {
    let promise = PROMISES.iter().find(|promise| promise.profile == name);
    let promise = promise.unwrap();
    let credential = profile.credential().iter();
    let credential = credential.map(|(part, c)| (part.as_str(), c.env.as_deref().unwrap_or("")));
    let value = profile.value_parts().iter();
    let value = value.map(|(part, max)| (part.as_str(), *max));
    profile.name() == name
        && profile.endpoint() == promise.endpoint
        && credential.eq(promise.credential.iter().copied())
        && value.eq(promise.value.iter().copied())
}
