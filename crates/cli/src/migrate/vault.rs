//! Our objects in the place of those of the Vault Secrets Operator.
//!
//! A VaultTokenSecret says all that its token is. A VaultDynamicSecret names an engine and a role, of which
//! only Vault knows what they are: where the mount's name tells the engine, a person fills in the rest.

use serde_json::{Value, json};
use tokenwright_client::profile;

use super::place::{Credential, Place, in_namespace, name, named, namespace, of_kind, text};
use super::{FILL_IN, Life, Moved, told};

/// The group of the operator's kinds: External Secrets has a kind of the same name.
const GROUP: &str = "secrets.hashicorp.com/";

/// An engine of Vault that makes what a profile describes.
pub(super) struct Engine {
    /// A word of the mount's name.
    pub(super) mount: &'static str,
    /// What the path begins with, or ends with.
    path: &'static str,
    pub(super) profile: &'static str,
    pub(super) parameter: &'static str,
    /// Where the parameter stands in Vault, before the role's name, and as which field.
    role: (&'static str, &'static str),
}

/// Those that are known: keys and passwords of accounts that stay.
pub(super) const ENGINES: [Engine; 5] = [
    Engine {
        mount: "gcp",
        path: "static-account/",
        profile: "google-service-account",
        parameter: "service_account",
        role: ("static-account", "service_account_email"),
    },
    Engine {
        mount: "gcp",
        path: "roleset/",
        profile: "google-service-account",
        parameter: "service_account",
        role: ("roleset", "service_account_email"),
    },
    Engine {
        mount: "azure",
        path: "creds/",
        profile: "entra-application",
        parameter: "application_id",
        role: ("roles", "application_object_id"),
    },
    Engine {
        mount: "aws",
        path: "static-creds/",
        profile: "aws-iam",
        parameter: "user_name",
        role: ("static-roles", "username"),
    },
    Engine {
        mount: "terraform",
        path: "creds/",
        profile: "hcp-terraform",
        parameter: "user_id",
        role: ("role", "user_id"),
    },
];

/// What is written for these objects.
pub(super) fn moved(objects: &[Value]) -> anyhow::Result<Moved> {
    let mut moved = Moved::default();
    for token in theirs(objects, "VaultTokenSecret") {
        moved.text += &of_vault(token, objects).written()?;
        moved.moved = moved.moved.saturating_add(1);
    }
    for lease in theirs(objects, "VaultDynamicSecret") {
        match ENGINES.iter().find(|engine| engine.makes(lease)) {
            Some(engine) => {
                moved.text += &of_engine(lease, engine).written()?;
                moved.moved = moved.moved.saturating_add(1);
            }
            None => moved.left.push(format!(
                "VaultDynamicSecret {}, {}/{}: its mount does not tell that the engine makes tokens of a system that a profile describes; where it does, write the TokenIssuer and the ApiToken yourself, else let it be",
                told(&named(lease)),
                told(text(lease, "/spec/mount")),
                told(text(lease, "/spec/path")),
            )),
        }
    }
    for copied in theirs(objects, "VaultStaticSecret") {
        moved.left.push(format!(
            "VaultStaticSecret {}: it copies what somebody wrote into Vault; let it be, or adopt the value of its Secret {}",
            told(&named(copied)),
            told(target(copied)),
        ));
    }
    Ok(moved)
}

fn theirs<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    of_kind(objects, kind).filter(|object| text(object, "/apiVersion").starts_with(GROUP))
}

fn target(object: &Value) -> &str {
    text(object, "/spec/destination/name")
}

/// What becomes of the old token or lease.
fn after(object: &Value) -> &'static str {
    match object.pointer("/spec/revoke") == Some(&Value::Bool(true)) {
        true => "The Vault Secrets Operator revokes what it had.",
        false => "What it had runs out in Vault by itself, since it does not say revoke: true.",
    }
}

