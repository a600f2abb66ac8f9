//! `secret_output = "encrypted"`: the value is for its recipients, and in nothing else that a run leaves.

use std::path::Path;

use crate::support::World;

/// A key pair of nobody's.
pub(crate) const RECIPIENT: &str = "age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc";
pub(crate) const IDENTITY: &str =
    "AGE-SECRET-KEY-1FZDYSM37Y9FE9JXN8L3NMS8JN3USDWM5LTYXHPLZQVSG8APKH7JSA9LTX8";

fn resource(scopes: &str) -> String {
    format!(
        "name = \"ci\"\n scopes = [{scopes}]\n lifetime = \"30d\"\n secret_output = \"encrypted\"\n recipients = [{RECIPIENT:?}]"
    )
}

/// The files of a folder whose bytes have this text.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let has = bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes());
        if has {
            found.push(path.display().to_string());
        }
    }
    found
}

/// What `provider::tokenwright::decrypt` gives in a configuration of its own.
pub(crate) async fn decrypted(world: &World, identity: &str) -> Result<String, String> {
    let file = world.state().await["encrypted_value"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut other = World::new(86_400.0, "").await;
    other.write(
        "variable \"file\" {}\nvariable \"identity\" {\n sensitive = true\n}\n\
         output \"value\" {\n value = nonsensitive(provider::tokenwright::decrypt(var.file, var.identity))\n}\n",
    );
    other.variables = [("file", file), ("identity", identity.to_owned())].into();
    let ran = other.try_apply().await;
    let told = ran.lines.iter().rfind(|line| line["type"] == "outputs");
    let value = told.and_then(|line| line["outputs"]["value"]["value"].as_str());
    match ran.code {
        0 => Ok(value.unwrap().to_owned()),
        _ => Err(ran.said("error")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_value_stands_in_no_state_plan_or_log_and_works_once_it_is_decrypted() {
    let world = World::new(86_400.0, &resource("\"models:read\"")).await;
    let mut logs = String::new();
    for scopes in ["\"models:read\"", "\"models:read\", \"usage:read\""] {
        world.configure(&resource(scopes));
        for args in [
            &["plan", "-out=plan"][..],
            &["apply", "-auto-approve"],
            &["plan", "-detailed-exitcode"],
        ] {
            let mut traced = world.command(args);
            let output = traced.env("TF_LOG", "TRACE").output().await.unwrap();
            assert!(output.status.success(), "{args:?}");
            logs.push_str(&String::from_utf8_lossy(&output.stdout));
            logs.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        let state = world.state().await;
        assert!(state["value"].is_null());
        let value = decrypted(&world, IDENTITY).await.unwrap();
        assert!(world.works(&value.as_str().into()).await);
        let shown = world.run(&["show", "-json", "plan"]).await;
        assert!(!shown.text.contains(&value));
        assert!(!logs.contains(&value));
        let none: [String; 0] = [];
        assert_eq!(holding(world.folder.path(), &value), none);
    }
    assert_eq!(world.lives().len(), 2);
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_identity_is_told_at_its_argument_and_is_not_shown() {
    let world = World::new(86_400.0, &resource("\"models:read\"")).await;
    world.apply().await;
    let mistyped = IDENTITY.replace("1FZD", "1FZE");
    let said = decrypted(&world, &mistyped).await.unwrap_err();
    assert!(said.contains("The identity cannot be read"), "{said}");
    assert!(!said.contains(".."), "{said}");
    assert!(!said.contains(&mistyped), "{said}");
    world.destroy().await;
}
