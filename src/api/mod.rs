//! The server API: what backends and operators may do over HTTP, on the admin listener.
//!
//! | module | what is there |
//! |---|---|
//! | `keys` | who may use it, and how often |
//! | `door` | what each request goes through first |
//! | `publish` | events for rooms, users and channels |
//! | `idempotency` | a request that is repeated takes effect once |
//! | `users` | sending a user away |
//! | `rooms`, `nodes` | what there is |
//! | `pubsub` | how the way to Redis is |
//! | `audit` | who did what |
//! | `problem` | errors, after RFC 9457 |
//! | `openapi` | all of it as an OpenAPI 3.1 document, from the code that serves it |
//!
//! What changes something runs on a task of its own: it is done, noted and recorded to the end
//! also if whoever asked for it has gone. All of it stands in `docs/server-api.md` for users.

mod audit;
mod body;
mod door;
mod idempotency;
mod keys;
mod nodes;
mod openapi;
mod problem;
mod publish;
mod pubsub;
mod rooms;
mod users;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::any};
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{idempotency::Answers, keys::KeyRing, problem::ApiError, rooms::Index};
use crate::{config::ApiKey, events::Feed, hub::Hub};

/// The most requests that are under way at once: beyond that Redis is behind.
const MAX_AT_ONCE: usize = 256;

/// What the API is to be.
#[derive(Debug)]
pub struct ApiSettings {
    /// Who may use it. Nobody: it is off.
    pub keys: Vec<ApiKey>,
    /// Whether backends are held to rates.
    pub limited: bool,
    /// The name of this node.
    pub node: Arc<str>,
}

/// What all requests share.
#[derive(Debug)]
struct Api {
    hub: Arc<Hub>,
    feed: Arc<Feed>,
    keys: KeyRing,
    node: Arc<str>,
    answers: Answers,
    index: Index,
    places: Arc<Semaphore>,
}

/// The routes of the API: `/api/v1/…`, and `GET /openapi.json`, which needs no key.
pub fn routes(feed: &Arc<Feed>, settings: ApiSettings) -> Router {
    let hub = Arc::clone(feed.hub());
    let api = Arc::new(Api {
        keys: KeyRing::new(&settings.keys, settings.limited),
        node: settings.node,
        answers: Answers::new(hub.cluster().cloned()),
        index: Index::default(),
        places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        feed: Arc::clone(feed),
        hub,
    });
    let (routes, document) = documented().split_for_parts();
    let routes = routes
        .route("/api/v1", any(nowhere))
        .route("/api/v1/{*rest}", any(nowhere))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&api), door::admit))
        .with_state(api);
    routes.merge(openapi::route(&document))
}

/// The routes together with what the document says of them.
fn documented() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(publish::publish))
        .routes(routes!(users::disconnect))
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::show))
        .routes(routes!(nodes::list))
        .routes(routes!(pubsub::show))
        .routes(routes!(pubsub::reset))
}

async fn nowhere() -> ApiError {
    ApiError::NotFound
}

async fn wrong_method() -> ApiError {
    ApiError::WrongMethod
}

#[cfg(test)]
mod tests;
