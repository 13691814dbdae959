//! Peers that move from one node to another.
//!
//! A peer moves by a claim: the place of the claim in the order of the room's channel divides
//! what the old node keeps for the peer from what the new one does, so that nothing is lost
//! and nothing comes twice. What the old node itself says is its own to keep until it answers:
//! it may have said it before it heard of the claim. If the old node is gone, the others' word
//! that one of them adopts the peer takes the place of the claim. A node that is about to end has
//! others claim whom it still waits for, though nobody has come back yet.
//!
//! A node that was taken for gone finds that others have its peers. Those whose clients are
//! connected to it all the same it asks back, by a claim without proof: they are given only if
//! they wait for somebody to come.

use std::sync::Arc;

use super::{Claim, Refusal, Room};
use crate::core::{
    CutReason, Gossip, LeaveReason, NodeId, Outbox, PeerId, ResumeSecret, UserId, Waiting,
    arrival::{Arrival, Picture, Seen, Wish},
    peer::{Peer, Presence},
};

impl<C: Clone + PartialEq> Room<C> {
    /// Whether a connection waits for the peer, which was asked for and has not come yet.
    pub fn is_arriving(&self, peer: PeerId) -> bool {
        let peer = self.peers.get(&peer);
        peer.is_some_and(
            |peer| matches!(&peer.presence, Presence::Arriving(arrival) if arrival.wish.is_some()),
        )
    }

    /// Asks the node that has a peer to hand it over to `conn`. Whether the secret is right is
    /// for that node to say, which alone knows the newest.
    ///
    /// The answer comes by [`Room::hear`] or [`Room::refresh`]. As long as there is none,
    /// [`Room::is_arriving`] holds; after it, [`Room::holds`] says whether the peer was given.
    ///
    /// # Errors
    /// [`Refusal::PeerNotFound`] if no other node has such a peer of that user, or somebody
    /// else waits for it here.
    pub fn claim(
        &mut self,
        id: PeerId,
        claim: Claim<'_>,
        conn: &C,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        let peer = self.peers.get_mut(&id).ok_or(Refusal::PeerNotFound)?;
        if peer.member.user != *claim.user {
            return Err(Refusal::PeerNotFound);
        }
        let wish = Wish {
            conn: conn.clone(),
            shown: claim.secret.copied(),
            fresh: Some(claim.fresh),
        };
        if let Presence::Remote(node) = &peer.presence
            && *node != self.me
        {
            let arrival = Arrival::new(Some(wish), node.clone(), None);
            peer.ask(id, arrival, out);
            return Ok(());
        }
        let proven = claim.secret.is_some_and(|secret| peer.knows(secret));
        match &mut peer.presence {
            // The answer to the last request is still to come.
            Presence::Arriving(arrival) if arrival.missed.is_some() => {
                if arrival.wish.is_some() && !(proven && arrival.speaker().is_some()) {
                    return Err(Refusal::PeerNotFound);
                }
                arrival.replace_speaker(Some(wish), out);
                Ok(())
            }
            _ => Err(Refusal::PeerNotFound),
        }
    }

    /// Asks a node that is about to end for the peers that it waits for, to wait for them here. It
    /// gives those that are away.
    pub fn claim_all_of(&mut self, ending: &NodeId, out: &mut impl Outbox<C>) {
        for (id, peer) in &mut self.peers {
            if matches!(&peer.presence, Presence::Remote(node) if node == ending) {
                peer.ask(*id, Arrival::new(None, ending.clone(), None), out);
            }
        }
    }