/// A token of Vault itself.
fn of_vault<'a>(token: &'a Value, objects: &[Value]) -> Place<'a> {
    let policies = token.pointer("/spec/policies").and_then(Value::as_array);
    let policies = policies.into_iter().flatten();
    let policies: Vec<String> = policies
        .filter_map(|policy| Some(policy.as_str()?.to_owned()))
        .collect();
    let role = text(token, "/spec/tokenRole");
    let mut before = vec![credential_of("openbao", "vault-credential", token)];
    if !role.is_empty() {
        before.push(format!(
            "# It used the role {role} of Vault: see with `vault read auth/token/roles/{role}` whether that adds policies, and add them to scopes."
        ));
    }
    let endpoint = address(token, objects);
    if endpoint.is_none() {
        before.push(format!(
            "# Write the address of Vault in place of {FILL_IN}: its VaultConnection is not in what was given."
        ));
    }
    let endpoint = endpoint.unwrap_or_else(|| format!("https://{FILL_IN}:8200"));
    let inside = match text(token, "/spec/namespace") {
        "" => String::new(),
        namespace => format!("/{namespace}"),
    };
    if endpoint.starts_with("http://") {
        before.push("# Write an address with https: no credential is sent without.".to_owned());
    }
    before.push(
        "# Whoever runs the operator allows the host of Vault in allowHosts of the chart."
            .to_owned(),
    );
    Place {
        of: token,
        issuer: "vault",
        target: target(token),
        profile: "openbao",
        endpoint: Some(format!("{}/v1{inside}", endpoint.trim_end_matches('/'))),
        scopes: policies,
        parameters: Value::Null,
        life: Life::of("openbao", Some(text(token, "/spec/ttl"))),
        credential: Credential {
            secret: "vault-credential".to_owned(),
            keys: Value::Null,
        },
        before,
        after: after(token),
    }
}

/// The address of Vault, by the VaultAuth that an object names and the VaultConnection that this names.
fn address(object: &Value, objects: &[Value]) -> Option<String> {
    let auth = named_by(
        text(object, "/spec/vaultAuthRef"),
        object,
        objects,
        "VaultAuth",
    )?;
    let connection = text(auth, "/spec/vaultConnectionRef");
    let connection = named_by(connection, auth, objects, "VaultConnection")?;
    let address = text(connection, "/spec/address");
    (!address.is_empty()).then(|| address.to_owned())
}

/// The object that a reference names, `NAME` or `NAMESPACE/NAME`; `default` where it names none.
fn named_by<'a>(
    reference: &str,
    from: &Value,
    objects: &'a [Value],
    kind: &str,
) -> Option<&'a Value> {
    let own = namespace(from);
    let (space, wanted) = reference.split_once('/').unwrap_or((own, reference));
    let wanted = match wanted {
        "" => "default",
        wanted => wanted,
    };
    let mut candidates = theirs(objects, kind).filter(|object| name(object) == wanted);
    match reference.is_empty() {
        // In the operator's own namespace, wherever that is.
        true => candidates.next(),
        false => candidates.find(|object| namespace(object) == space),
    }
}

/// What an engine makes with the credential that it has.
fn of_engine<'a>(lease: &'a Value, engine: &Engine) -> Place<'a> {
    let (mount, path) = (text(lease, "/spec/mount"), text(lease, "/spec/path"));
    let role = path.strip_prefix(engine.path).unwrap_or_default();
    let role = role.split('/').next().unwrap_or_default();
    let (folder, field) = engine.role;
    let secret = format!("{}-credential", engine.profile);
    Place {
        of: lease,
        issuer: engine.profile,
        target: target(lease),
        profile: engine.profile,
        endpoint: None,
        scopes: Vec::new(),
        parameters: json!({ engine.parameter: FILL_IN }),
        life: Life::of(engine.profile, Some(text(lease, "/spec/params/ttl"))),
        before: vec![
            credential_of(engine.profile, &secret, lease),
            format!(
                "# Write {field} of `vault read {mount}/{folder}/{role}` in place of {FILL_IN}. A role without one makes an account for each lease, which has no place here."
            ),
        ],
        credential: Credential {
            secret,
            keys: Value::Null,
        },
        after: after(lease),
    }
}

impl Engine {
    fn makes(&self, lease: &Value) -> bool {
        let mut words = text(lease, "/spec/mount").split(['/', '-', '_']);
        words.any(|word| word == self.mount) && text(lease, "/spec/path").starts_with(self.path)
    }
}

/// How a person puts the credential of a profile into a Secret.
fn credential_of(profile: &str, secret: &str, object: &Value) -> String {
    let parts: Vec<String> = profile::builtin(profile)
        .iter()
        .flat_map(|profile| profile.credential().keys().cloned().collect::<Vec<_>>())
        .map(|part| format!(" --from-file={part}=PATH"))
        .collect();
    format!(
        "kubectl create secret generic {secret}{}{}",
        in_namespace(object),
        parts.concat()
    )
}
