//! The names by which peers are reached: those that they chose, their ids, and their users'.

use smallvec::SmallVec;

use super::{Refusal, Room, Seat};
use crate::core::{PeerId, peer::Peer};

impl<C: Clone + PartialEq> Room<C> {
    /// Whether a newcomer may not go by `alias`: somebody in the room does, or is that user or that
    /// peer. Names come before ids where somebody is looked for, so whoever were called as another's
    /// id would get what is meant for the other.
    pub fn is_taken(&self, alias: &str) -> bool {
        let id = alias.parse::<PeerId>().ok();
        id.is_some_and(|id| self.peers.contains_key(&id))
            || self.peers.values().any(|peer| {
                peer.member.alias.as_deref() == Some(alias) || peer.member.user.as_str() == alias
            })
    }

    /// Whom a peer means by `name`: the peer that goes by it, else the one whose id it is, else
    /// all of the user whose id it is. Itself it does not mean. Nobody if it is not in the room.
    pub fn find(&self, seat: Seat<'_, C>, name: &str) -> SmallVec<[PeerId; 4]> {
        if !self.holds(seat) {
            return SmallVec::new();
        }
        let mut found = self.those(|peer| peer.member.alias.as_deref() == Some(name));
        if found.is_empty() {
            let id = name.parse().ok();
            found.extend(id.filter(|id| self.peers.contains_key(id)));
        }
        if found.is_empty() {
            found = self.those(|peer| peer.member.user.as_str() == name);
        }
        found.retain(|id| *id != seat.peer);
        found
    }

    /// The other peers, oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`].
    pub fn others(&self, seat: Seat<'_, C>) -> Result<SmallVec<[PeerId; 10]>, Refusal> {
        if !self.holds(seat) {
            return Err(Refusal::NotInRoom);
        }
        let others = self.peers.keys().filter(|id| **id != seat.peer);
        Ok(others.copied().collect())
    }

    fn those(&self, are_meant: impl Fn(&Peer<C>) -> bool) -> SmallVec<[PeerId; 4]> {
        let meant = self.peers.iter().filter(|(_, peer)| are_meant(peer));
        meant.map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
#[path = "../tests/naming.rs"]
mod tests;
