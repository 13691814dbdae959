//! One Socket.IO client as the hub reaches it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use engineioxide::{Outlet, OutletError};
use serde::{Serialize, Serializer, ser::SerializeTuple as _};
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{
    ProtocolVersion, SendError, SocketError, extract::AckSender, handler::FromMessageParts as _,
};
use socketioxide_core::Value;
use tracing::{debug, error, warn};

use super::{handshake::Handshake, ledger::Kept, namespace::Socket, packet, transport::Transport};
use crate::{
    config::SocketParser,
    core::{CutReason, Event, Sent},
    hub::{Charge, CloseReason, Emission, Ending, Form, Link, Notice, Outgoing},
    protocol::{
        DrainingPayload, ErrorCode, ErrorEvent, ExpiringPayload, IceServers, IceServersPayload,
        RefusedAck, WireError,
    },
    telemetry::{self, EventKind, Protocol},
};

/// An event of a client that is to be answered, once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// What it asks for.
    pub(super) asked: EventKind,
    /// The number of the acknowledgement that it wants, if it wants one.
    pub(super) ack: Option<i64>,
}

/// The form of a packet that is shared, which depends on nothing but the event.
const PACKET: Form = ("socket.io", None);

/// Time for a client to hear that it is disconnected, before its connection is cut.
const FAREWELL: Duration = Duration::from_secs(1);

/// Time for the events to be passed over that were read before a client was sent away.
const PASSING: Duration = Duration::from_millis(100);

/// A connected socket of the namespace `/`.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Arc<Socket>,
    transport: Arc<Transport>,
    /// The way for packets of the JSON parser, past the library's own making of them.
    outlet: Option<Outlet>,
    protocol: Protocol,
    /// A token is being checked: one at a time.
    refreshing: AtomicBool,
}

impl Connection {
    pub(super) fn new(
        socket: Arc<Socket>,
        transport: Arc<Transport>,
        parser: SocketParser,
    ) -> Arc<Self> {
        let protocol = protocol_of(&socket);
        let outlet = match parser {
            SocketParser::Common => socket.req_parts().extensions.get().cloned(),
            SocketParser::MsgPack => None,
        };
        Arc::new(Self {
            outlet,
            socket,
            transport,
            protocol,
            refreshing: AtomicBool::new(false),
        })
    }

    /// The socket.
    pub(super) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// How the client speaks.
    pub(super) const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Claims the one place for checking a token; `false` if it is taken.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Gives the place back.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// Breaks the transport, and ends the session on a task of its own: whoever asks may
    /// hold the lock of a room.
    fn end(&self) {
        self.transport.cut();
        let transport = Arc::clone(&self.transport);
        tokio::spawn(async move { transport.ended() });
    }

    /// Tells the client that it is disconnected, and ends the session as if it had left, on a
    /// task of its own.
    fn dismiss(&self, whole: bool) {
        let (socket, transport) = (Arc::clone(&self.socket), Arc::clone(&self.transport));
        tokio::spawn(dismiss(socket, transport, whole));
    }

    /// Dismisses a client that goes on sending. Events for a socket that is gone make the library
    /// break the connection, with what it was to be told still in the queue: so nothing more is
    /// read, and what was read already has a moment to be passed over.
    fn send_away(&self) {
        self.transport.mute();
        let (socket, transport) = (Arc::clone(&self.socket), Arc::clone(&self.transport));
        tokio::spawn(async move {
            tokio::time::sleep(PASSING).await;
            dismiss(socket, transport, true).await;
        });
    }

    /// An event is done: answers it, if the client asked for an answer.
    pub(super) fn acknowledge(&self, question: Question, answer: &impl Serialize) {
        self.count(question, Ok(()));
        if let Some(id) = question.ack {
            self.answer(id, answer);
        }
    }

    /// Counts an event that is done, or refused.
    pub(super) fn count(&self, question: Question, outcome: Result<(), ErrorCode>) {
        telemetry::client_event(self.protocol, question.asked, outcome);
    }

    fn answer(&self, id: i64, answer: &impl Serialize) {
        match to_raw_value(answer) {
            Ok(json) => self.settle(self.send_ack(id, &json)),
            Err(error) => error!(%error, "an acknowledgement cannot be encoded"),
        }
    }

