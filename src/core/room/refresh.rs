//! What the shared records say of a room, held against what this node knows.
//!
//! A node that serves a room hears of every change. It reads the records when it begins to
//! serve one, and after it could not hear, or could not make itself heard.

use std::{collections::HashSet, time::Duration};

use super::{NewWindow, Room};
use crate::core::{
    NodeId, Outbox, PeerId, PeerRecord,
    arrival::{Arrival, Doubt},
    peer::{Peer, Presence},
};

/// How long the answer to a claim may be under way on the channel after the records were
/// read. Within it the records alone do not say that it was missed.
const SETTLING: Duration = Duration::from_secs(1);

impl<C: Clone + PartialEq> Room<C> {
    /// Notes that the way to the other nodes is lost: what was said last, and what they
    /// answered, may not have arrived. Until [`Room::refresh`] says more, the room goes on with
    /// what it knows.
    pub fn lose_touch(&mut self) {
        self.out_of_touch = true;
    }

    /// Applies the records of the room, each peer's with the node that has it.
    ///
    /// What was heard before the records were read is older than they are. What is heard while
    /// they are on their way may be newer: the caller keeps it back until they are applied.
    ///
    /// `doubtful` are peers of other nodes that were known before the records were asked for:
    /// those that are not among them are gone. Peers that nobody here heard of come, and if
    /// nobody is here, nobody is told. A peer that is connected here and that another node took
    /// over meanwhile is asked back.
    ///
    /// Returns the windows that this opens.
    pub fn refresh(
        &mut self,
        mut roster: Vec<(PeerRecord, NodeId)>,
        doubtful: &[PeerId],
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Vec<NewWindow> {
        if std::mem::take(&mut self.out_of_touch) {
            self.doubt_arrivals();
        }
        let listed: HashSet<PeerId> = roster.iter().map(|(record, _)| record.id).collect();
        // In their order each is put at the end.
        roster.sort_by_key(|(record, _)| (record.joined, record.id));
        let (alone, new) = (!self.is_served_here(), self.peers.is_empty());
        let (mut windows, mut contested) = (Vec::new(), Vec::new());
        for (record, node) in roster {
            let id = record.id;
            if node == self.me && !new {
                windows.extend(self.refresh_own(&record, now, out));
            } else if self.is_online(id) {
                contested.push((id, node));
            } else if let Some(peer) = self.peers.get_mut(&id) {
                peer.note_at(&record, node, now, out);
                if peer.node().is_some() {
                    self.learn_media(id, record.media.clone(), out);
                }
            } else if alone {
                // In a room that is new to this node, its own are those that it is adopting:
                // its word that it does comes by the channel.
                let mut peer = Peer::remote(record, node);
                let epoch = self.mode.epoch;
                peer.media = peer.media.filter(|media| media.epoch == epoch);
                self.insert(id, peer);
            } else {
                self.hear_joined(&node, record, out);
            }
        }
        for id in doubtful.iter().filter(|id| !listed.contains(id)) {
            if self.peers.get(id).is_some_and(|peer| peer.node().is_some()) {
                self.lose_sight(*id, out);
            }
        }
        self.ask_back(&contested, out);
        windows
    }

    fn doubt_arrivals(&mut self) {
        for peer in self.peers.values_mut() {
            if let Presence::Arriving(arrival) = &mut peer.presence {
                arrival.unsure = true;
                arrival.doubt = None;
            }
        }
    }

    /// The records say that a peer is this node's. If it was asked for, the answer is on its
    /// way or was missed. If it was given away, that was not heard: it is waited for here, so
    /// that somebody has it. If this node does not know it, a synchronisation removes the
    /// record.
    fn refresh_own(
        &mut self,
        record: &PeerRecord,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<NewWindow> {
        let peer = self.peers.get_mut(&record.id)?;
        match &mut peer.presence {
            Presence::Arriving(arrival) => {
                if !arrival.is_settled(true, now) {
                    return None;
                }
                peer.learn_secrets(record);
                self.arrive_unheard(record.id, now, out)
            }
            Presence::Remote(_) => {
                peer.learn_secrets(record);
                self.wait_for(record.id, Vec::new(), now, out)
            }
            Presence::Online(_) | Presence::Away { .. } => None,
        }
    }
}

impl<C> Arrival<C> {
    /// Whether the records have said the same for long enough of a peer whose coming is unsure.
    fn is_settled(&mut self, ours: bool, now: Duration) -> bool {
        if !self.unsure {
            return false;
        }
        match self.doubt {
            Some(doubt) if doubt.ours == ours => now >= doubt.since + SETTLING,
            _ => {
                self.doubt = Some(Doubt { ours, since: now });
                false
            }
        }
    }
}

impl<C: Clone + PartialEq> Peer<C> {
    /// Whether it is on its way here, and the records say that it was given.
    pub(super) fn is_ours_by_record(&self) -> bool {
        matches!(&self.presence, Presence::Arriving(arrival)
            if arrival.doubt.is_some_and(|doubt| doubt.ours))
    }

    /// The records say that another node has the peer, which is not connected here.
    fn note_at(
        &mut self,
        record: &PeerRecord,
        node: NodeId,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) {
        match &mut self.presence {
            Presence::Online(_) => {}
            Presence::Away { .. } | Presence::Remote(_) => {
                self.presence = Presence::Remote(node);
                self.learn_secrets(record);
            }
            Presence::Arriving(arrival) if arrival.asked && arrival.at != node => {
                arrival.at = node;
                self.ask_again(record.id, out);
            }
            Presence::Arriving(arrival) => {
                if arrival.is_settled(false, now) {
                    arrival.at = node;
                    self.ask_again(record.id, out);
                }
            }
        }
    }
}
