//! The Socket.IO transport: Engine.IO 3 and 4, polling and WebSocket, JSON and msgpack.
//!
//! It decodes, calls a [`Session`](crate::hub::Session), and encodes. The rules are in
//! [`core`](crate::core).
//!
//! A request passes `entry`, which boils it down to a `handshake`; the library runs the
//! protocol; `lifecycle` lets clients in and out; `dispatch` takes events one after another, on
//! the task that reads the socket, so that a client's events take effect in the order sent;
//! `frame` reads an event, and `call` does what it asks. `admin` is for operators: a namespace of its own.

mod admin;
mod call;
mod connection;
mod dispatch;
mod entry;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handshake;
mod ledger;
mod lifecycle;
mod namespace;
mod packet;
mod polling;
mod transport;

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, response::Response};
use http::Request;
use socketioxide::{ParserConfig, SocketIo};
use thiserror::Error;
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};

use self::{
    admin::{ADMIN, AdminGate},
    entry::Entry,
    lifecycle::Gate,
    namespace::{Adapter, Way},
};

use crate::{
    auth::Verifier,
    cluster::driver::{self, PubSubDriver},
    config::{AdminUiConfig, EngineConfig, SocketParser},
    hub::{Hub, MAX_QUEUED_MESSAGES},
};
pub use namespace::{Namespace, Unreachable};

/// How much is read from a WebSocket at once, in bytes. Each connection keeps such a buffer: an offer
/// of 1.5 kB takes one read, ten thousand idle clients take 20 MB.
const READ_BUFFER: usize = 2_048;

/// Everything the transport needs of the rest.
#[derive(Clone)]
pub struct Services {
    /// Where clients live.
    pub hub: Arc<Hub>,
    /// Who they are.
    pub verifier: Verifier,
    /// The cookie in which browsers carry their token.
    pub cookie: Arc<str>,
    /// The Admin UI, if operators may look through it.
    pub admin: Option<AdminUiConfig>,
}

/// The Socket.IO adapter cannot start.
#[derive(Debug, Error)]
#[error("the Socket.IO adapter cannot start")]
pub struct SetupError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Everything that clients reach.
type App = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// Puts Socket.IO at `/socket.io/` in front of `inner`, which gets all other requests. Returns
/// that, and what reaches the clients of all nodes.
///
/// # Errors
/// When the link to Redis is shut down already.
pub async fn layer<S>(
    inner: S,
    services: Services,
    config: &EngineConfig,
) -> Result<(App, Namespace), SetupError>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let way = services.hub.cluster().map_or(Way::Alone, |cluster| {
        Way::Shared(PubSubDriver::new(cluster.pubsub().clone()))
    });
    let builder = SocketIo::builder()
        .with_adapter::<Adapter>(driver::adapter(way))
        .ping_interval(config.ping_interval)
        .ping_timeout(config.ping_timeout)
        .connect_timeout(config.connect_timeout)
        .max_payload(config.max_payload_bytes as u64)
        .ws_max_message_size(config.max_payload_bytes)
        .ws_max_frame_size(config.max_payload_bytes)
        .ws_read_buffer_size(READ_BUFFER)
        .max_buffer_size(MAX_QUEUED_MESSAGES);
    let builder = match config.parser {
        SocketParser::Common => builder.with_parser(ParserConfig::common()),
        SocketParser::MsgPack => builder.with_parser(ParserConfig::msgpack()),
    };
    let (layer, io): (_, SocketIo<Adapter>) = builder.build_layer();
    let (hub, cookie) = (Arc::clone(&services.hub), Arc::clone(&services.cookie));
    let begun = io.ns("/", Gate::new(services.clone(), config.parser)).await;
    begun.map_err(|error| SetupError(error.into()))?;
    if let Some(admin) = &services.admin {
        let gate = AdminGate::open(&hub, admin, config.parser);
        let gate = gate.map_err(|error| SetupError(error.into()))?;
        let begun = io.ns(ADMIN, gate).await;
        begun.map_err(|error| SetupError(error.into()))?;
    }
    let namespace = Namespace::new(io, Arc::clone(&hub));
    let engine = ServiceExt::<Request<Body>>::map_response(
        layer.layer(inner.clone()),
        |response: http::Response<_>| response.map(Body::new),
    );
    let service = BoxCloneSyncService::new(Entry::new(engine, inner, hub, cookie));
    Ok((service, namespace))
}
