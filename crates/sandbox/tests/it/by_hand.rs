//! seenode, online-net and Transiyzi: what their calls take, and what their consoles do.

use reqwest::Method;
use serde_json::{Value, json};
use tokenwright_sandbox::SystemName::{self, OnlineNet, Seenode, Transiyzi};
use tokenwright_sandbox::ledger::{Summary, What};

use crate::support::{Vendor, start, until};

type Case = (
    SystemName,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Each system, the call that proves a value, and what its form asks for.
const SYSTEMS: [Case; 3] = [
    (Seenode, "/v1/teams", &[("name", "ci")]),
    (OnlineNet, "/servers", &[("name", "ci")]),
    (
        Transiyzi,
        "/export/locale?project_id=PROJECT",
        &[("name", "ci"), ("scope", "read")],
    ),
];

/// The path with the sandbox's own project.
fn path(vendor: &Vendor, path: &str) -> String {
    let project = vendor.played.parameter("project_id").unwrap_or_default();
    path.replace("PROJECT", project)
}

#[tokio::test]
async fn a_token_of_a_person_works_until_that_person_deletes_it() {
    for (system, check, form) in SYSTEMS {
        let vendor = start(system, json!({})).await;
        let check = path(&vendor, check);
        assert_eq!(
            vendor.status_as(&vendor.played.credential, &check).await,
            200,
            "{system}: the first token"
        );
        assert_eq!(vendor.status_as("nonsense", &check).await, 401, "{system}");
        let (id, value) = vendor.made(form).await;
        assert_eq!(vendor.status_as(&value, &check).await, 200, "{system}");
        let (status, _) = vendor.fill_in(&format!("/{id}/delete"), &[]).await;
        assert_eq!(status, 200, "back at the list");
        assert_eq!(vendor.status_as(&value, &check).await, 401, "{system}");
        assert_eq!(
            vendor.events_of(&id),
            [What::Mint, What::Use, What::Revoke, What::Refused]
        );
    }
}

#[tokio::test]
async fn the_ledger_counts_what_people_made_apart() {
    let vendor = start(Seenode, json!({})).await;
    let (gone, _) = vendor.made(&[("name", "gone")]).await;
    let (kept, value) = vendor.made(&[("name", "kept")]).await;
    vendor.fill_in(&format!("/{gone}/delete"), &[]).await;
    vendor.status_as(&value, "/v1/teams").await;
    let ledger = vendor.sandbox.ledger(Some(Seenode)).unwrap();
    assert_eq!(
        ledger.summary,
        Summary {
            made_by_hand: 2,
            made_by_hand_live: 1,
            ..Summary::default()
        }
    );
    let lines: Vec<_> = ledger
        .events
        .iter()
        .map(|entry| (entry.id == kept, entry.what, entry.by.as_deref().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            (false, What::Mint, "console"),
            (true, What::Mint, "console"),
            (false, What::Revoke, "console"),
            (true, What::Use, kept.as_str()),
        ]
    );
    assert!(ledger.tokens.iter().all(|life| life.by_hand));
}

#[tokio::test]
async fn what_is_unknown_of_expiry_and_refusals_is_a_switch() {
    for (system, name, check, form) in [
        (Seenode, "seenode", SYSTEMS[0].1, SYSTEMS[0].2),
        (Transiyzi, "transiyzi", SYSTEMS[2].1, SYSTEMS[2].2),
    ] {
        let settings = json!({
            "seconds_per_day": 0.5,
            name: { "dead_as": "forbidden", "expires_in_days": 4.0 },
        });
        let vendor = start(system, settings).await;
        let check = path(&vendor, check);
        let (_, value) = vendor.made(form).await;
        assert_eq!(vendor.status_as(&value, &check).await, 200, "{system}");
        until(async || vendor.status_as(&value, &check).await == 403).await;
    }
    let forbidden = json!({ "online_net": { "dead_as": "forbidden" } });
    let vendor = start(OnlineNet, forbidden).await;
    assert_eq!(vendor.status_as("nonsense", "/servers").await, 403);
    let vendor = start(
        OnlineNet,
        json!({ "online_net": { "expires_in_seconds": 0.5 } }),
    )
    .await;
    let (_, short) = vendor.made(&[("name", "short"), ("expires", "yes")]).await;
    let (_, long) = vendor.made(&[("name", "long")]).await;
    until(async || vendor.status_as(&short, "/servers").await == 401).await;
    assert_eq!(vendor.status_as(&long, "/servers").await, 200);
}

#[tokio::test]
async fn seenode_shows_the_teams_in_the_documented_shape() {
    let vendor = start(Seenode, json!({})).await;
    let teams = vendor.get("/v1/teams").await;
    let teams = teams["teams"].as_array().unwrap();
    let id: u64 = vendor.played.parameter("team_id").unwrap().parse().unwrap();
    assert_eq!(teams[0]["id"], id);
    for field in ["membersCount", "servicesLimit", "billingThreshold"] {
        assert!(teams[0][field].is_u64(), "{field}");
    }
    assert_eq!(
        teams[0]["created"].as_str().unwrap().len(),
        19,
        "no time zone"
    );
    assert!(teams[0]["freeTrialAvailable"].is_boolean() && teams[0]["freeTrialEnds"].is_null());
}

#[tokio::test]
async fn transiyzi_scopes_are_enforced_and_can_be_edited() {
    let vendor = start(Transiyzi, json!({})).await;
    let project = vendor.played.parameter("project_id").unwrap().to_owned();
    let export = format!("/export/locale?project_id={project}");
    let import = async |value: &str| {
        let body = json!({ "project_id": project, "file": "{}" });
        let path = "/import/locale";
        vendor
            .call_as(value, Method::POST, path, Some(body))
            .await
            .0
    };
    let (id, value) = vendor.made(&[("name", "ci"), ("scope", "write")]).await;
    assert_eq!(vendor.status_as(&value, &export).await, 403);
    assert_eq!(import(&value).await, 200);
    let edit = [("name", "ci 2"), ("scope", "read")];
    assert_eq!(vendor.fill_in(&format!("/{id}/edit"), &edit).await.0, 200);
    assert_eq!(vendor.status_as(&value, &export).await, 200);
    assert_eq!(import(&value).await, 403);
    let ledger = vendor.sandbox.ledger(None).unwrap();
    assert_eq!(ledger.tokens[0].name, "ci 2");
    assert!(vendor.events_of(&id).contains(&What::Update));
}

#[tokio::test]
async fn transiyzi_wants_a_project_that_exists_and_a_file() {
    let vendor = start(Transiyzi, json!({})).await;
    let project = vendor.played.parameter("project_id").unwrap().to_owned();
    let export = "/export/locale";
    let value = vendor.played.credential.clone();
    assert_eq!(vendor.status_as(&value, export).await, 400);
    let elsewhere = format!("{export}?project_id=11111111-2222-4333-8444-555555555555");
    assert_eq!(vendor.status_as(&value, &elsewhere).await, 404);
    let body = json!({ "project_id": project });
    let (status, _) = vendor.call(Method::GET, export, Some(body.clone())).await;
    assert_eq!(
        status, 200,
        "the documentation sends the parameters as a body"
    );
    let (status, _) = vendor
        .call(Method::POST, "/import/locale", Some(body))
        .await;
    assert_eq!(status, 400, "no file");
    let parts = format!(
        "--b\r\nContent-Disposition: form-data; name=\"project_id\"\r\n\r\n{project}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"name.json\"\r\n\r\n{{}}\r\n--b--\r\n"
    );
    let upload = vendor
        .http
        .post(format!("{}/import/locale", vendor.played.endpoint))
        .bearer_auth(&value)
        .header("Content-Type", "multipart/form-data; boundary=b")
        .body(parts);
    assert_eq!(upload.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn transiyzi_takes_the_printed_colon_where_the_switch_says_so() {
    for (form, plain, colon) in [
        ("bearer", 200, 401),
        ("bearer_colon", 401, 200),
        ("both", 200, 200),
    ] {
        let vendor = start(Transiyzi, json!({ "transiyzi": { "authorization": form } })).await;
        let project = vendor.played.parameter("project_id").unwrap();
        let url = format!(
            "{}/export/locale?project_id={project}",
            vendor.played.endpoint
        );
        for (prefix, status) in [("Bearer ", plain), ("Bearer: ", colon)] {
            let value = format!("{prefix}{}", vendor.played.credential);
            let sent = vendor.http.get(&url).header("Authorization", value).send();
            assert_eq!(sent.await.unwrap().status(), status, "{form} {prefix}");
        }
    }
}

#[tokio::test]
async fn faults_meet_the_checks_of_tokens_made_by_hand() {
    let vendor = start(Seenode, json!({})).await;
    let (_, value) = vendor.made(&[("name", "ci")]).await;
    vendor.fault(
        json!({ "operation": "check", "by": "made_by_hand", "token": "c*", "count": 1 }),
        json!({ "status": 429, "retry_after": 3 }),
    );
    let credential = vendor.played.credential.clone();
    assert_eq!(vendor.status_as(&credential, "/v1/teams").await, 200);
    assert_eq!(vendor.status_as(&value, "/v1/teams").await, 429);
    assert_eq!(vendor.status_as(&value, "/v1/teams").await, 200);
}

#[tokio::test]
async fn the_console_takes_no_form_from_another_site_and_answers_to_no_other_name() {
    let vendor = start(Seenode, json!({})).await;
    let new = format!("{}/new", vendor.played.console);
    for (header, value) in [
        ("Origin", "https://elsewhere.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Host", "elsewhere.example"),
    ] {
        let sent = vendor
            .http
            .post(&new)
            .header(header, value)
            .form(&[("name", "x")]);
        assert_eq!(
            sent.send().await.unwrap().status(),
            403,
            "{header}: {value}"
        );
    }
    assert_eq!(vendor.summary().made_by_hand, 0);
}

#[tokio::test]
async fn what_a_person_forgot_is_said_and_what_he_wrote_is_kept_harmless() {
    let vendor = start(Transiyzi, json!({})).await;
    let (_, page) = vendor.fill_in("/new", &[("name", "<b>\"x\"</b>")]).await;
    assert!(page.contains("role=\"alert\">Choose at least one scope."));
    assert!(
        page.contains("value=\"&lt;b&gt;&quot;x&quot;&lt;/b&gt;\""),
        "{page}"
    );
    let (_, page) = vendor
        .fill_in("/new", &[("name", " "), ("scope", "read")])
        .await;
    assert!(page.contains("role=\"alert\">Name is missing."));
    assert_eq!(vendor.summary().made_by_hand, 0);
}

#[tokio::test]
async fn a_value_is_in_one_page_and_nowhere_else() {
    let vendor = start(Seenode, json!({})).await;
    let (id, value) = vendor.made(&[("name", "ci")]).await;
    let console = vendor.played.console.clone();
    for page in [String::new(), "/new".to_owned(), format!("/{id}/delete")] {
        let answer = vendor
            .http
            .get(format!("{console}{page}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!answer.text().await.unwrap().contains(&value), "{page}");
    }
    let ledger = serde_json::to_string(&vendor.sandbox.ledger(None).unwrap()).unwrap();
    assert!(!ledger.contains(&value));
}

#[tokio::test]
async fn systems_with_a_console_say_where_it_is() {
    for (system, ..) in SYSTEMS {
        let vendor = start(system, json!({})).await;
        let line: Value = serde_json::to_value(&vendor.played).unwrap();
        let base = vendor.played.endpoint.trim_end_matches("/api/v1");
        let console = format!("{base}/console");
        assert_eq!(line["console"], console.as_str());
        let page = vendor.http.get(console).send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.text().await.unwrap().contains("<html lang=\"en\">"));
    }
}

#[tokio::test]
async fn systems_with_an_api_make_the_same_tokens_in_their_consoles() {
    let form = [
        ("name", "by hand"),
        ("scope", "models:read"),
        ("days", "30"),
    ];
    for (system, choice, check, good) in [
        (SystemName::Seeme, "", "/models", 200),
        (
            SystemName::Scaleway,
            "Myself",
            "/iam/v1alpha1/api-keys",
            200,
        ),
        (
            SystemName::Scaleway,
            "An application",
            "/iam/v1alpha1/api-keys",
            200,
        ),
        (SystemName::TerrakubeUser, "", "/pat/v1", 202),
        (
            SystemName::TerrakubeTeam,
            "QA",
            "/access-token/v1/teams",
            202,
        ),
    ] {
        let vendor = start(system, json!({})).await;
        let form: Vec<_> = form.into_iter().chain([("choice", choice)]).collect();
        let (id, value) = vendor.made(&form).await;
        let value = match system {
            // The first part is the public one; its page is gone, so a second key is made.
            SystemName::Scaleway => {
                let (_, page) = vendor.fill_in("/new", &form).await;
                let (_, rest) = page.split_once("id=\"value-1\" value=\"").unwrap();
                rest.split_once('"').unwrap().0.to_owned()
            }
            _ => value,
        };
        assert_eq!(vendor.status_as(&value, check).await, good, "{system}");
        assert!(vendor.names().await.contains(&"by hand".to_owned()));
        let ledger = vendor.sandbox.ledger(None).unwrap();
        assert_eq!(ledger.summary.minted, 0, "{system}");
        assert!(ledger.summary.made_by_hand >= 1);
        assert_eq!(ledger.events[0].by.as_deref(), Some("console"));
        let life = ledger.tokens[0].expires_at.unwrap().as_second()
            - ledger.tokens[0].minted_at.as_second();
        assert_eq!(life, 30 * 86_400, "{system}");
        assert!(
            vendor.revoke(&id).await.is_success(),
            "the API ends it as well"
        );
        assert_eq!(
            vendor.sandbox.ledger(None).unwrap().summary.revoked,
            0,
            "that, too, is counted apart"
        );
    }
}

#[tokio::test]
async fn a_refusal_of_the_api_is_said_in_its_console() {
    let vendor = start(SystemName::Seeme, json!({ "seeme": { "names": "unique" } })).await;
    let form = [("name", "a"), ("scope", "models:read")];
    vendor.made(&form).await;
    let (_, page) = vendor.fill_in("/new", &form).await;
    assert!(
        page.contains("It was refused: a key with this name exists."),
        "{page}"
    );
    let vendor = start(SystemName::TerrakubeTeam, json!({})).await;
    let long = "x".repeat(65);
    for (form, said) in [
        (
            [("name", long.as_str()), ("choice", "QA")],
            "It was refused (500).",
        ),
        (
            [("name", "a"), ("choice", "OPS")],
            "Choose one of those that are offered.",
        ),
    ] {
        let (_, page) = vendor.fill_in("/new", &form).await;
        assert!(page.contains(said), "{page}");
    }
    let form = [("name", "a"), ("choice", "QA"), ("days", "many")];
    let (_, page) = vendor.fill_in("/new", &form).await;
    assert!(page.contains("The days must be a whole number, or empty."));
    assert!(page.contains("value=\"many\""), "what was written stays");
    assert_eq!(vendor.summary().made_by_hand, 0);
}
