//! A started sandbox and a plain HTTP client for one of its systems.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokenwright_sandbox::faults::Fault;
use tokenwright_sandbox::ledger::{Summary, What};
use tokenwright_sandbox::{Options, Played, Sandbox, Settings, SystemName};

pub(crate) fn client() -> Client {
    // The client wants a TLS provider even for plain HTTP; a second install is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

/// One system of a sandbox of its own.
pub(crate) struct Vendor {
    pub(crate) sandbox: Sandbox,
    pub(crate) played: Played,
    pub(crate) http: Client,
}

pub(crate) async fn start(name: SystemName, changes: Value) -> Vendor {
    let mut options = Options::new([name]);
    options.settings = Settings::default().changed(changes).unwrap();
    start_with(options).await
}

pub(crate) async fn start_with(options: Options) -> Vendor {
    let sandbox = Sandbox::start(options).await.unwrap();
    let played = sandbox.played()[0].clone();
    Vendor {
        sandbox,
        played,
        http: client(),
    }
}

impl Vendor {
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        value: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.played.endpoint));
        let request = match self.played.system {
            SystemName::OnlineNet | SystemName::Scaleway => request.header("X-Auth-Token", value),
            SystemName::Rollbar => request.header("X-Rollbar-Access-Token", value),
            SystemName::AwsIam | SystemName::GoogleServiceAccount => panic!("these are signed"),
            SystemName::Grafana
            | SystemName::Seeme
            | SystemName::Seenode
            | SystemName::TerrakubeTeam
            | SystemName::TerrakubeUser
            | SystemName::Transiyzi => request.bearer_auth(value),
        };
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    /// With the management credential: status and JSON (null where there is none).
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        self.call_as(&self.played.credential, method, path, body)
            .await
    }

    pub(crate) async fn call_as(
        &self,
        value: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let response = self.send(method, path, value, body).await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn status_as(&self, value: &str, path: &str) -> u16 {
        self.call_as(value, Method::GET, path, None)
            .await
            .0
            .as_u16()
    }

    /// Mints in the system's own way; `more` replaces fields of the request.
    pub(crate) async fn try_mint(&self, name: &str, more: Value) -> (StatusCode, Value) {
        let mut body = match self.played.system {
            SystemName::Scaleway => {
                json!({ "application_id": self.played.parameter("application_id"), "description": name })
            }
            SystemName::Seeme => json!({ "name": name, "scopes": ["models:read"] }),
            SystemName::TerrakubeTeam => json!({ "group": "DEVS", "description": name }),
            SystemName::TerrakubeUser => json!({ "description": name }),
            SystemName::Rollbar => json!({ "name": name, "scopes": ["read"] }),
            SystemName::Grafana => json!({ "name": name, "secondsToLive": 0 }),
            other => panic!("no request here mints at {other}"),
        };
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.call(Method::POST, &self.keys(), Some(body)).await
    }

    pub(crate) async fn mint(&self, name: &str, more: Value) -> Minted {
        let (status, body) = self.try_mint(name, more).await;
        assert!(status.is_success(), "{status} {body}");
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        match self.played.system {
            SystemName::Scaleway => Minted {
                id: text("access_key"),
                value: text("secret_key"),
                body,
            },
            SystemName::Rollbar => {
                let value = body["result"]["access_token"].as_str().unwrap().to_owned();
                Minted {
                    id: value.clone(),
                    value,
                    body,
                }
            }
            SystemName::Seeme => Minted {
                id: text("id"),
                value: text("key"),
                body,
            },
            SystemName::TerrakubeTeam | SystemName::TerrakubeUser => Minted {
                id: claims(&text("token"))["jti"].as_str().unwrap().to_owned(),
                value: text("token"),
                body,
            },
            SystemName::Grafana => Minted {
                id: body["id"].to_string(),
                value: text("key"),
                body,
            },
            other => panic!("no request here mints at {other}"),
        }
    }

    /// Sends a form of the console, as a browser does.
    pub(crate) async fn fill_in(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let url = format!("{}{path}", self.played.console);
        let origin = self.played.console.strip_suffix("/console").unwrap();
        let sent = self.http.post(url).header("Origin", origin);
        let answer = sent.form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Makes a token in the console: its id and its value.
    pub(crate) async fn made(&self, form: &[(&str, &str)]) -> (String, String) {
        let (status, page) = self.fill_in("/new", form).await;
        assert_eq!(status, 200, "{page}");
        let (_, rest) = page.split_once("id=\"value\" value=\"").unwrap();
        let value = rest.split_once('"').unwrap().0.to_owned();
        let ledger = self.sandbox.ledger(None).unwrap();
        (ledger.tokens.last().unwrap().id.clone(), value)
    }

    pub(crate) async fn revoke(&self, id: &str) -> StatusCode {
        let one = match self.played.system {
            SystemName::Rollbar => self.keys().trim_end_matches('s').to_owned(),
            _ => self.keys(),
        };
        self.call(Method::DELETE, &format!("{one}/{id}"), None)
            .await
            .0
    }

    pub(crate) fn keys(&self) -> String {
        let path = match self.played.system {
            SystemName::Rollbar => {
                let project = self.played.parameter("project_id").unwrap();
                return format!("/api/1/project/{project}/access_tokens");
            }
            SystemName::Scaleway => "/iam/v1alpha1/api-keys",
            SystemName::Seeme => "/me/apikeys",
            SystemName::TerrakubeTeam => "/access-token/v1/teams",
            SystemName::TerrakubeUser => "/pat/v1",
            SystemName::Grafana => "/api/serviceaccounts/1/tokens",
            SystemName::AwsIam => "/",
            SystemName::GoogleServiceAccount => {
                "/v1/projects/-/serviceAccounts/ci@my-project.iam.gserviceaccount.com/keys"
            }
            SystemName::Seenode => "/v1/teams",
            SystemName::OnlineNet => "/servers",
            SystemName::Transiyzi => "/export/locale",
        };
        path.to_owned()
    }

    /// The names in the list, without that of the management credential.
    pub(crate) async fn names(&self) -> Vec<String> {
        let (_, body) = self.call(Method::GET, &self.keys(), None).await;
        let (items, name) = match self.played.system {
            SystemName::Scaleway => (body["api_keys"].clone(), "description"),
            SystemName::Seeme => (body, "name"),
            SystemName::Rollbar => (body["result"].clone(), "name"),
            SystemName::TerrakubeTeam | SystemName::TerrakubeUser => (body, "description"),
            SystemName::Grafana => (body, "name"),
            other => panic!("nobody lists the names of {other}"),
        };
        let names = items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item[name].as_str().unwrap().to_owned());
        names.filter(|name| name != "management").collect()
    }

    pub(crate) fn fault(&self, matching: Value, effect: Value) -> u64 {
        let fault: Fault =
            serde_json::from_value(json!({ "match": matching, "effect": effect })).unwrap();
        self.sandbox.faults().add(fault).unwrap()
    }

    pub(crate) fn summary(&self) -> Summary {
        self.sandbox.ledger(None).unwrap().summary
    }

    pub(crate) fn events_of(&self, id: &str) -> Vec<What> {
        let ledger = self.sandbox.ledger(None).unwrap();
        ledger
            .events
            .iter()
            .filter(|entry| entry.id == id)
            .map(|entry| entry.what)
            .collect()
    }
}

pub(crate) struct Minted {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) body: Value,
}

/// What a JWT says.
pub(crate) fn claims(jwt: &str) -> Value {
    let payload = URL_SAFE_NO_PAD
        .decode(jwt.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

/// Waits until `done`, for at most five seconds.
pub(crate) async fn until(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..250 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it did not happen within five seconds");
}
