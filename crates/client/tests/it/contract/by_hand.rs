//! The systems whose tokens only a person can make, on the sandbox, where a person makes some.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value as Json, json};
use tokenwright_client::contract::{MadeByHand, hold_by_hand};
use tokenwright_client::{
    Clock, Issuer, ProfileIssuer, ProfileSettings, SecretText, SecretValue, profile,
};
use tokenwright_core::{Liveness, Parameters};
use tokenwright_sandbox::{Options, Played, Sandbox, SystemName};

use super::assert_holds;
use crate::support::{answer, serve};

const SYSTEMS: [SystemName; 3] = [
    SystemName::OnlineNet,
    SystemName::Seenode,
    SystemName::Transiyzi,
];

/// An issuer without any credential: there is none to have.
fn issuer(system: SystemName, endpoint: &str, request_timeout: Duration) -> ProfileIssuer {
    let settings = ProfileSettings {
        endpoint: Some(endpoint.to_owned()),
        credential: SecretValue::new([]),
        request_timeout,
    };
    ProfileIssuer::new(profile::builtin(system.as_str()).unwrap(), settings).unwrap()
}

fn value(system: SystemName, text: &str) -> SecretValue {
    let profile = profile::builtin(system.as_str()).unwrap();
    let part = profile.value_parts().keys().next().unwrap().clone();
    SecretValue::new([(part, SecretText::new(text.to_owned()))])
}

/// A person in front of a system's console.
struct Person {
    sandbox: Sandbox,
    played: Played,
    browser: Client,
    issuer: ProfileIssuer,
}

