//! What is written in the place of something else, and that no value is.

use serde_json::{Value, json};

use super::*;

fn resource(kind: &str, name: &str, attributes: Value) -> Value {
    json!({
        "mode": "managed", "type": kind, "name": name,
        "instances": [{ "attributes": attributes }],
    })
}

#[test]
fn resources_of_other_providers_become_ours_and_no_value_is_written() {
    let state = json!({ "version": 4, "resources": [
        resource("gitlab_project_access_token", "ci", json!({
            "name": "ci ${x} \"y\"", "project": "team/web", "access_level": "developer",
            "scopes": ["read_api"], "token": "glpat-secret",
        })),
        resource("grafana_service_account_token", "ci", json!({
            "name": "dash", "service_account_id": "1:42", "key": "glsa_secret",
        })),
        resource("aws_iam_access_key", "deploy", json!({ "user": "deploy", "secret": "aws-secret" })),
        resource("acme_api_key", "other", json!({ "key": "acme-secret" })),
        resource("random_id", "x", json!({})),
    ] });
    let moved = terraform::moved(&[state]);
    assert_eq!(moved.moved, 3);
    assert_eq!(moved.left.len(), 1, "{:?}", moved.left);
    assert!(moved.left[0].contains("acme_api_key.other"));
    for said in [
        "resource \"tokenwright_api_token\" \"ci\" {",
        "resource \"tokenwright_api_token\" \"ci_2\" {",
        "  name       = \"ci $${x} \\\"y\\\"\"",
        "  parameters = { access_level = \"developer\", project = \"team/web\" }",
        "  parameters = { service_account_id = \"42\" }",
        "  lifetime   = \"never\"",
        "where gitlab_project_access_token.ci.token stood, write tokenwright_api_token.ci.value",
        "# The credential comes from GITLAB_TOKEN.",
    ] {
        assert!(moved.text.contains(said), "{said}: {}", moved.text);
    }
    assert!(!moved.text.contains("secret\""), "{}", moved.text);
    for value in ["glpat-secret", "glsa_secret", "aws-secret", "acme-secret"] {
        assert!(!moved.text.contains(value), "{value} is written");
    }
}

#[test]
fn what_their_provider_rotates_keeps_its_lifetime_and_its_schedule() {
    let account = json!({
        "name": "dash-1", "name_prefix": "dash", "service_account_id": "1:42",
        "seconds_to_live": 2_592_000, "early_rotation_window_seconds": 86_400,
    });
    let policy = json!({
        "name_prefix": "logs", "region": "us", "access_policy_id": "p",
        "expire_after": "720h", "early_rotation_window": "24h",
    });
    let gitlab = json!({
        "name": "ci", "project": "1", "scopes": ["api"], "access_level": "guest", "expires_at": "2037-01-31",
        "rotation_configuration": { "expiration_days": 30, "rotate_before_days": 1 },
    });
    for (kind, attributes, name, ends_by_itself) in [
        (
            "grafana_service_account_rotating_token",
            account.clone(),
            "dash",
            true,
        ),
        (
            "grafana_cloud_stack_service_account_rotating_token",
            account,
            "dash",
            true,
        ),
        (
            "grafana_cloud_access_policy_rotating_token",
            policy,
            "logs",
            true,
        ),
        ("gitlab_project_access_token", gitlab, "ci", false),
    ] {
        let state = json!({ "resources": [resource(kind, "t", attributes)] });
        let text = terraform::moved(&[state]).text;
        for said in [
            format!("  name       = \"{name}\"\n"),
            "  lifetime   = \"30d\"\n".to_owned(),
            "  rotation   = { renew_before = \"1d\" }\n".to_owned(),
        ] {
            assert!(text.contains(&said), "{kind}: {said}: {text}");
        }
        let stays = text.contains("delete_on_destroy = true");
        assert_eq!(stays, ends_by_itself, "{kind}: {text}");
    }
}

