//! One room as a state machine.

mod delivery;
mod talk;

use std::time::Duration;

use indexmap::IndexMap;
use thiserror::Error;

use super::{
    ChatError, CutReason, Event, LeaveReason, Mode, Newcomer, Outbox, PeerId, ResumeSecret,
    ResumeToken, RoomCode, RoomId, UserId, Welcome,
    chat::ChatLog,
    peer::{Peer, Presence},
    replay::Replay,
};

/// What a room allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most peers in a [`Mode::P2p`] room, those that are away included.
    pub max_p2p_peers: usize,
    /// How long a lost peer is waited for.
    pub reconnect_window: Duration,
}

/// Why a room does not do what it is asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The asking connection speaks for no peer of this room.
    #[error("join a room first")]
    NotInRoom,
    /// The room has no such peer: it may be in another room, gone, or never have been.
    #[error("no such peer in this room")]
    PeerNotFound,
    /// There is no place left.
    #[error("the room is full")]
    RoomFull,
    /// Only the host may.
    #[error("only the host of the room may do this")]
    NotHost,
    /// A host leaves a room by leaving it.
    #[error("a host cannot remove itself")]
    SelfKick,
    /// The text cannot be sent.
    #[error("content {0}")]
    Chat(#[from] ChatError),
}

/// A peer and the connection that speaks for it. A room acts on what a seat asks only while
/// both belong together: a connection that was replaced has no say any more.
#[derive(Debug)]
pub struct Seat<'a, C> {
    /// The peer.
    pub peer: PeerId,
    /// The connection.
    pub conn: &'a C,
}

impl<C> Clone for Seat<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Seat<'_, C> {}

/// Who wants to be a peer again.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The user, who is authenticated.
    pub user: &'a UserId,
    /// The secret of the token that the client presented, if it did.
    pub secret: Option<&'a ResumeSecret>,
    /// The secret from now on, drawn at random by the caller.
    pub fresh: ResumeSecret,
}

/// What [`Room::resume`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// How many events were replayed.
    pub missed: usize,
    /// Whether a connection that was still open had to give way.
    pub replaced: bool,
}

/// A room: its peers in the order they came, its host, and what was said in it.
///
/// `C` stands for a connection. The room compares connections and hands them to its
/// [`Outbox`]; it does nothing else with them.
#[derive(Debug)]
pub struct Room<C> {
    id: RoomId,
    code: RoomCode,
    mode: Mode,
    limits: Limits,
    peers: IndexMap<PeerId, Peer<C>>,
    host: Option<PeerId>,
    chat: ChatLog,
}

impl<C: Clone + PartialEq> Room<C> {
    /// An empty room.
    pub fn new(id: RoomId, code: RoomCode, mode: Mode, limits: Limits) -> Self {
        Self {
            id,
            code,
            mode,
            limits,
            peers: IndexMap::new(),
            host: None,
            chat: ChatLog::default(),
        }
    }

    /// Forgets what was said.
    pub fn clear(&mut self) {
        self.chat = ChatLog::default();
    }

    /// Whether nobody is in the room, not even somebody who is away.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many peers are in the room, those that are away included.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// The host; there is one exactly while the room is not empty.
    pub fn host(&self) -> Option<PeerId> {
        self.host
    }

    /// Whether `peer` is away and waited for.
    pub fn awaits(&self, peer: PeerId) -> bool {
        self.peers
            .get(&peer)
            .is_some_and(|peer| matches!(peer.presence, Presence::Away { .. }))
    }

    /// Whether `seat` belongs to this room.
    pub fn holds(&self, seat: Seat<'_, C>) -> bool {
        self.peers
            .get(&seat.peer)
            .is_some_and(|peer| peer.speaks_through(seat.conn))
    }