impl Person {
    async fn at(system: SystemName) -> Self {
        let sandbox = Sandbox::start(Options::new([system])).await.unwrap();
        let played = sandbox.played()[0].clone();
        // The same provider as the client's; whoever is second is refused, which is harmless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            issuer: issuer(system, &played.endpoint, Duration::from_secs(5)),
            browser: Client::builder().no_proxy().build().unwrap(),
            sandbox,
            played,
        }
    }

    async fn submits(&self, path: &str, form: &[(&str, &str)]) -> String {
        let origin = self.played.console.strip_suffix("/console").unwrap();
        let address = format!("{}{path}", self.played.console);
        let sent = self.browser.post(address).header("Origin", origin);
        let answer = sent.form(form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Makes a token: its id, and the value that the page shows once.
    async fn makes(&self, form: &[(&str, &str)]) -> (String, SecretValue) {
        let page = self.submits("/new", form).await;
        let (_, rest) = page.split_once("id=\"value\" value=\"").unwrap();
        let text = rest.split_once('"').unwrap().0;
        let ledger = self.sandbox.ledger(None).unwrap();
        let id = ledger.tokens.last().unwrap().id.clone();
        (id, value(self.played.system, text))
    }

    fn switch(&self, changes: Json) {
        let changed = self.sandbox.settings().changed(changes).unwrap();
        self.sandbox.set(changed).unwrap();
    }

    fn parameters(&self) -> Parameters {
        let project = self.played.parameter("project_id");
        let project = project.map(|id| ("project_id".to_owned(), id.to_owned()));
        project.into_iter().collect()
    }

    /// One that lives, one that was deleted, one that expired, and one that nobody issued.
    async fn has_made(&self) -> MadeByHand {
        let form = [("name", "ci"), ("scope", "read")];
        let (_, alive) = self.makes(&form).await;
        let (id, deleted) = self.makes(&form).await;
        self.submits(&format!("/{id}/delete"), &[]).await;
        // A sixth of a second.
        self.switch(json!({
            "online_net": { "expires_in_seconds": 0.17 },
            "seenode": { "expires_in_days": 2e-6 },
            "transiyzi": { "expires_in_days": 2e-6 },
        }));
        let expires = form.into_iter().chain([("expires", "yes")]);
        let (_, expired) = self.makes(&expires.collect::<Vec<_>>()).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        MadeByHand {
            parameters: self.parameters(),
            alive,
            dead: vec![
                ("deleted", deleted),
                ("expired", expired),
                ("never issued", value(self.played.system, "nonsense")),
            ],
            clock: Clock::system(),
        }
    }

    fn uses(&self) -> usize {
        self.sandbox.ledger(None).unwrap().events.len()
    }
}

#[tokio::test]
async fn systems_that_mint_by_hand_hold_the_contract() {
    for system in SYSTEMS {
        let person = Person::at(system).await;
        let made = person.has_made().await;
        let broken = hold_by_hand(&person.issuer, &made).await;
        assert_holds(&broken, system.as_str());
        let summary = person.sandbox.ledger(None).unwrap().summary;
        assert_eq!((summary.minted, summary.made_by_hand), (0, 3), "{system}");
    }
}

#[tokio::test]
async fn a_status_that_systems_by_hand_may_refuse_with_ends_a_value_only_where_it_is_clear() {
    for (system, switches, dead) in [
        (
            SystemName::OnlineNet,
            json!({"online_net": {"dead_as": "forbidden"}}),
            Liveness::Dead,
        ),
        (
            SystemName::Seenode,
            json!({"seenode": {"dead_as": "forbidden"}}),
            Liveness::Dead,
        ),
        // There it may be a foreign project, or a token that may only write.
        (
            SystemName::Transiyzi,
            json!({"transiyzi": {"dead_as": "forbidden"}}),
            Liveness::Unknown,
        ),
    ] {
        let person = Person::at(system).await;
        person.switch(switches);
        let nonsense = value(system, "nonsense");
        let parameters = person.parameters();
        let told = person
            .issuer
            .check_with(&nonsense, tokenwright_client::About::of(&parameters))
            .await;
        assert_eq!(told, dead, "{system}");
    }
    let person = Person::at(SystemName::Transiyzi).await;
    let (_, writes) = person.makes(&[("name", "ci"), ("scope", "write")]).await;
    let parameters = person.parameters();
    let told = person
        .issuer
        .check_with(&writes, tokenwright_client::About::of(&parameters))
        .await;
    assert_eq!(told, Liveness::Unknown, "it lives, and may not read");
}

#[tokio::test]
async fn an_issuer_by_hand_that_answers_in_riddles_says_nothing_about_a_value() {
    for system in SYSTEMS {
        for effect in [
            json!({"html": true}),
            json!({"truncate_body": true}),
            json!({"lost_reply": true}),
            json!({"five_xx": 502}),
            json!({"status": 503}),
            json!({"status": 429, "retry_after": 3}),
            json!({"status": 404}),
            json!({"status": 302}),
            json!({"status": 418}),
            json!({"latency_ms": 3000}),
        ] {
            let person = Person::at(system).await;
            let (_, alive) = person.makes(&[("name", "ci"), ("scope", "read")]).await;
            let fault = json!({"match": {"by": "made_by_hand"}, "effect": effect});
            let fault = serde_json::from_value(fault).unwrap();
            person.sandbox.faults().add(fault).unwrap();
            let patience = Duration::from_millis(700);
            let issuer = issuer(system, &person.played.endpoint, patience);
            let told = issuer
                .check_with(&alive, tokenwright_client::About::of(&person.parameters()))
                .await;
            assert_eq!(told, Liveness::Unknown, "{system}: {effect}");
        }
    }
}

#[tokio::test]
async fn what_systems_by_hand_cannot_do_or_check_is_never_sent() {
    for system in SYSTEMS {
        let page = "<html>maintenance</html>";
        let server = serve(move |_| answer("200 OK", "text/html", page)).await;
        let issuer = issuer(system, &server.endpoint, Duration::from_secs(5));
        let made = MadeByHand {
            parameters: match system {
                SystemName::Transiyzi => [("project_id".to_owned(), "p-1".to_owned())].into(),
                _ => Parameters::new(),
            },
            alive: value(system, "alive"),
            dead: Vec::new(),
            clock: Clock::system(),
        };
        let broken = hold_by_hand(&issuer, &made).await;
        let broken: Vec<_> = broken.iter().map(ToString::to_string).collect();
        // All but the check is refused, and a check that lacks something is none.
        let told =
            "a value that a person made is told from one that ended: one that lives is Unknown";
        assert_eq!(broken, [told], "{system}");
        let received = server.received();
        let line = received
            .iter()
            .map(|request| request.lines().next().unwrap());
        let expected = match system {
            SystemName::OnlineNet => "GET /servers HTTP/1.1",
            SystemName::Seenode => "GET /v1/teams HTTP/1.1",
            _ => "GET /export/locale?project_id=p-1 HTTP/1.1",
        };
        assert_eq!(line.collect::<Vec<_>>(), [expected], "{system}");
    }
}

#[tokio::test]
async fn a_check_without_its_project_never_reaches_transiyzi() {
    let person = Person::at(SystemName::Transiyzi).await;
    let (_, alive) = person.makes(&[("name", "ci"), ("scope", "read")]).await;
    let before = person.uses();
    assert_eq!(person.issuer.check(&alive).await, Liveness::Unknown);
    assert_eq!(person.uses(), before, "nothing was sent");
    let parameters = person.parameters();
    let told = person
        .issuer
        .check_with(&alive, tokenwright_client::About::of(&parameters))
        .await;
    assert_eq!((told, person.uses()), (Liveness::Alive, before + 1));
}
