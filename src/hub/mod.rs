//! The rooms of this node, running: locks, timers and connections around the pure [`core`].
//!
//! | module | what is there |
//! |---|---|
//! | `session`, `joining` | one client, and what it may do |
//! | `spending` | how much of it |
//! | `chat` | what is said is kept, and told to those who ask |
//! | `audience` | who hears what backends say |
//! | `selection`, `emission` | whom a backend means by the names that it gives, and what it tells them |
//! | `census` | who is connected, for operators to look at |
//! | `directory` | the rooms by id, each with its lock |
//! | `returning` | peers that come back, here or from another node |
//! | `windows`, `expiry`, `drain` | time: lost peers, tokens, the end |
//! | `bequest` | who is still away at the end, and who waits for them then |
//! | `ice` | credentials for TURN servers |
//! | `sfu`, `exchange`, `lane` | what clients ask of media servers |
//! | `modes` | which rooms go through a media server |
//! | `shared`, `sharing`, `making_up` | rooms that other nodes serve too, and what they did not hear |
//! | `mending` | what is lost between nodes is found and put right |
//! | `audience`, `telling` | what backends say to users, rooms and subscribers |
//! | `overview` | what operators and backends are told of rooms and nodes |
//! | `figures`, `progress` | what is shown of all that, and how long clients take to connect |
//! | `link`, `load` | the way to a client, and how much may wait on it |
//!
//! Each room has a lock of its own, held while one input is applied and its events are put
//! into the queues of their receivers. That is what gives a room one order of events, and it
//! is short: nothing under the lock waits. Locks are always taken in the order seat, room.
//!
//! [`core`]: crate::core

mod audience;
mod bequest;
mod census;
mod chat;
mod directory;
mod drain;
mod emission;
mod exchange;
mod expiry;
mod figures;
mod ice;
mod joining;
mod lane;
mod link;
mod load;
mod making_up;
mod mending;
mod modes;
mod overview;
mod progress;
mod returning;
mod selection;
mod session;
mod sfu;
mod shared;
mod sharing;
mod spending;
mod telling;
mod windows;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dashmap::DashMap;
use serde_json::value::RawValue;
use tokio_util::task::TaskTracker;

use self::{
    audience::Audiences,
    chat::Chat,
    directory::{Directory, RoomCell},
    ice::IceLease,
    windows::Windows,
};
use crate::{
    cluster::Cluster,
    core::{Limits, Member, NodeId, RoomCode, channels::Channels},
    limits::Debts,
    protocol::WireError,
    services::{
        media::Media,
        room::{RoomProfile, RoomService},
    },
    telemetry,
    turn::Issuer,
};

pub use audience::{MAX_TOPICS, Notice, Subscribed};
pub use census::{Census, Seen};
pub use chat::{Answer, ChatSettings, History, Page, Receipt};
pub use emission::Emission;
pub use joining::{Joining, Later};
pub use link::{CloseReason, Conn, ConnId, Form, Link, Outgoing};
pub use load::{Charge, Load, MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, MESSAGE_OVERHEAD};
pub use overview::{RoomBrief, RoomView};
pub use returning::Arrival;
pub use selection::Selection;
pub use session::{Ending, Session, unix_millis};
pub use spending::{ClientLimits, Excess};
pub use telling::Whom;

/// What a hub works with, each if there is one.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// The way to the other nodes.
    pub cluster: Option<Arc<Cluster>>,
    /// The media servers.
    pub media: Option<Arc<Media>>,
    /// Who knows which rooms there are.
    pub rooms: Option<Arc<RoomService>>,
    /// Who makes credentials for TURN servers.
    pub turn: Option<Arc<Issuer>>,
}

/// Everything that is live on this node.
#[derive(Debug)]
pub struct Hub {
    rooms: Directory,
    windows: Windows,
    sessions: DashMap<ConnId, Arc<Session>>,
    next_conn: AtomicU64,
    draining: AtomicBool,
    started: Instant,
    /// What is being told to Redis of users.
    errands: TaskTracker,
    neighbours: Neighbours,
    chat: Chat,
    audiences: Audiences,
    limits: ClientLimits,
    debts: Debts,
}