    /// Lets somebody in: the others hear of it, and it is welcomed.
    ///
    /// # Errors
    /// [`Refusal::RoomFull`].
    pub fn join(&mut self, newcomer: Newcomer<C>, out: &mut impl Outbox<C>) -> Result<(), Refusal> {
        if self.mode == Mode::P2p && self.peers.len() >= self.limits.max_p2p_peers {
            return Err(Refusal::RoomFull);
        }
        let id = newcomer.peer;
        let peer = Peer::new(newcomer);
        let info = peer.info(id);
        self.peers.insert(id, peer);
        self.host.get_or_insert(id);
        // Announced before it is welcomed: if it cannot take the welcome it goes at once, and
        // nobody may hear of that before, or instead of, its coming.
        let slow = self.post_to_all(Some(id), &Event::PeerJoined(info), out);
        self.welcome(id, out);
        for slow in slow {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
        Ok(())
    }

    /// Welcomes a peer once more: what a client gets that joins the room it is in.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`].
    pub fn rejoin(&mut self, seat: Seat<'_, C>, out: &mut impl Outbox<C>) -> Result<(), Refusal> {
        self.check(seat)?;
        self.welcome(seat.peer, out);
        Ok(())
    }

    /// Lets a peer go that said so. Returns whether it was there.
    pub fn leave(&mut self, seat: Seat<'_, C>, out: &mut impl Outbox<C>) -> bool {
        let here = self.holds(seat);
        if here {
            self.depart(seat.peer, LeaveReason::Left, out);
        }
        here
    }

    /// Notes that a peer's connection was lost: nobody is told, and what it is sent waits,
    /// behind what the connection had not passed on.
    ///
    /// Returns when its window ends, on the caller's monotonic clock; nothing when the
    /// connection spoke for nobody, or more waits than is kept: then the peer is gone.
    pub fn lose(
        &mut self,
        seat: Seat<'_, C>,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<Duration> {
        let deadline = now.saturating_add(self.limits.reconnect_window);
        let peer = self
            .peers
            .get_mut(&seat.peer)
            .filter(|peer| peer.speaks_through(seat.conn))?;
        let mut unsent = out.reclaim(seat.conn);
        if let Presence::Away { missed, .. } = &mut peer.presence {
            unsent.extend(missed.drain());
        }
        let kept = Replay::of(unsent);
        let lost = kept.is_err();
        peer.presence = Presence::Away {
            last: seat.conn.clone(),
            until: Some(deadline),
            missed: kept.unwrap_or_default(),
        };
        if lost {
            self.depart(seat.peer, LeaveReason::Disconnected, out);
            return None;
        }
        Some(deadline)
    }

    /// Ends the window of a peer that did not come back. Returns whether it had to go.
    pub fn expire(&mut self, peer: PeerId, now: Duration, out: &mut impl Outbox<C>) -> bool {
        let over = matches!(
            self.peers.get(&peer).map(|peer| &peer.presence),
            Some(Presence::Away { until: Some(until), .. }) if *until <= now
        );
        if over {
            self.depart(peer, LeaveReason::Disconnected, out);
        }
        over
    }

    /// Makes `conn` the connection of a peer that was here: it is told how the room is now,
    /// and then, in order, what it missed.
    ///
    /// With the secret a connection that is still open gives way, as after a change of
    /// network that the gateway has not noticed yet. Without it only a peer that is known to
    /// be away is given out.
    ///
    /// From then on the secret is another: of two tabs that share one, the second takes over
    /// once, and the first does not take back. The one before counts until the client is heard
    /// of, since it may never have been told of the newest.
    ///
    /// # Errors
    /// [`Refusal::PeerNotFound`] if there is no such peer, it is another user's, or the
    /// secret is wrong.
    pub fn resume(
        &mut self,
        id: PeerId,
        claim: Claim<'_>,
        conn: &C,
        out: &mut impl Outbox<C>,
    ) -> Result<Resumed, Refusal> {
        let peer = self.peers.get_mut(&id).ok_or(Refusal::PeerNotFound)?;
        let away = matches!(peer.presence, Presence::Away { .. });
        if peer.member.user != *claim.user || !peer.is_proven(claim.secret) {
            return Err(Refusal::PeerNotFound);
        }
        let missed = match &mut peer.presence {
            // Where a failed send told of the loss, it has not been reported: what that
            // connection held comes before what waits since.
            Presence::Away { last, missed, .. } => {
                let mut unsent = out.reclaim(last);
                unsent.extend(missed.drain());
                Replay::of(unsent)
            }
            Presence::Online(old) if old == conn => Ok(Replay::default()),
            Presence::Online(old) => {
                out.cut(old, CutReason::Replaced);
                Replay::of(out.reclaim(old))
            }
        };
        let Ok(missed) = missed else {
            // More is lost than can be made good: better a new peer than a silent gap.
            peer.presence = Presence::away(peer.conn().clone());
            self.depart(id, LeaveReason::Disconnected, out);
            return Err(Refusal::PeerNotFound);
        };
        peer.presence = Presence::Online(conn.clone());
        peer.renew_secret(&claim);
        let resumed = Resumed {
            missed: missed.len(),
            replaced: !away,
        };
        self.replay(id, missed, out);
        Ok(resumed)
    }

    /// The room as `peer` is to see it; nothing if it is not in the room.
    pub fn view(&self, peer: PeerId) -> Option<Welcome> {
        let own = self.peers.get(&peer)?;
        let others = self.peers.iter().filter(|(id, _)| **id != peer);
        Some(Welcome {
            room: self.id.clone(),
            code: self.code.clone(),
            peer,
            peers: others.map(|(id, other)| other.info(*id)).collect(),
            mode: self.mode,
            host: self.host?,
            resume: ResumeToken {
                peer,
                secret: own.secret,
                room: self.id.clone(),
            },
        })
    }

    /// The peer of a seat that wants something.
    fn check(&mut self, seat: Seat<'_, C>) -> Result<&mut Peer<C>, Refusal> {
        let peer = self.peers.get_mut(&seat.peer);
        let peer = peer
            .filter(|peer| peer.speaks_through(seat.conn))
            .ok_or(Refusal::NotInRoom)?;
        // It lives, so it was told of its newest secret.
        peer.former_secret = None;
        Ok(peer)
    }

    fn welcome(&mut self, peer: PeerId, out: &mut impl Outbox<C>) {
        if let Some(welcome) = self.view(peer) {
            self.tell(peer, &Event::Joined(Box::new(welcome)), out);
        }
    }

    /// Tells a peer that is back how the room is, and what it missed.
    fn replay(&mut self, id: PeerId, mut missed: Replay, out: &mut impl Outbox<C>) {
        let Some(welcome) = self.view(id) else { return };
        let resumed = Event::Resumed {
            welcome: Box::new(welcome),
            missed: missed.len(),
        };
        self.tell(id, &resumed, out);
        while let Some(event) = missed.pop() {
            self.tell(id, &event, out);
        }
    }
}
