//! The guides that lead here from other providers, followed to the letter with Terraform and with OpenTofu.
//!
//! A stand-in has the names and attributes of their resources; the token in its state is one that the system knows,
//! which the sandbox plays, or a few lines that were written by the vendor's documentation.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;
use tokenwright_testbed::go;

use super::gitlab;
use super::guides::Follower;
use super::vendor::{CREDENTIAL, Plays, Vendor};
use super::vendors;

/// The stand-in for other providers, built once.
fn stand_in() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("terraform-provider-peers");
        go::build("./peers", &program).unwrap();
        program
    })
}

/// Asks the system for something in the name of its first credential.
async fn asked(
    follower: &Follower,
    header: (&str, &str),
    path: &str,
    body: Option<Value>,
) -> Result<Value> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let played = follower.played();
    let url = format!("{}{path}", played.endpoint);
    let request = match body {
        Some(body) => http.post(url).json(&body),
        None => http.get(url),
    };
    let (name, before) = header;
    let request = request.header(name, format!("{before}{}", played.credential));
    let answer = request.send().await?.error_for_status()?;
    Ok(answer.json().await?)
}

/// The stand-in is installed, and its resource has this token.
fn with_token(follower: Follower, source: &str, kind: &str, token: &Value) -> Result<Follower> {
    let folder = follower.mirror.path();
    let made = folder.join("made.json");
    let schedule = json!({ "id": "a-schedule", "rotation_rfc3339": "2037-01-31T00:00:00Z" });
    let known = json!({ kind: token, "time_rotating": schedule });
    std::fs::write(&made, known.to_string())?;
    let ended = folder.join("ended").display().to_string();
    follower
        .with("MADE", &made.display().to_string())
        .with("ENDED", &ended)
        .with_provider(source, stand_in())?
        .with_provider("hashicorp/time", stand_in())
}

