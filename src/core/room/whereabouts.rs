//! Where the peers of a room are.

use super::Room;
use crate::core::peer::Presence;

/// How many peers of a room are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Connected to this node.
    pub online: usize,
    /// Waited for by this node.
    pub away: usize,
    /// On their way here from another node.
    pub arriving: usize,
    /// With other nodes.
    pub remote: usize,
}

impl<C: Clone + PartialEq> Room<C> {
    /// How many peers are where.
    pub fn whereabouts(&self) -> Whereabouts {
        let mut counts = Whereabouts::default();
        for peer in self.peers.values() {
            let count = match peer.presence {
                Presence::Online(_) => &mut counts.online,
                Presence::Away { .. } => &mut counts.away,
                Presence::Arriving(_) => &mut counts.arriving,
                Presence::Remote(_) => &mut counts.remote,
            };
            *count += 1;
        }
        counts
    }
}