    /// Refuses an event: into its acknowledgement if there is one, else as an `error` event.
    pub(super) fn refuse(&self, event: &str, question: Question, error: &WireError) {
        self.count(question, Err(error.code));
        if let Some(id) = question.ack {
            self.answer(id, &RefusedAck::from(error));
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
        let size = json.get().len();
        self.transport.queue(None, size, || match &self.outlet {
            Some(outlet) => self.pass(outlet, packet::ack(id, json, size)),
            None => {
                let mut nothing = Value::Bytes(Bytes::new());
                let Ok(sender) =
                    AckSender::from_message_parts(&self.socket, &mut nothing, &Some(id));
                outcome(sender.send(&detach(json)))
            }
        })
    }

    /// Sends an event of this connection alone: nobody gets it again.
    fn emit(&self, name: &str, payload: &impl Serialize) -> Sent {
        match to_raw_value(payload) {
            Ok(json) => self.emit_json(name, &json, None),
            Err(error) => {
                error!(name, %error, "an event cannot be encoded");
                Sent::Queued
            }
        }
    }

    /// Sends what has nothing to do with rooms. Where it comes from is a second argument.
    fn emit_notice(&self, notice: &Notice<'_>) -> Sent {
        let Notice { name, data, about } = *notice;
        let Some(about) = about else {
            return self.emit_json(name, data, None);
        };
        let size = data.get().len() + about.get().len();
        self.transport.queue(None, size, || match &self.outlet {
            Some(outlet) => self.pass(outlet, packet::event_with(name, &[data, about], size)),
            None => outcome(self.socket.emit(name, &(detach(data), detach(about)))),
        })
    }

    fn emit_json(&self, name: &str, json: &RawValue, event: Option<Event<'static>>) -> Sent {
        let size = json.get().len();
        self.transport.queue(event, size, || match &self.outlet {
            Some(outlet) => self.pass(outlet, packet::event(name, json, size)),
            None => outcome(self.socket.emit(name, &detach(json))),
        })
    }

    /// Sends what goes to others too: in the same bytes, if the parser allows.
    fn emit_shared(&self, outgoing: &Outgoing<'_>, json: &RawValue) -> Sent {
        let event = || Some(outgoing.event().clone().into_owned());
        let (name, size) = (outgoing.name(), json.get().len());
        let Some(outlet) = &self.outlet else {
            return self.emit_json(name, json, event());
        };
        self.transport.queue(event(), size, || {
            let shared = outgoing.try_frame(PACKET, || packet::event(name, json, size));
            self.pass(outlet, shared)
        })
    }

    /// Sends a relay, whose body stays where it is in the packet until that has left.
    fn emit_relay(&self, outlet: &Outlet, outgoing: &Outgoing<'_>, body: &str) -> Sent {
        let (event, size) = (outgoing.event(), body.len());
        let packet = match packet::event(outgoing.name(), &outgoing.payload(), size) {
            Ok(packet) => packet,
            Err(error) => return unwritten(&error),
        };
        let kept = match packet::last_field(&packet, body) {
            Some(body) => Kept::relay(event, body),
            None => Kept::Event(event.clone().into_owned()),
        };
        let charge = Charge::of(Some(event), size);
        self.transport
            .queue_kept(Some(kept), charge, || self.pass(outlet, Ok(packet)))
    }

    /// Puts a packet into the queue of the client.
    fn pass(&self, outlet: &Outlet, packet: serde_json::Result<Bytes>) -> Sent {
        let packet = match packet {
            Ok(packet) => packet,
            Err(error) => return unwritten(&error),
        };
        // The library takes nothing for a client that is not connected to the namespace.
        if !self.socket.connected() {
            return Sent::Gone;
        }
        match outlet.emit(packet) {
            Ok(()) => Sent::Queued,
            Err(OutletError::Full) => Sent::Full,
            Err(OutletError::Closed) => Sent::Gone,
            Err(error @ OutletError::NotText) => unwritten(&error),
        }
    }
}

impl Link for Connection {
    fn send(&self, outgoing: &Outgoing<'_>) -> Sent {
        let event = outgoing.event();
        let keep = || Some(event.clone().into_owned());
        match (outgoing.shared_json(), event, &self.outlet) {
            (Some(json), ..) => self.emit_shared(outgoing, json),
            // The hot path: the body goes from the frame it came in straight into the next.
            (None, Event::Relay { body, .. }, Some(outlet)) => {
                self.emit_relay(outlet, outgoing, body.get())
            }
            (None, Event::Joined(_) | Event::Resumed { .. }, _) => {
                self.emit(outgoing.name(), &outgoing.payload())
            }
            (None, ..) => match to_raw_value(&outgoing.payload()) {
                Ok(json) => self.emit_json(outgoing.name(), &json, keep()),
                Err(error) => {
                    error!(%error, "an event cannot be encoded");
                    Sent::Queued
                }
            },
        }
    }