/// Where somebody comes from: the name of the guide, the other provider, and the type of its resource.
struct From(&'static str, &'static str, &'static str);

/// Follows the guide with both cores. `begin` sees to it that there is an old token, and tells what the other
/// provider knows of it; `end` looks at what is left.
async fn follow(
    system: SystemName,
    From(guide, source, kind): From,
    begin: impl AsyncFn(Follower) -> Result<(Follower, Value)>,
    end: impl Fn(&Follower, &Value, (usize, usize)) -> Result<()>,
) -> Result<()> {
    for follower in Follower::of_both(system).await? {
        let (follower, token) = begin(follower).await?;
        let follower = with_token(follower, source, kind, &token)?;
        let counts = follower.follow(&format!("docs/guides/moving-{guide}.md"))?;
        end(&follower, &token, counts)?;
    }
    Ok(())
}

/// The old token lives on, and what came after it is gone.
fn went_back(_: &Follower, _: &Value, counts: (usize, usize)) -> Result<()> {
    ensure!(counts == (2, 1), "{counts:?}");
    Ok(())
}

/// The old token has a successor, and its end was its own provider's to bring.
fn has_a_successor(follower: &Follower, token: &Value, counts: (usize, usize)) -> Result<()> {
    ensure!(counts == (2, 2), "{counts:?}");
    was_ended(follower, token)
}

fn was_ended(follower: &Follower, token: &Value) -> Result<()> {
    let ended = std::fs::read_to_string(follower.mirror.path().join("ended"))?;
    ensure!(token["id"] == ended, "{ended}");
    Ok(())
}

/// The issuer's own endpoint is where the sandbox is.
fn at_the_sandbox(follower: Follower) -> Follower {
    let name = follower.played().system.to_string();
    let endpoint = follower.played().endpoint.clone();
    follower.where_stands(
        &format!("{{ profile = \"{name}\" }}"),
        &format!("{{ profile = \"{name}\", endpoint = {endpoint:?} }}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_scaleways_provider_can_be_followed_there_and_back() -> Result<()> {
    let from = From("scaleway", "scaleway/scaleway", "scaleway_iam_api_key");
    let begin = async |follower: Follower| {
        let application = follower.parameter("application_id")?;
        let body = json!({
            "application_id": application, "description": "ci", "expires_at": "2037-01-31T00:00:00Z",
        });
        let path = "/iam/v1alpha1/api-keys";
        let key = asked(&follower, ("X-Auth-Token", ""), path, Some(body)).await?;
        let token = json!({
            "id": key["access_key"], "access_key": key["access_key"],
            "secret_key": key["secret_key"], "created_at": key["created_at"],
        });
        let stands = "7f3c0a52-0000-0000-0000-000000000000";
        let follower = at_the_sandbox(follower).where_stands(stands, &application);
        Ok((follower, token))
    };
    follow(SystemName::Scaleway, from, begin, went_back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_terrakubes_provider_can_be_followed_there_and_back() -> Result<()> {
    let from = From(
        "terrakube",
        "terrakube-io/terrakube",
        "terrakube_team_token",
    );
    let begin = async |follower: Follower| {
        let team = follower.parameter("team")?;
        let form = [("name", "ci"), ("choice", team.as_str()), ("days", "90")];
        let value = follower.made(&form).await?;
        let token = json!({ "id": follower.last()?, "value": value });
        let played = follower.played().clone();
        let follower = follower
            .with("TF_VAR_terrakube_token", &played.credential)
            .where_stands("https://terrakube-api.example.com", &played.endpoint)
            .where_stands("\"DEVS\"", &format!("{team:?}"))
            .where_stands("team=DEVS", &format!("team={team}"));
        Ok((follower, token))
    };
    follow(SystemName::TerrakubeTeam, from, begin, went_back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_grafanas_provider_can_be_followed_there_and_back() -> Result<()> {
    let from = From(
        "grafana",
        "grafana/grafana",
        "grafana_service_account_token",
    );
    let begin = async |follower: Follower| {
        let path = "/api/serviceaccounts/1/tokens";
        let bearer = ("Authorization", "Bearer ");
        let body = json!({ "name": "ci", "secondsToLive": 7_776_000 });
        let made = asked(&follower, bearer, path, Some(body)).await?;
        let listed = asked(&follower, bearer, path, None).await?;
        let of = |one: &&Value| one["id"] == made["id"];
        let found = listed.as_array().and_then(|all| all.iter().find(of));
        let expiration = found.context("it is not listed")?["expiration"].clone();
        let expiration = expiration.as_str().context("it has no end")?.to_owned();
        let token = json!({
            "id": made["id"].to_string(), "key": made["key"], "expiration": expiration,
        });
        let endpoint = follower.played().endpoint.clone();
        let follower = follower
            .where_stands("https://grafana.example.com", &endpoint)
            .where_stands("2027-02-25T12:00:00Z", &expiration);
        Ok((follower, token))
    };
    follow(SystemName::Grafana, from, begin, went_back).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_awss_provider_can_be_followed_to_the_letter() -> Result<()> {
    let from = From("aws", "hashicorp/aws", "aws_iam_access_key");
    let begin = async |follower: Follower| {
        let secret = follower.made(&[("name", "ci")]).await?;
        let (id, admin) = (follower.last()?, follower.parameter("access_key_id")?);
        let follower = at_the_sandbox(follower).with("AWS_ACCESS_KEY_ID", &admin);
        Ok((follower, json!({ "id": id, "secret": secret })))
    };
    follow(SystemName::AwsIam, from, begin, has_a_successor).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_googles_provider_can_be_followed_to_the_letter() -> Result<()> {
    let from = From("google", "hashicorp/google", "google_service_account_key");
    let begin = async |follower: Follower| {
        let account = follower.parameter("service_account")?;
        let value = follower.made(&[("name", "ci")]).await?;
        let token = json!({ "id": follower.last()?, "private_key": value });
        let stands = "ci@acme.iam.gserviceaccount.com";
        let follower = at_the_sandbox(follower).where_stands(stands, &account);
        Ok((follower, token))
    };
    let google = SystemName::GoogleServiceAccount;
    follow(google, from, begin, has_a_successor).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_gitlabs_provider_can_be_followed_there_and_back() -> Result<()> {
    for follower in Follower::of_both(SystemName::Seeme).await? {
        let first = json!({
            "id": 42, "name": "ci", "scopes": ["read_api"], "access_level": 30, "user_id": 7,
            "token": gitlab::VALUE, "created_at": "2026-11-01T00:00:00Z", "expires_at": "2037-01-31",
        });
        let (address, tokens) = gitlab::start(first).await?;
        let follower = follower
            .with("GITLAB_TOKEN", "the-credential")
            .where_stands("https://gitlab.example.com", &address)
            .where_stands("2027-01-31", "2037-01-31");
        let token = json!({ "id": "acme/web:42", "token": gitlab::VALUE, "created_at": "2026-11-01T00:00:00Z" });
        let kind = "gitlab_project_access_token";
        let follower = with_token(follower, "gitlabhq/gitlab", kind, &token)?;
        follower.follow("docs/guides/moving-gitlab.md")?;
        let left = gitlab::known(&tokens);
        ensure!(left.len() == 1 && left[0]["id"] == 42, "{left:?}");
    }
    Ok(())
}

/// A system that no sandbox plays: who comes from where, how it answers, where the page says that it is, the path of
/// its API, the variables of its credential, and the old token.
struct Elsewhere {
    from: From,
    plays: Plays,
    profile: &'static str,
    theirs: &'static str,
    path: &'static str,
    variables: &'static str,
    old: Value,
    /// What their provider calls the value, and what the vendor does.
    value: (&'static str, &'static str),
}

impl Elsewhere {
    async fn followed(mut self, id: &str) -> Result<()> {
        let (attribute, part) = self.value;
        self.old[part] = json!("the value of before");
        let From(guide, source, kind) = self.from;
        for mut follower in Follower::of_both(SystemName::Seeme).await? {
            let vendor = Vendor::start(self.plays, self.old.clone()).await?;
            let endpoint = format!("{}{}", vendor.address, self.path);
            for variable in self.variables.split(' ') {
                follower = follower.with(variable, CREDENTIAL);
            }
            let Self {
                profile, theirs, ..
            } = self;
            follower = match theirs {
                "" => follower
                    .where_stands(
                        &format!("{{ profile = \"{profile}\" }}"),
                        &format!("{{ profile = \"{profile}\", endpoint = {endpoint:?} }}"),
                    )
                    .where_stands(
                        &format!("--profile {profile}"),
                        &format!("--profile {profile} --endpoint {endpoint}"),
                    ),
                theirs => follower.where_stands(theirs, &endpoint),
            };
            let value = match attribute {
                "create_response" => json!({ part: "the value of before" }).to_string(),
                _ => "the value of before".to_owned(),
            };
            let token = json!({ "id": id, attribute: value });
            let follower = with_token(follower, source, kind, &token)?;
            let asked = follower.follow(&format!("docs/guides/moving-{guide}.md"))?;
            ensure!(asked == (0, 0), "another system was asked for a token");
            let known = vendor.tokens();
            ensure!(known.len() == 2, "{known:?}");
            ensure!(known[0][part] == "the value of before" && known[1] != known[0]);
            // An application of Okta stays, and with it what is no resource of its own.
            if part != "client_secret" {
                was_ended(&follower, &token)?;
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_the_azuread_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From(
            "azuread",
            "hashicorp/azuread",
            "azuread_application_password",
        ),
        plays: vendors::entra,
        profile: "entra-application",
        theirs: "",
        path: "",
        variables: "AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET",
        old: json!({ "keyId": "old", "displayName": "ci", "endDateTime": "2037-01-31T00:00:00Z" }),
        value: ("value", "secretText"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_datadogs_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From("datadog", "DataDog/datadog", "datadog_api_key"),
        plays: vendors::datadog,
        profile: "datadog",
        theirs: "https://api.datadoghq.eu",
        path: "",
        variables: "DD_API_KEY DD_APP_KEY",
        old: json!({ "id": "old", "name": "ci" }),
        value: ("key", "key"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_cloudflares_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From(
            "cloudflare",
            "cloudflare/cloudflare",
            "cloudflare_account_token",
        ),
        plays: vendors::cloudflare,
        profile: "cloudflare-account",
        theirs: "",
        path: "",
        variables: "CLOUDFLARE_API_TOKEN",
        old: json!({ "id": "old", "name": "ci", "status": "active", "policies": [] }),
        value: ("value", "value"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_vaults_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From("vault", "hashicorp/vault", "vault_token"),
        plays: vendors::vault,
        profile: "openbao",
        theirs: "https://vault.example.com:8200/v1",
        path: "/v1",
        variables: "VAULT_TOKEN",
        old: json!({ "accessor": "old", "policies": ["ci"], "creation_time": 1, "expire_time": null }),
        value: ("client_token", "client_token"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_artifactorys_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From(
            "artifactory",
            "jfrog/artifactory",
            "artifactory_scoped_token",
        ),
        plays: vendors::artifactory,
        profile: "artifactory",
        theirs: "https://acme.jfrog.io/access/api/v1",
        path: "/access/api/v1",
        variables: "JFROG_ACCESS_TOKEN",
        old: json!({ "token_id": "old", "description": "ci", "issued_at": 1, "subject": "ci" }),
        value: ("access_token", "access_token"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_hcp_terraforms_provider_can_be_followed_to_the_letter() -> Result<()> {
    let team = "team-BUHBEM97xboT8TVz";
    let elsewhere = Elsewhere {
        from: From("tfe", "hashicorp/tfe", "tfe_team_token"),
        plays: vendors::hcp_terraform,
        profile: "hcp-terraform-team",
        theirs: "",
        path: "/api/v2",
        variables: "TFE_TOKEN",
        old: json!({ "id": "old", "team": team, "description": "ci", "expired-at": null }),
        value: ("token", "token"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_new_relics_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From("newrelic", "newrelic/newrelic", "newrelic_api_access_key"),
        plays: vendors::new_relic,
        profile: "new-relic",
        theirs: "",
        path: "",
        variables: "NEW_RELIC_API_KEY",
        old: json!({ "id": "old", "name": "ci", "accountId": 1_234_567, "createdAt": 1 }),
        value: ("key", "key"),
    };
    elsewhere.followed("old").await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_oktas_provider_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From("okta", "okta/okta", "okta_app_oauth"),
        plays: vendors::okta,
        profile: "okta-client-secret",
        theirs: "https://acme.okta.com",
        path: "",
        variables: "OKTA_API_TOKEN",
        old: json!({ "id": "ocs-old", "status": "ACTIVE", "created": "2026-01-01T00:00:00Z" }),
        value: ("client_secret", "client_secret"),
    };
    elsewhere.followed(vendors::APPLICATION).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_restapi_and_time_rotating_can_be_followed_to_the_letter() -> Result<()> {
    let elsewhere = Elsewhere {
        from: From("restapi", "Mastercard/restapi", "restapi_object"),
        plays: vendors::hub,
        profile: "hub",
        theirs: "https://hub.example/api",
        path: "/api",
        variables: "HUB_TOKEN",
        old: json!({ "id": "old", "note": "ci", "expires_at": "2037-01-31T00:00:00Z" }),
        value: ("create_response", "token"),
    };
    elsewhere.followed("old").await
}
