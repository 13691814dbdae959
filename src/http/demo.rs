//! The web demo, built into the binary.

use axum::{
    Router,
    body::Body,
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use tracing::{info, warn};

/// What `make demo` built. Where Node is missing there is nothing, and the gateway does
/// without. Debug builds read the folder as it is at run time.
#[derive(RustEmbed)]
#[folder = "web-demo/dist"]
#[allow_missing = true]
struct Assets;

const INDEX: &str = "index.html";

const MISSING: &str = "The demo is not part of this build. \
    With Node.js installed, run `make demo` and build the gateway again.\n";

/// The page loads what the gateway serves and nothing else. Its own WebSockets are of its own
/// origin (CSP 3 §6.7.2.8).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the page needs of a browser, and nobody whom it might embed (Permissions Policy, W3C).
const PERMISSIONS: &str = "camera=(self), microphone=(self), display-capture=(self), \
    fullscreen=(self), autoplay=(self), clipboard-write=(self), \
    geolocation=(), payment=(), usb=()";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Pages that open this one get no hold of it (WHATWG HTML).
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

pub(super) fn routes() -> Router {
    if Assets::get(INDEX).is_some() {
        info!(path = "/demo/", "demo enabled");
    } else {
        warn!("the demo is not part of this build: run `make demo` and build again");
    }
    let home = || async { Redirect::temporary("/demo/") };
    Router::new()
        .route("/", get(home))
        .route("/demo", get(home))
        .route("/demo/", get(|| async { file(INDEX) }))
        .route(
            "/demo/{*path}",
            get(|Path(path): Path<String>| async move { file(&path) }),
        )
}

fn file(path: &str) -> Response {
    match Assets::get(path) {
        Some(file) => serve(path, file),
        None if path == INDEX => (StatusCode::NOT_FOUND, MISSING).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn serve(path: &str, file: EmbeddedFile) -> Response {
    // Vite names what is in `assets/` after its content: it never changes.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let kind = HeaderValue::from_str(file.metadata.mimetype());
    let headers: [(HeaderName, HeaderValue); 5] = [
        (
            CONTENT_TYPE,
            kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
        ),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS)),
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    ];
    (headers, Body::from(file.data.into_owned())).into_response()
}
