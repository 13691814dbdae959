//! The part of a room that other nodes serve.
//!
//! Each node has the whole roster, and decides about its own peers alone. The room's channel
//! gives what nodes say one order.

use std::{sync::Arc, time::Duration};

use super::{Room, delivery::Departure};
use crate::core::{
    Event, Gossip, HostState, LeaveReason, ModeState, NodeId, Outbox, PeerId, PeerRecord, Waiting,
    arrival::Known,
    peer::{Peer, Presence},
};

/// A peer that a node just began to wait for, and until when, on the caller's monotonic clock.
pub type NewWindow = (PeerId, Duration);

impl<C: Clone + PartialEq> Room<C> {
    /// Whether this node has anybody here, or on the way here.
    pub fn is_served_here(&self) -> bool {
        self.peers
            .values()
            .any(|peer| !matches!(peer.presence, Presence::Remote(_)))
    }

    /// The peers that this node has: connected, or away and waited for.
    pub fn own_records(&self) -> Vec<PeerRecord> {
        let own = self.peers.iter().filter(|(_, peer)| peer.node().is_none());
        own.map(|(id, peer)| peer.record(*id)).collect()
    }

    /// The open connections of this node that speak for peers.
    pub fn speakers(&self) -> impl Iterator<Item = &C> {
        self.peers.values().filter_map(Peer::speaker)
    }

    /// The peers that this node asked for and that have not come yet, those that nobody waits
    /// for any more included: the records may already say that they are here.
    pub fn arriving(&self) -> Vec<PeerId> {
        let arriving = |peer: &Peer<C>| matches!(peer.presence, Presence::Arriving(_));
        let arriving = self.peers.iter().filter(|(_, peer)| arriving(peer));
        arriving.map(|(id, _)| *id).collect()
    }

    /// The peers that other nodes have, as far as is known, those on their way here included.
    pub fn remote_peers(&self) -> Vec<PeerId> {
        let remote = self.peers.iter().filter(|(_, peer)| peer.node().is_some());
        remote.map(|(id, _)| *id).collect()
    }

    /// The other node that has a peer, as far as is known.
    pub fn node_of(&self, peer: PeerId) -> Option<&NodeId> {
        self.peers.get(&peer)?.node()
    }

    /// The other nodes that have peers of this room.
    pub fn other_nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = self
            .peers
            .values()
            .filter_map(Peer::node)
            .cloned()
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Applies what the node `from` said; of the own messages only [`Gossip::Claim`] and
    /// [`Gossip::Adopted`]. Returns the windows that this opens.
    pub fn hear(
        &mut self,
        from: &NodeId,
        said: Gossip<'_>,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Vec<NewWindow> {
        if *from == self.me {
            return self.hear_oneself(said, now, out);
        }
        self.hearing = Some(from.clone());
        let mut window = None;
        match said {
            Gossip::Joined(record) => self.hear_joined(from, record, out),
            Gossip::Left { peer, reason, note } => self.hear_left(peer, reason, note, out),
            said @ (Gossip::Relay { .. } | Gossip::Chat(_)) => self.hear_said(said, out),
            Gossip::Claim {
                peer,
                from: of,
                user,
                secret,
            } if of == self.me => self.answer(peer, from, &user, secret.as_ref(), out),
            Gossip::Handover {
                to,
                peer,
                missed,
                known,
                host,
                consumers,
                said,
            } if to == self.me => {
                self.note_told(peer, from, said);
                let known = known.into_iter().map(|id| (id, self.member(id).cloned()));
                let known = Known::new(known.collect::<Vec<_>>(), host);
                window = self.arrive(peer, missed, known, consumers, now, out);
            }
            Gossip::Handover { to, peer, .. } => self.hear_moved(peer, &to, out),
            Gossip::Denied { to, peer } if to == self.me => self.hear_denied(peer, from, out),
            Gossip::Claim { .. } | Gossip::Denied { .. } => {}
            Gossip::Adopted(peers) => self.hear_adopted(from, &peers, out),
            Gossip::Again { peer, gone, missed } => self.hear_again(peer, gone, missed, out),
            Gossip::Renewed(record) => self.hear_renewed(from, &record, out),
            Gossip::Mode(state) => self.hear_registers(Some(state), None, out),
            Gossip::Host(state) => self.hear_registers(None, Some(state), out),
            Gossip::Roster {
                peers,
                deaf,
                mode,
                host,
            } => {
                self.hear_registers(mode, host, out);
                self.hear_roster(from, peers, deaf, out);
            }
        }
        self.hearing = None;
        window.into_iter().collect()
    }