#[test]
fn a_type_of_several_kinds_of_tokens_is_told_apart_and_what_nobody_says_is_to_be_filled_in() {
    let key = |kind: &str| json!({ "name": kind, "key_type": kind, "account_id": 7, "user_id": 8, "ingest_type": "BROWSER" });
    let application = |method: &str| {
        json!({
            "id": "0oa1", "client_id": "0oa1", "label": "ci", "client_secret": "okta-secret",
            "token_endpoint_auth_method": method,
        })
    };
    let state = json!({ "resources": [
        resource("newrelic_api_access_key", "ingest", key("INGEST")),
        resource("newrelic_api_access_key", "user", key("USER")),
        resource("okta_app_oauth", "ci", application("client_secret_post")),
        resource("okta_app_oauth", "signs", application("private_key_jwt")),
        resource("tfe_team_token", "team", json!({ "team_id": "team-1", "description": null })),
    ] });
    let moved = terraform::moved(&[state]);
    assert_eq!((moved.moved, moved.left.len()), (4, 0), "{:?}", moved.left);
    for said in [
        "issuer     = \"new-relic\"",
        "parameters = { account_id = \"7\", type = \"BROWSER\" }",
        "issuer     = \"new-relic-user\"",
        "parameters = { account_id = \"7\", user_id = \"8\" }",
        "# okta_app_oauth.ci stays: deactivate and delete its first secret",
        "okta-client-secret = { profile = \"okta-client-secret\", endpoint = \"https://FILL-IN\" }",
        "OKTA_API_PRIVATE_KEY, or OKTA_API_TOKEN. Write its address in place of FILL-IN.",
        "# Write organization in place of FILL-IN: The name of the organization.",
        "parameters = { organization = \"FILL-IN\", team_id = \"team-1\" }",
    ] {
        assert!(moved.text.contains(said), "{said}: {}", moved.text);
    }
    for not_said in ["okta-secret", "signs"] {
        assert!(!moved.text.contains(not_said), "{}", moved.text);
    }
}

#[test]
fn the_guide_names_every_peer_once_as_one_that_gets_a_successor() {
    let guide = include_str!("../../../../docs/guides/moving.md");
    let told = guide
        .lines()
        .find(|line| line.starts_with("`tokenwright migrate` writes our resource beside theirs"));
    let told: Vec<_> = told.unwrap().split('`').skip(3).step_by(2).collect();
    let mut kinds: Vec<_> = peers::PEERS.iter().map(|peer| peer.kind).collect();
    kinds.dedup();
    assert_eq!(told, kinds);
}

#[test]
fn every_peer_is_of_a_profile_that_mints_and_gives_it_parameters_that_it_has() {
    for peer in &peers::PEERS {
        let profile = tokenwright_client::profile::builtin(peer.profile).unwrap();
        assert!(profile.mints(), "{}", peer.kind);
        for (_, ours, _) in peer.parameters {
            assert!(
                profile.parameters().contains_key(*ours),
                "{}: {ours}",
                peer.kind
            );
        }
    }
}

fn external_secret(kind: &str, name: &str) -> Value {
    json!({
        "kind": "ExternalSecret",
        "metadata": { "name": "ci", "namespace": "team-a" },
        "spec": {
            "target": { "name": "github" },
            "dataFrom": [{ "sourceRef": { "generatorRef": { "kind": kind, "name": name } } }],
        },
    })
}

#[test]
fn an_external_secret_of_a_generator_becomes_an_issuer_and_a_token() {
    let generator = json!({
        "kind": "GithubAccessToken",
        "metadata": { "name": "app", "namespace": "team-a" },
        "spec": {
            "appID": "7", "installID": "8", "repositories": ["web"],
            "auth": { "privateKey": { "secretRef": { "name": "app-key", "key": "pem" } } },
        },
    });
    let objects = [external_secret("GithubAccessToken", "app"), generator];
    let moved = cluster::moved(&objects).unwrap();
    assert_eq!((moved.moved, moved.left.len()), (1, 0));
    let read = read(&moved);
    assert_eq!(read[0]["spec"]["profile"], "github-app");
    assert_eq!(
        read[0]["spec"]["credential"]["secretRef"]["keys"]["private_key"],
        "pem"
    );
    assert_eq!(read[1]["spec"]["token"]["parameters"]["repository"], "web");
    assert_eq!(read[1]["spec"]["secret"]["name"], "github-token");
    assert!(moved.text.contains("\"app_id\":\"7\""), "{}", moved.text);

    let uuid = [
        external_secret("UUID", "any"),
        json!({ "kind": "UUID", "metadata": { "name": "any", "namespace": "team-a" } }),
    ];
    let moved = cluster::moved(&uuid).unwrap();
    assert_eq!((moved.moved, moved.left.len()), (0, 1));
}

fn of_vault(kind: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "secrets.hashicorp.com/v1beta1", "kind": kind,
        "metadata": { "name": "ci", "namespace": "team-a" }, "spec": spec,
    })
}

