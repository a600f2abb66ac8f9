//! The contract of `Issuer` on everything that implements it.

mod by_hand;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokenwright_client::clock::ManualClock;
use tokenwright_client::contract::{Broken, Sample, hold};
use tokenwright_client::memory::Fault;
use tokenwright_client::{
    Clock, ErrorKind, Issuer, MemoryIssuer, MemorySettings, MintRequest, Operation, Profile,
    ProfileIssuer, ProfileSettings, SecretText, SecretValue, profile,
};
use tokenwright_core::{Change, Disable, Inputs, LostAnswer, Parameters, UpdateKind};
use tokenwright_sandbox::faults::Fault as SandboxFault;
use tokenwright_sandbox::{Options, Sandbox, Settings, SystemName};

fn sample(parameters: Parameters, scopes: &[&str], lifetime: &str) -> Sample {
    Sample {
        inputs: Inputs {
            name: "contract".to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            parameters,
            lifetime: lifetime.parse().unwrap(),
        },
        many: 3,
        clock: Clock::system(),
        settle: Duration::ZERO,
    }
}

fn assert_holds(broken: &[Broken], about: &str) {
    let lines: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{about}: {lines:#?}");
}

#[tokio::test]
async fn memory_issuers_of_every_kind_hold_the_contract() {
    use LostAnswer::{CannotAttribute, CannotList, FindByMarker, Replay};
    for lost_answer in [Replay, FindByMarker, CannotAttribute, CannotList] {
        for disable in [
            Disable::Unsupported,
            Disable::SetState,
            Disable::BlindToggle,
        ] {
            for check in [true, false] {
                let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
                let mut settings = MemorySettings::default();
                settings.capabilities.lost_answer = lost_answer;
                settings.capabilities.disable = disable;
                settings.capabilities.check = check;
                if check {
                    settings.capabilities.update.clear();
                }
                let issuer = MemoryIssuer::new(settings, clock.clock());
                let sample = Sample {
                    clock: clock.clock(),
                    ..sample(Parameters::new(), &["a"], "1h")
                };
                let about = format!("{lost_answer:?} {disable:?} {check}");
                assert_holds(&hold(&issuer, &sample).await, &about);
                assert_eq!(issuer.live(), [], "{about}");
            }
        }
    }
}

#[tokio::test]
async fn memory_issuers_whose_ids_are_secrets_hold_the_contract() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    for lost_answer in [LostAnswer::FindByMarker, LostAnswer::CannotAttribute] {
        let mut settings = MemorySettings {
            secret_ids: true,
            ..MemorySettings::default()
        };
        settings.capabilities.lost_answer = lost_answer;
        let issuer = MemoryIssuer::new(settings, clock.clock());
        let sample = Sample {
            clock: clock.clock(),
            ..sample(Parameters::new(), &["a"], "1h")
        };
        let about = format!("{lost_answer:?}");
        assert_holds(&hold(&issuer, &sample).await, &about);
        assert_eq!(issuer.live(), [], "{about}");
    }
}

#[tokio::test]
async fn a_broken_issuer_is_told() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let issuer = MemoryIssuer::new(MemorySettings::default(), clock.clock());
    issuer.fault(Operation::Mint, Fault::BornDead);
    issuer.fault(Operation::Mint, Fault::Twice);
    issuer.hook(|request, nth| {
        let third = request.operation == Operation::Mint && nth == 3;
        third.then_some(Fault::BornDead)
    });
    let sample = Sample {
        clock: clock.clock(),
        ..sample(Parameters::new(), &["a"], "1h")
    };
    let broken = hold(&issuer, &sample).await;
    let clauses: Vec<_> = broken.iter().map(|b| b.clause).collect();
    let expected = ["a value lives and dies with its token", "nothing is left"];
    assert_eq!(clauses, expected);
}

struct Played {
    sandbox: Sandbox,
    system: SystemName,
    issuer: ProfileIssuer,
    parameters: Parameters,
}

async fn play(system: SystemName, changes: serde_json::Value) -> Played {
    let profile = match system {
        // What it shows of the language, no built-in profile needs.
        SystemName::Rollbar => Arc::new(Profile::parse(ROLLBAR).unwrap()),
        // Every other system has a profile of its own name.
        system => profile::builtin(system.as_str()).unwrap(),
    };
    play_by(profile, system, changes).await
}

