//! Peers whose connection was lost, and who come back: to this node or to another.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use tracing::debug;

use super::{Conn, Hub, RoomCell, Session, session::draw_secret};
use crate::{
    cluster::Cluster,
    core::{
        Claim, Member, NodeId, PeerId, ResumeSecret, ResumeToken, RoomCode, RoomId, Seat, UserId,
    },
    protocol::WireError,
    telemetry,
};

/// How long to wait for a node to hand a peer over. A node that does not answer is taken for
/// dead well before that, even where machines stall, and its peers are taken over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks whether the node that was asked still has a connection.
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// Where a peer was seated again.
pub(super) type Found = (Arc<RoomCell>, PeerId);

/// Which peer somebody wants to be again.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    room: RoomId,
    peer: PeerId,
    secret: Option<ResumeSecret>,
}

impl Wish {
    /// What a resume token says; nothing if it is none.
    pub(super) fn of(token: &str) -> Option<Self> {
        let token: ResumeToken = token.parse().ok()?;
        Some(Self {
            room: token.room,
            peer: token.peer,
            secret: Some(token.secret),
        })
    }

    const fn claim<'a>(&'a self, user: &'a UserId, fresh: ResumeSecret) -> Claim<'a> {
        Claim {
            user,
            secret: self.secret.as_ref(),
            fresh,
        }
    }
}

/// How a client stands that wants to be in a certain room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is there again, as the peer it was.
    Back,
    /// It is not, and its user has another peer there: maybe the one that it was, whose loss
    /// nobody has noticed.
    Beside,
    /// It is not, and neither is its user.
    New,
}

impl Session {
    /// Takes the seat that the client left in the room behind `code`: the one of its resume token
    /// if it has one, else the only one of its user there. If it comes to nothing the room is kept
    /// until the session joins it, or ends.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND`, `SERVICE_UNAVAILABLE`.
    pub async fn arrive(
        self: &Arc<Self>,
        code: &RoomCode,
        resume: Option<&str>,
    ) -> Result<Arrival, WireError> {
        let profile = self.hub.profile(code).await?;
        let is_there = |wish: Wish| wish.room == profile.id;
        if resume.is_none_or(|token| Wish::of(token).is_some_and(is_there))
            && let Some(returning) = self.come_back(resume, Some(&profile.id))
        {
            returning.await;
        }
        if self.peer().is_some() {
            self.look_away();
            return Ok(Arrival::Back);
        }
        let has_user = |cell: &RoomCell| cell.look(|room| room.has_user(&self.member.user));
        let beside = match self.hub.cluster() {
            Some(cluster) => {
                let room = self.hub.open_room(cluster, &profile.id, &profile.code);
                let room = room.await;
                let beside = has_user(room.cell());
                let former = self.ahead.lock().replace(room);
                drop(former);
                beside
            }
            None => (self.hub.rooms.get(&profile.id)).is_some_and(|cell| has_user(&cell)),
        };
        Ok(if beside {
            Arrival::Beside
        } else {
            Arrival::New
        })
    }
}

impl Hub {
    /// Seats `conn` as the peer it was, if this node has it.
    pub(super) fn resume_here(
        self: &Arc<Self>,
        conn: &Conn,
        member: &Member,
        wish: &Wish,
    ) -> Option<Found> {
        let cell = self.rooms.get(&wish.room)?;
        let claim = wish.claim(&member.user, draw_secret()?);
        let resumed = self
            .rooms
            .act(&cell, |room, out| room.resume(wish.peer, claim, conn, out));
        let resumed = resumed.ok()?;
        let (peer, room) = (wish.peer, &wish.room);
        debug!(%peer, %room, missed = resumed.missed, replaced = resumed.replaced, "peer resumed");
        self.settled(&member.user, peer);
        Some((cell, peer))
    }

    /// The peer that a user must be who comes back to this node without a token, when there is
    /// no choice. Rooms may have let go of a peer that is still listed.
    /// Only those of the room `within` count, if that is given.
    pub(super) fn only_window_of(&self, user: &UserId, within: Option<&RoomId>) -> Option<Wish> {
        let mut open = self.windows.of(user);
        open.retain(|(room, _)| within.is_none_or(|within| room == within));
        open.retain(|(room, peer)| {
            let cell = self.rooms.get(room);
            cell.is_some_and(|cell| cell.look(|room| room.awaits(*peer)))
        });
        match open.as_slice() {
            [(room, peer)] => Some(Wish {
                room: room.clone(),
                peer: *peer,
                secret: None,
            }),
            _ => None,
        }
    }

    /// The same on any node.
    pub(super) async fn only_window_anywhere(
        &self,
        cluster: &Cluster,
        user: &UserId,
        within: Option<&RoomId>,
    ) -> Option<Wish> {
        let mut awaited = cluster.awaited(user).await.ok()?;
        awaited.retain(|(room, _)| within.is_none_or(|within| room == within));
        if awaited.len() > 1 {
            // Some may have been removed while they were away.
            let mut there = Vec::new();
            for (room, peer) in awaited {
                if cluster.find(&room, peer).await.ok()?.is_some() {
                    there.push((room, peer));
                }
            }
            awaited = there;
        }
        match awaited.as_slice() {
            [(room, peer)] => Some(Wish {
                room: room.clone(),
                peer: *peer,
                secret: None,
            }),
            _ => None,
        }
    }

