//! The way from a room to a client.

use std::{
    cell::{OnceCell, RefCell},
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use serde_json::value::{RawValue, to_raw_value};
use smallvec::SmallVec;

use super::{Emission, Notice, ice::IceLease};
use crate::{
    cluster::{Cluster, RoomKeys},
    core::{CutReason, Event, Gossip, Outbox, PeerId, RelayKind, RoomCode, RoomId, Sent},
    protocol::{IceServers, Payload, event_name},
    services::media::Media,
    telemetry::{
        self, Protocol,
        traces::{self, Telling},
    },
};

/// The most forms of one event that are kept while it goes to many.
const MAX_FORMS: usize = 4;

/// One connection of this process, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(u64);

impl ConnId {
    pub(super) const fn new(id: u64) -> Self {
        Self(id)
    }

    /// Where it stands among the connections of this process.
    pub(super) const fn number(self) -> u64 {
        self.0
    }
}

/// Why the hub closes a connection, whatever room it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The node stops.
    Draining,
    /// The client's token has expired.
    Expired,
    /// The client went on sending more than it may. It has left then.
    Abusive,
    /// A backend wishes it. The client has left then, and does not come back by itself.
    Dismissed {
        /// Whether what is below the session, the Engine.IO connection, ends at once too.
        whole: bool,
    },
}

/// What a transport gives the hub for each client: how to reach it.
///
/// All of it is called while a room is locked, so nothing here may block, wait, or call back
/// into the hub on the same thread.
pub trait Link: Send + Sync + fmt::Debug {
    /// Queues an event for the client.
    fn send(&self, event: &Outgoing<'_>) -> Sent;

    /// Takes back the events that were queued and have certainly not left, oldest first.
    fn reclaim(&self) -> Vec<Event<'static>>;

    /// Forgets what is queued: the client left the room that said it.
    fn forget(&self);

    /// Closes the connection from this side, such that the client takes it for lost and
    /// connects again. It takes no more from now on.
    fn cut(&self, reason: CutReason);

    /// Tells the client that the node stops, and after what time to connect elsewhere.
    fn announce_drain(&self, reconnect_after: Duration);

    /// Tells the client an event that has nothing to do with rooms.
    fn notify(&self, notice: &Notice<'_>);

    /// How the client speaks, for the figures.
    fn protocol(&self) -> Protocol {
        Protocol::EngineIo4
    }

    /// How many bytes wait to be sent to the client, as they are charged.
    fn queued(&self) -> usize {
        0
    }

    /// What carries the connection, for operators to read.
    fn carrier(&self) -> &'static str {
        "websocket"
    }

    /// Tells the client what a backend emits, with however many arguments.
    fn emit(&self, emission: &Emission<'_>) {
        let args = emission.args();
        self.notify(&Notice {
            name: emission.name(),
            data: args.first().map_or(RawValue::NULL, |data| data),
            about: args.get(1).map(|about| &**about),
        });
    }

    /// Tells the client that its session ends at `expires_at`, in seconds since the Unix
    /// epoch, unless it sends a newer token.
    fn announce_expiry(&self, expires_at: u64);

    /// Gives the client in a room newer credentials for TURN servers, in time before those expire
    /// that came with the room ([`Outgoing::ice_servers`]) or with this.
    fn announce_ice_servers(&self, servers: &IceServers);

    /// Closes the connection from this side. The client may connect again, unless it was
    /// dismissed.
    fn close(&self, reason: CloseReason);
}

/// A connection as rooms know it.
#[derive(Clone, Debug)]
pub struct Conn {
    id: ConnId,
    link: Arc<dyn Link>,
    ice: Option<Arc<IceLease>>,
}

impl Conn {
    pub(super) fn new(id: ConnId, link: Arc<dyn Link>, ice: Option<Arc<IceLease>>) -> Self {
        Self { id, link, ice }
    }

    /// Which connection.
    pub const fn id(&self) -> ConnId {
        self.id
    }

    /// How to reach the client.
    pub fn link(&self) -> &dyn Link {
        &*self.link
    }

    pub(super) fn ice_lease(&self) -> Option<&IceLease> {
        self.ice.as_deref()
    }

    /// New credentials for TURN servers, if there are any; they are renewed from now on.
    pub(super) fn ice_servers(&self, now: SystemTime) -> Option<IceServers> {
        self.ice.as_ref().map(|lease| lease.issue(now))
    }
}

impl PartialEq for Conn {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// An event on its way to one client or to many.
#[derive(Debug)]
pub struct Outgoing<'e> {
    event: &'e Event<'e>,
    shared: bool,
    json: OnceCell<Option<Box<RawValue>>>,
    frames: RefCell<SmallVec<[(Form, Bytes); 2]>>,
    ice: OnceCell<IceServers>,
    /// To how many it goes, about.
    receivers: usize,
    /// Its span, once it has gone to somebody, if there is one.
    span: RefCell<Option<Box<Telling>>>,
}

/// What the bytes of a frame depend on beside the event: the protocol, and the code by which its
/// clients call the room, if the frame names it.
pub type Form = (&'static str, Option<RoomCode>);

impl<'e> Outgoing<'e> {
    /// An event for one client, for tests of what links make of it.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn alone(event: &'e Event<'e>) -> Self {
        Self {
            event,
            shared: false,
            json: OnceCell::new(),
            ice: OnceCell::new(),
            frames: RefCell::default(),
            receivers: 1,
            span: RefCell::default(),
        }
    }

    /// Takes note in its span, if there is one, that somebody was told.
    fn trace(&self, sent: Sent) {
        let mut span = self.span.borrow_mut();
        if span.is_none() {
            *span = traces::telling(self.event, self.receivers);
        }
        if let Some(span) = &mut *span {
            span.told(sent);
        }
    }

    /// The event.
    pub const fn event(&self) -> &'e Event<'e> {
        self.event
    }

    /// Its Socket.IO name.
    pub const fn name(&self) -> &'static str {
        event_name(self.event)
    }