    /// Gives up waiting for a peer that was asked for. If it comes all the same, it is away.
    pub fn abandon(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id)
            && let Presence::Arriving(arrival) = &mut peer.presence
            && arrival.speaker().is_none()
        {
            arrival.wish = None;
        }
    }

    /// Another node has a peer now.
    pub(super) fn hear_moved(&mut self, id: PeerId, to: &NodeId, out: &mut impl Outbox<C>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        match &mut peer.presence {
            Presence::Online(_) => self.ask_back(&[(id, to.clone())], out),
            Presence::Arriving(arrival) if arrival.at == *to => {}
            Presence::Arriving(arrival) => {
                arrival.at = to.clone();
                // Until the request has come by, it may be stale news; after that, the node
                // that was asked had it no more.
                if arrival.asked {
                    peer.ask_again(id, out);
                }
            }
            Presence::Away { .. } | Presence::Remote(_) => {
                peer.presence = Presence::Remote(to.clone());
                peer.node_lost = false;
            }
        }
    }

    /// Asks other nodes for peers whose clients are connected to this one.
    pub(super) fn ask_back(&mut self, peers: &[(PeerId, NodeId)], out: &mut impl Outbox<C>) {
        if peers.is_empty() {
            return;
        }
        let picture = Arc::new(Picture {
            known: self.known(),
            said: self.chat.ids(),
        });
        for (id, node) in peers {
            if let Some(peer) = self.peers.get_mut(id)
                && let Presence::Online(conn) = &peer.presence
            {
                let wish = Wish {
                    conn: conn.clone(),
                    shown: None,
                    fresh: None,
                };
                let seen = Seen {
                    picture: Arc::clone(&picture),
                    unsent: Vec::new(),
                };
                let arrival = Arrival::new(Some(wish), node.clone(), Some(Box::new(seen)));
                peer.ask(*id, arrival, out);
            }
        }
    }

    /// The own request for a peer came by on the room's channel.
    pub(super) fn note_asked(&mut self, id: PeerId, whom: &NodeId, out: &mut impl Outbox<C>) {
        if let Some(peer) = self.peers.get_mut(&id)
            && let Presence::Arriving(arrival) = &mut peer.presence
            && arrival.from == *whom
        {
            arrival.asked = true;
            if arrival.at != arrival.from {
                peer.ask_again(id, out);
            }
        }
    }

    /// A claim was not granted by the node that was asked.
    pub(super) fn hear_denied(&mut self, id: PeerId, by: &NodeId, out: &mut impl Outbox<C>) {
        if let Some(peer) = self.peers.get_mut(&id)
            && let Presence::Arriving(arrival) = &peer.presence
            && arrival.from == *by
        {
            peer.stay_away(out);
        }
    }

    /// Answers a claim: it is this node that was asked.
    pub(super) fn answer(
        &mut self,
        peer: PeerId,
        to: &NodeId,
        user: &UserId,
        secret: Option<&ResumeSecret>,
        out: &mut impl Outbox<C>,
    ) {
        if !self.hand_over(peer, to, user, secret, out) {
            let to = to.clone();
            out.gossip(Gossip::Denied { to, peer });
        }
    }

    /// Gives a peer to the node that claims it, if the claim is good. Returns whether it was.
    fn hand_over(
        &mut self,
        id: PeerId,
        to: &NodeId,
        user: &UserId,
        secret: Option<&ResumeSecret>,
        out: &mut impl Outbox<C>,
    ) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        if peer.member.user != *user || !peer.is_proven(secret) {
            return false;
        }
        let Ok(mut missed) = peer.take_missed(None, out) else {
            self.depart(id, LeaveReason::Disconnected, out);
            return false;
        };
        peer.presence = Presence::Remote(to.clone());
        peer.node_lost = false;
        peer.told = None;
        let mut consumers = std::mem::take(&mut peer.consumers);
        // Whoever asked for these gets no answer any more.
        consumers.retain(|consumer| !consumer.is_to_come());
        out.gossip(Gossip::Handover {
            to: to.clone(),
            peer: id,
            missed: missed.drain().filter_map(Waiting::of).collect(),
            known: self.peers.keys().copied().collect(),
            host: self.host(),
            consumers,
            said: self.said_here,
        });
        true
    }
}

impl<C: Clone + PartialEq> Peer<C> {
    /// Asks for the peer as `arrival` says.
    fn ask(&mut self, id: PeerId, arrival: Arrival<C>, out: &mut impl Outbox<C>) {
        out.gossip(Gossip::Claim {
            peer: id,
            from: arrival.from.clone(),
            user: self.member.user.clone(),
            secret: arrival.proof,
        });
        self.presence = Presence::Arriving(Box::new(arrival));
    }

    /// Asks the node that is now known to have the peer, if anybody still waits.
    pub(super) fn ask_again(&mut self, id: PeerId, out: &mut impl Outbox<C>) {
        let Presence::Arriving(arrival) = &mut self.presence else {
            return;
        };
        let (at, seen) = (arrival.at.clone(), arrival.seen.take());
        match arrival.wish.take() {
            Some(wish) => self.ask(id, Arrival::new(Some(wish), at, seen), out),
            None => self.presence = Presence::Remote(at),
        }
    }

    /// The node that was asked says that it has the peer, and that it did not hear for a time:
    /// it may not have heard the request either, and what was said since is its to keep.
    pub(super) fn doubt_claim(&mut self, id: PeerId, by: &NodeId, out: &mut impl Outbox<C>) {
        if let Presence::Arriving(arrival) = &mut self.presence
            && arrival.asked
            && arrival.from == *by
        {
            arrival.at = by.clone();
            self.ask_again(id, out);
        }
    }

    /// The peer stays with the node that has it.
    pub(super) fn stay_away(&mut self, out: &mut impl Outbox<C>) {
        let Presence::Arriving(arrival) = &mut self.presence else {
            return;
        };
        if let Some(conn) = arrival.speaker() {
            out.cut(conn, CutReason::Replaced);
        }
        self.presence = Presence::Remote(arrival.at.clone());
    }
}

impl<C: Clone + PartialEq> Arrival<C> {
    /// Lets somebody else wait, or nobody. A connection that spoke for the peer until now is
    /// cut, and what it has not passed on is kept.
    fn replace_speaker(&mut self, wish: Option<Wish<C>>, out: &mut impl Outbox<C>) {
        if let Some(conn) = self.speaker() {
            out.cut(conn, CutReason::Replaced);
            let unsent = out.reclaim(conn);
            if let Some(seen) = &mut self.seen {
                seen.unsent.extend(unsent);
            }
        }
        self.wish = wish;
    }

    /// The connection that spoke for the peer until now is lost.
    pub(super) fn lose_speaker(&mut self, out: &mut impl Outbox<C>) {
        if let (Some(wish), Some(seen)) = (self.wish.take(), &mut self.seen) {
            seen.unsent.extend(out.reclaim(&wish.conn));
        }
    }
}
