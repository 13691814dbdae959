//! The rooms of this node, running: locks, timers and connections around the pure [`core`].
//!
//! [`core`]: crate::core
//!
//! Each room has a lock of its own, held while one input is applied and its events are put
//! into the queues of their receivers. That is what gives a room one order of events, and it
//! is short: nothing under the lock waits. Locks are always taken in the order seat, room.

mod directory;
mod drain;
mod expiry;
mod link;
mod session;
mod windows;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dashmap::DashMap;
use tracing::debug;

use self::{
    directory::{Directory, RoomCell},
    windows::Windows,
};
use crate::core::{Claim, Limits, Member, PeerId, ResumeToken, RoomId, Seat, UserId};

pub use link::{CloseReason, Conn, ConnId, Link, Outgoing};
pub use session::{Ending, Session};

/// Everything that is live on this node.
#[derive(Debug)]
pub struct Hub {
    rooms: Directory,
    windows: Windows,
    sessions: DashMap<ConnId, Arc<Session>>,
    next_conn: AtomicU64,
    draining: AtomicBool,
    started: Instant,
}

impl Hub {
    /// A hub without rooms, whose rooms will have these `limits`.
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            rooms: Directory::new(limits),
            windows: Windows::default(),
            sessions: DashMap::new(),
            next_conn: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            started: Instant::now(),
        })
    }

    /// Starts a session for an authenticated client.
    ///
    /// If it is a peer coming back, it is seated again and told so before this returns.
    /// `resume` is the text of its resume token, if it presented one. The session lasts until
    /// `expires_at`, in seconds since the Unix epoch.
    pub fn open(
        self: &Arc<Self>,
        link: Arc<dyn Link>,
        member: Arc<Member>,
        expires_at: u64,
        resume: Option<&str>,
    ) -> Arc<Session> {
        let id = ConnId::new(self.next_conn.fetch_add(1, Ordering::Relaxed));
        let conn = Conn::new(id, link);
        let session = Arc::new(Session::new(Arc::clone(self), conn, member, expires_at));
        self.sessions.insert(id, Arc::clone(&session));
        session.take_seat_again(resume);
        if self.is_draining() {
            // The drain began meanwhile and did not see this one.
            session.conn().link().close(CloseReason::Draining);
        }
        session
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

    /// Finds the peer that `member` left behind, and seats `conn` there.
    fn resume(
        &self,
        conn: &Conn,
        member: &Member,
        token: Option<&str>,
    ) -> Option<(Arc<RoomCell>, PeerId)> {
        let (room, peer, secret) = match token {
            Some(text) => {
                let token: ResumeToken = text.parse().ok()?;
                (token.room, token.peer, Some(token.secret))
            }
            None => {
                let (room, peer) = self.only_window_of(&member.user)?;
                (room, peer, None)
            }
        };
        let cell = self.rooms.get(&room)?;
        let (user, secret) = (&member.user, secret.as_ref());
        let claim = Claim {
            user,
            secret,
            fresh: session::draw_secret()?,
        };
        let resumed = self
            .rooms
            .act(&cell, |room, out| room.resume(peer, claim, conn, out));
        let resumed = resumed.ok()?;
        self.windows.close(&member.user, peer);
        debug!(%peer, %room, missed = resumed.missed, replaced = resumed.replaced, "peer resumed");
        Some((cell, peer))
    }

    /// The peer that a user must be who comes back, when there is no choice. Rooms may have
    /// let go of a peer that is still listed.
    fn only_window_of(&self, user: &UserId) -> Option<(RoomId, PeerId)> {
        let mut open = self.windows.of(user);
        open.retain(|(room, peer)| {
            let cell = self.rooms.get(room);
            cell.is_some_and(|cell| cell.look(|room| room.awaits(*peer)))
        });
        match open.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }
    }

    /// Opens the reconnection window of a peer whose connection was lost.
    fn lose(self: &Arc<Self>, cell: Arc<RoomCell>, seat: Seat<'_, Conn>, member: &Member) {
        let peer = seat.peer;
        let now = self.now();
        let Some(deadline) = self.rooms.act(&cell, |room, out| room.lose(seat, now, out)) else {
            return;
        };
        debug!(%peer, room = %cell.id(), "peer lost, window open");
        self.windows.open(&member.user, cell.id(), peer);
        let (hub, user) = (Arc::clone(self), member.user.clone());
        // One timer for each peer that is away: as many as there are windows, for as long.
        tokio::spawn(async move {
            tokio::time::sleep(deadline.saturating_sub(now)).await;
            let now = hub.now();
            if hub
                .rooms
                .act(&cell, |room, out| room.expire(peer, now, out))
            {
                debug!(%peer, room = %cell.id(), "window passed, peer gone");
            }
            if !cell.look(|room| room.awaits(peer)) {
                hub.windows.close(&user, peer);
            }
        });
    }
}
