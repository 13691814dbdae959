//! The HTTP side: accepting connections, deciding which pages may call, health, the description of
//! all events, credentials for TURN servers, and in development the login and the demo.

mod admin;
mod admission;
mod asyncapi;
mod body;
mod demo;
mod dev;
mod frames;
mod guard;
mod headers;
mod health;
mod problem;
mod read_ahead;
mod server;
mod stream;
mod tls;
mod turn;
mod wire;

use std::sync::Arc;

use axum::Router;

use crate::{
    auth::{DevIssuer, Verifier},
    hub::Hub,
};

pub use admin::admin;
pub use admission::{admission, refuse};
pub use guard::guard;
pub use health::Readiness;
pub use problem::Problem;
pub use server::{App, Caller, Serving, bind, serve};
pub use tls::{Tls, TlsError, TlsFile, TlsFiles, TlsIdentity, TlsSetupError};
pub use turn::TurnDesk;
pub use wire::WireControl;

/// What the routes of development mode need.
#[derive(Clone)]
pub struct DevMode {
    /// Who makes tokens.
    pub issuer: Arc<DevIssuer>,
    /// Who reads them.
    pub verifier: Verifier,
    /// The cookie that carries them.
    pub cookie: Arc<str>,
    /// Whose sessions a logout ends.
    pub hub: Arc<Hub>,
    /// Whether all goes over TLS: then the cookie never goes over anything else.
    pub secure: bool,
}

/// All routes but those of the real-time protocols.
pub fn routes(hub: Arc<Hub>, readiness: Readiness, turn: TurnDesk, dev: Option<DevMode>) -> Router {
    let routes = Router::new()
        .merge(asyncapi::routes(hub.channels()))
        .merge(health::routes(hub, readiness))
        .merge(turn::routes(turn));
    match dev {
        Some(dev) => routes.merge(dev::routes(dev)).merge(demo::routes()),
        None => routes,
    }
}
