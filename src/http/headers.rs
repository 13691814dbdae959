//! What all answers have in common: the headers that keep browsers from doing more with an answer
//! than it is for, `OPTIONS`, and that a request names one host.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY,
        HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use tower::{Layer as _, Service, util::BoxCloneSyncService};

use super::{App, Problem};
use crate::protocol::ErrorCode;

/// Whether pages of others may embed an answer (WHATWG Fetch, `Cross-Origin-Resource-Policy`).
/// It says nothing of CORS, by which the allowed pages read it.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What an answer gets that does not say otherwise. Most are data: they are no pages, need nothing
/// from anywhere and are of the moment.
const COMMON: [(HeaderName, HeaderValue); 6] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// The methods that anything here knows, for `OPTIONS *` (RFC 9110 §9.3.7).
const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,POST,OPTIONS");

/// Puts the common headers on all that `app` answers, and answers `OPTIONS`.
pub(super) fn with_common<S>(app: S) -> App
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(from_fn(complete).layer(app))
}

async fn complete(request: Request<Body>, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut response = if !names_one_host(&request) {
        misdirected()
    } else if asks && request.uri().path() == "*" {
        (StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response()
    } else {
        next.run(request).await
    };
    if asks && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response = options(response.headers());
    }
    // A connection that becomes another protocol is no answer to be looked at.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let headers = response.headers_mut();
        for (name, value) in COMMON {
            headers.entry(name).or_insert(value);
        }
    }
    response
}

/// Whether it is clear which host is meant (RFC 9112 §3.2): two that look at one request must not
/// see two.
fn names_one_host(request: &Request<Body>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() != Version::HTTP_11)
}

fn misdirected() -> Response {
    let problem = Problem::new(
        StatusCode::BAD_REQUEST,
        ErrorCode::InvalidPayload,
        "a request names its host, once",
    );
    // What else comes on the connection is as doubtful.
    let close = [(CONNECTION, HeaderValue::from_static("close"))];
    (close, problem).into_response()
}

/// What `OPTIONS` is answered where it is no question of CORS: the resource says with its refusal
/// which methods it has.
fn options(refusal: &HeaderMap) -> Response {
    let methods = refusal.get(ALLOW).and_then(|allow| allow.to_str().ok());
    let methods = methods.map_or_else(|| "OPTIONS".to_owned(), |allow| format!("{allow},OPTIONS"));
    let allow = HeaderValue::from_str(&methods).unwrap_or(METHODS);
    (StatusCode::NO_CONTENT, [(ALLOW, allow)]).into_response()
}

/// Whether a browser asks if a page may send a request (WHATWG Fetch, CORS-preflight request).
pub(super) fn is_preflight(request: &Request<Body>) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
#[path = "tests/headers.rs"]
mod tests;