    /// How media flows, and who was made the host.
    fn hear_registers(
        &mut self,
        mode: Option<ModeState>,
        host: Option<HostState>,
        out: &mut impl Outbox<C>,
    ) {
        if let Some(mode) = mode {
            self.change_mode(mode, out);
        }
        self.change_host(host, out);
    }

    /// What peers of other nodes say.
    fn hear_said(&mut self, said: Gossip<'_>, out: &mut impl Outbox<C>) {
        match said {
            Gossip::Relay {
                kind,
                from,
                to,
                body,
            } => {
                let relay = Event::Relay {
                    kind,
                    from,
                    sender: self.member(from).cloned(),
                    to,
                    body,
                };
                self.tell(to, &relay, out);
            }
            // After an outage a message may be sent once more.
            Gossip::Chat(message) if !self.chat.has(message.id) => {
                self.chat.push(&message);
                let knowing = self.knowing(message.id);
                for slow in self.post_to_all(&knowing, &Event::Chat(message), out) {
                    self.depart(slow, LeaveReason::Disconnected, out);
                }
            }
            _ => {}
        }
    }

    /// What a peer did not get from others while nobody had it. It is for this node if it has
    /// the peer now, or will.
    fn hear_again(
        &mut self,
        id: PeerId,
        gone: bool,
        missed: Vec<Waiting>,
        out: &mut impl Outbox<C>,
    ) {
        // What is for another, whatever the node says that sent it, is not for this one.
        let missed = missed.into_iter().map(Event::from);
        for event in missed.filter(|event| event.is_for(id)) {
            let event = self.with_sender(event);
            let kept = match self.peers.get_mut(&id) {
                Some(Peer {
                    presence: Presence::Arriving(arrival),
                    ..
                }) => {
                    if arrival.again.push(&event).is_err() {
                        // More than can be made good: the peer is better off as a new one.
                        arrival.missed = None;
                    }
                    Ok(())
                }
                // The node that was asked has answered meanwhile, with all that it had.
                _ if !gone => return,
                // Whoever took it over may have been told of it after it heard newer things.
                Some(Peer {
                    presence: Presence::Away { missed, .. },
                    node_lost: true,
                    ..
                }) => missed.push_before(event),
                _ => {
                    self.tell(id, &event, out);
                    Ok(())
                }
            };
            if kept.is_err() {
                return self.depart(id, LeaveReason::Disconnected, out);
            }
        }
    }

