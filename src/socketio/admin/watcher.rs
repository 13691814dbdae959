//! One operator who looks.

use std::sync::Arc;

use serde_json::Value;
use socketioxide::{SendError, SocketError};
use socketioxide_core::Sid;
use tracing::warn;

use super::super::{connection::Args, namespace::Socket, transport::Transport};
use crate::core::Sent;

/// A connected Admin UI.
#[derive(Debug)]
pub(super) struct Watcher {
    socket: Arc<Socket>,
    transport: Arc<Transport>,
}

impl Watcher {
    pub(super) const fn new(socket: Arc<Socket>, transport: Arc<Transport>) -> Self {
        Self { socket, transport }
    }

    pub(super) fn id(&self) -> Sid {
        self.socket.id
    }

    /// Tells it an event. One that does not keep up is cut off. It goes the way of all events, as
    /// what leaves a connection is counted, whatever namespace it is of.
    pub(super) fn tell(&self, name: &str, args: &[Value]) {
        let bytes = args.iter().map(weight).sum();
        let sent =
            self.transport
                .queue(None, bytes, || match self.socket.emit(name, &Args(args)) {
                    Ok(()) => Sent::Queued,
                    Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
                    Err(SendError::Socket(SocketError::Closed) | SendError::Serialize(_)) => {
                        Sent::Gone
                    }
                });
        if sent == Sent::Full {
            warn!(sid = %self.socket.id, "an Admin UI that does not keep up is cut off");
            self.transport.cut();
        }
    }
}

/// About how long a value is, in bytes of JSON.
fn weight(value: &Value) -> usize {
    /// Quotes, colons, commas, and a number.
    const FEW: usize = 8;
    match value {
        Value::String(text) => text.len() + FEW,
        Value::Array(items) => FEW + items.iter().map(weight).sum::<usize>(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| key.len() + FEW + weight(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => FEW,
    }
}
