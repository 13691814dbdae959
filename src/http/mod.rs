//! The HTTP side: accepting connections, deciding which pages may call, health, and in
//! development the login and the demo.

mod admin;
mod demo;
mod dev;
mod frames;
mod guard;
mod health;
mod problem;
mod server;
mod wire;

use std::sync::Arc;

use axum::Router;

use crate::{
    auth::{DevIssuer, Verifier},
    hub::Hub,
};

pub use admin::admin;
pub use guard::guard;
pub use health::Readiness;
pub use problem::Problem;
pub use server::{App, Caller, bind, serve};
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
}

/// All routes but those of the real-time protocols.
pub fn routes(hub: Arc<Hub>, readiness: Readiness, dev: Option<DevMode>) -> Router {
    let routes = Router::new().merge(health::routes(hub, readiness));
    match dev {
        Some(dev) => routes.merge(dev::routes(dev)).merge(demo::routes()),
        None => routes,
    }
}
