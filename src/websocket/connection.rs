//! One raw WebSocket client as the hub reaches it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::{debug, warn};

use super::{
    close::Close,
    common::{self, Told},
    frame,
    outbox::Outbox,
    signal, ws,
};
use crate::{
    core::{CutReason, Event, Member, RoomCode, RoomId, Sent, Welcome},
    hub::{CloseReason, Emission, Link, Notice, Outgoing},
    protocol::{ErrorCode, IceServers, WireError},
    telemetry::{self, EventKind, Protocol},
};

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `/signal/{roomId}`.
    Signal,
    /// `/ws`.
    Ws,
}

impl Dialect {
    /// The path that it is at, for logs and figures.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Ws => "ws",
        }
    }
}

impl Dialect {
    /// The same in the figures that are about all protocols.
    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Self::Signal => Protocol::Signal,
            Self::Ws => Protocol::Ws,
        }
    }
}

/// Where a client is, and who it is there.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) member: Arc<Member>,
    pub(super) room: RoomId,
    /// The code by which the client calls the room.
    pub(super) code: RoomCode,
}

impl Seat {
    /// The name of the client's peer: the one it chose, else its user's id.
    pub(super) fn name(&self) -> &str {
        common::name_of(&self.member)
    }

    /// Whether the client may mean the room by that: its id, the code that it was reached by, or
    /// another spelling of one. Who came back without saying where was told of another's code.
    pub(super) fn is_called(&self, room: &str) -> bool {
        let leads_there = |code: RoomCode| RoomId::from_code(&code) == self.room;
        room == self.code.as_str()
            || room == self.room.as_str()
            || room.parse().is_ok_and(leads_there)
    }
}

/// A connected client.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) dialect: Dialect,
    pub(super) outbox: Outbox,
    place: Mutex<Place>,
    /// A token is being checked: one at a time.
    refreshing: AtomicBool,
}

#[derive(Debug, Default)]
struct Place {
    seat: Option<Seat>,
    /// The code by which the client asked for the room that it is joining.
    asked: Option<RoomCode>,
}

impl Place {
    fn sit(&mut self, welcome: &Welcome) {
        let asked = self.asked.take();
        self.seat = Some(Seat {
            member: Arc::clone(&welcome.member),
            room: welcome.room.clone(),
            code: asked.unwrap_or_else(|| welcome.code.clone()),
        });
    }
}

impl Connection {
    /// A client for whom of events and of answers at most `queued` bytes may wait.
    pub(super) fn new(dialect: Dialect, queued: usize) -> Arc<Self> {
        Arc::new(Self {
            dialect,
            outbox: Outbox::new(queued),
            place: Mutex::default(),
            refreshing: AtomicBool::new(false),
        })
    }

    /// Where the client was last told that it is.
    pub(super) fn seat(&self) -> Option<Seat> {
        self.place.lock().seat.clone()
    }

    /// The client is about to be let into the room behind `code`.
    pub(super) fn expect(&self, code: RoomCode) {
        self.place.lock().asked = Some(code);
    }

    /// The client was not let in.
    pub(super) fn expect_nothing(&self) {
        self.place.lock().asked = None;
    }

    /// The client is in no room any more.
    pub(super) fn unseat(&self) {
        self.place.lock().seat = None;
    }

    /// Claims the one place for checking a token; `false` if it is taken.
    pub(super) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Gives the place back.
    pub(super) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// Sends a frame of this connection alone: nobody gets it again. A client that cannot take
    /// it is cut off.
    pub(super) fn tell(&self, content: &impl Serialize) {
        if self.outbox.push(frame::text(content), None) == Sent::Full {
            self.cut(CutReason::SlowReader);
        }
    }

    /// Refuses a frame of the type `about`.
    pub(super) fn refuse(&self, about: Option<&str>, error: &WireError) {
        let asked = about.map_or(EventKind::UNKNOWN, EventKind::of);
        self.count(asked, Err(error.code));
        self.tell_error(about, error);
    }

