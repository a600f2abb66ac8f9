//! The admin API: faults, the ledger and the switches, as JSON on a listener of its own.
//!
//! It asks for no credential: it listens on loopback, and a sandbox holds nothing of worth.

use std::sync::{Arc, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::faults::Fault;
use crate::ledger::Ledger;
use crate::played::Played;
use crate::shared::Shared;

#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) shared: Arc<Shared>,
    pub(crate) played: Arc<Vec<Played>>,
}

pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route(
            "/faults",
            get(list_faults).post(add_fault).delete(clear_faults),
        )
        .route("/faults/{id}", delete(remove_fault))
        .route("/ledger", get(read_ledger))
        .route("/settings", get(read_settings).post(change_settings))
        .route("/systems", get(systems))
        .with_state(admin)
}

async fn systems(State(admin): State<Admin>) -> Json<Value> {
    let systems: Vec<Value> = admin
        .played
        .iter()
        .map(|played| {
            json!({
                "system": played.system,
                "endpoint": played.endpoint,
                "console": played.console,
                "parameters": played.shown_parameters(),
            })
        })
        .collect();
    Json(Value::Array(systems))
}

async fn list_faults(State(admin): State<Admin>) -> impl IntoResponse {
    Json(admin.shared.faults.list())
}

async fn add_fault(State(admin): State<Admin>, body: String) -> Response {
    let fault: Fault = match serde_json::from_str(&body) {
        Ok(fault) => fault,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error),
    };
    match admin.shared.faults.add(fault) {
        Ok(id) => (StatusCode::CREATED, Json(json!({ "id": id }))).into_response(),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

async fn clear_faults(State(admin): State<Admin>) -> StatusCode {
    admin.shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(admin): State<Admin>, Path(id): Path<u64>) -> StatusCode {
    if admin.shared.faults.remove(id) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

#[derive(Debug, Deserialize)]
struct Which {
    system: Option<String>,
}

async fn read_ledger(State(admin): State<Admin>, Query(which): Query<Which>) -> Response {
    let systems: Vec<&str> = admin
        .played
        .iter()
        .map(|played| played.system.as_str())
        .filter(|system| which.system.as_ref().is_none_or(|wanted| wanted == system))
        .collect();
    if systems.is_empty() {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({ "error": "no such system is played here" })),
        )
            .into_response();
    }
    match admin
        .shared
        .store
        .with(|db| Ledger::read(db, &systems, clock::now()))
    {
        Ok(ledger) => Json(ledger).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

async fn read_settings(State(admin): State<Admin>) -> impl IntoResponse {
    Json(admin.shared.settings())
}

async fn change_settings(State(admin): State<Admin>, Json(changes): Json<Value>) -> Response {
    let mut settings = admin
        .shared
        .settings
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    match settings.changed(changes) {
        Ok(changed) => {
            *settings = changed;
            Json(settings.clone()).into_response()
        }
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error),
    }
}

fn refuse(status: StatusCode, error: &dyn std::error::Error) -> Response {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        message = format!("{message}: {source}");
        next = source.source();
    }
    (status, Json(json!({ "error": message }))).into_response()
}
