//! The guides that lead here from other providers, followed to the letter with Terraform and with OpenTofu.
//!
//! A stand-in has the names and attributes of their resources; the token in its state is one that the sandbox
//! knows, where it plays the system.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName;
use tokenwright_testbed::go;

use super::gitlab;
use super::guides::Follower;

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
    std::fs::write(&made, json!({ kind: token }).to_string())?;
    let ended = folder.join("ended").display().to_string();
    follower
        .with("MADE", &made.display().to_string())
        .with("ENDED", &ended)
        .with_provider(source, stand_in())
}

/// The old token, which lives on, and what came after it, which is gone.
const WENT_BACK: (usize, usize) = (2, 1);

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_scaleways_provider_can_be_followed_there_and_back() -> Result<()> {
    for follower in Follower::of_both(SystemName::Scaleway).await? {
        let application = follower.parameter("application_id")?;
        let body = json!({
            "application_id": application, "description": "ci", "expires_at": "2037-01-31T00:00:00Z",
        });
        let path = "/iam/v1alpha1/api-keys";
        let mut key = asked(&follower, ("X-Auth-Token", ""), path, Some(body)).await?;
        key["id"] = key["access_key"].clone();
        let token = json!({
            "id": key["id"], "access_key": key["id"], "secret_key": key["secret_key"],
            "created_at": key["created_at"],
        });
        let endpoint = follower.played().endpoint.clone();
        let at = format!("{{ profile = \"scaleway\", endpoint = {endpoint:?} }}");
        let follower = follower
            .where_stands("7f3c0a52-0000-0000-0000-000000000000", &application)
            .where_stands("{ profile = \"scaleway\" }", &at);
        let follower = with_token(
            follower,
            "scaleway/scaleway",
            "scaleway_iam_api_key",
            &token,
        )?;
        let ended = follower.follow("docs/guides/moving-scaleway.md")?;
        ensure!(ended == WENT_BACK, "{ended:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_terrakubes_provider_can_be_followed_there_and_back() -> Result<()> {
    for follower in Follower::of_both(SystemName::TerrakubeTeam).await? {
        let team = follower.parameter("team")?;
        let form = [("name", "ci"), ("choice", team.as_str()), ("days", "90")];
        let value = follower.made(&form).await?;
        let token = json!({ "id": follower.last()?, "value": value });
        let (endpoint, credential) = (
            follower.played().endpoint.clone(),
            follower.played().credential.clone(),
        );
        let follower = follower
            .with("TF_VAR_terrakube_token", &credential)
            .where_stands("https://terrakube-api.example.com", &endpoint)
            .where_stands("\"DEVS\"", &format!("{team:?}"))
            .where_stands("team=DEVS", &format!("team={team}"));
        let source = "terrakube-io/terrakube";
        let follower = with_token(follower, source, "terrakube_team_token", &token)?;
        let ended = follower.follow("docs/guides/moving-terrakube.md")?;
        ensure!(ended == WENT_BACK, "{ended:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_grafanas_provider_can_be_followed_there_and_back() -> Result<()> {
    for follower in Follower::of_both(SystemName::Grafana).await? {
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
        let kind = "grafana_service_account_token";
        let follower = with_token(follower, "grafana/grafana", kind, &token)?;
        let ended = follower.follow("docs/guides/moving-grafana.md")?;
        ensure!(ended == WENT_BACK, "{ended:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_awss_provider_can_be_followed_to_the_letter() -> Result<()> {
    for follower in Follower::of_both(SystemName::AwsIam).await? {
        let secret = follower.made(&[("name", "ci")]).await?;
        let (id, admin) = (follower.last()?, follower.parameter("access_key_id")?);
        let follower = follower.with("AWS_ACCESS_KEY_ID", &admin);
        let token = json!({ "id": id, "secret": secret });
        follow_to_the_end(
            "docs/guides/moving-aws.md",
            "hashicorp/aws",
            "aws_iam_access_key",
            token,
            follower,
        )?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_from_googles_provider_can_be_followed_to_the_letter() -> Result<()> {
    for follower in Follower::of_both(SystemName::GoogleServiceAccount).await? {
        let account = follower.parameter("service_account")?;
        let value = follower.made(&[("name", "ci")]).await?;
        let token = json!({ "id": follower.last()?, "private_key": value });
        let follower = follower.where_stands("ci@acme.iam.gserviceaccount.com", &account);
        let kind = "google_service_account_key";
        follow_to_the_end(
            "docs/guides/moving-google.md",
            "hashicorp/google",
            kind,
            token,
            follower,
        )?;
    }
    Ok(())
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
        let kind = "gitlab_project_access_token";
        let token = json!({ "id": "acme/web:42", "token": gitlab::VALUE, "created_at": "2026-11-01T00:00:00Z" });
        let follower = with_token(follower, "gitlabhq/gitlab", kind, &token)?;
        follower.follow("docs/guides/moving-gitlab.md")?;
        let left: Vec<_> = gitlab::known(&tokens)
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        ensure!(left == [42], "{left:?}");
    }
    Ok(())
}

/// Follows a page to the old token's end, which is for its own provider to bring.
fn follow_to_the_end(
    page: &str,
    source: &str,
    kind: &str,
    token: Value,
    follower: Follower,
) -> Result<()> {
    let name = follower.played().system.to_string();
    let endpoint = follower.played().endpoint.clone();
    let follower = follower.where_stands(
        &format!("{{ profile = \"{name}\" }}"),
        &format!("{{ profile = \"{name}\", endpoint = {endpoint:?} }}"),
    );
    let follower = with_token(follower, source, kind, &token)?;
    let counts = follower.follow(page)?;
    ensure!(counts == (2, 2), "{counts:?}");
    let ended = follower.mirror.path().join("ended");
    ensure!(token["id"] == std::fs::read_to_string(ended)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_from_providers_of_systems_that_nobody_plays_are_followed_to_each_plan()
-> Result<()> {
    for (page, source, kind, secret, environment) in [
        (
            "docs/guides/moving-azuread.md",
            "hashicorp/azuread",
            "azuread_application_password",
            "value",
            "AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_CLIENT_SECRET",
        ),
        (
            "docs/guides/moving-datadog.md",
            "DataDog/datadog",
            "datadog_api_key",
            "key",
            "DD_API_KEY DD_APP_KEY",
        ),
        (
            "docs/guides/moving-cloudflare.md",
            "cloudflare/cloudflare",
            "cloudflare_account_token",
            "value",
            "CLOUDFLARE_API_TOKEN",
        ),
        (
            "docs/guides/moving-vault.md",
            "hashicorp/vault",
            "vault_token",
            "client_token",
            "VAULT_TOKEN",
        ),
        (
            "docs/guides/moving-artifactory.md",
            "jfrog/artifactory",
            "artifactory_scoped_token",
            "access_token",
            "JFROG_ACCESS_TOKEN",
        ),
    ] {
        for mut follower in Follower::of_both(SystemName::Seeme).await? {
            for variable in environment.split(' ') {
                follower = follower.with(variable, "a-credential");
            }
            let token = json!({ "id": "old", secret: "the value of before" });
            let follower = with_token(follower, source, kind, &token)?;
            let counts = follower.follow(page)?;
            ensure!(counts == (0, 0), "somebody was asked for a token");
        }
    }
    Ok(())
}
