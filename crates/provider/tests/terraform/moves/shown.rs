//! What comes over rests once its issuer shows it: for the systems that no sandbox plays, their answers alone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{comes_over, profile_of, stand_in, states_of};
use crate::go_host::moves::{resting, rotating};
use crate::support::World;

/// What the issuer of a state shows at a path: the token, alone or in its list, and whose the credential is.
fn shown(of: &str, state: &Value, path: &str) -> Value {
    let id = state["id"].as_str().unwrap().rsplit(':').next().unwrap();
    let number: Option<u32> = id.parse().ok();
    let policy = of.starts_with("grafana_cloud_access_policy_");
    let token = match of.starts_with("gitlab_") {
        true => json!({
            "id": number, "name": "ci", "revoked": false, "active": true, "user_id": 5, "scopes": ["api"],
            "created_at": created(state), "expires_at": state["expires_at"],
        }),
        false if policy => json!({
            "id": id, "name": state["name"], "displayName": state["name"], "accessPolicyId": "p",
            "createdAt": created(state), "expiresAt": state["expires_at"],
        }),
        false => json!({
            "id": number, "name": state["name"], "created": created(state), "expiration": state["expiration"],
            "hasExpired": false,
        }),
    };
    match path {
        "/user" | "/api/org/" => json!({ "id": 1, "name": "ops", "username": "ops" }),
        _ if path.ends_with("/self") || path.ends_with(id) => token,
        _ if policy => json!({ "items": [token], "metadata": { "pagination": {} } }),
        _ => json!([token]),
    }
}

fn created(state: &Value) -> &str {
    state["created_at"]
        .as_str()
        .unwrap_or("2037-01-01T00:00:00Z")
}

/// A server that plays the issuer of each of these under its name, until the test ends.
fn server(all: Vec<(String, String, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap_or(0) > 2 {}
            let asked = head.split(' ').nth(1).unwrap_or_default();
            let path = asked.split('?').next().unwrap_or_default();
            let (name, path) = path[1..].split_at(path[1..].find('/').unwrap_or(0));
            let found = all.iter().find(|(known, ..)| known == name);
            let body = found.map_or(Value::Null, |(_, of, state)| shown(of, state, path));
            let (body, mut stream) = (body.to_string(), stream.into_inner());
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Total: 1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_over_from_gitlab_and_from_each_of_grafanas_plans_nothing_once_its_issuer_shows_it()
 {
    let world = World::new(86_400.0, "").await;
    let played = |of: &str| of.starts_with("gitlab_") || of.starts_with("grafana_");
    let rests = resting();
    let parameters = |of: &str, state: &Value| {
        let of = of.replace("_rotating", "");
        let found = rests.iter().find(|(known, ..)| *known == of);
        let mut parameters = found.unwrap().3.clone();
        if let Some(level) = parameters.get_mut("access_level") {
            *level = state["access_level"].clone();
        }
        parameters
    };
    let resting = rests
        .iter()
        .map(|(of, state, ..)| (*of, state.clone(), false));
    let rotating = rotating().into_iter().map(|(of, state)| (of, state, true));
    let all: Vec<_> = resting
        .chain(rotating)
        .filter(|(of, ..)| played(of))
        .collect();
    assert_eq!(all.len(), 11);
    let name = |number: usize| format!("t{number}");
    let known = all.iter().enumerate();
    let known =
        known.map(|(number, (of, state, _))| (name(number), (*of).to_owned(), state.clone()));
    let address = server(known.collect());
    let (mut text, mut states) = (String::new(), Vec::new());
    for (number, (of, state, rotates)) in all.iter().enumerate() {
        let end = match (*rotates, *of) {
            (true, _) => "lifetime = \"90d\"\n  rotation = { renew_before = \"7d\" }",
            (_, "grafana_cloud_access_policy_token") => "lifetime = \"never\"",
            _ => "expires_at = \"2037-01-31T00:00:00Z\"",
        };
        let scopes = match state["scopes"].is_array() {
            true => "scopes = [\"api\"]",
            false => "",
        };
        let parameters = parameters(of, state);
        let wanted = format!("{end}\n  parameters = {parameters}\n  {scopes}");
        let endpoint = format!("{address}/{}", name(number));
        text.push_str(&comes_over(
            &name(number),
            of,
            (profile_of(of), &endpoint),
            &wanted,
        ));
        states.push((*of, name(number), state));
    }
    states_of(&world, &states);
    stand_in(&world);
    world.write(&text);
    world.run(&["plan", "-out=plan", "-json"]).await.succeeded();
    let shown = world.run(&["show", "-json", "plan"]).await.succeeded();
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    let changes = shown["resource_changes"].as_array().unwrap();
    assert_eq!(changes.len(), all.len());
    for change in changes {
        let actions = &change["change"]["actions"];
        assert_eq!(*actions, json!(["no-op"]), "{change}");
        assert!(change["previous_address"].is_string(), "{change}");
    }
    world.run(&["apply", "-json", "plan"]).await.succeeded();
    let quiet = ["plan", "-detailed-exitcode", "-json"];
    world.run(&quiet).await.succeeded();
}
