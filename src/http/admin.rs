//! What operators see, on a listener of its own: it is not for the public.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use tracing::error;

use super::{App, headers};
use crate::{hub::Hub, telemetry::Metrics};

/// The exposition format of Prometheus, version 0.0.4.
const EXPOSITION: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The routes of the admin listener: the metrics, and those of the server API.
pub fn admin(metrics: Arc<Metrics>, hub: Arc<Hub>, api: Router) -> App {
    let routes = Router::new()
        .route("/metrics", get(show))
        .with_state(Figures { metrics, hub })
        .merge(api);
    headers::with_common(routes)
}

/// Where the figures are.
#[derive(Clone)]
struct Figures {
    metrics: Arc<Metrics>,
    hub: Arc<Hub>,
}

/// Shows the figures. To look them up takes a while where there are many clients, which are not to
/// wait for it.
async fn show(State(Figures { metrics, hub }): State<Figures>) -> Response {
    let look = move || metrics.render(&hub.snapshot());
    match tokio::task::spawn_blocking(look).await {
        Ok(figures) => ([(CONTENT_TYPE, EXPOSITION)], figures).into_response(),
        Err(error) => {
            error!(%error, "the figures cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
