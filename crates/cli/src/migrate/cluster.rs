//! Our objects in the place of generators of External Secrets and the ExternalSecrets that ask them.

use serde_json::{Value, json};

use super::place::{Credential, Place, in_namespace, named, namespace, of_kind, text};
use super::{Life, Moved, told};

/// What becomes of its token.
const AFTER: &str = "External Secrets ends the token that it made.";

/// What is written for these objects.
pub(super) fn moved(objects: &[Value]) -> anyhow::Result<Moved> {
    let mut moved = Moved::default();
    for secret in of_kind(objects, "ExternalSecret") {
        for reference in generators(secret) {
            let shown = told(&format!(
                "ExternalSecret {}, {} {}",
                named(secret),
                text(reference, "/kind"),
                text(reference, "/name")
            ));
            let generator = of_kind(objects, text(reference, "/kind")).find(|generator| {
                generator.pointer("/metadata/name") == reference.get("name")
                    && namespace(generator) == namespace(secret)
            });
            let Some(generator) = generator else {
                moved
                    .left
                    .push(format!("{shown}: the generator is not in what was given"));
                continue;
            };
            match place(secret, generator) {
                Some(place) => {
                    moved.text += &place.written()?;
                    moved.moved = moved.moved.saturating_add(1);
                }
                None => moved.left.push(format!(
                    "{shown}: it makes what is no token, or a token of a system that no profile describes; let it be"
                )),
            }
        }
    }
    for state in of_kind(objects, "GeneratorState") {
        moved.left.push(format!(
            "GeneratorState {}: External Secrets ends its token when the ExternalSecret is deleted; delete that last",
            told(&named(state))
        ));
    }
    Ok(moved)
}

/// The generators that an ExternalSecret asks.
fn generators(secret: &Value) -> Vec<&Value> {
    let sources = secret.pointer("/spec/dataFrom").and_then(Value::as_array);
    let sources = sources.into_iter().flatten();
    sources
        .filter_map(|source| source.pointer("/sourceRef/generatorRef"))
        .collect()
}

fn place<'a>(secret: &'a Value, generator: &'a Value) -> Option<Place<'a>> {
    match text(generator, "/kind") {
        "GithubAccessToken" => Some(github(secret, generator)),
        "Grafana" => grafana(secret, generator),
        _ => None,
    }
}

fn github<'a>(of: &'a Value, generator: &'a Value) -> Place<'a> {
    let secret = text(generator, "/spec/auth/privateKey/secretRef/name");
    let key = text(generator, "/spec/auth/privateKey/secretRef/key");
    let app = text(generator, "/spec/appID");
    let mut parameters = json!({ "installation_id": text(generator, "/spec/installID") });
    let repositories = generator
        .pointer("/spec/repositories")
        .and_then(Value::as_array);
    let mut before = vec![format!(
        "kubectl patch secret {secret}{} --patch '{{\"stringData\":{{\"app_id\":\"{app}\"}}}}'",
        in_namespace(generator)
    )];
    match repositories.map(Vec::as_slice) {
        Some([one]) => parameters["repository"] = one.clone(),
        Some([_, _, ..]) => before.push(
            "# It named several repositories: an ApiToken names one, or none for all of the installation.".to_owned(),
        ),
        Some([]) | None => {}
    }
    let url = text(generator, "/spec/url").trim_end_matches('/');
    Place {
        of,
        issuer: text(generator, "/metadata/name"),
        target: target(of),
        profile: "github-app",
        endpoint: (!url.is_empty() && url != "https://api.github.com").then(|| url.to_owned()),
        scopes: Vec::new(),
        parameters,
        life: Life::of("github-app", Some("1h")),
        credential: Credential {
            secret: secret.to_owned(),
            keys: json!({ "app_id": "app_id", "private_key": key }),
        },
        before,
        after: AFTER,
    }
}

/// One that logs in with a token; a password is no credential of the profile.
fn grafana<'a>(of: &'a Value, generator: &'a Value) -> Option<Place<'a>> {
    let secret = text(generator, "/spec/auth/token/name");
    if secret.is_empty() {
        return None;
    }
    let account = told(text(generator, "/spec/serviceAccount/name"));
    Some(Place {
        of,
        issuer: text(generator, "/metadata/name"),
        target: target(of),
        profile: "grafana",
        endpoint: Some(
            text(generator, "/spec/url")
                .trim_end_matches('/')
                .to_owned(),
        ),
        scopes: Vec::new(),
        parameters: json!({ "service_account_id": "0" }),
        life: Life::of("grafana", None),
        credential: Credential {
            secret: secret.to_owned(),
            keys: json!({ "token": text(generator, "/spec/auth/token/key") }),
        },
        before: vec![format!(
            "# Write the number of the service account {account:?} in place of 0: it stands in the address of its page."
        )],
        after: AFTER,
    })
}

/// The Secret that an ExternalSecret writes.
fn target(secret: &Value) -> &str {
    match text(secret, "/spec/target/name") {
        "" => text(secret, "/metadata/name"),
        target => target,
    }
}
