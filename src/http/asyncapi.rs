//! `GET /asyncapi.json`: the description of all events.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};

use crate::{asyncapi, core::channels::Channels};

/// The media type of such documents (AsyncAPI 3.0.0, "File Format").
const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("application/vnd.aai.asyncapi+json;version=3.0.0");

/// It changes with the version and the configuration of the gateway only.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The document as it is served.
#[derive(Clone)]
struct Document {
    body: Bytes,
    etag: HeaderValue,
}

/// The route, for a gateway with these channels. The document is made once.
pub(super) fn routes(channels: &Channels) -> Router {
    let body: Bytes = asyncapi::document(channels).to_string().into();
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, &body));
    // Base64 can always be in a header.
    let etag = HeaderValue::from_str(&format!("\"{hash}\""));
    let etag = etag.unwrap_or(HeaderValue::from_static("\"\""));
    Router::new()
        .route("/asyncapi.json", get(document))
        .with_state(Document { body, etag })
}

async fn document(State(document): State<Document>, headers: HeaderMap) -> Response {
    let common = [(ETAG, document.etag.clone()), (CACHE_CONTROL, CACHING)];
    if is_known(&headers, &document.etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content = [(CONTENT_TYPE, MEDIA_TYPE)];
    (common, content, document.body).into_response()
}

/// Whether the client has the document already (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes())
}
