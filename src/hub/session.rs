//! One connected client, of whatever transport.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use serde_json::value::RawValue;
use tracing::debug;
use uuid::Uuid;

use super::{Conn, Hub, directory::RoomCell, expiry::Expiry};
use crate::{
    core::{
        ChatDraft, ChatMessage, HistoryQuery, Member, Newcomer, PeerId, Refusal, RelayKind,
        ResumeSecret, RoomCode, RoomId, Seat, Welcome,
    },
    protocol::{ErrorCode, WireError},
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
    hub: Arc<Hub>,
    conn: Conn,
    member: Arc<Member>,
    expiry: Expiry,
    place: Mutex<Place>,
}

/// Where a session is. A hint for finding the room: whether the session still belongs there
/// is for the room to say, which may have removed or replaced it.
#[derive(Debug)]
enum Place {
    Nowhere,
    Seated { cell: Arc<RoomCell>, peer: PeerId },
    Closed,
}

impl Session {
    pub(super) fn new(hub: Arc<Hub>, conn: Conn, member: Arc<Member>, expires_at: u64) -> Self {
        Self {
            hub,
            conn,
            member,
            expiry: Expiry::new(expires_at),
            place: Mutex::new(Place::Nowhere),
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

    /// Takes the seat that this user's lost connection left, if there is one.
    pub(super) fn take_seat_again(&self, resume: Option<&str>) {
        let mut place = self.place.lock();
        if let Some((cell, peer)) = self.hub.resume(&self.conn, &self.member, resume) {
            *place = Place::Seated { cell, peer };
        }
    }

    /// Joins the room behind `code`, after leaving any other. Joining the room that the
    /// session is in welcomes it again.
    ///
    /// # Errors
    /// `ROOM_FULL`; `DRAINING` while the node stops; `INTERNAL` if the system has no
    /// randomness to give.
    pub fn join(&self, code: &RoomCode) -> Result<(), WireError> {
        let mut place = self.place.lock();
        if let Place::Seated { cell, peer } = &*place {
            let seat = Seat {
                peer: *peer,
                conn: &self.conn,
            };
            let here = *cell.id() == RoomId::from_code(code);
            if here
                && self
                    .hub
                    .rooms
                    .act(cell, |room, out| room.rejoin(seat, out))
                    .is_ok()
            {
                return Ok(());
            }
            self.leave_locked(&mut place);
        }
        if matches!(*place, Place::Closed) {
            return Ok(()); // Nobody is left to answer.
        }
        if self.hub.is_draining() {
            return Err(WireError::new(ErrorCode::Draining, "this node is stopping"));
        }
        let newcomer = self.newcomer()?;
        let peer = newcomer.peer;
        let (cell, joined) = self
            .hub
            .rooms
            .enter(code, |room, out| room.join(newcomer, out));
        joined?;
        debug!(%peer, room = %cell.id(), "peer joined");
        *place = Place::Seated { cell, peer };
        Ok(())
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
                Some(target) => room.relay(seat, target, kind, body, out),
                None => Err(absent(room.holds(seat))),
            })
        })
    }

    /// Says something in the room.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `INVALID_PAYLOAD`.
    pub fn chat(
        &self,
        content: &str,
        client_id: Option<&str>,
    ) -> Result<Arc<ChatMessage>, WireError> {
        let timestamp = unix_millis();
        let draft = ChatDraft {
            id: Uuid::now_v7(),
            timestamp,
            content,
            client_id,
        };
        self.in_room(|cell, seat| {
            self.hub
                .rooms
                .act(cell, |room, out| room.chat(seat, &draft, out))
        })
    }

    /// What was said in the room, oldest first.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`.
    pub fn history(&self, query: HistoryQuery) -> Result<Vec<Arc<ChatMessage>>, WireError> {
        self.in_room(|cell, seat| cell.look(|room| room.history(seat, query)))
    }

    /// Removes a peer from the room.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `FORBIDDEN`, `PEER_NOT_FOUND`.
    pub fn kick(&self, target: Option<PeerId>, reason: &str) -> Result<(), WireError> {
        // An id that no peer can have still has to fail for the right reason.
        let target = target.unwrap_or(PeerId::new(Uuid::nil()));
        self.in_room(|cell, seat| {
            self.hub
                .rooms
                .act(cell, |room, out| room.kick(seat, target, reason, out))
        })
    }

    /// Ends the session. Calling it again does nothing.
    pub fn close(&self, ending: Ending) {
        let place = std::mem::replace(&mut *self.place.lock(), Place::Closed);
        if let Place::Seated { cell, peer } = place {
            let seat = Seat {
                peer,
                conn: &self.conn,
            };
            match ending {
                Ending::Lost => self.hub.lose(cell, seat, &self.member),
                Ending::Intended => {
                    self.hub.rooms.act(&cell, |room, out| room.leave(seat, out));
                    self.conn.link().forget();
                }
            }
        }
        self.hub.sessions.remove(&self.conn.id());
    }

    fn leave_locked(&self, place: &mut Place) {
        if let Place::Seated { cell, peer } = &*place {
            let seat = Seat {
                peer: *peer,
                conn: &self.conn,
            };
            if self.hub.rooms.act(cell, |room, out| room.leave(seat, out)) {
                debug!(%peer, room = %cell.id(), "peer left");
            }
            self.conn.link().forget();
            *place = Place::Nowhere;
        }
    }

    fn newcomer(&self) -> Result<Newcomer<Conn>, WireError> {
        let secret = draw_secret()
            .ok_or_else(|| WireError::new(ErrorCode::Internal, "no randomness to be had"))?;
        Ok(Newcomer {
            peer: PeerId::new(Uuid::new_v4()),
            secret,
            member: Arc::clone(&self.member),
            conn: self.conn.clone(),
            now: unix_millis(),
        })
    }

    /// Does something in the room that the session is in.
    fn in_room<T>(
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
fn unix_millis() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
