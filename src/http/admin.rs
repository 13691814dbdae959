//! What operators see, on a listener of its own: it is not for the public.

use std::sync::Arc;

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{HeaderValue, header::CONTENT_TYPE};
use tower::util::BoxCloneSyncService;

use super::App;
use crate::telemetry::Metrics;

/// The exposition format of Prometheus, version 0.0.4.
const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The routes of the admin listener: the metrics, and those of the server API.
pub fn admin(metrics: Arc<Metrics>, api: Router) -> App {
    let routes = Router::new()
        .route("/metrics", get(show))
        .with_state(metrics)
        .merge(api);
    BoxCloneSyncService::new(routes)
}

async fn show(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, EXPOSITION)], metrics.render())
}
