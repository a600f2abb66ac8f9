//! The function `decrypt` beside the age of others: what its Go library encrypts is decrypted here, what is
//! encrypted here is decrypted by it, and the format's published test vectors are judged as they say.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::life::Life;
use super::{Host, config};
use crate::support::{CI, World};

impl Host {
    /// What `decrypt` answers: a text, or what is wrong with which argument.
    async fn decrypt(
        &mut self,
        file: &Value,
        identity: &Value,
    ) -> Result<String, (String, String)> {
        let argument = |text: &Value| json!({ "$of": "string", "$value": text });
        let request =
            json!({ "name": "decrypt", "arguments": [argument(file), argument(identity)] });
        let answer = self.call("CallFunction", "string", request).await;
        match answer["result"].as_str() {
            Some(text) => Ok(text.to_owned()),
            None => {
                let text = |name: &str| {
                    answer["error"][name]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                Err((text("functionArgument"), text("text")))
            }
        }
    }

    async fn age(&mut self, what: &str, request: Value) -> Value {
        self.call(what, "", request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_test_vectors_of_age_are_judged_as_they_say() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::start(&world).await;
    let vectors = host.stream("Age.Vectors", "", json!({})).await;
    let mut judged = 0;
    for vector in &vectors {
        let name = &vector["name"];
        let given = host.decrypt(&vector["file"], &vector["identity"]).await;
        match (vector["expect"].as_str().unwrap(), given) {
            ("success", Ok(text)) => {
                let digest: String = Sha256::digest(text)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                assert_eq!(vector["payload"], digest.as_str(), "{name}");
            }
            // It was decrypted, and is no text that a function could give.
            ("success", Err((argument, said))) => {
                assert_eq!(
                    (&*argument, &*said),
                    ("0", "What is in it is no text"),
                    "{name}"
                );
            }
            ("no match", Err((argument, said))) => {
                assert_eq!(argument, "1", "{name}: {said}");
            }
            (_, Err((argument, said))) => assert_eq!(argument, "0", "{name}: {said}"),
            (expected, Ok(_)) => panic!("{name}: it was decrypted, and expected was {expected}"),
        }
        judged += 1;
    }
    assert!(judged > 70, "{judged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_here_is_decrypted_by_the_go_library_and_the_other_way() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    let keys = [
        host.age("Age.Generate", json!({})).await,
        host.age("Age.Generate", json!({})).await,
    ];
    let recipients = json!([keys[0]["recipient"], keys[1]["recipient"]]);
    let wanted = config(json!({ "secret_output": "encrypted", "recipients": recipients }));
    let mut life = Life::of(&mut host).await;
    life.apply(wanted).await;
    let file = &life.state["encrypted_value"].clone();
    let mut values = Vec::new();
    for key in &keys {
        let request = json!({ "file": file, "identity": key["identity"] });
        let theirs = host.age("Age.Decrypt", request).await;
        let ours = host.decrypt(file, &key["identity"]).await.unwrap();
        assert_eq!(theirs["text"], ours.as_str());
        values.push(ours);
    }
    assert!(world.works(&values[0].as_str().into()).await);
    assert_eq!(values[0], values[1]);
    let text = "a text of several lines\n".repeat(9_000);
    for key in &keys {
        let request = json!({ "recipients": recipients, "text": text });
        let theirs = host.age("Age.Encrypt", request).await;
        let ours = host.decrypt(&theirs["file"], &key["identity"]).await;
        assert!(ours.unwrap() == text, "it is another text");
    }
    let nobody = host.age("Age.Generate", json!({})).await;
    let (argument, said) = host.decrypt(file, &nobody["identity"]).await.unwrap_err();
    assert_eq!(argument, "1", "{said}");
}