    fn reclaim(&self) -> Vec<Event<'static>> {
        self.transport.reclaim()
    }

    fn forget(&self) {
        self.transport.forget();
    }

    fn cut(&self, reason: CutReason) {
        match reason {
            CutReason::SlowReader => {
                telemetry::slow_consumer(self.protocol);
                warn!(sid = %self.socket.id, "slow reader cut off");
            }
            CutReason::Replaced => debug!(sid = %self.socket.id, "connection replaced"),
        }
        self.end();
    }

    fn announce_drain(&self, reconnect_after: Duration) {
        let reconnect_after_ms = u64::try_from(reconnect_after.as_millis()).unwrap_or(u64::MAX);
        self.emit("server:draining", &DrainingPayload { reconnect_after_ms });
    }

    fn notify(&self, notice: &Notice<'_>) {
        self.settle(self.emit_notice(notice));
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn queued(&self) -> usize {
        self.transport.queued()
    }

    fn carrier(&self) -> &'static str {
        self.transport.carrier()
    }

    fn emit(&self, emission: &Emission<'_>) {
        let sent = self.transport.queue(None, emission.bytes(), || {
            let Some(outlet) = &self.outlet else {
                return outcome(self.socket.emit(emission.name(), &Args(emission.values())));
            };
            let (name, args, size) = (emission.name(), emission.args(), emission.bytes());
            self.pass(
                outlet,
                emission.try_packet(|| packet::event_with(name, args, size)),
            )
        });
        if !emission.is_volatile() {
            self.settle(sent);
        }
    }

    fn announce_expiry(&self, expires_at: u64) {
        self.emit("auth:expiring", &ExpiringPayload { expires_at });
    }

    fn announce_ice_servers(&self, servers: &IceServers) {
        self.settle(self.emit("ice:servers", &IceServersPayload::from(servers)));
    }

    fn close(&self, reason: CloseReason) {
        debug!(sid = %self.socket.id, ?reason, "connection closed");
        match reason {
            CloseReason::Draining | CloseReason::Expired => self.end(),
            CloseReason::Abusive => self.send_away(),
            CloseReason::Dismissed { whole } => self.dismiss(whole),
        }
    }
}

/// How a client speaks.
pub(super) fn protocol_of(socket: &Socket) -> Protocol {
    match socket.protocol() {
        // Socket.IO's versions, which are one above those of Engine.IO.
        ProtocolVersion::V4 => Protocol::EngineIo3,
        ProtocolVersion::V5 => Protocol::EngineIo4,
    }
}

async fn dismiss(socket: Arc<Socket>, transport: Arc<Transport>, whole: bool) {
    let handshake = Handshake::of(&socket);
    let told = socket.disconnect().is_ok();
    if let Some(handshake) = handshake.filter(|_| !told) {
        handshake.end(Ending::Intended);
    }
    if told && whole {
        tokio::time::sleep(FAREWELL).await;
    }
    if whole || !told {
        transport.cut();
    }
}

fn outcome(sent: Result<(), SendError>) -> Sent {
    match sent {
        Ok(()) => Sent::Queued,
        Err(SendError::Socket(SocketError::InternalChannelFull)) => Sent::Full,
        Err(SendError::Socket(SocketError::Closed)) => Sent::Gone,
        Err(SendError::Serialize(error)) => unwritten(&error),
    }
}

/// It is for nobody, and no other attempt would go better.
fn unwritten(error: &impl std::fmt::Display) -> Sent {
    error!(%error, "an event cannot be encoded");
    Sent::Queued
}

/// The arguments of an event: what the library takes for that is a tuple.
pub(super) struct Args<'a, T>(pub(super) &'a [T]);

impl<T: Serialize> Serialize for Args<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut args = serializer.serialize_tuple(self.0.len())?;
        for arg in self.0 {
            args.serialize_element(arg)?;
        }
        args.end()
    }
}

/// JSON text as a value that any parser can write.
fn detach(json: &RawValue) -> serde_json::Value {
    serde_json::from_str(json.get()).unwrap_or_default()
}
