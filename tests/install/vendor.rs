//! A system of another vendor, as far as somebody asks who follows a guide.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

/// The credential, in each part of it.
pub(crate) const CREDENTIAL: &str = "a-credential";

/// What was asked.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    path: Vec<String>,
    headers: HeaderMap,
    /// JSON, or a form as an object of texts.
    pub(crate) body: Value,
}

impl Asked {
    /// The method, and the segments of the path.
    pub(crate) fn call(&self) -> (&str, Vec<&str>) {
        let path = self.path.iter().map(String::as_str);
        (self.method.as_str(), path.collect())
    }

    /// A header, or what stands behind a word in it; nothing where it is absent.
    pub(crate) fn header(&self, name: &str, word: &str) -> &str {
        let sent = self.headers.get(name).and_then(|sent| sent.to_str().ok());
        sent.and_then(|sent| sent.strip_prefix(word))
            .unwrap_or_default()
    }
}

/// A status and a body.
pub(crate) type Answer = (u16, Value);

/// How a system answers, and what becomes of its tokens.
pub(crate) type Plays = fn(&Asked, &mut Vec<Value>) -> Answer;

/// A system that listens on this machine.
pub(crate) struct Vendor {
    pub(crate) address: String,
    tokens: Tokens,
}

type Tokens = Arc<Mutex<Vec<Value>>>;

impl Vendor {
    /// One that knows of a token, which somebody made before.
    pub(crate) async fn start(plays: Plays, first: Value) -> Result<Self> {
        let tokens: Tokens = Arc::new(Mutex::new(vec![first]));
        let app = Router::new()
            .fallback(answered)
            .with_state((plays, Arc::clone(&tokens)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, tokens })
    }

    /// What it knows of.
    pub(crate) fn tokens(&self) -> MutexGuard<'_, Vec<Value>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answered(
    State((plays, tokens)): State<(Plays, Tokens)>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: String,
) -> Response {
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let body = match form {
        true => in_form(&body),
        false => serde_json::from_str(&body).unwrap_or_default(),
    };
    let path = uri.path().split('/').skip(1).map(str::to_owned).collect();
    let asked = Asked {
        method,
        path,
        headers,
        body,
    };
    let mut tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = plays(&asked, &mut tokens);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match body.is_null() {
        true => status.into_response(),
        false => (status, Json(body)).into_response(),
    }
}

fn in_form(body: &str) -> Value {
    let url = reqwest::Url::parse(&format!("http://form/?{body}")).unwrap();
    let pairs = url.query_pairs();
    let pairs = pairs.map(|(key, value)| (key.into_owned(), json!(value)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// This instant.
pub(crate) fn now() -> jiff::Timestamp {
    tokenwright_client::Clock::system().now()
}

/// A fresh id, or a fresh value.
pub(crate) fn fresh(what: &str, tokens: &[Value]) -> String {
    format!("{what}-{}-of-the-vendor", tokens.len())
}

/// The token that has this text there.
pub(crate) fn one<'a>(tokens: &'a [Value], at: &str, text: &str) -> Option<&'a Value> {
    tokens.iter().find(|token| token[at] == text)
}

/// A token without this part of it.
pub(crate) fn without(token: &Value, part: &str) -> Value {
    let mut token = token.clone();
    token[part] = Value::Null;
    token
}

/// Lets go of the token that has this text there; whether it was known.
pub(crate) fn ended(tokens: &mut Vec<Value>, at: &str, text: &str) -> bool {
    let before = tokens.len();
    tokens.retain(|token| token[at] != text);
    tokens.len() < before
}
