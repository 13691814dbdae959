//! `GET /openapi.json`: the API as an OpenAPI 3.1 document.

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderValue, header::CONTENT_TYPE};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::problem::Problem;

/// What the document says of the API as a whole. The routes add what they say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Switchboard server API",
        description = "What backends and operators may do with a Switchboard gateway. Any node answers for all.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&Keyed),
    security(("apiKey" = [])),
    tags(
        (name = "events", description = "Events for clients"),
        (name = "users", description = "Users, wherever they are connected"),
        (name = "rooms", description = "Rooms and who is in them"),
        (name = "nodes", description = "Nodes, and the way between them")
    )
)]
struct Frame;

/// Adds how requests say who makes them.
struct Keyed;

impl Modify for Keyed {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("One of the keys in `API_KEY`"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("apiKey", SecurityScheme::Http(bearer.build()));
    }
}

/// The document without routes.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    Frame::openapi()
}

/// The route of the document.
pub(super) fn route(document: &utoipa::openapi::OpenApi) -> Router {
    // Plain data can always be written.
    let json = Bytes::from(document.to_json().unwrap_or_default());
    let kind = HeaderValue::from_static("application/json");
    Router::new().route(
        "/openapi.json",
        get(move || std::future::ready(([(CONTENT_TYPE, kind)], json))),
    )
}
