//! Why a gateway does not start.

use std::{io, net::SocketAddr};

use thiserror::Error;

use crate::{
    auth::{DevKeyError, VerifierSetupError},
    cluster::{RedisFailure, SubscribeError},
    http::TlsSetupError,
    services, socketio,
    telemetry::{MetricsError, traces::TracesError},
};

/// Why a gateway does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A host name leads nowhere.
    #[error("{name} cannot be resolved")]
    Resolve {
        /// Which variable has it.
        name: &'static str,
        /// What the system said.
        #[source]
        source: Option<io::Error>,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system does not say how many files may be open.
    #[error("cannot tell how many connections the system allows")]
    OpenFiles(#[source] io::Error),
    /// The keys of development mode cannot be made.
    #[error("there is no key pair for development")]
    DevKeys(#[from] DevKeyError),
    /// The way to Redis cannot be set up.
    #[error("cannot use what REDIS_URL asks for")]
    Redis(#[from] RedisFailure),
    /// The way to a service cannot be set up.
    #[error("cannot set up the way to a service")]
    Service(#[from] services::SetupError),
    /// Figures cannot be kept.
    #[error("cannot keep metrics")]
    Metrics(#[from] MetricsError),
    /// Traces cannot be sent.
    #[error("cannot send traces")]
    Traces(#[from] TracesError),
    /// Backends cannot be heard.
    #[error("cannot listen to the channels of backends")]
    Events(#[from] SubscribeError),
    /// Socket.IO cannot be set up.
    #[error("cannot set up Socket.IO")]
    SocketIo(#[from] socketio::SetupError),
    /// TLS cannot be set up.
    #[error("cannot listen over TLS")]
    Tls(#[from] TlsSetupError),
    /// The key client cannot be set up.
    #[error("cannot set up token verification")]
    Verifier(#[from] VerifierSetupError),
}
