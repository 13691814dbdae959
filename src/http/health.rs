//! Whether the node lives, and whether it should get traffic.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use serde_json::{Value, json};

use crate::hub::Hub;

pub(super) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/healthz", get(health))
        .with_state(hub)
}

/// The process runs and answers. It depends on nothing else: what restarts the process must
/// not be triggered by a neighbour's trouble.
async fn live() -> Response {
    answer(StatusCode::OK, json!({ "status": "ok" }))
}

/// The node takes new clients.
async fn ready(State(hub): State<Arc<Hub>>) -> Response {
    if hub.is_draining() {
        answer(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "status": "draining" }),
        )
    } else {
        answer(StatusCode::OK, json!({ "status": "ready" }))
    }
}

/// A summary for people.
async fn health(State(hub): State<Arc<Hub>>) -> Response {
    let status = if hub.is_draining() { "draining" } else { "ok" };
    let body = json!({
        "status": status,
        "connections": hub.session_count(),
        "rooms": hub.room_count(),
    });
    answer(StatusCode::OK, body)
}

fn answer(status: StatusCode, body: Value) -> Response {
    let fresh = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, fresh, Json(body)).into_response()
}
