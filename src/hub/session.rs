//! One connected client, of whatever transport.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use serde_json::value::RawValue;
use smallvec::SmallVec;
use tokio::sync::Semaphore;
use tracing::debug;
use uuid::Uuid;

use super::{
    CloseReason, Conn, Hub,
    audience::Topics,
    chat::{Line, PAGES_AT_ONCE},
    directory::RoomCell,
    expiry::Expiry,
    progress::Progress,
    sfu::Lanes,
    sharing::Hold,
};
use crate::{
    core::{Member, PeerId, Refusal, RelayKind, ResumeSecret, Seat, Welcome},
    limits::Allowance,
    protocol::{IceServers, RtcState, WireError},
    telemetry,
};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client said that it goes.
    Intended,
    /// It did not: it may come back.
    Lost,
}

/// A client from its authentication to the end of its connection: what it may do to rooms.
#[derive(Debug)]
pub struct Session {
    pub(super) hub: Arc<Hub>,
    pub(super) conn: Conn,
    pub(super) member: Arc<Member>,
    expiry: Expiry,
    /// When it began, in milliseconds since the Unix epoch.
    pub(super) since: u64,
    began: Instant,
    /// How far it is from having a connection to somebody.
    pub(super) progress: Progress,
    pub(super) place: Mutex<Place>,
    /// The room that it has looked at to join it: kept until it does, so that it is not opened twice.
    pub(super) ahead: Mutex<Option<Hold>>,
    /// A heartbeat is being taken note of.
    renewing: AtomicBool,
    /// It is sent away: nobody is to wait for it.
    dismissed: AtomicBool,
    /// What it asks of the media server.
    pub(super) lanes: Lanes,
    /// What it says.
    pub(super) line: Arc<Line>,
    /// What it has sent of late.
    pub(super) allowance: Allowance,
    /// The pages of history that it may wait for.
    pub(super) pages: Arc<Semaphore>,
    /// The id by which its transport knows it, if backends may.
    pub(super) address: OnceLock<Arc<str>>,
    /// What it subscribes to; nothing once it has ended.
    pub(super) topics: Mutex<Option<Topics>>,
}

/// Where a session is. A hint for finding the room: whether the session still belongs there
/// is for the room to say, which may have removed or replaced it.
#[derive(Debug)]
pub(super) enum Place {
    Nowhere,
    Seated { cell: Arc<RoomCell>, peer: PeerId },
    Closed,
}

impl Session {
    pub(super) fn new(hub: Arc<Hub>, conn: Conn, member: Arc<Member>, expires_at: u64) -> Self {
        Self {
            allowance: hub.debts.open(&member.user),
            hub,
            conn,
            member,
            expiry: Expiry::new(expires_at),
            since: unix_millis(),
            began: Instant::now(),
            progress: Progress::default(),
            place: Mutex::new(Place::Nowhere),
            ahead: Mutex::new(None),
            renewing: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            lanes: Lanes::default(),
            line: Arc::default(),
            pages: Arc::new(Semaphore::new(PAGES_AT_ONCE)),
            address: OnceLock::new(),
            topics: Mutex::new(Some(Topics::default())),
        }
    }

    /// The connection.
    pub const fn conn(&self) -> &Conn {
        &self.conn
    }

    /// Who it is.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// Lets the session last until `expires_at`, in seconds since the Unix epoch.
    pub fn extend(&self, expires_at: u64) {
        self.expiry.extend(expires_at);
    }

    pub(super) const fn expiry(&self) -> &Expiry {
        &self.expiry
    }

    /// Leaves the room that the session is in, if it is in one.
    pub fn leave(&self) {
        self.leave_locked(&mut self.place.lock());
    }

    /// The room as the session sees it, if it is in one.
    pub fn view(&self) -> Option<Welcome> {
        match &*self.place.lock() {
            Place::Seated { cell, peer } => cell.look(|room| {
                let seat = Seat {
                    peer: *peer,
                    conn: &self.conn,
                };
                if room.holds(seat) {
                    room.view(*peer)
                } else {
                    None
                }
            }),
            _ => None,
        }
    }

