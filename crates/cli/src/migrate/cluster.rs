//! Our objects in the place of generators of External Secrets and the ExternalSecrets that ask them.

use serde_json::{Value, json};

use super::{Moved, told};
use crate::output::yaml;

/// What is written for one generator.
struct Place {
    profile: &'static str,
    endpoint: Option<String>,
    parameters: Value,
    lifetime: &'static str,
    /// The Secret of the credential, and which of its keys is which part.
    credential: (String, Value),
    /// What a person does before.
    before: Vec<String>,
}

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
            match place(generator) {
                Some(place) => {
                    moved.text += &written(secret, generator, &place)?;
                    moved.moved += 1;
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

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    let kind = kind.to_owned();
    objects
        .iter()
        .filter(move |object| object["kind"] == kind.as_str())
}

/// The generators that an ExternalSecret asks.
fn generators(secret: &Value) -> Vec<&Value> {
    let sources = secret.pointer("/spec/dataFrom").and_then(Value::as_array);
    let sources = sources.into_iter().flatten();
    sources
        .filter_map(|source| source.pointer("/sourceRef/generatorRef"))
        .collect()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn named(object: &Value) -> String {
    let name = text(object, "/metadata/name");
    match namespace(object) {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

fn place(generator: &Value) -> Option<Place> {
    match text(generator, "/kind") {
        "GithubAccessToken" => Some(github(generator)),
        "Grafana" => grafana(generator),
        _ => None,
    }
}

fn github(generator: &Value) -> Place {
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
        profile: "github-app",
        endpoint: (!url.is_empty() && url != "https://api.github.com").then(|| url.to_owned()),
        parameters,
        lifetime: "1h",
        credential: (
            secret.to_owned(),
            json!({ "app_id": "app_id", "private_key": key }),
        ),
        before,
    }
}

/// One that logs in with a token; a password is no credential of the profile.
fn grafana(generator: &Value) -> Option<Place> {
    let secret = text(generator, "/spec/auth/token/name");
    if secret.is_empty() {
        return None;
    }
    let account = told(text(generator, "/spec/serviceAccount/name"));
    Some(Place {
        profile: "grafana",
        endpoint: Some(
            text(generator, "/spec/url")
                .trim_end_matches('/')
                .to_owned(),
        ),
        parameters: json!({ "service_account_id": "0" }),
        lifetime: "90d",
        credential: (
            secret.to_owned(),
            json!({ "token": text(generator, "/spec/auth/token/key") }),
        ),
        before: vec![format!(
            "# Write the number of the service account {account:?} in place of 0: it stands in the address of its page."
        )],
    })
}

fn in_namespace(object: &Value) -> String {
    match namespace(object) {
        "" => String::new(),
        namespace => format!(" --namespace {namespace}"),
    }
}

fn written(secret: &Value, generator: &Value, place: &Place) -> anyhow::Result<String> {
    let metadata = |name: &str| match namespace(secret) {
        "" => json!({ "name": name }),
        namespace => json!({ "name": name, "namespace": namespace }),
    };
    let name = text(generator, "/metadata/name");
    let (credential, keys) = &place.credential;
    let mut issuer = json!({
        "apiVersion": "tokenwright.dev/v1alpha1",
        "kind": "TokenIssuer",
        "metadata": metadata(name),
        "spec": {
            "profile": place.profile,
            "credential": { "secretRef": { "name": credential, "keys": keys } },
        },
    });
    if let Some(endpoint) = &place.endpoint {
        issuer["spec"]["endpoint"] = json!(endpoint);
    }
    let own = text(secret, "/metadata/name");
    let target = match text(secret, "/spec/target/name") {
        "" => own,
        target => target,
    };
    let token = json!({
        "apiVersion": "tokenwright.dev/v1alpha1",
        "kind": "ApiToken",
        "metadata": metadata(own),
        "spec": {
            "issuerRef": { "name": name },
            "token": { "name": own, "parameters": place.parameters, "lifetime": place.lifetime },
            // Not the same: both would write it, each over the other.
            "secret": { "name": format!("{target}-token") },
        },
    });
    let before: String = place
        .before
        .iter()
        .map(|line| match line.starts_with('#') {
            true => format!("#    {}\n", told(line.trim_start_matches("# "))),
            false => format!("#    {}\n", told(line)),
        })
        .collect();
    Ok(format!(
        "# In place of ExternalSecret {shown}:\n# 1. Before:\n{before}# 2. Apply this, and wait: kubectl wait apitoken/{own}{space} --for=condition=Ready\n\
         ---\n{}---\n{}\
         # 3. Let the consumers read the Secret {target}-token, key token.\n\
         # 4. When all of them do: kubectl delete externalsecret {own}{space}\n\
         #    External Secrets ends the token that it made.\n",
        yaml(&issuer)?,
        yaml(&token)?,
        shown = told(&named(secret)),
        own = told(own),
        target = told(target),
        space = told(&in_namespace(secret)),
    ))
}