/// The same by a profile of our own.
async fn play_by(profile: Arc<Profile>, system: SystemName, changes: serde_json::Value) -> Played {
    let settings = Settings::default().changed(changes).unwrap();
    let options = Options {
        settings,
        ..Options::new([system])
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let played = sandbox.system(system).unwrap().clone();
    // The first part is what the sandbox's credential is; AWS has a name for it beside.
    let mut names = profile.credential().keys().rev();
    let secret = (
        names.next().unwrap().clone(),
        SecretText::new(played.credential.clone()),
    );
    let other = names.next().map(|name| {
        let text = played.parameter(name).unwrap();
        (name.clone(), SecretText::new(text.to_owned()))
    });
    let issuer = ProfileIssuer::new(
        Arc::clone(&profile),
        ProfileSettings {
            endpoint: Some(played.endpoint.clone()),
            credential: SecretValue::new([secret].into_iter().chain(other)),
            request_timeout: Duration::from_secs(5),
        },
    );
    let parameters = match system {
        // An owner, of several that could be.
        SystemName::Scaleway => vec!["application_id"],
        _ => profile.parameters().keys().map(String::as_str).collect(),
    };
    let parameters = parameters.into_iter().filter_map(|name| {
        let given = played.parameter(name)?;
        Some((name.to_owned(), given.to_owned()))
    });
    let parameters: Parameters = parameters.collect();
    Played {
        sandbox,
        system,
        issuer: issuer.unwrap(),
        parameters,
    }
}

impl Played {
    fn sample(&self) -> Sample {
        match self.system {
            SystemName::Scaleway => Sample {
                many: 105,
                ..sample(self.parameters.clone(), &[], "1h")
            },
            SystemName::Rollbar => sample(self.parameters.clone(), &["read"], "never"),
            SystemName::AwsIam | SystemName::GoogleServiceAccount => {
                sample(self.parameters.clone(), &[], "never")
            }
            SystemName::Grafana => {
                let endless = self.issuer.profile() == "grafana-accounts";
                let lifetime = if endless { "never" } else { "1h" };
                sample(self.parameters.clone(), &[], lifetime)
            }
            SystemName::Seeme => sample(self.parameters.clone(), &["models:read"], "36h"),
            SystemName::TerrakubeTeam => sample(self.parameters.clone(), &[], "90m"),
            SystemName::TerrakubeUser => sample(self.parameters.clone(), &[], "2d"),
            by_hand => unreachable!("nothing mints at {by_hand}"),
        }
    }

    async fn holds(&self, about: &str) {
        assert_holds(&hold(&self.issuer, &self.sample()).await, about);
        let ledger = self.sandbox.ledger(None).unwrap();
        assert_eq!(ledger.summary.live, 0, "{about}");
        assert!(ledger.summary.minted > 5, "{about}");
    }

    fn fault(&self, matching: serde_json::Value, effect: serde_json::Value) {
        let fault = json!({"match": matching, "effect": effect});
        let fault: SandboxFault = serde_json::from_value(fault).unwrap();
        self.sandbox.faults().add(fault).unwrap();
    }

    async fn mint(&self) -> Result<(), ErrorKind> {
        let inputs = self.sample().inputs;
        let request = MintRequest {
            remote_name: "contract".to_owned(),
            inputs,
            at: Clock::system().now(),
            idempotency_key: "key".to_owned(),
            send_by: None,
        };
        let minted = self.issuer.mint(&request).await;
        minted.map(|_| ()).map_err(|error| error.kind)
    }

    fn minted(&self) -> usize {
        self.sandbox.ledger(None).unwrap().summary.minted
    }
}

#[tokio::test]
async fn signed_requests_and_answers_in_xml_hold_the_contract() {
    let played = play(SystemName::AwsIam, json!({"aws_iam": {"keys_max": 6}})).await;
    played.holds("aws-iam").await;
}

#[tokio::test]
async fn keys_that_are_files_hold_the_contract_whichever_way_they_sign() {
    let played = play(SystemName::GoogleServiceAccount, json!({})).await;
    played.holds("a bearer").await;
    let assertion = Arc::new(Profile::parse(ASSERTION).unwrap());
    let played = play_by(assertion, SystemName::GoogleServiceAccount, json!({})).await;
    played.holds("an assertion").await;
}

#[tokio::test]
async fn a_mint_of_two_calls_holds_the_contract() {
    let accounts = Arc::new(Profile::parse(ACCOUNTS).unwrap());
    let played = play_by(accounts, SystemName::Grafana, json!({})).await;
    played.holds("accounts").await;
    let played = play(SystemName::Grafana, json!({})).await;
    played.holds("tokens").await;
}

#[tokio::test]
async fn a_mint_that_is_lost_between_its_calls_leaves_what_the_list_shows() {
    for lost in ["first", "second"] {
        let accounts = Arc::new(Profile::parse(ACCOUNTS).unwrap());
        let played = play_by(accounts, SystemName::Grafana, json!({})).await;
        if lost == "second" {
            // The first call passes: a fault meets what comes after it.
            played.fault(
                json!({"operation": "mint", "skip": 1, "count": 1}),
                json!({"lost_reply": true}),
            );
        } else {
            played.fault(
                json!({"operation": "mint", "count": 1}),
                json!({"lost_reply": true}),
            );
        }
        assert_eq!(
            played.mint().await,
            Err(ErrorKind::OutcomeUnknown),
            "{lost}"
        );
        let listed = played.issuer.list(&Default::default()).await.unwrap();
        let found = listed.iter();
        let found = found.filter(|token| token.name.as_deref() == Some("contract"));
        assert_eq!(found.count(), 1, "{lost}");
    }
}

/// A service account and its token, made by two calls and ended by one.
const ACCOUNTS: &str = include_str!("contract/grafana-accounts.yaml");

/// A login with a signed assertion, by the credential and by each value.
const ASSERTION: &str = include_str!("contract/google-assertion.yaml");

/// Ids that are the secrets themselves, and a revoke by value.
const ROLLBAR: &str = include_str!("contract/rollbar.yaml");

#[tokio::test]
async fn a_system_whose_ids_are_the_secrets_holds_the_contract() {
    let played = play(SystemName::Rollbar, json!({})).await;
    played.holds("rollbar").await;
}

#[tokio::test]
async fn a_revoke_that_says_yes_and_does_nothing_is_not_seen() {
    let played = play(SystemName::Rollbar, json!({})).await;
    played.fault(json!({"operation": "revoke"}), json!({"no_effect": true}));
    let broken = hold(&played.issuer, &played.sample()).await;
    let broken: Vec<_> = broken.iter().map(ToString::to_string).collect();
    assert!(!broken.is_empty());
    let summary = played.sandbox.ledger(None).unwrap().summary;
    assert_eq!(summary.live, summary.minted, "{broken:#?}");
}

#[tokio::test]
async fn scaleway_holds_the_contract() {
    let played = play(SystemName::Scaleway, json!({"scaleway": {"keys_max": 300}})).await;
    played.holds("scaleway").await;
    for switches in [
        json!({"expiry_update": "any"}),
        json!({"application_rights": "nothing"}),
        json!({"application_rights": "manage"}),
        json!({"max_api_key_expiration_seconds": 7200}),
    ] {
        let played = play(SystemName::Scaleway, json!({"scaleway": switches})).await;
        let sample = Sample {
            many: 3,
            ..played.sample()
        };
        assert_holds(&hold(&played.issuer, &sample).await, &switches.to_string());
    }
}

#[tokio::test]
async fn both_kinds_of_terrakube_tokens_hold_the_contract() {
    for system in [SystemName::TerrakubeTeam, SystemName::TerrakubeUser] {
        let played = play(system, json!({})).await;
        played.holds(system.as_str()).await;
        let never = Inputs {
            lifetime: "never".parse().unwrap(),
            ..played.sample().inputs
        };
        let sample = Sample {
            inputs: never,
            ..played.sample()
        };
        assert_holds(&hold(&played.issuer, &sample).await, "never");
    }
}

#[tokio::test]
async fn scaleway_takes_an_expiry_where_there_is_none() {
    let played = play(SystemName::Scaleway, json!({})).await;
    let never = Inputs {
        lifetime: "never".parse().unwrap(),
        ..played.sample().inputs
    };
    let sample = Sample {
        many: 1,
        inputs: never.clone(),
        ..played.sample()
    };
    assert_holds(&hold(&played.issuer, &sample).await, "never");
    let request = MintRequest {
        remote_name: "never".to_owned(),
        inputs: never,
        at: Clock::system().now(),
        idempotency_key: "key".to_owned(),
        send_by: None,
    };
    let minted = played.issuer.mint(&request).await.unwrap();
    assert_eq!(minted.token.expires_at, None);
    let at = "2030-01-01T00:00:00.5Z".parse().unwrap();
    let change = Change {
        inputs: played.sample().inputs,
        kinds: vec![UpdateKind::AddExpiry],
    };
    let id = &minted.token.id;
    let dated = played.issuer.update(id, "", &change, at);
    let dated = dated.await.unwrap();
    let expected = "2030-01-01T01:00:00Z".parse().unwrap();
    assert_eq!(dated.expires_at, Some(expected));
    assert_eq!(
        dated.name.as_deref(),
        Some("never"),
        "only the expiry was sent"
    );
    let later = played.issuer.update(id, "", &change, at);
    assert!(later.await.is_err(), "it has one already");
}

#[tokio::test]
async fn seeme_holds_the_contract_whatever_the_undocumented_answers_are() {
    for switches in [
        json!({}),
        json!({"seconds_per_day": 30}),
        json!({"seeme": {"never": "year_one", "delete_answer": "empty_ok"}}),
        json!({"seeme": {"never": "absent", "mint_answers_200": true}}),
        json!({"seeme": {"names": "reserved"}}),
        json!({"seeme": {"keys_need_scopes_of": "apikeys"}}),
        json!({"seeme": {"own_key_guarded": true, "product_prefix": "seeme_"}}),
    ] {
        let played = play(SystemName::Seeme, switches.clone()).await;
        played.holds(&switches.to_string()).await;
        let never = Sample {
            inputs: Inputs {
                name: "for ever".to_owned(),
                lifetime: "never".parse().unwrap(),
                ..played.sample().inputs
            },
            ..played.sample()
        };
        let broken = hold(&played.issuer, &never).await;
        assert_holds(&broken, &format!("never {switches}"));
    }
}

#[tokio::test]
async fn a_mint_is_sent_once_whatever_becomes_of_its_answer() {
    for system in [SystemName::Scaleway, SystemName::Seeme] {
        for (effect, kind, minted) in [
            (json!({"lost_reply": true}), ErrorKind::OutcomeUnknown, 1),
            (json!({"truncate_body": true}), ErrorKind::OutcomeUnknown, 1),
            (json!({"html": true}), ErrorKind::OutcomeUnknown, 1),
            (json!({"five_xx": 502}), ErrorKind::OutcomeUnknown, 1),
            (json!({"status": 503}), ErrorKind::OutcomeUnknown, 0),
            (json!({"status": 408}), ErrorKind::OutcomeUnknown, 0),
            (json!({"status": 403}), ErrorKind::Forbidden, 0),
            (json!({"quota": 0}), ErrorKind::LimitReached, 0),
        ] {
            let played = play(system, json!({})).await;
            let about = format!("{system:?} {effect}");
            played.fault(json!({"operation": "mint"}), effect.clone());
            let got = played.mint().await.unwrap_err();
            if system == SystemName::Seeme && effect.get("quota").is_some() {
                // Its own words for a quota are not known.
                assert!(
                    !matches!(got, ErrorKind::OutcomeUnknown),
                    "{about}: {got:?}"
                );
            } else {
                assert_eq!(got, kind, "{about}");
            }
            assert_eq!(played.minted(), minted, "{about}");
        }
    }
}

#[tokio::test]
async fn a_listing_that_is_cut_short_is_an_error() {
    for mid_body in [true, false] {
        let played = play(SystemName::Scaleway, json!({})).await;
        played.mint().await.unwrap();
        played.mint().await.unwrap();
        let cut = json!({"cut_listing": {"keep": 1, "mid_body": mid_body}});
        played.fault(json!({"operation": "list"}), cut);
        let filter = tokenwright_client::Filter::of(played.parameters.clone());
        let listed = played.issuer.list(&filter).await;
        assert!(listed.is_err(), "{mid_body}: {listed:?}");
    }
}

#[tokio::test]
async fn a_value_that_was_born_dead_is_found_out() {
    for system in [SystemName::Scaleway, SystemName::Seeme] {
        let played = play(system, json!({})).await;
        played.fault(json!({"operation": "mint"}), json!({"born_dead": true}));
        let broken = hold(&played.issuer, &played.sample()).await;
        let clauses: Vec<_> = broken.iter().map(|b| b.clause).collect();
        assert!(clauses.contains(&"a value lives and dies with its token"));
    }
}
