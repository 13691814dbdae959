//! What can go wrong with Redis, as far as it matters.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use tokio::time::error::Elapsed;

/// What went wrong last. Holds no address and no text of the server, so it may go anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no connection at this moment.
    #[error("not connected")]
    Unavailable,
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke.
    #[error("the connection was closed")]
    Closed,
    /// Wrong user or password, or none where one is needed.
    #[error("authentication failed")]
    Authentication,
    /// The user may not do this.
    #[error("the user has no permission")]
    Permission,
    /// TLS did not come about.
    #[error("TLS failed")]
    Tls,
    /// Sentinels know no master, or what they name is none.
    #[error("there is no master")]
    NoMaster,
    /// The Cluster does not serve this slot at this moment, or it moved.
    #[error("the slot is not served here")]
    Slot,
    /// Redis reads its data from disk, runs a script for too long, or lacks replicas or a disk.
    #[error("the server is busy")]
    Busy,
    /// An answer that does not fit the question, or a server older than Redis 6.
    #[error("the server gave an unexpected answer")]
    Protocol,
    /// The server answered with an error.
    #[error("the server answered with an error")]
    Server,
    /// Wrong certificates, or another mistake in the configuration.
    #[error("the configuration is wrong")]
    Configuration,
}

impl From<Elapsed> for Failure {
    fn from(_: Elapsed) -> Self {
        Self::Timeout
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::from(&error)
    }
}

impl From<&RedisError> for Failure {
    fn from(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        if error.is_connection_refusal() {
            return Self::Refused;
        }
        match error.code() {
            Some("NOAUTH" | "WRONGPASS") => return Self::Authentication,
            Some("MISCONF" | "BUSY" | "NOREPLICAS") => return Self::Busy,
            _ => {}
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Authentication,
            ErrorKind::InvalidClientConfig => Self::Configuration,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType | ErrorKind::RESP3NotSupported => {
                Self::Protocol
            }
            ErrorKind::ClusterConnectionNotFound => Self::Slot,
            ErrorKind::Server(kind) => from_server(kind),
            ErrorKind::Extension => Self::Server,
            _ if is_tls(error) => Self::Tls,
            _ => Self::Closed,
        }
    }
}

fn from_server(kind: ServerErrorKind) -> Failure {
    match kind {
        ServerErrorKind::NoPerm => Failure::Permission,
        ServerErrorKind::BusyLoading => Failure::Busy,
        ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown => Failure::NoMaster,
        ServerErrorKind::Moved
        | ServerErrorKind::Ask
        | ServerErrorKind::TryAgain
        | ServerErrorKind::ClusterDown => Failure::Slot,
        _ => Failure::Server,
    }
}

/// rustls reports through an I/O error that wraps its own, which the library keeps in an `Arc`.
fn is_tls(error: &RedisError) -> bool {
    let Some(cause) = error.source() else {
        return false;
    };
    let cause = match cause.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        Some(shared) => shared.downcast_ref::<io::Error>(),
        None => cause.downcast_ref(),
    };
    let inner = cause.and_then(io::Error::get_ref);
    inner.is_some_and(|inner| inner.is::<rustls::Error>())
}
