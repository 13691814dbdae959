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

use crate::{hub::Hub, services::media::Media};

/// What becomes of readiness while a configured Redis does not deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The node is not ready: clients go to others.
    NeedsRedis,
    /// The node is ready, cut off from the others: better separated nodes than refused clients.
    Degraded,
}

#[derive(Clone)]
struct Probed {
    hub: Arc<Hub>,
    readiness: Readiness,
}

pub(super) fn routes(hub: Arc<Hub>, readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/healthz", get(health))
        .with_state(Probed { hub, readiness })
}

/// The process runs and answers. It depends on nothing else: what restarts the process must
/// not be triggered by a neighbour's trouble.
async fn live() -> Response {
    answer(StatusCode::OK, json!({ "status": "ok" }))
}

/// The node takes new clients. With a Redis configured, that means that what it publishes is
/// heard: a connection alone proves nothing.
async fn ready(State(probed): State<Probed>) -> Response {
    let redis = probed.hub.cluster().map(|cluster| cluster.delivers());
    let (code, status) = match redis {
        _ if probed.hub.is_draining() => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        None | Some(true) => (StatusCode::OK, "ready"),
        Some(false) if probed.readiness == Readiness::Degraded => (StatusCode::OK, "degraded"),
        Some(false) => (StatusCode::SERVICE_UNAVAILABLE, "redis-unavailable"),
    };
    let mut body = json!({ "status": status });
    if let Some(delivers) = redis {
        body["redis"] = json!({ "delivers": delivers });
    }
    if let Some(media) = probed.hub.media() {
        body["media"] = describe(media);
    }
    answer(code, body)
}

/// A summary for people.
async fn health(State(probed): State<Probed>) -> Response {
    let hub = &probed.hub;
    let status = if hub.is_draining() { "draining" } else { "ok" };
    let mut body = json!({
        "status": status,
        "connections": hub.session_count(),
        "rooms": hub.room_count(),
    });
    if let Some(cluster) = hub.cluster() {
        let health = cluster.health();
        body["redis"] = json!({
            "up": health.link.up,
            "delivers": cluster.delivers(),
            "failedAttempts": health.attempts,
            "roundTripMs": health.round_trip.map(|time| time.as_secs_f64() * 1_000.0),
        });
    }
    if let Some(media) = hub.media() {
        body["media"] = describe(media);
    }
    answer(StatusCode::OK, body)
}

/// How the media servers are. It never makes the node unready: without them rooms that are small
/// enough do as a mesh.
fn describe(media: &Media) -> Value {
    let services = media.report().into_iter().map(|server| {
        json!({
            "url": &*server.url,
            "state": server.state.name(),
            "forMs": u64::try_from(server.lasting.as_millis()).unwrap_or(u64::MAX),
        })
    });
    json!({
        "available": media.is_any_available(),
        "services": services.collect::<Vec<_>>(),
    })
}

fn answer(status: StatusCode, body: Value) -> Response {
    let fresh = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, fresh, Json(body)).into_response()
}
