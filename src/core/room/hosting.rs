//! Who hosts a room: the peer that was made the host, while it is there, else the one that has
//! been there longest.
//!
//! Who was made the host is a register that all nodes share, of which the last state counts. The
//! node of the host applies a change at once and tells the others; whoever it reaches, by the
//! channel or by the records, takes it if it is later than what it knows. Who hosts follows from
//! the register and from who is in the room, so that all nodes come to the same.

use super::{Refusal, Room, Seat, delivery::Cutoffs};
use crate::core::{Event, Gossip, HostState, LeaveReason, Outbox, PeerId};

impl<C: Clone + PartialEq> Room<C> {
    /// The host; there is one exactly while the room is not empty.
    pub fn host(&self) -> Option<PeerId> {
        let appointed = self.appointed.map(|state| state.peer);
        appointed
            .filter(|peer| self.peers.contains_key(peer))
            .or_else(|| self.peers.first().map(|(id, _)| *id))
    }

    /// The peer that was last made the host, if one ever was. It may have left since.
    pub const fn appointed(&self) -> Option<HostState> {
        self.appointed
    }

    /// Makes another peer the host, if the host asks; whether it is connected now does not matter.
    /// A host that names itself stays what it is.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NotHost`], [`Refusal::PeerNotFound`].
    pub fn appoint(
        &mut self,
        seat: Seat<'_, C>,
        target: PeerId,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.check(seat)?;
        if self.host() != Some(seat.peer) {
            return Err(Refusal::NotHost);
        }
        if !self.peers.contains_key(&target) {
            return Err(Refusal::PeerNotFound);
        }
        if target == seat.peer {
            return Ok(());
        }
        let term = self.appointed.map_or(0, |state| state.term);
        let state = HostState {
            term: term.saturating_add(1),
            peer: target,
        };
        out.gossip(Gossip::Host(state));
        self.take_host(state, out);
        Ok(())
    }

    /// Applies what another node, or the shared records, say of who was made the host, unless
    /// something later is known.
    pub fn change_host(&mut self, state: Option<HostState>, out: &mut impl Outbox<C>) {
        if let Some(state) = state
            && Some(state) > self.appointed
        {
            self.take_host(state, out);
        }
    }

    fn take_host(&mut self, state: HostState, out: &mut impl Outbox<C>) {
        let before = self.host();
        self.appointed = Some(state);
        for slow in self.tell_new_host(before, out) {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// Tells of a new host, if there is another than `before`.
    pub(super) fn tell_new_host(
        &mut self,
        before: Option<PeerId>,
        out: &mut impl Outbox<C>,
    ) -> Cutoffs {
        match self.host() {
            Some(host) if before.is_some_and(|before| before != host) => {
                let member = self.member(host).cloned();
                self.post_to_all(&[], &Event::HostChanged { host, member }, out)
            }
            _ => Cutoffs::new(),
        }
    }

    /// A room that nobody is in begins anew.
    pub(super) const fn reset_host(&mut self) {
        self.appointed = None;
    }
}

#[cfg(test)]
#[path = "../tests/hosting.rs"]
mod tests;