    /// The TURN servers and credentials that go with the room to whoever is welcomed in it.
    pub fn ice_servers(&self) -> Option<&IceServers> {
        self.ice.get()
    }

    /// How many events follow that a peer which is back has missed.
    pub const fn missed(&self) -> Option<usize> {
        match self.event {
            Event::Resumed { missed, .. } => Some(*missed),
            _ => None,
        }
    }

    /// Its payload for Socket.IO, ready to be serialised.
    pub fn payload(&self) -> Payload<'_> {
        Payload {
            event: self.event,
            ice_servers: self.ice_servers(),
        }
    }

    /// Its payload as JSON, if it goes to more than one: encoded once, for all of them. What
    /// goes to one alone is better written straight into its frame.
    pub fn shared_json(&self) -> Option<&RawValue> {
        let encode = || to_raw_value(&self.payload()).ok();
        if self.shared {
            self.json.get_or_init(encode).as_deref()
        } else {
            None
        }
    }

    /// The event as a frame of a transport, made by `make` once for all that would get the
    /// same bytes.
    pub fn frame(&self, form: Form, make: impl FnOnce() -> Bytes) -> Bytes {
        let made: Result<_, std::convert::Infallible> = self.try_frame(form, || Ok(make()));
        let Ok(made) = made;
        made
    }

    /// The same where it may fail to be made.
    ///
    /// # Errors
    /// What `make` says.
    pub fn try_frame<E>(
        &self,
        form: Form,
        make: impl FnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytes, E> {
        if !self.shared {
            return make();
        }
        let mut frames = self.frames.borrow_mut();
        if let Some((_, made)) = frames.iter().find(|(known, _)| *known == form) {
            return Ok(made.clone());
        }
        let made = make()?;
        if frames.len() < MAX_FORMS {
            frames.push((form, made.clone()));
        }
        Ok(made)
    }
}

/// Puts what a room says into the queues of its clients, and of the way to other nodes.
#[derive(Debug)]
pub(super) struct Post<'c> {
    others: Option<(&'c Cluster, &'c RoomKeys)>,
    media: Option<(&'c Media, &'c RoomId)>,
}

impl<'c> Post<'c> {
    /// `others` is the way to the other nodes, if there can be any; `media` are the media servers
    /// and the room.
    pub(super) const fn new(
        others: Option<(&'c Cluster, &'c RoomKeys)>,
        media: Option<(&'c Media, &'c RoomId)>,
    ) -> Self {
        Self { others, media }
    }
}

impl Outbox<Conn> for Post<'_> {
    type Prepared<'e> = Outgoing<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, receivers: usize) -> Outgoing<'e> {
        Outgoing {
            event,
            shared: receivers > 1,
            json: OnceCell::new(),
            frames: RefCell::default(),
            ice: OnceCell::new(),
            receivers,
            span: RefCell::default(),
        }
    }

    fn send(&mut self, to: &Conn, event: &Outgoing<'_>) -> Sent {
        if matches!(event.event, Event::Joined(_) | Event::Resumed { .. })
            && let Some(servers) = to.ice_servers(SystemTime::now())
        {
            // A welcome has one receiver.
            let _ = event.ice.set(servers);
        }
        let sent = to.link.send(event);
        telemetry::event_told(event.event, sent);
        event.trace(sent);
        if let Event::Relay {
            kind: RelayKind::Answer,
            from,
            to,
            ..
        } = event.event
        {
            telemetry::answer_told(*from, *to);
        }
        sent
    }

    fn reclaim(&mut self, conn: &Conn) -> Vec<Event<'static>> {
        conn.link.reclaim()
    }

    fn release_media(&mut self, server: &str, peer: PeerId) {
        if let Some((media, room)) = self.media {
            media.release(server, room, peer);
        }
    }

    fn gossip(&mut self, said: Gossip<'_>) {
        // Said by the node that removes the peer, and by no other; without other nodes too.
        if let Gossip::Left { reason, .. } = &said {
            telemetry::peer_left(*reason);
        }
        if let Some((cluster, room)) = self.others {
            cluster.say(room, &said);
        }
    }

    fn cut(&mut self, conn: &Conn, reason: CutReason) {
        conn.link.cut(reason);
    }
}
