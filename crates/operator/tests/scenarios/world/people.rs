//! What people do in the world: they ask, adopt, change, edit and delete.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokenwright_api::ApiToken;
use tokenwright_api::names::annotation;
use tokenwright_client::memory::Fault;
use tokenwright_client::{
    ErrorKind, Issuer as _, MemoryIssuer, MemorySettings, MintRequest, Operation,
};
use tokenwright_core::{Inputs, Lifetime, TokenId};

use super::{NAMESPACE, OPERATOR, World};

impl World {
    /// The issuer refuses this, each time.
    pub fn issuer_refuses(&self, operation: Operation, why: ErrorKind) {
        self.issuer
            .hook(move |request, _| (request.operation == operation).then_some(Fault::Refuse(why)));
    }

    /// A webhook takes this off every Secret that the operator writes, from its `labels` or its `annotations`.
    pub fn take_off_secrets(&self, at: &'static str, key: &'static str) {
        self.api.on_admission(move |seen, object| {
            let ours = seen.who == OPERATOR && seen.resource == "secrets";
            let marks = object["metadata"][at].as_object_mut();
            if let Some(marks) = marks.filter(|_| ours) {
                marks.remove(key);
            }
        });
    }

    /// An object as somebody with a newer version of the kinds, or a typing error, writes it.
    pub async fn make_token(&self, name: &str, changes: Value) {
        let mut object = json!({
            "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": {
                "issuerRef": { "name": "issuer" },
                "token": { "name": "ci", "lifetime": "30d" },
                "secret": { "name": "ci-token" },
            },
        });
        merge(&mut object, changes);
        let version = "tokenwright.dev/v1alpha1";
        self.make(version, "ApiToken", object).await;
    }

    /// Asks for a token `ci` that is delivered to the Secret `ci-token`; `changes` are merged into its
    /// specification.
    pub async fn ask(&self, changes: Value) {
        self.ask_as("ci", changes).await;
    }

    /// The same under another name.
    pub async fn ask_as(&self, name: &str, changes: Value) {
        let mut spec = json!({
            "issuerRef": { "name": "issuer" },
            "token": { "name": "ci", "lifetime": "30d" },
            "rotation": { "overlap": "1h" },
            "secret": { "name": "ci-token" },
        });
        merge(&mut spec, changes);
        self.declare(name, spec).await;
    }

    async fn declare(&self, name: &str, spec: Value) {
        let token: ApiToken = serde_json::from_value(json!({
            "apiVersion": "tokenwright.dev/v1alpha1", "kind": "ApiToken",
            "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec,
        }))
        .unwrap();
        self.tokens()
            .create(&PostParams::default(), &token)
            .await
            .unwrap();
    }

    /// Adopts what a person put into the Secret `source`; delivered to the Secret `ci-token`.
    pub async fn adopt(&self, changes: Value) {
        self.adopt_as("ci", changes).await;
    }

    /// The same under another name.
    pub async fn adopt_as(&self, name: &str, changes: Value) {
        let mut spec = json!({
            "issuerRef": { "name": "issuer" },
            "adopt": { "valueFrom": { "secretRef": { "name": "source" } } },
            "secret": { "name": "ci-token" },
        });
        merge(&mut spec, changes);
        self.declare(name, spec).await;
    }

    /// A world at such a system, with a token that a person made there and whose value is in the Secret `source`.
    pub async fn offering(settings: MemorySettings) -> (Self, TokenId, String) {
        let world = Self::with(settings).await;
        let (id, value) = world.by_hand().await;
        world.fill("source", &value).await;
        (world, id, value)
    }

    /// Somebody exchanges the contents of two Secrets.
    pub async fn exchange_secrets(&self, both: [&str; 2]) {
        let held =
            both.map(|name| serde_json::to_value(self.secret_called(name).unwrap()).unwrap());
        for (name, other) in both.into_iter().zip(held.iter().rev()) {
            let annotations = &other["metadata"]["annotations"];
            let change =
                json!({ "data": other["data"], "metadata": { "annotations": annotations } });
            self.secrets()
                .patch(name, &PatchParams::default(), &Patch::Merge(change))
                .await
                .unwrap();
        }
    }

    /// A person makes a token at the issuer's console: its id and its value.
    pub async fn by_hand(&self) -> (TokenId, String) {
        self.by_hand_at(&self.issuer).await
    }

