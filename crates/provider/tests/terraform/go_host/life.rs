//! The life of a token by the calls of a core that knows protocol 6.11, identities included.

use serde_json::{Value, json};
use tokenwright_sandbox::ledger::What;

use super::{Host, OF_TOKEN, TOKEN, config};
use crate::support::{CI, World};

/// A core's part: state, private bytes and identity, and the calls in their order.
pub(super) struct Life<'a> {
    pub(super) host: &'a mut Host,
    pub(super) state: Value,
    private: Value,
    pub(super) identity: Value,
    computed: Vec<String>,
}

impl<'a> Life<'a> {
    pub(super) async fn of(host: &'a mut Host) -> Self {
        let schema = host.calm("GetProviderSchema", "", Value::Null).await;
        let attributes = &schema["resourceSchemas"][TOKEN]["block"]["attributes"];
        let attributes = attributes.as_array().unwrap().iter();
        let computed = attributes.filter(|one| one["computed"] == true);
        Self {
            computed: computed
                .map(|one| one["name"].as_str().unwrap().to_owned())
                .collect(),
            host,
            state: Value::Null,
            private: Value::Null,
            identity: Value::Null,
        }
    }

    async fn plan(&mut self, wanted: &Value) -> Value {
        let mut proposed = wanted.clone();
        for name in &self.computed {
            if wanted[name].is_null() && !wanted.is_null() {
                proposed[name] = match self.state.is_null() {
                    true => json!({ "$unknown": true }),
                    false => self.state[name].clone(),
                };
            }
        }
        let request = json!({
            "typeName": TOKEN,
            "config": { "$value": wanted },
            "proposedNewState": { "$value": proposed },
            "priorState": { "$value": self.state },
            "priorPrivate": self.private,
            "priorIdentity": self.identity,
            "clientCapabilities": { "writeOnlyAttributesAllowed": true },
        });
        (self.host)
            .calm("PlanResourceChange", OF_TOKEN, request)
            .await
    }

    /// Plans twice, as a core does, and applies. Null ends it.
    pub(super) async fn apply(&mut self, wanted: Value) {
        self.plan(&wanted).await;
        let plan = self.plan(&wanted).await;
        let planned = match wanted.is_null() {
            true => Value::Null,
            false => plan["plannedState"].clone(),
        };
        let request = json!({
            "typeName": TOKEN,
            "config": { "$value": wanted },
            "priorState": { "$value": self.state },
            "plannedState": { "$value": planned },
            "plannedPrivate": plan["plannedPrivate"],
            "plannedIdentity": identity(&plan["plannedIdentity"]),
        });
        let done = (self.host)
            .calm("ApplyResourceChange", OF_TOKEN, request)
            .await;
        for (name, promised) in planned.as_object().into_iter().flatten() {
            let open = promised.get("$unknown").is_some();
            assert!(
                open || done["newState"][name] == *promised,
                "{name}: {done}"
            );
        }
        self.took(&done);
    }

    pub(super) async fn read(&mut self) {
        let request = json!({
            "typeName": TOKEN,
            "currentState": { "$value": self.state },
            "private": self.private,
            "currentIdentity": self.identity,
        });
        let seen = self.host.calm("ReadResource", OF_TOKEN, request).await;
        self.took(&seen);
    }

    /// What was answered is what is stored; an identity never changes while the object lives.
    pub(super) fn took(&mut self, answer: &Value) {
        self.state = answer["newState"].clone();
        self.private = answer["private"].clone();
        let told = identity(&answer["newIdentity"]);
        if !self.state.is_null() && !self.identity.is_null() {
            assert_eq!(told, self.identity, "{answer}");
        }
        self.identity = told;
    }
}

/// An identity of an answer, to be sent again.
fn identity(told: &Value) -> Value {
    match told.get("identityData") {
        None => Value::Null,
        Some(value) => json!({
            "identityData": { "$value": value, "$of": format!("identity:{TOKEN}") },
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_keeps_its_identity_through_every_call_of_its_life() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    let mut life = Life::of(&mut host).await;
    life.apply(config(json!({}))).await;
    assert!(world.works(&life.state["value"]).await);
    let first = life.identity.clone();
    let manager = &first["identityData"]["$value"]["manager"];
    let name = life.state["remote_name"].as_str().unwrap().to_owned();
    assert!(
        name.contains(manager.as_str().unwrap()),
        "{name}, {manager}"
    );
    // A refresh that saw nothing new brings back every value as it was.
    let before = life.state.clone();
    life.read().await;
    assert_eq!(life.state, before);

    let triggers = json!({ "rotation": { "triggers": { "a": "1" }, "overlap": "1d" } });
    life.apply(config(triggers)).await;
    assert_eq!(
        (&life.state["revision"], &life.identity),
        (&json!(2), &first)
    );
    life.read().await;
    // What a core stores comes back through an upgrade, each time it is read.
    let stored = json!({
        "typeName": TOKEN,
        "version": 2,
        "rawState": { "json": { "$json": life.state } },
    });
    let upgraded = life
        .host
        .calm("UpgradeResourceState", OF_TOKEN, stored)
        .await;
    assert_eq!(upgraded["upgradedState"], life.state);
    let stored = &first["identityData"]["$value"];
    let stored =
        json!({ "typeName": TOKEN, "version": 0, "rawIdentity": { "json": { "$json": stored } } });
    let upgraded = life
        .host
        .calm("UpgradeResourceIdentity", OF_TOKEN, stored)
        .await;
    assert_eq!(identity(&upgraded["upgradedIdentity"]), first);

    assert_eq!(world.count(What::Mint), 2);
    life.apply(Value::Null).await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_token_lives_from_open_to_close() {
    let world = World::new(86_400.0, CI).await;
    let mut host = Host::configured(&world).await;
    let of = format!("ephemeral:{TOKEN}");
    let wanted = json!({ "name": "run", "scopes": ["models:read"], "lifetime": "1d" });
    let request = json!({ "typeName": TOKEN, "config": { "$value": wanted } });
    host.calm("ValidateEphemeralResourceConfig", &of, request.clone())
        .await;
    let opened = host.calm("OpenEphemeralResource", &of, request).await;
    let value = &opened["result"]["value"];
    assert!(world.works(value).await);
    // It lives as long as it was asked to: a core that asks to keep it alive is told that it need not.
    assert!(opened["renewAt"].is_null(), "{opened}");
    let request = json!({ "typeName": TOKEN, "private": opened["private"] });
    let renewed = host
        .calm("RenewEphemeralResource", &of, request.clone())
        .await;
    assert!(renewed["renewAt"].is_null(), "{renewed}");
    assert_eq!(renewed["private"], opened["private"]);
    assert!(world.works(value).await);
    assert_eq!(world.count(What::Mint), 1);
    host.calm("CloseEphemeralResource", &of, request).await;
    assert!(!world.works(value).await);
    world.nothing_lives();
}