    /// A relay as it is told: on the way between nodes it does not say who is behind the sender.
    fn with_sender(&self, event: Event<'static>) -> Event<'static> {
        match event {
            Event::Relay {
                kind,
                from,
                sender: None,
                to,
                body,
            } => Event::Relay {
                kind,
                from,
                sender: self.member(from).cloned(),
                to,
                body,
            },
            event => event,
        }
    }

    /// What this node said itself, at its place in the order of the channel.
    fn hear_oneself(
        &mut self,
        said: Gossip<'_>,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Vec<NewWindow> {
        match said {
            Gossip::Claim { peer, from, .. } => self.note_asked(peer, &from, out),
            Gossip::Adopted(peers) => return self.take_in(&peers, now, out),
            Gossip::Again { peer, gone, missed } => self.hear_again(peer, gone, missed, out),
            Gossip::Mode(state) => {
                // In its place among what others said: for a peer on its way it counts like that.
                self.hearing = Some(self.me.clone());
                self.change_mode(state, out);
                self.hearing = None;
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn hear_joined(
        &mut self,
        from: &NodeId,
        record: PeerRecord,
        out: &mut impl Outbox<C>,
    ) {
        let id = record.id;
        if self.peers.contains_key(&id) {
            // Learnt from the records before it was told.
            return;
        }
        let host = self.host();
        let mut peer = Peer::remote(record, from.clone());
        let (info, media) = (peer.info(id), peer.media.take());
        self.insert(id, peer);
        let mut slow = self.post_to_all(&[id], &Event::PeerJoined(info), out);
        slow.extend(self.tell_new_host(host, out));
        for slow in slow {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
        self.learn_media(id, media, out);
    }

    fn hear_left(
        &mut self,
        peer: PeerId,
        reason: LeaveReason,
        note: Arc<str>,
        out: &mut impl Outbox<C>,
    ) {
        if reason == LeaveReason::Kicked {
            let farewell = Event::Kicked {
                room: self.id.clone(),
                reason: Arc::clone(&note),
            };
            self.tell(peer, &farewell, out);
        }
        let here = self.peers.get(&peer);
        if here.is_some_and(|peer| peer.node().is_none()) {
            // Until now this node may have said that it has the peer: it takes that back. And what
            // is under way to the media server whoever removed the peer cannot know.
            let media = here.and_then(|peer| peer.media.as_ref());
            if let (Some(_), Some(server)) = (media, &self.mode.media) {
                out.release_media(server, peer);
            }
            let note = Arc::clone(&note);
            out.gossip(Gossip::Left { peer, reason, note });
        }
        self.remove(
            Departure {
                peer,
                reason,
                note,
                tell: false,
            },
            out,
        );
    }

    /// Another node looks after peers of a node that is gone, or that it takes for gone.
    fn hear_adopted(&mut self, from: &NodeId, peers: &[PeerId], out: &mut impl Outbox<C>) {
        let (here, moved): (Vec<PeerId>, _) = peers.iter().partition(|id| self.is_online(**id));
        for peer in moved {
            self.hear_moved(peer, from, out);
        }
        let here: Vec<_> = here.into_iter().map(|id| (id, from.clone())).collect();
        self.ask_back(&here, out);
    }

    /// What a peer's node says of its secrets, and of what it has in the media server.
    fn hear_renewed(&mut self, from: &NodeId, record: &PeerRecord, out: &mut impl Outbox<C>) {
        let Some(peer) = self.peers.get_mut(&record.id) else {
            return;
        };
        if matches!(peer.presence, Presence::Remote(_) | Presence::Arriving(_)) {
            peer.learn_secrets(record);
            if peer.node() == Some(from) {
                self.learn_media(record.id, record.media.clone(), out);
            }
        }
    }

    /// All peers that another node has.
    fn hear_roster(
        &mut self,
        from: &NodeId,
        peers: Vec<PeerRecord>,
        deaf: bool,
        out: &mut impl Outbox<C>,
    ) {
        let listed: std::collections::HashSet<PeerId> = peers.iter().map(|peer| peer.id).collect();
        let theirs = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.node() == Some(from) && !peer.is_ours_by_record());
        let gone: Vec<PeerId> = theirs
            .map(|(id, _)| *id)
            .filter(|id| !listed.contains(id))
            .collect();
        for peer in gone {
            self.lose_sight(peer, out);
        }
        for record in peers {
            if let Some(peer) = self.peers.get_mut(&record.id) {
                if deaf {
                    peer.doubt_claim(record.id, from, out);
                }
                self.hear_moved(record.id, from, out);
                self.hear_renewed(from, &record, out);
            } else {
                self.hear_joined(from, record, out);
            }
        }
    }

    /// A peer of another node is no more: its leave was not heard.
    pub(super) fn lose_sight(&mut self, peer: PeerId, out: &mut impl Outbox<C>) {
        self.remove(
            Departure {
                peer,
                reason: LeaveReason::Disconnected,
                note: Arc::default(),
                tell: false,
            },
            out,
        );
    }

    pub(super) fn is_online(&self, peer: PeerId) -> bool {
        let peer = self.peers.get(&peer);
        peer.is_some_and(|peer| matches!(peer.presence, Presence::Online(_)))
    }
}

#[cfg(test)]
#[path = "../tests/remote.rs"]
mod tests;