    /// The same at another one.
    #[expect(
        clippy::disallowed_methods,
        reason = "a person sees the value that is shown once"
    )]
    pub async fn by_hand_at(&self, issuer: &MemoryIssuer) -> (TokenId, String) {
        let request = MintRequest {
            remote_name: "made by a person".to_owned(),
            inputs: Inputs {
                name: "made by a person".to_owned(),
                scopes: [].into(),
                parameters: [].into(),
                lifetime: Lifetime::Never,
            },
            at: self.clock.now(),
            idempotency_key: format!("person-{}", issuer.minted().len()),
            send_by: None,
        };
        let minted = issuer.mint(&request).await.unwrap();
        let value = minted.value.part("token").unwrap().expose().to_owned();
        (minted.token.id, value)
    }

    /// A person puts a text into a Secret of their own.
    pub async fn fill(&self, name: &str, text: &str) {
        let filled = json!({ "stringData": { "PASTED": text } });
        if self.secrets().get_opt(name).await.unwrap().is_none() {
            let mut object = json!({ "metadata": { "name": name, "namespace": NAMESPACE } });
            merge(&mut object, filled);
            return self.make("v1", "Secret", object).await;
        }
        self.secrets()
            .patch(name, &PatchParams::default(), &Patch::Merge(filled))
            .await
            .unwrap();
    }

    pub async fn change(&self, change: Value) {
        self.change_as("ci", change).await;
    }

    /// The same of another one.
    pub async fn change_as(&self, name: &str, change: Value) {
        self.tokens()
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// A Secret by the name of ours that nobody of us made.
    pub async fn other_secret(&self, metadata: Value) {
        let mut object = json!({ "metadata": { "name": "ci-token", "namespace": NAMESPACE }, "type": "Opaque", "data": { "mine": "cHJlY2lvdXM=" } });
        merge(&mut object, json!({ "metadata": metadata }));
        self.make("v1", "Secret", object).await;
    }

    /// Somebody edits the Secret.
    pub async fn edit_secret(&self, change: Value) {
        self.secrets()
            .patch("ci-token", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// Somebody who was given too much changes the status.
    pub async fn forge_status(&self, change: Value) {
        self.tokens()
            .patch_status("ci", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// Another `TokenIssuer`; `changes` are merged into its specification.
    pub async fn issuer_as(&self, name: &str, changes: Value) {
        let mut spec =
            json!({ "profile": "memory", "credential": { "secretRef": { "name": "credential" } } });
        merge(&mut spec, changes);
        let object = json!({ "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec });
        self.make("tokenwright.dev/v1alpha1", "TokenIssuer", object)
            .await;
    }

    /// Somebody changes the specification of a `TokenIssuer`.
    pub async fn change_issuer(&self, name: &str, spec: Value) {
        let change = Patch::Merge(json!({ "spec": spec }));
        self.issuers()
            .patch(name, &PatchParams::default(), &change)
            .await
            .unwrap();
    }

    /// A `ClusterTokenIssuer` whose credential is in the operator's own namespace.
    pub async fn cluster_issuer(&self, name: &str, settings: Value, allow: Value) {
        let mut spec = json!({
            "credential": { "secretRef": { "name": "shared-credential" } },
            "allow": allow,
        });
        merge(&mut spec, settings);
        let object = json!({ "metadata": { "name": name }, "spec": spec });
        self.make("tokenwright.dev/v1alpha1", "ClusterTokenIssuer", object)
            .await;
    }

    /// Changes the labels of the namespace.
    pub async fn label_namespace(&self, labels: Value) {
        let namespaces: Api<Namespace> = Api::all(self.user.clone());
        let change = Patch::Merge(json!({ "metadata": { "labels": labels } }));
        namespaces
            .patch(NAMESPACE, &PatchParams::default(), &change)
            .await
            .unwrap();
    }

    /// Somebody changes the credential of the issuer.
    pub async fn set_credential(&self, text: &str) {
        let change = json!({ "stringData": { "token": text } });
        self.secrets()
            .patch("credential", &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
    }

    pub async fn delete(&self) {
        self.tokens()
            .delete("ci", &DeleteParams::default())
            .await
            .unwrap();
    }

    /// Deletes the ApiToken, the issuer and Secrets in this order, as a namespace that is deleted does: a
    /// second between each. A delivered Secret may have gone with its ApiToken.
    pub async fn delete_each(&self, names: &[&str]) {
        let once = DeleteParams::default();
        for &name in names {
            match name {
                "ci" => drop(self.tokens().delete(name, &once).await.unwrap()),
                "issuer" => drop(self.issuers().delete(name, &once).await.unwrap()),
                secret => drop(self.secrets().delete(secret, &once).await),
            }
            self.pass(1).await;
        }
    }

    /// The same while the issuer refuses for so many seconds to end a token; then it does.
    pub async fn delete_each_while(&self, names: &[&str], (kind, seconds): (ErrorKind, u64)) {
        self.issuer.hook(move |request, _| {
            let fails = request.operation == Operation::Revoke;
            fails.then_some(Fault::Refuse(kind))
        });
        self.delete_each(names).await;
        self.pass(seconds).await;
        assert_eq!(self.issuer.live().len(), 1);
        self.issuer.hook(|_, _| None);
        self.pass(2 * 3_600).await;
        self.all_is_gone().await;
    }

    /// A person says of the token of the `ApiToken` that it has ended, as they are told to.
    pub async fn says_ended(&self) {
        let told = self.message("RevokeFailed");
        assert!(told.contains(annotation::ACKNOWLEDGE_FOREIGN), "{told}");
        let id = self.object().unwrap().status.unwrap().current.unwrap();
        let ended = json!({ annotation::ACKNOWLEDGE_FOREIGN: id.token_id });
        self.change(json!({ "metadata": { "annotations": ended } }))
            .await;
        self.pass(60).await;
    }

    /// Neither the object nor its issuer is left, and no token.
    pub async fn all_is_gone(&self) {
        assert!(self.issuer.live().is_empty(), "a token that nobody ends");
        assert!(self.object().is_none(), "{}", self.message("Ready"));
        let issuer = self.issuers().get_opt("issuer").await.unwrap();
        assert!(issuer.is_none(), "the issuer is left");
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