    /// The peer that the session is, if it is in a room.
    pub fn peer(&self) -> Option<PeerId> {
        let peer = self.in_room(|cell, seat| Ok((cell.look(|room| room.holds(seat)), seat.peer)));
        peer.ok().and_then(|(there, peer)| there.then_some(peer))
    }

    /// The other peers of the room that the session is in, oldest first.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`.
    pub fn others(&self) -> Result<SmallVec<[PeerId; 10]>, WireError> {
        self.in_room(|cell, seat| cell.look(|room| room.others(seat)))
    }

    /// New credentials for TURN servers, if there are any.
    pub fn ice_servers(&self) -> Option<IceServers> {
        self.conn.ice_servers(SystemTime::now())
    }

    /// Takes note that the client lives.
    pub fn heartbeat(self: &Arc<Self>) {
        let place = self.place.lock();
        // One at a time: a client that sends many gets no more for it.
        if let Place::Seated { cell, .. } = &*place
            && self.hub.cluster().is_some()
            && !self.renewing.swap(true, Ordering::Relaxed)
        {
            let (session, cell) = (Arc::clone(self), Arc::clone(cell));
            tokio::spawn(async move {
                let (hub, user) = (Arc::clone(&session.hub), session.member.user.clone());
                hub.renew(cell, user).await;
                session.renewing.store(false, Ordering::Relaxed);
            });
        }
    }

    /// Hands a signalling message to a peer of the same room.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `PEER_NOT_FOUND`.
    pub fn relay(
        &self,
        kind: RelayKind,
        target: Option<PeerId>,
        body: &RawValue,
    ) -> Result<(), WireError> {
        self.in_room(|cell, seat| {
            self.hub.rooms.act(cell, |room, out| match target {
                Some(target) => {
                    // Noted before it is heard: the answer may come before this returns.
                    if kind == RelayKind::Offer && room.holds(seat) && room.has(target) {
                        telemetry::offer_sent(seat.peer, target);
                    }
                    room.relay(seat, target, kind, body, out)
                }
                None => Err(absent(room.holds(seat))),
            })
        })?;
        if kind != RelayKind::Ice {
            self.progress.signalled();
        }
        Ok(())
    }

    /// Takes note of how a peer connection of the client is. In no room there is nothing to note.
    pub fn report(&self, state: RtcState) {
        self.progress.reported(state);
    }

    /// Removes a peer from the room.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `FORBIDDEN`, `PEER_NOT_FOUND`.
    pub fn kick(&self, target: Option<PeerId>, reason: &str) -> Result<(), WireError> {
        // An id that no peer can have still has to fail for the right reason.
        let target = target.unwrap_or(PeerId::new(Uuid::nil()));
        self.in_room(|cell, seat| {
            let user = cell.look(|room| room.member(target).map(|member| member.user.clone()));
            self.hub
                .rooms
                .act(cell, |room, out| room.kick(seat, target, reason, out))?;
            if let Some(user) = user {
                self.hub.absent(cell, &user);
            }
            Ok(())
        })
    }

    /// Makes another peer the host of the room.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `FORBIDDEN`, `PEER_NOT_FOUND`.
    pub fn appoint(&self, target: Option<PeerId>) -> Result<(), WireError> {
        // An id that no peer can have still has to fail for the right reason.
        let target = target.unwrap_or(PeerId::new(Uuid::nil()));
        self.in_room(|cell, seat| {
            let rooms = &self.hub.rooms;
            rooms.act(cell, |room, out| room.appoint(seat, target, out))
        })
    }

    /// Whom of the same room the client means by `name`: the peer whose id it is, else all of the
    /// user whose id it is, else the peer that goes by it. Never itself.
    pub fn find(&self, name: &str) -> SmallVec<[PeerId; 4]> {
        let found = self.in_room(|cell, seat| Ok(cell.look(|room| room.find(seat, name))));
        found.unwrap_or_default()
    }

    /// The same for those that know each other by ids alone: the names that peers chose mean nobody.
    pub fn find_by_id(&self, id: &str) -> SmallVec<[PeerId; 4]> {
        let found = self.in_room(|cell, seat| Ok(cell.look(|room| room.find_by_id(seat, id))));
        found.unwrap_or_default()
    }