    /// Asks the node that has the peer to hand it over, and seats `conn` there.
    pub(super) async fn resume_from_elsewhere(
        self: &Arc<Self>,
        cluster: &Cluster,
        conn: &Conn,
        member: &Member,
        wish: &Wish,
    ) -> Option<Found> {
        let (code, owner) = cluster.find(&wish.room, wish.peer).await.ok()??;
        let hold = self.open_room(cluster, &wish.room, &code).await;
        if let Some(found) = self.resume_here(conn, member, wish) {
            return Some(found);
        }
        let (cell, peer) = (hold.cell(), wish.peer);
        let claim = wish.claim(&member.user, draw_secret()?);
        let settled = self.rooms.act_on(cell, |state, out| {
            state.room.claim(peer, claim, conn, out).ok()?;
            Some(state.shared.wait_for(peer))
        })?;
        debug!(%peer, room = %cell.id(), node = %owner, "peer asked for");
        let asked = Asked {
            hub: self,
            cell,
            peer,
            conn,
            member,
        };
        let replace = self.replace_if_gone(cluster, cell, &owner);
        let _ = timeout(PATIENCE, async {
            tokio::select! {
                _ = settled => {}
                () = replace => {}
            }
        })
        .await;
        if !asked.end() {
            debug!(%peer, room = %cell.id(), "peer does not come");
            return None;
        }
        debug!(%peer, room = %cell.id(), "peer came from another node");
        self.settled(&member.user, peer);
        Some((Arc::clone(cell), peer))
    }

    /// Takes the place of the node that has a peer, if it is found to be gone. Does not end by
    /// itself: what comes of it shows in the room.
    async fn replace_if_gone(&self, cluster: &Cluster, cell: &RoomCell, owner: &NodeId) {
        let gone = cluster.is_cut_off(owner).await;
        sleep(LOOK_AGAIN).await;
        // Twice, since a connection may be lost for a moment.
        if gone
            && cluster.is_cut_off(owner).await
            && let Some(keys) = cell.keys()
        {
            debug!(node = %owner, room = %cell.id(), "node is gone, its peers are taken over");
            let _ = cluster.adopt(keys, owner).await;
        }
        std::future::pending::<()>().await;
    }

    /// Opens the reconnection window of a peer whose connection was lost.
    pub(super) fn lose(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        seat: Seat<'_, Conn>,
        member: &Member,
    ) {
        let now = self.now();
        let deadline = self.rooms.act(cell, |room, out| room.lose(seat, now, out));
        if let Some(deadline) = deadline {
            telemetry::peer_lost();
            debug!(peer = %seat.peer, room = %cell.id(), "peer lost, window open");
            self.wait_for(cell, seat.peer, &member.user, deadline);
        }
    }

    /// Waits for a peer until its window ends.
    pub(super) fn wait_for(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        peer: PeerId,
        user: &UserId,
        deadline: Duration,
    ) {
        self.windows.open(user, cell.id(), peer);
        let (hub, cell, user) = (Arc::clone(self), Arc::clone(cell), user.clone());
        let left = deadline.saturating_sub(self.now());
        // One timer for each peer that is away: as many as there are windows, for as long.
        tokio::spawn(async move {
            if let Some(cluster) = hub.cluster() {
                cluster.await_peer(&user, cell.id(), peer, left).await;
                if !cell.look(|room| room.awaits(peer)) {
                    // It was back sooner than Redis knew that it was away.
                    cluster.settle_peer(&user, peer).await;
                }
            }
            sleep(deadline.saturating_sub(hub.now())).await;
            let now = hub.now();
            let gone = hub
                .rooms
                .act(&cell, |room, out| room.expire(peer, now, out));
            if gone {
                debug!(%peer, room = %cell.id(), "window passed, peer gone");
                hub.absent(&cell, &user);
            }
            if !cell.look(|room| room.awaits(peer)) {
                hub.windows.close(&user, peer);
            }
        });
    }

    /// Waits no more for the lost peers of a user: their windows end now. Returns how many that are.
    pub(super) fn end_windows(self: &Arc<Self>, user: &UserId) -> usize {
        let ended = self.windows.of(user).into_iter().filter(|(room, peer)| {
            let Some(cell) = self.rooms.get(room) else {
                return false;
            };
            let gone = self
                .rooms
                .act(&cell, |room, out| room.expire(*peer, Duration::MAX, out));
            if gone {
                self.settled(user, *peer);
                self.absent(&cell, user);
            }
            gone
        });
        ended.count()
    }

    /// A peer is not waited for any more.
    fn settled(self: &Arc<Self>, user: &UserId, peer: PeerId) {
        self.windows.close(user, peer);
        if let Some(cluster) = self.cluster().cloned() {
            let user = user.clone();
            self.errands
                .spawn(async move { cluster.settle_peer(&user, peer).await });
        }
    }
}

/// A peer that was asked for. If whoever waits for it goes, nobody waits any more.
struct Asked<'a> {
    hub: &'a Arc<Hub>,
    cell: &'a Arc<RoomCell>,
    peer: PeerId,
    conn: &'a Conn,
    member: &'a Member,
}

impl Asked<'_> {
    /// Ends the wait. Returns whether the peer has come.
    fn end(self) -> bool {
        let come = self.give_up();
        std::mem::forget(self);
        come
    }

    /// Gives up waiting, unless the peer has come.
    fn give_up(&self) -> bool {
        let (peer, conn) = (self.peer, self.conn);
        self.hub.rooms.act(self.cell, |room, _| {
            let come = room.holds(Seat { peer, conn });
            if !come {
                room.abandon(peer);
            }
            come
        })
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.give_up() {
            // It came in the moment in which its connection was lost.
            let (peer, conn) = (self.peer, self.conn);
            self.hub.lose(self.cell, Seat { peer, conn }, self.member);
        }
    }
}