impl Hub {
    /// A hub without rooms, whose rooms will have these `limits`; what is said in them is kept as
    /// `chat` says, backends are heard on `channels`, and each client may have as much as `clients`
    /// says.
    pub fn new(
        limits: Limits,
        neighbours: Neighbours,
        chat: ChatSettings,
        channels: Channels,
        clients: ClientLimits,
    ) -> Arc<Self> {
        let alone = || NodeId::from("alone");
        let cluster = neighbours.cluster.as_ref();
        let is_alone = cluster.is_none();
        let me = cluster.map_or_else(alone, |cluster| cluster.me().clone());
        let chat = Chat::new(chat, cluster);
        let flusher = chat.flusher.clone();
        let hub = Arc::new(Self {
            rooms: Directory::new(limits, me, neighbours.clone(), flusher),
            windows: Windows::default(),
            sessions: DashMap::new(),
            next_conn: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            started: Instant::now(),
            errands: TaskTracker::new(),
            neighbours,
            chat,
            audiences: Audiences::new(channels, is_alone),
            limits: clients,
            debts: Debts::default(),
        });
        hub.start_chat();
        hub
    }

    /// Starts a session for an authenticated client.
    ///
    /// If it is a peer coming back, it is seated again and told so before this returns, or,
    /// where another node has to be asked, before what is returned with the session is done:
    /// nothing that the client wants may be done before.
    ///
    /// `resume` is the text of its resume token, if it presented one. The session lasts until
    /// `expires_at`, in seconds since the Unix epoch.
    pub fn open(
        self: &Arc<Self>,
        link: Arc<dyn Link>,
        member: Arc<Member>,
        expires_at: u64,
        resume: Option<&str>,
    ) -> (Arc<Session>, Option<Later<()>>) {
        let session = self.begin(link, member, expires_at);
        let returning = session.come_back(resume, None);
        self.send_away_if_draining(&session);
        (session, returning)
    }

    /// Starts a session for an authenticated client that is not to be a peer again unless it
    /// asks to: see [`Session::come_back`] and [`Session::arrive`].
    pub fn admit(
        self: &Arc<Self>,
        link: Arc<dyn Link>,
        member: Arc<Member>,
        expires_at: u64,
    ) -> Arc<Session> {
        let session = self.begin(link, member, expires_at);
        self.send_away_if_draining(&session);
        session
    }

    fn begin(
        self: &Arc<Self>,
        link: Arc<dyn Link>,
        member: Arc<Member>,
        expires_at: u64,
    ) -> Arc<Session> {
        let id = ConnId::new(self.next_conn.fetch_add(1, Ordering::Relaxed));
        let lease = |issuer| Arc::new(IceLease::new(Arc::clone(issuer), member.user.clone(), id));
        let conn = Conn::new(id, link, self.turn().map(lease));
        telemetry::connection_opened(conn.link().protocol(), figures::carrier_of(conn.link()));
        let session = Arc::new(Session::new(Arc::clone(self), conn, member, expires_at));
        self.sessions.insert(id, Arc::clone(&session));
        self.audiences.enter(&session.member.user, &session.conn);
        session
    }

    /// The drain may have begun meanwhile, and not have seen this one.
    fn send_away_if_draining(&self, session: &Session) {
        if self.is_draining() {
            session.conn().link().close(CloseReason::Draining);
        }
    }

    /// Tells an event to every client, on this node and the others.
    pub fn announce(&self, event: &str, data: &RawValue) {
        self.announce_here(event, data);
        if let Some(cluster) = self.cluster() {
            cluster.announce(event, data);
        }
    }

    fn announce_here(&self, event: &str, data: &RawValue) {
        let notice = Notice {
            name: event,
            data,
            about: None,
        };
        for session in &self.sessions {
            session.conn().link().notify(&notice);
        }
    }

    /// The way to the other nodes, if there can be any.
    pub const fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.neighbours.cluster.as_ref()
    }

    /// Who makes credentials for TURN servers, if there are any.
    pub const fn turn(&self) -> Option<&Arc<Issuer>> {
        self.neighbours.turn.as_ref()
    }

    /// How the room behind a code is to be.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND`, `SERVICE_UNAVAILABLE`.
    async fn profile(&self, code: &RoomCode) -> Result<Arc<RoomProfile>, WireError> {
        match &self.neighbours.rooms {
            Some(rooms) => Ok(rooms.find(code).await?),
            None => Ok(Arc::new(RoomProfile::of_code(code))),
        }
    }

    /// How many clients are connected.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many rooms have somebody in them.
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether the node is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Time on the clock by which windows are measured.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
#[path = "tests/clients.rs"]
mod clients;
