//! One Socket.IO client as the hub reaches it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{
    SendError, SocketError, extract::AckSender, handler::FromMessageParts as _, socket::Socket,
};
use socketioxide_core::Value;
use tracing::{debug, error, warn};

use super::handshake::Handshake;
use crate::{
    config::SocketParser,
    core::{CutReason, Event, Sent},
    hub::{Link, Outgoing},
    protocol::{DrainingPayload, ErrorEvent, Payload, WireError},
};

/// The most bytes that wait for one client. The largest single answer, a page of the longest
/// chat messages, is about 1 MiB.
const MAX_QUEUED_BYTES: u64 = 4 * 1024 * 1024;

/// What an event costs on the wire beyond its payload: names, ids, frame headers.
const FRAME_OVERHEAD: usize = 160;

/// A connected socket of the namespace `/`.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Arc<Socket>,
    handshake: Arc<Handshake>,
    parser: SocketParser,
    /// A token is being checked: one at a time.
    refreshing: AtomicBool,
}

impl Connection {
    pub(super) fn new(
        socket: Arc<Socket>,
        handshake: Arc<Handshake>,
        parser: SocketParser,
    ) -> Arc<Self> {
        Arc::new(Self {
            socket,
            handshake,
            parser,
            refreshing: AtomicBool::new(false),
        })
    }

    /// The socket.
    pub(super) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Claims the one place for checking a token; `false` if it is taken.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Gives the place back.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// Answers an event, if the client asked for an answer.
    pub(super) fn acknowledge(&self, ack: Option<i64>, answer: &impl Serialize) {
        let Some(id) = ack else { return };
        match to_raw_value(answer) {
            Ok(json) => self.settle(self.send_ack(id, &json)),
            Err(error) => error!(%error, "an acknowledgement cannot be encoded"),
        }
    }

    /// Refuses an event: into its acknowledgement if there is one, else as an `error` event.
    pub(super) fn refuse(&self, event: &str, ack: Option<i64>, error: &WireError) {
        if ack.is_some() {
            self.acknowledge(ack, &ErrorEvent::ack(error));
        } else {
            self.settle(self.emit("error", &ErrorEvent::about(event, error)));
        }
    }

    /// Cuts a client that cannot take an answer.
    pub(super) fn settle(&self, sent: Sent) {
        if sent == Sent::Full {
            self.cut(CutReason::SlowReader);
        }
    }

    fn send_ack(&self, id: i64, json: &RawValue) -> Sent {
        if self.queue(json.get().len()) == Sent::Full {
            return Sent::Full;
        }
        let mut nothing = Value::Bytes(bytes::Bytes::new());
        let Ok(sender) = AckSender::from_message_parts(&self.socket, &mut nothing, &Some(id));
        outcome(match self.parser {
            SocketParser::Common => sender.send(json),
            SocketParser::MsgPack => sender.send(&detach(json)),
        })
    }

    fn emit(&self, event: &str, payload: &impl Serialize) -> Sent {
        match to_raw_value(payload) {
            Ok(json) => self.emit_json(event, &json),
            Err(error) => {
                error!(event, %error, "an event cannot be encoded");
                Sent::Queued
            }
        }
    }

    fn emit_json(&self, event: &str, json: &RawValue) -> Sent {
        if self.queue(json.get().len()) == Sent::Full {
            return Sent::Full;
        }
        outcome(match self.parser {
            SocketParser::Common => self.socket.emit(event, json),
            SocketParser::MsgPack => self.socket.emit(event, &detach(json)),
        })
    }

    /// Counts what is about to be sent against the bound.
    fn queue(&self, bytes: usize) -> Sent {
        let waiting = self.handshake.queue(bytes + FRAME_OVERHEAD);
        if waiting > MAX_QUEUED_BYTES {
            Sent::Full
        } else {
            Sent::Queued
        }
    }

    /// Ends the session and breaks the transport, on a task of its own: whoever asks may
    /// hold the lock of a room.
    fn end(&self) {
        let handshake = Arc::clone(&self.handshake);
        tokio::spawn(async move { handshake.end() });
    }
}

impl Link for Connection {
    fn send(&self, event: &Outgoing<'_>) -> Sent {
        if let Some(json) = event.shared_json() {
            return self.emit_json(event.name(), json);
        }
        match (self.parser, event.event()) {
            // The hot path: the body goes from the frame it came in straight into the next.
            (SocketParser::Common, relay @ Event::Relay { body, .. }) => {
                if self.queue(body.get().len()) == Sent::Full {
                    return Sent::Full;
                }
                outcome(self.socket.emit(event.name(), &Payload(relay)))
            }
            (_, other) => self.emit(event.name(), &Payload(other)),
        }
    }

    fn cut(&self, reason: CutReason) {
        match reason {
            CutReason::SlowReader => warn!(sid = %self.socket.id, "slow reader cut off"),
            CutReason::Replaced => debug!(sid = %self.socket.id, "connection replaced"),
        }
        self.end();
    }

    fn announce_drain(&self, reconnect_after: Duration) {
        let reconnect_after_ms = u64::try_from(reconnect_after.as_millis()).unwrap_or(u64::MAX);
        self.emit("server:draining", &DrainingPayload { reconnect_after_ms });
    }

    fn close_for_drain(&self) {
        self.end();
    }
}

fn outcome(sent: Result<(), SendError>) -> Sent {
    match sent {
        Ok(()) => Sent::Queued,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
        Err(SendError::Socket(SocketError::Closed)) => Sent::Gone,
        Err(SendError::Serialize(error)) => {
            error!(%error, "an event cannot be encoded");
            Sent::Queued
        }
    }
}

/// JSON text as a value that any parser can write.
fn detach(json: &RawValue) -> serde_json::Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}