    /// Counts a frame that is done, or refused.
    pub(super) fn count(&self, asked: EventKind, outcome: Result<(), ErrorCode>) {
        telemetry::client_event(self.dialect.protocol(), asked, outcome);
    }

    /// Tells what went wrong, which may have to do with no frame.
    pub(super) fn tell_error(&self, about: Option<&str>, error: &WireError) {
        debug!(protocol = self.dialect.name(), code = ?error.code, "frame refused");
        self.tell(&Told::error(about, error));
    }

    /// The event as a frame; nothing if it is none of this client's concern.
    fn encode(&self, outgoing: &Outgoing<'_>, seat: &Seat) -> Option<bytes::Bytes> {
        match self.dialect {
            Dialect::Signal => signal::encode(outgoing, seat),
            Dialect::Ws => ws::encode(outgoing, seat),
        }
    }
}

impl Link for Connection {
    fn send(&self, outgoing: &Outgoing<'_>) -> Sent {
        let event = outgoing.event();
        let mut place = self.place.lock();
        // A welcome is not kept: a peer that comes back gets a newer one.
        let kept = match event {
            Event::Joined(welcome) | Event::Resumed { welcome, .. } => {
                place.sit(welcome);
                None
            }
            event => Some(event),
        };
        let frame = place.seat.as_ref();
        let Some(frame) = frame.and_then(|seat| self.encode(outgoing, seat)) else {
            return Sent::Queued;
        };
        let kicked = matches!(event, Event::Kicked { .. });
        if kicked {
            // It may be on its way into another.
            place.seat = None;
        }
        drop(place);
        let kept = kept.map(|event| event.clone().into_owned());
        let sent = self.outbox.push(frame, kept);
        if kicked && self.dialect == Dialect::Signal {
            self.outbox.close(Close::kicked());
        }
        sent
    }

    fn reclaim(&self) -> Vec<Event<'static>> {
        self.outbox.reclaim()
    }

    fn forget(&self) {
        self.outbox.forget();
    }

    fn cut(&self, reason: CutReason) {
        match reason {
            CutReason::SlowReader => {
                telemetry::slow_consumer(self.dialect.protocol());
                warn!(protocol = self.dialect.name(), "slow reader cut off");
                self.outbox.cut();
            }
            CutReason::Replaced => {
                debug!(protocol = self.dialect.name(), "connection replaced");
                self.outbox.close_at_once(Close::replaced());
            }
        }
    }

    fn announce_drain(&self, reconnect_after: Duration) {
        let reconnect_after_ms = u64::try_from(reconnect_after.as_millis()).unwrap_or(u64::MAX);
        self.tell(&Told::Draining { reconnect_after_ms });
    }

    fn notify(&self, notice: &Notice<'_>) {
        let Notice { name, data, about } = *notice;
        self.tell(&Told::Event {
            event: name,
            data,
            about,
            args: &[],
        });
    }

    fn protocol(&self) -> Protocol {
        self.dialect.protocol()
    }

    fn queued(&self) -> usize {
        self.outbox.queued()
    }

    fn carrier(&self) -> &'static str {
        self.dialect.name()
    }

    fn emit(&self, emission: &Emission<'_>) {
        let args = emission.args();
        let frame = emission.frame(|| {
            frame::text(&Told::Event {
                event: emission.name(),
                data: args.first().map_or(RawValue::NULL, |data| data),
                about: None,
                args: if args.len() > 1 { args } else { &[] },
            })
        });
        if self.outbox.push(frame, None) == Sent::Full && !emission.is_volatile() {
            self.cut(CutReason::SlowReader);
        }
    }

    fn announce_expiry(&self, expires_at: u64) {
        self.tell(&Told::AuthExpiring { expires_at });
    }

    fn announce_ice_servers(&self, servers: &IceServers) {
        self.tell(&Told::IceServers(servers.into()));
    }

    fn close(&self, reason: CloseReason) {
        debug!(protocol = self.dialect.name(), ?reason, "connection closed");
        self.outbox.close(Close::because(reason));
    }
}

#[cfg(test)]
#[path = "tests/connection.rs"]
mod tests;
