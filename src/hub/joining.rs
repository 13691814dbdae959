//! How a session comes to sit in a room: by joining it, or by coming back to it.

use std::{pin::Pin, sync::Arc};

use tracing::debug;
use uuid::Uuid;

use super::{
    Conn, Session,
    directory::RoomCell,
    returning::Wish,
    session::{Place, draw_secret, unix_millis},
};
use crate::{
    cluster::Cluster,
    core::{Newcomer, PeerId, Refusal, RoomCode, RoomId, Seat},
    protocol::{ErrorCode, WireError},
};

/// What takes a while because others are asked.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of the wish to join.
pub enum Joining {
    /// It is decided.
    Done(Result<(), WireError>),
    /// It is decided when others have been asked.
    Later(Later<Result<(), WireError>>),
}

impl Session {
    /// Takes the seat that this user's lost connection left, if there is one: at once if this
    /// node has it, else it takes what is returned.
    pub(super) fn take_seat_again(self: &Arc<Self>, resume: Option<&str>) -> Option<Later<()>> {
        let cluster = self.hub.cluster().filter(|cluster| cluster.is_up());
        let wish = match (resume, cluster) {
            (Some(token), _) => Some(Wish::of(token)?),
            (None, None) => Some(self.hub.only_window_of(&self.member.user)?),
            (None, Some(_)) => None,
        };
        if let Some(wish) = &wish {
            let mut place = self.place.lock();
            if let Some((cell, peer)) = self.hub.resume_here(&self.conn, &self.member, wish) {
                *place = Place::Seated { cell, peer };
                return None;
            }
        }
        let (session, cluster) = (Arc::clone(self), Arc::clone(cluster?));
        Some(Box::pin(session.take_seat_elsewhere(cluster, wish)))
    }

    async fn take_seat_elsewhere(self: Arc<Self>, cluster: Arc<Cluster>, wish: Option<Wish>) {
        let hub = &self.hub;
        let wish = match wish {
            Some(wish) => Some(wish),
            None => {
                let anywhere = hub.only_window_anywhere(&cluster, &self.member.user);
                let here = || hub.only_window_of(&self.member.user);
                anywhere.await.or_else(here)
            }
        };
        let Some(wish) = wish else { return };
        let found = hub.resume_from_elsewhere(&cluster, &self.conn, &self.member, &wish);
        let Some((cell, peer)) = found.await else {
            return;
        };
        let mut place = self.place.lock();
        if matches!(*place, Place::Closed) {
            // Lost again while it was brought here.
            let seat = Seat {
                peer,
                conn: &self.conn,
            };
            hub.lose(&cell, seat, &self.member);
        } else {
            hub.seated(&cell, &self.member.user);
            *place = Place::Seated { cell, peer };
        }
    }

    /// Joins the room behind `code`, after leaving any other. Joining the room that the
    /// session is in welcomes it again.
    ///
    /// Where other nodes have to be asked it takes what is returned, and nothing else that the
    /// client wants may be done before.
    ///
    /// # Errors
    /// `ROOM_FULL`; `DRAINING` while the node stops; `INTERNAL` if the system has no
    /// randomness to give.
    pub fn join(self: &Arc<Self>, code: &RoomCode) -> Joining {
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
                return Joining::Done(Ok(()));
            }
            self.leave_locked(&mut place);
        }
        if matches!(*place, Place::Closed) {
            return Joining::Done(Ok(())); // Nobody is left to answer.
        }
        if self.hub.is_draining() {
            let draining = WireError::new(ErrorCode::Draining, "this node is stopping");
            return Joining::Done(Err(draining));
        }
        let newcomer = match self.newcomer() {
            Ok(newcomer) => newcomer,
            Err(error) => return Joining::Done(Err(error)),
        };
        match self.hub.cluster().cloned() {
            None => Joining::Done(self.join_here(&mut place, code, newcomer)),
            Some(cluster) => {
                let (session, code) = (Arc::clone(self), code.clone());
                Joining::Later(Box::pin(session.join_with_others(cluster, code, newcomer)))
            }
        }
    }

    fn join_here(
        &self,
        place: &mut Place,
        code: &RoomCode,
        newcomer: Newcomer<Conn>,
    ) -> Result<(), WireError> {
        let peer = newcomer.peer;
        let (cell, joined) = self
            .hub
            .rooms
            .enter(code, |room, out| room.join(newcomer, out));
        joined?;
        debug!(%peer, room = %cell.id(), "peer joined");
        self.hub.seated(&cell, &self.member.user);
        *place = Place::Seated { cell, peer };
        Ok(())
    }

    /// Joins a room that may have peers on other nodes: there has to be a place in all of it.
    async fn join_with_others(
        self: Arc<Self>,
        cluster: Arc<Cluster>,
        code: RoomCode,
        newcomer: Newcomer<Conn>,
    ) -> Result<(), WireError> {
        let (hub, peer) = (&self.hub, newcomer.peer);
        let hold = hub
            .open_room(&cluster, &RoomId::from_code(&code), &code)
            .await;
        let _reservation = Reservation {
            cluster: &cluster,
            cell: hold.cell(),
            peer,
        };
        if let Some(keys) = hold.cell().keys() {
            let places = hub.rooms.limits().max_p2p_peers;
            // Without Redis the room goes on with what this node knows.
            if cluster.reserve(keys, peer, places).await == Ok(false) {
                return Err(Refusal::RoomFull.into());
            }
        }
        {
            let mut place = self.place.lock();
            if matches!(*place, Place::Closed) {
                return Ok(()); // Nobody is left to answer.
            }
            self.join_here(&mut place, &code, newcomer)?;
        }
        if let Some(keys) = hold.cell().keys() {
            // Whoever joins on another node after this one was answered has to find it there.
            cluster.settle(keys).await;
        }
        Ok(())
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
}

/// A place in a room: given back if nobody takes it, whatever happens.
struct Reservation<'a> {
    cluster: &'a Cluster,
    cell: &'a RoomCell,
    peer: PeerId,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let taken = self.cell.look(|room| room.member(self.peer).is_some());
        if !taken && let Some(keys) = self.cell.keys() {
            self.cluster.vacate(keys, self.peer);
        }
    }
}
