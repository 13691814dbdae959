//! The names by which peers are reached: those that they chose, their ids, and their users'.

use smallvec::{SmallVec, smallvec};

use super::{Refusal, Room, Seat};
use crate::core::{PeerId, UserId, peer::Peer};

impl<C: Clone + PartialEq> Room<C> {
    /// Whether a newcomer may not go by `alias`: somebody in the room does, or is that user or that
    /// peer. It would pass for another, and could not be reached by its name: ids come before names.
    pub fn is_taken(&self, alias: &str) -> bool {
        let id = alias.parse::<PeerId>().ok();
        id.is_some_and(|id| self.peers.contains_key(&id))
            || self.peers.values().any(|peer| {
                peer.member.alias.as_deref() == Some(alias) || peer.member.user.as_str() == alias
            })
    }

    /// Whether another peer of the same user goes by `alias`.
    pub fn is_named(&self, alias: &str, user: &UserId) -> bool {
        let mut members = self.peers.values().map(|peer| &peer.member);
        members.any(|member| member.alias.as_deref() == Some(alias) && member.user == *user)
    }

    /// Whom a peer means by `name`: those that [`Room::find_by_id`] finds, else the peer that goes by
    /// it. A name can be taken before the user comes whose id it is: what is meant for that user must
    /// not go to whoever took it. Itself a peer does not mean. Nobody if it is not in the room.
    pub fn find(&self, seat: Seat<'_, C>, name: &str) -> SmallVec<[PeerId; 4]> {
        let mut meant = self.whose_id(name);
        if meant.is_empty() {
            meant = self.those(|peer| peer.member.alias.as_deref() == Some(name));
        }
        self.others_of(seat, meant)
    }

    /// Whom a peer means by `id`: the peer whose id it is, else all of the user whose id it is. The
    /// names that peers chose do not count, and itself a peer does not mean. Nobody if it is not in
    /// the room.
    pub fn find_by_id(&self, seat: Seat<'_, C>, id: &str) -> SmallVec<[PeerId; 4]> {
        self.others_of(seat, self.whose_id(id))
    }

    fn whose_id(&self, id: &str) -> SmallVec<[PeerId; 4]> {
        match id.parse().ok().filter(|id| self.peers.contains_key(id)) {
            Some(peer) => smallvec![peer],
            None => self.those(|peer| peer.member.user.as_str() == id),
        }
    }

    fn others_of(
        &self,
        seat: Seat<'_, C>,
        mut meant: SmallVec<[PeerId; 4]>,
    ) -> SmallVec<[PeerId; 4]> {
        if self.holds(seat) {
            meant.retain(|peer| *peer != seat.peer);
        } else {
            meant.clear();
        }
        meant
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
