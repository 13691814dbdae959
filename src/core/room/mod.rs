//! One room as a state machine.

mod arriving;
mod delivery;
mod hosting;
mod media;
mod mode;
mod moving;
mod naming;
mod refresh;
mod refusal;
mod remote;
mod talk;
mod whereabouts;

pub use media::MediaSeat;
pub use refusal::Refusal;
pub use remote::NewWindow;
pub use whereabouts::Whereabouts;

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use uuid::Uuid;

use super::{
    Event, Gossip, HostState, LeaveReason, Member, Mode, ModeState, NodeId, Outbox, PeerId,
    ResumeSecret, ResumeToken, RoomCode, RoomId, UserId, Welcome,
    chat::ChatLog,
    peer::{Peer, Presence},
    replay::Replay,
};

/// What a room allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most peers in a [`Mode::P2p`] room, those that are away included.
    pub max_p2p_peers: usize,
    /// The most peers in a [`Mode::Sfu`] room, those that are away included.
    pub max_sfu_peers: usize,
    /// How long a lost peer is waited for.
    pub reconnect_window: Duration,
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
    mode: ModeState,
    /// Who was made the host, if anybody was since the room began.
    appointed: Option<HostState>,
    /// How media flows while nobody has changed that.
    begins: Mode,
    limits: Limits,
    /// The most peers, whatever the mode.
    capacity: usize,
    /// The node that this is the room of.
    me: NodeId,
    /// Oldest first, the same on every node.
    peers: IndexMap<PeerId, Peer<C>>,
    chat: ChatLog,
    /// The last message that was said through this node.
    said_here: Option<Uuid>,
    /// The node that what is going on came from, if it is another.
    hearing: Option<NodeId>,
    /// What this node said, or others did, may be lost.
    out_of_touch: bool,
}

impl<C: Clone + PartialEq> Room<C> {
    /// An empty room, as the node `me` is to serve it.
    pub fn new(id: RoomId, code: RoomCode, mode: Mode, limits: Limits, me: NodeId) -> Self {
        Self {
            id,
            code,
            mode: ModeState::initial(mode),
            appointed: None,
            begins: mode,
            limits,
            capacity: usize::MAX,
            me,
            peers: IndexMap::new(),
            chat: ChatLog::default(),
            said_here: None,
            hearing: None,
            out_of_touch: false,
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

    /// Whether this node has anybody in the room, away or not.
    pub fn has_own(&self) -> bool {
        self.peers.values().any(|peer| peer.node().is_none())
    }

    /// The code by which the room was reached first.
    pub fn code(&self) -> &RoomCode {
        &self.code
    }

    /// Whether that peer is in the room, wherever it is connected.
    pub fn has(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// Who is behind a peer, wherever it is.
    pub fn member(&self, peer: PeerId) -> Option<&Arc<Member>> {
        self.peers.get(&peer).map(|peer| &peer.member)
    }

    /// Whether a user is in the room, through whichever peer.
    pub fn has_user(&self, user: &UserId) -> bool {
        self.peers.values().any(|peer| peer.member.user == *user)
    }

    /// Whether `peer` is away and waited for here.
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
    /// Returns when its window ends, on the caller's monotonic clock. Nothing when the
    /// connection spoke for nobody, or more waits than is kept: then the peer is gone. Nothing
    /// either for a peer that is being asked back from another node, whose window begins, here
    /// or there, when that has answered.
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
        if let Presence::Arriving(arrival) = &mut peer.presence {
            arrival.lose_speaker(out);
            return None;
        }
        let mut unsent = out.reclaim(seat.conn);
        if let Presence::Away { missed, .. } = &mut peer.presence {
            unsent.extend(missed.drain());
        }
        let kept = Replay::of(unsent);
        let lost = kept.is_err();
        peer.presence = Presence::Away {
            last: Some(seat.conn.clone()),
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
        let Some(gone) = self.peers.get(&peer) else {
            return false;
        };
        let over = matches!(
            gone.presence,
            Presence::Away { until: Some(until), .. } if until <= now
        );
        if over {
            let reason = if gone.node_lost {
                LeaveReason::NodeLost
            } else {
                LeaveReason::Disconnected
            };
            self.depart(peer, reason, out);
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
    /// [`Refusal::PeerNotFound`] if there is no such peer here, it is another user's, or the
    /// secret is wrong. A peer that another node has is to be asked for: see [`Room::claim`].
    pub fn resume(
        &mut self,
        id: PeerId,
        claim: Claim<'_>,
        conn: &C,
        out: &mut impl Outbox<C>,
    ) -> Result<Resumed, Refusal> {
        let peer = self.peers.get_mut(&id).ok_or(Refusal::PeerNotFound)?;
        if peer.member.user != *claim.user || !peer.is_proven(claim.secret) {
            return Err(Refusal::PeerNotFound);
        }
        let replaced = matches!(peer.presence, Presence::Online(_));
        let Ok(missed) = peer.take_missed(Some(conn), out) else {
            // More is lost than can be made good: better a new peer than a silent gap.
            self.depart(id, LeaveReason::Disconnected, out);
            return Err(Refusal::PeerNotFound);
        };
        peer.presence = Presence::Online(conn.clone());
        peer.node_lost = false;
        peer.renew_secret(claim.secret.copied(), claim.fresh);
        out.gossip(Gossip::Renewed(peer.record(id)));
        let resumed = Resumed {
            missed: missed.len(),
            replaced,
        };
        self.greet_again(id, missed, out);
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
            member: Arc::clone(&own.member),
            peers: others.map(|(id, other)| other.info(*id)).collect(),
            mode: self.mode.mode,
            producers: match self.mode.mode {
                Mode::P2p => Vec::new(),
                Mode::Sfu => self.producers_for(peer),
            },
            host: self.host()?,
            resume: ResumeToken {
                peer,
                secret: own.secret,
                room: self.id.clone(),
            },
        })
    }

    /// Puts a peer in its place: those that came before it are before it, on every node.
    fn insert(&mut self, id: PeerId, peer: Peer<C>) {
        let place = (peer.joined, id);
        let at = self
            .peers
            .partition_point(|id, other| (other.joined, *id) < place);
        self.peers.shift_insert(at, id, peer);
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
    fn greet_again(&mut self, id: PeerId, missed: Replay, out: &mut impl Outbox<C>) {
        let Some(welcome) = self.view(id) else { return };
        let resumed = Event::Resumed {
            welcome: Box::new(welcome),
            missed: missed.len(),
        };
        self.tell(id, &resumed, out);
        self.replay(id, missed, out);
    }

    /// Tells a peer what it missed.
    fn replay(&mut self, id: PeerId, mut missed: Replay, out: &mut impl Outbox<C>) {
        while let Some(event) = missed.pop() {
            self.tell(id, &event, out);
        }
    }
}
