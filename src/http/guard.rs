//! Which web pages may call the gateway.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header::ORIGIN};
use tower::{Layer as _, Service, ServiceExt as _, util::BoxCloneSyncService};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::info;

use super::{App, Problem, headers};
use crate::{
    auth::{OriginPolicy, OriginRefused},
    config::OriginConfig,
    protocol::ErrorCode,
};

/// How long a browser may remember that a page may call.
const PREFLIGHT_AGE: Duration = Duration::from_secs(60 * 60);

/// Puts the checks of a request's origin in front of everything else.
///
/// Browsers do not apply the same-origin policy to WebSockets, but send cookies with them:
/// without the check any page could use a visitor's session (cross-site WebSocket hijacking).
/// It comes before the upgrade and before any handler. To the pages that may call, CORS
/// (WHATWG Fetch) tells that they may read the answers. `secure`: all comes over TLS.
pub fn guard<S>(app: S, config: &OriginConfig, secure: bool) -> App
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
        // Which page may call is what is checked, not which headers it uses: clients are
        // free to set their own (`extraHeaders`).
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(PREFLIGHT_AGE);
    // CORS answers every OPTIONS, those of others than browsers too.
    let door = Door {
        policy: OriginPolicy::new(config).over_tls(secure),
        plain: BoxCloneSyncService::new(app.clone()),
    };
    let app = from_fn_with_state(Arc::new(door), check).layer(cors.layer(app));
    headers::with_common(app)
}

/// What a request meets first.
struct Door {
    policy: OriginPolicy,
    /// What there is behind CORS.
    plain: App,
}

async fn check(State(door): State<Arc<Door>>, request: Request<Body>, next: Next) -> Response {
    match door.policy.check(request.headers()) {
        Ok(()) if request.method() == Method::OPTIONS && !headers::is_preflight(&request) => {
            let answer = door.plain.clone().oneshot(request).await;
            answer.unwrap_or_else(|never| match never {})
        }
        Ok(()) => next.run(request).await,
        Err(_) if opens_a_page(&request) => next.run(request).await,
        Err(OriginRefused::Missing) if is_for_all(&request) => next.run(request).await,
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

/// Whether a person follows a link to one of the gateway's pages. From another site that is
/// a cross-site request without an `Origin`, and harmless: the page is the same for everybody.
fn opens_a_page(request: &Request<Body>) -> bool {
    let is = |name: &str, value: &str| {
        request
            .headers()
            .get(name)
            .is_some_and(|header| header.as_bytes() == value.as_bytes())
    };
    let path = request.uri().path();
    request.method() == Method::GET
        && (path == "/" || path == "/demo" || path.starts_with("/demo/"))
        && !request.headers().contains_key(ORIGIN)
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}

/// Whether an orchestrator asks how the node is, or a tool what its events are. They are no pages,
/// know no origin, and are told the same as anybody.
pub(super) fn is_for_all(request: &Request<Body>) -> bool {
    matches!(
        request.uri().path(),
        "/livez" | "/readyz" | "/healthz" | "/asyncapi.json"
    )
}
