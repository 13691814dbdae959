//! Which web pages may call the gateway.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use tower::{Layer as _, Service, util::BoxCloneSyncService};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::info;

use super::{App, Problem};
use crate::{auth::OriginPolicy, config::OriginConfig, protocol::ErrorCode};

/// How long a browser may remember that a page may call.
const PREFLIGHT_AGE: Duration = Duration::from_secs(60 * 60);

/// The headers that a page may set beyond the simple ones.
const PAGE_HEADERS: [HeaderName; 2] = [AUTHORIZATION, CONTENT_TYPE];

/// Puts the checks of a request's origin in front of everything else.
///
/// Browsers do not apply the same-origin policy to WebSockets, but send cookies with them:
/// without the check any page could use a visitor's session (cross-site WebSocket hijacking).
/// It comes before the upgrade and before any handler. To the pages that may call, CORS
/// (WHATWG Fetch) tells that they may read the answers.
pub fn guard<S>(app: S, config: &OriginConfig) -> App
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let origins: Vec<HeaderValue> = config
        .allowed
        .iter()
        .filter_map(|origin| origin.to_string().parse().ok())
        .collect();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(PAGE_HEADERS)
        .max_age(PREFLIGHT_AGE);
    let app = cors.layer(app);
    let policy = Arc::new(OriginPolicy::new(config));
    BoxCloneSyncService::new(from_fn_with_state(policy, check).layer(app))
}

async fn check(
    State(policy): State<Arc<OriginPolicy>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match policy.check(request.headers()) {
        Ok(_) => next.run(request).await,
        Err(refused) => {
            info!(reason = refused.reason(), "origin refused");
            Problem::new(
                StatusCode::FORBIDDEN,
                ErrorCode::Forbidden,
                "origin not allowed",
            )
            .into_response()
        }
    }
}