    /// Ends the session. Calling it again does nothing.
    pub fn close(&self, ending: Ending) {
        let place = std::mem::replace(&mut *self.place.lock(), Place::Closed);
        self.look_away();
        if let Place::Seated { cell, peer } = place {
            self.hub.audiences.rise(peer, self.conn.id());
            self.vacate(&cell, peer, ending);
        }
        self.leave_audiences();
        if self.hub.sessions.remove(&self.conn.id()).is_some() {
            let protocol = self.conn.link().protocol();
            telemetry::connection_ended(protocol, self.began.elapsed());
            let (hub, user) = (&self.hub, &self.member.user);
            hub.debts.close(user, &self.allowance, hub.now_ns());
        }
    }

    /// Leaves a seat for good, or such that it can be taken again.
    pub(super) fn vacate(&self, cell: &Arc<RoomCell>, peer: PeerId, ending: Ending) {
        let seat = Seat {
            peer,
            conn: &self.conn,
        };
        if ending == Ending::Intended || self.is_dismissed() {
            self.hub.rooms.act(cell, |room, out| room.leave(seat, out));
            self.conn.link().forget();
            self.hub.absent(cell, &self.member.user);
            return;
        }
        self.hub.lose(cell, seat, &self.member);
        // Whoever sends it away looks for windows after it has said so: one of both sees the other.
        if self.is_dismissed() {
            self.hub.end_windows(&self.member.user);
        }
    }

    /// Ends the session as if the client had left: it does not come back by itself. If `whole`,
    /// what is below it, the Engine.IO connection, ends too.
    pub fn dismiss(&self, whole: bool) {
        self.dismissed.store(true, Ordering::SeqCst);
        self.conn.link().close(CloseReason::Dismissed { whole });
    }

    fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }

    /// Keeps no room any more that the session is not in.
    pub(super) fn look_away(&self) {
        // It is let go outside of the lock.
        let kept = self.ahead.lock().take();
        drop(kept);
    }

    pub(super) fn leave_locked(&self, place: &mut Place) {
        if let Place::Seated { cell, peer } = &*place {
            let seat = Seat {
                peer: *peer,
                conn: &self.conn,
            };
            if self.hub.rooms.act(cell, |room, out| room.leave(seat, out)) {
                debug!(%peer, room = %cell.id(), "peer left");
            }
            self.conn.link().forget();
            self.hub.absent(cell, &self.member.user);
            self.hub.audiences.rise(*peer, self.conn.id());
            self.progress.left();
            *place = Place::Nowhere;
        }
    }

    /// Takes note that the session is a peer from now on.
    pub(super) fn sit(&self, place: &mut Place, cell: Arc<RoomCell>, peer: PeerId) {
        if let Place::Seated { peer: former, .. } = place {
            self.hub.audiences.rise(*former, self.conn.id());
        }
        self.hub.audiences.sit(peer, self.conn.id());
        *place = Place::Seated { cell, peer };
    }

    /// Does something in the room that the session is in.
    pub(super) fn in_room<T>(
        &self,
        action: impl FnOnce(&Arc<RoomCell>, Seat<'_, Conn>) -> Result<T, Refusal>,
    ) -> Result<T, WireError> {
        match &*self.place.lock() {
            Place::Seated { cell, peer } => Ok(action(
                cell,
                Seat {
                    peer: *peer,
                    conn: &self.conn,
                },
            )?),
            Place::Nowhere | Place::Closed => Err(Refusal::NotInRoom.into()),
        }
    }
}

/// Why a message to somebody who cannot exist is refused.
const fn absent(in_room: bool) -> Refusal {
    if in_room {
        Refusal::PeerNotFound
    } else {
        Refusal::NotInRoom
    }
}

/// A new secret; nothing if the system has no randomness to give.
pub(super) fn draw_secret() -> Option<ResumeSecret> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).ok()?;
    Some(ResumeSecret::new(secret))
}

/// Milliseconds since the Unix epoch; 0 on a machine whose clock is before it.
pub fn unix_millis() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