fn read(moved: &Moved) -> Vec<Value> {
    let read: Vec<Value> = serde_saphyr::from_multiple(&moved.text).unwrap();
    read.into_iter().filter(|one| !one.is_null()).collect()
}

#[test]
fn a_token_of_vault_becomes_an_issuer_at_its_address_and_a_token_with_its_policies() {
    let token = of_vault(
        "VaultTokenSecret",
        json!({
            "destination": { "name": "vault-ci" }, "policies": ["deploy"], "ttl": "48h0m0s",
            "vaultAuthRef": "team-auth", "namespace": "eu", "revoke": true,
        }),
    );
    let mut auth = of_vault("VaultAuth", json!({ "vaultConnectionRef": "vso/main" }));
    auth["metadata"]["name"] = json!("team-auth");
    let mut connection = of_vault(
        "VaultConnection",
        json!({ "address": "https://vault.example:8200" }),
    );
    connection["metadata"] = json!({ "name": "main", "namespace": "vso" });
    let moved = vault::moved(&[token.clone(), auth, connection]).unwrap();
    assert_eq!((moved.moved, moved.left.len()), (1, 0));
    let objects = read(&moved);
    let endpoint = &objects[0]["spec"]["endpoint"];
    assert_eq!(endpoint, "https://vault.example:8200/v1/eu");
    let spec = &objects[1]["spec"];
    assert_eq!(spec["token"]["scopes"], json!(["deploy"]));
    assert_eq!(spec["token"]["lifetime"], "2d");
    assert_eq!(spec["secret"]["name"], "vault-ci-token");
    assert!(moved.text.contains("revokes what it had"), "{}", moved.text);
    assert!(
        moved
            .text
            .contains("kubectl delete vaulttokensecret ci --namespace team-a")
    );

    let alone = vault::moved(&[token]).unwrap();
    assert!(
        alone.text.contains("https://FILL-IN:8200/v1/eu"),
        "{}",
        alone.text
    );
    assert!(alone.text.contains("its VaultConnection is not in"));
}

#[test]
fn a_lease_of_an_engine_that_a_profile_describes_becomes_ours_and_any_other_is_told() {
    let lease = |mount: &str, path: &str| {
        let spec = json!({ "mount": mount, "path": path, "destination": { "name": "out" } });
        of_vault("VaultDynamicSecret", spec)
    };
    let moved = vault::moved(&[lease("eu/gcp", "static-account/ci/key")]).unwrap();
    assert_eq!((moved.moved, moved.left.len()), (1, 0), "{:?}", moved.left);
    let objects = read(&moved);
    assert_eq!(objects[0]["spec"]["profile"], "google-service-account");
    assert_eq!(objects[1]["spec"]["token"]["lifetime"], "never");
    assert_eq!(objects[1]["spec"]["rotation"]["every"], "90d");
    assert!(
        moved.text.contains("`vault read eu/gcp/static-account/ci`"),
        "{}",
        moved.text
    );

    let mut generator = lease("gcp", "roleset/ci/key");
    generator["apiVersion"] = json!("generators.external-secrets.io/v1alpha1");
    let copied = of_vault(
        "VaultStaticSecret",
        json!({ "destination": { "name": "kv" } }),
    );
    let rest = [
        lease("database", "creds/ci"),
        lease("aws", "creds/ci"),
        copied,
        generator,
    ];
    let moved = vault::moved(&rest).unwrap();
    assert_eq!((moved.moved, moved.left.len()), (0, 3), "{:?}", moved.left);
    assert!(moved.left[2].contains("adopt the value of its Secret kv"));
}

#[test]
fn every_engine_is_of_a_profile_that_mints_and_has_its_parameter() {
    for engine in &vault::ENGINES {
        let profile = tokenwright_client::profile::builtin(engine.profile).unwrap();
        assert!(profile.mints(), "{}", engine.mount);
        assert!(
            profile.parameters().contains_key(engine.parameter),
            "{}",
            engine.mount
        );
    }
}

#[test]
fn a_file_is_a_state_or_objects_and_what_is_neither_is_refused_without_being_quoted() {
    let list = "items:\n- kind: ExternalSecret\n";
    assert!(matches!(source(list), Ok(Source::Objects(found)) if found.len() == 1));
    let state = "{\"version\":4,\"resources\":[]}";
    assert!(matches!(source(state), Ok(Source::State(_))));
    for wrong in ["hunter2", "a: [hunter2", ""] {
        let Err(error) = source(wrong) else {
            panic!("{wrong:?} is taken");
        };
        assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
    }
}
