//! How media flows: peer to peer in a mesh, or through a media server.
//!
//! The mode is a register that all nodes share. Whoever wants to change it proposes a state, and
//! the shared records take the first of several proposals for the same state; all nodes, the one
//! that proposed included, apply it at its place in the order of the room's channel. Without
//! other nodes a proposal is applied at once.

use std::sync::Arc;

use super::Room;
use crate::core::{Event, Gossip, Mode, ModeReason, ModeState, Outbox, PeerId, peer::Peer};

/// A room with fewer peers than this does as well without a media server, and goes back to a
/// mesh when that is gone.
const MIN_SFU_PEERS: usize = 4;

impl<C: Clone + PartialEq> Room<C> {
    /// How media flows.
    pub const fn mode(&self) -> &ModeState {
        &self.mode
    }

    /// Bounds the room to so many peers, whatever its mode.
    pub fn set_capacity(&mut self, capacity: Option<usize>) {
        self.capacity = capacity.unwrap_or(usize::MAX);
    }

    /// How many peers the room holds in its mode.
    pub fn places(&self) -> usize {
        let places = match self.mode.mode {
            Mode::P2p => self.limits.max_p2p_peers,
            Mode::Sfu => self.limits.max_sfu_peers,
        };
        places.min(self.capacity)
    }

    /// Whether a room that is full would not be if its media went through a server.
    pub fn would_grow(&self) -> bool {
        self.mode.mode == Mode::P2p
            && self.limits.max_sfu_peers.min(self.capacity) > self.limits.max_p2p_peers
    }

    /// Whether the room does as well without the media server that it is on.
    pub fn is_small_for_sfu(&self) -> bool {
        self.mode.mode == Mode::Sfu && self.peers.len() < MIN_SFU_PEERS
    }

    /// The peers of this node that the media server should know.
    pub fn established_peers(&self) -> Vec<PeerId> {
        let established = |peer: &Peer<C>| {
            let media = peer.media.as_ref();
            peer.node().is_none() && media.is_some_and(|media| !media.transports.is_empty())
        };
        let peers = self.peers.iter().filter(|(_, peer)| established(peer));
        peers.map(|(id, _)| *id).collect()
    }

    /// The state that follows on the present one.
    pub fn proposal(&self, mode: Mode, media: Option<Arc<str>>, reason: ModeReason) -> ModeState {
        ModeState {
            epoch: self.mode.epoch.saturating_add(1),
            mode,
            media,
            reason,
        }
    }

    /// Applies a change of mode, unless a later one is known. All that are here are told, and
    /// what peers have in the former media server is given up.
    ///
    /// Returns whether it was news.
    pub fn change_mode(&mut self, state: ModeState, out: &mut impl Outbox<C>) -> bool {
        let news = state.epoch > self.mode.epoch;
        if news {
            self.take_mode(state, out);
        }
        news
    }

    /// Applies what the shared records say of the mode. Of two states of the same epoch, which
    /// come of a partition, theirs counts.
    pub fn refresh_mode(&mut self, kept: Option<ModeState>, out: &mut impl Outbox<C>) {
        if let Some(kept) = kept
            && kept.epoch >= self.mode.epoch
            && kept != self.mode
        {
            self.take_mode(kept, out);
        }
    }

    fn take_mode(&mut self, state: ModeState, out: &mut impl Outbox<C>) {
        let before = std::mem::replace(&mut self.mode, state);
        self.give_up_media(&before, out);
        let (mode, reason) = match (before.mode, self.mode.mode) {
            (Mode::P2p, Mode::P2p) => return,
            // However it came about: what was there is gone.
            (Mode::Sfu, Mode::Sfu) => (Mode::Sfu, ModeReason::MediaMoved),
            (_, mode) => (mode, self.mode.reason),
        };
        let room = self.id.clone();
        self.announce(&Event::ModeChanged { room, mode, reason }, out);
    }

    /// A room that nobody is in begins anew.
    pub(super) fn reset_mode(&mut self) {
        self.mode = ModeState::initial(self.begins);
    }

    /// What peers have in a media server does not count any more, and is closed, even where the
    /// room stays: each node sees to its own.
    fn give_up_media(&mut self, before: &ModeState, out: &mut impl Outbox<C>) {
        let mut own: Vec<PeerId> = Vec::new();
        for (id, peer) in &mut self.peers {
            peer.consumers = Vec::new();
            if peer.media.take().is_some() && peer.node().is_none() {
                own.push(*id);
            }
        }
        for id in own {
            if let Some(server) = before.media.as_deref() {
                out.release_media(server, id);
            }
            if let Some(peer) = self.peers.get(&id) {
                out.gossip(Gossip::Renewed(peer.record(id)));
            }
        }
    }
}
