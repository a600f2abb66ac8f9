//! Bad input, and what it gets: a clear error at the earliest moment, and nothing minted.

use serde_json::json;
use tokenwright_sandbox::ledger::What;

use crate::support::{CI, World};

/// A resource, and the words and the place that its error must have.
struct Case {
    resource: &'static str,
    words: &'static [&'static str],
}

const AT_VALIDATE: &[Case] = &[
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"soon\"",
        words: &["lifetime is no duration", "90d", "[lifetime = \"soon\"]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"0d\"",
        words: &["between 10s and 365000d", "[lifetime = \"0d\"]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = null",
        words: &["lifetime is required", "[lifetime = null]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\", null]\n lifetime = \"30d\"",
        words: &["scopes has no value", "[scopes = [\"models:read\", null]]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n created_at = \"2099-01-01T00:00:00Z\"",
        words: &["created_at cannot be set", "[created_at = "],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n value = \"mine\"",
        words: &["value cannot be set", "[value = \"mine\"]"],
    },
    Case {
        resource: "name = \" \"\n scopes = [\"models:read\"]\n lifetime = \"30d\"",
        words: &["must not be empty", "[name = \" \"]"],
    },
    Case {
        resource: "name = \"c\\ni\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"",
        words: &["name must not contain control characters", "[name = "],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\", \" \"]\n lifetime = \"30d\"",
        words: &["scopes must not contain an empty scope", "[scopes = ["],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n rotation = { renew_before = \"10d\", overlap = \"21d\" }",
        words: &["rotation.overlap must not be longer than the lifetime less renew_before"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n rotation = {\n renew_before = \"10d\"\n every = \"soon\"\n }",
        words: &["rotation.every is no duration", "[every = \"soon\"]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n timeouts = {\n create = \"1m\"\n delete = \"soon\"\n }",
        words: &["timeouts.delete is no duration", "[delete = \"soon\"]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n rotation = { every = \"10d\", overlap = \"11d\" }",
        words: &["not be longer than rotation every"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n rotation = { renew_before = \"30d\" }",
        words: &["shorter than the lifetime", "renew_before"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n on_loss = \"panic\"",
        words: &["\"remint\" or \"report\"", "[on_loss = \"panic\"]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n secret_output = \"encrypted\"",
        words: &["recipients is required", "age-keygen"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n secret_output = \"encrypted\"\n recipients = [\"ssh-ed25519 AAAA\"]",
        words: &[
            "A recipient cannot be read",
            "\"ssh-ed25519 AAAA\"",
            "[recipients = [",
        ],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n secret_output = \"encrypted\"\n recipients = []",
        words: &["recipients is required", "[recipients = []]"],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n recipients = [\"age1hw8f0r2r5j3pv83sjys0pgkerjd73t33lvnxj7ef3lyu05plsqjqntjfdc\"]",
        words: &["recipients needs secret_output", "[recipients = ["],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n secret_output = \"pgp\"",
        words: &["\"state\" or \"encrypted\"", "[secret_output = \"pgp\"]"],
    },
];

const AT_PLAN: &[Case] = &[
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"5h\"",
        words: &["rounds down to zero", "[lifetime = \"5h\"]"],
    },
    Case {
        resource: "name = \"ci\"\n lifetime = \"30d\"",
        words: &["scopes", "at least one"],
    },
    Case {
        resource: "name = \"a name that leaves no room for it\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"",
        words: &["marker needs 41", "[name = "],
    },
    Case {
        resource: "name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"\n parameters = { team = \"a\" }",
        words: &["team is not known", "organization_id", "parameters"],
    },
    Case {
        resource: "issuer = \"other\"\n name = \"ci\"\n scopes = [\"models:read\"]\n lifetime = \"30d\"",
        words: &["no issuer \"other\"", "vendor", "[issuer = \"other\"]"],
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_said_at_its_attribute_at_the_earliest_moment() {
    let world = World::new(86_400.0, CI).await;
    for (command, cases) in [("validate", AT_VALIDATE), ("plan", AT_PLAN)] {
        for case in cases {
            world.configure(case.resource);
            if command == "plan" {
                world.run(&["validate", "-json"]).await.succeeded();
                world
                    .run(&["plan", "-json"])
                    .await
                    .failed()
                    .says(case.words);
            } else {
                // `validate -json` answers one object; its words are checked by the plan that validates first.
                world.run(&["validate"]).await.failed();
                world
                    .run(&["plan", "-json"])
                    .await
                    .failed()
                    .says(case.words);
            }
        }
    }
    assert_eq!(world.count(What::Mint), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_credential_is_said_at_plan_with_the_ways_to_give_one() {
    let mut world = World::new(86_400.0, CI).await;
    let credential = world.credential.take();
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&[
        "Issuer \"vendor\" cannot be used",
        "credential",
        "SEEME_API_KEY",
    ]);
    assert_eq!(world.sandbox.ledger(None).unwrap().events.len(), 0);
    // In the configuration it is as good.
    world.issuer += &format!("\n credential = {:?}", credential.unwrap());
    world.configure(CI);
    world.apply().await;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_is_said_before_anything_is_minted_and_at_every_read() {
    let mut world = World::new(86_400.0, CI).await;
    let right = world.credential.replace("wrong".to_owned());
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "gave no new token",
        "does not accept the credential",
        "Nothing was minted",
        "does not help",
    ]);
    world.credential = right;
    world.apply().await;
    let before = world.state().await;
    let right = world.credential.replace("wrong".to_owned());
    world
        .run(&["plan", "-json"])
        .await
        .failed()
        .says(&["does not accept the credential"]);
    assert_eq!(world.state().await, before);
    world.credential = right;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_answers_is_said_soon() {
    let mut world = World::new(86_400.0, CI).await;
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    world.issuer = format!("endpoint = \"http://127.0.0.1:{port}\"\n request_timeout = \"2s\"");
    world.configure(CI);
    let start = std::time::Instant::now();
    world.try_apply().await.failed().says(&[
        "cannot be reached",
        "Check the endpoint",
        "Nothing was minted",
    ]);
    assert!(start.elapsed().as_secs() < 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_block_is_checked_at_validate() {
    let world = World::new(86_400.0, CI).await;
    for (issuer, words) in [
        (
            "profile = \"seemee\"",
            &["no built-in profile \"seemee\"", "seeme"][..],
        ),
        ("profile = \"hub.yaml\"", &["write file(\"hub.yaml\")"][..]),
        ("profile = \"profile: x\\ntitle: y\\n\"", &["line"][..]),
        (
            "profile = null",
            &[
                "issuers[\"vendor\"].profile is required",
                "[issuers = { vendor = {]",
            ][..],
        ),
        (
            "profile = \"seeme\"\n endpoint = \"http://example.com\"",
            &["must be https"][..],
        ),
        (
            "profile = \"seeme\"\n endpoint = \"example.com\"",
            &["endpoint"][..],
        ),
        (
            "profile = \"seeme\"\n request_timeout = \"fast\"",
            &["request_timeout is no duration"][..],
        ),
        (
            "profile = \"seeme\"\n credential = \"a\"\n credential_parts = { key = \"a\" }",
            &["given twice"][..],
        ),
    ] {
        world.write(&format!(
            "provider \"tokenwright\" {{\n issuers = {{ vendor = {{\n {issuer}\n }} }}\n}}\nresource \"tokenwright_api_token\" \"ci\" {{ {CI} }}\n"
        ));
        world.run(&["validate"]).await.failed();
        world.run(&["plan", "-json"]).await.failed().says(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_that_are_null_are_said_at_validate() {
    let world = World::new(86_400.0, CI).await;
    world.write(&format!(
        "provider \"tokenwright\" {{\n issuers = null\n}}\nresource \"tokenwright_api_token\" \"ci\" {{ {CI} }}\n"
    ));
    world.run(&["validate"]).await.failed();
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["issuers is required", "[issuers = null]"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_said_and_nothing_is_left() {
    let world = World::new(86_400.0, CI).await;
    world.fault(json!({ "operation": "mint" }), json!({ "quota": 0 }));
    world
        .try_apply()
        .await
        .failed()
        .says(&["gave no new token", "Nothing was minted"]);
    assert!(world.state().await.is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_status_in_the_issuers_own_words_at_the_attribute_that_it_names()
{
    let unknown = CI.replace("models:read", "models:fly");
    let world = World::new(86_400.0, &unknown).await;
    let mut settings = world.sandbox.settings();
    settings.seeme.unknown_scopes_refused = true;
    settings.seeme.days_max = Some(20);
    world.sandbox.set(settings).unwrap();
    let ran = world.try_apply().await.failed();
    ran.says(&[
        "gave no new token",
        "(400)",
        "It says: \"unknown scope models:fly\"",
        "[scopes   = [\"models:fly\"]]",
        "Nothing was minted. Trying again does not help",
    ]);
    assert!(!ran.text.contains("tries again"), "{}", ran.text);
    world.configure(CI);
    let ran = world.try_apply().await.failed();
    ran.says(&["It says: \"expires_in_days is too large\"", "does not help"]);
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_never_revokes_its_own_credential() {
    let mut world = World::new(86_400.0, CI).await;
    world.apply().await;
    let state = world.state().await;
    let management = world
        .credential
        .replace(state["value"].as_str().unwrap().to_owned());
    let ran = world
        .run(&["destroy", "-auto-approve", "-json"])
        .await
        .failed();
    ran.says(&["this run's own credential", "another credential"]);
    assert!(world.works(&state["value"]).await);
    world.credential = management;
    world.destroy().await;
    world.nothing_lives();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_mints_only_in_its_web_page_says_what_a_person_must_do() {
    let world = World::new(86_400.0, CI).await;
    let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../client/profiles");
    std::fs::copy(
        format!("{profiles}/seenode.yaml"),
        world.path("seenode.yaml"),
    )
    .unwrap();
    world.write(&format!(
        "provider \"tokenwright\" {{\n issuers = {{ vendor = {{ profile = file(\"seenode.yaml\"), credential = \"a\" }} }}\n}}\nresource \"tokenwright_api_token\" \"ci\" {{ {CI} }}\n"
    ));
    let ran = world.run(&["plan", "-json"]).await.failed();
    ran.says(&["cannot be minted through its API", "dashboard"]);
}
