//! GitLab's project access tokens, as far as somebody asks who follows a guide: by its documentation.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde_json::{Value, json};

/// The value of the token that a person made, and the credential.
pub(crate) const VALUE: &str = "glpat-of-a-person";

type Tokens = Arc<Mutex<Vec<Value>>>;

/// Listens on this machine; gives the address of its API, and what it knows.
pub(crate) async fn start(first: Value) -> Result<(String, Tokens)> {
    let tokens: Tokens = Arc::new(Mutex::new(vec![first]));
    let of_a_project = "/api/v4/projects/{project}/access_tokens";
    let app = Router::new()
        .route("/api/v4/user", get(async || Json(json!({ "id": 1 }))))
        .route("/api/v4/personal_access_tokens/self", get(look))
        .route(of_a_project, get(list).post(make))
        .route(&format!("{of_a_project}/{{id}}"), delete(end))
        .with_state(Arc::clone(&tokens));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((format!("http://{address}"), tokens))
}

/// What is known, for one who asks.
pub(crate) fn known(tokens: &Tokens) -> Vec<Value> {
    tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

async fn look(State(tokens): State<Tokens>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let sent = headers.get("private-token");
    let sent = sent.and_then(|value| value.to_str().ok());
    let mut all = known(&tokens).into_iter();
    let found = all.find(|token| token["token"].as_str() == sent);
    found.map(Json).ok_or(StatusCode::UNAUTHORIZED)
}

async fn list(State(tokens): State<Tokens>) -> ([(&'static str, String); 1], Json<Vec<Value>>) {
    let mut all = known(&tokens);
    for token in &mut all {
        token["token"] = Value::Null;
    }
    ([("x-total", all.len().to_string())], Json(all))
}

async fn make(
    State(tokens): State<Tokens>,
    Json(mut token): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut all = tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let id = 100 + all.len();
    token["id"] = json!(id);
    token["token"] = json!(format!("glpat-{id}"));
    token["created_at"] = json!(tokenwright_client::Clock::system().now().to_string());
    token["user_id"] = json!(7);
    all.push(token.clone());
    (StatusCode::CREATED, Json(token))
}

async fn end(State(tokens): State<Tokens>, Path((_, id)): Path<(String, usize)>) -> StatusCode {
    let mut all = tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let before = all.len();
    all.retain(|token| token["id"] != id);
    match all.len() < before {
        true => StatusCode::NO_CONTENT,
        false => StatusCode::NOT_FOUND,
    }
}
