//! What peers say to each other, and what only the host may say.

use std::{borrow::Cow, sync::Arc};

use serde_json::value::RawValue;

use super::{Refusal, Room, Seat, delivery::Departure};
use crate::core::{
    ChatDraft, ChatMessage, Event, Gossip, HistoryQuery, LeaveReason, Outbox, PeerId, RelayKind,
};

impl<C: Clone + PartialEq> Room<C> {
    /// Hands a signalling message to one peer of the room.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::PeerNotFound`].
    pub fn relay(
        &mut self,
        seat: Seat<'_, C>,
        to: PeerId,
        kind: RelayKind,
        body: &RawValue,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.check(seat)?;
        let target = self.peers.get(&to).ok_or(Refusal::PeerNotFound)?;
        // A peer that is on its way may stay where it is: the node that has it then wants this.
        if target.node().is_some() {
            let (from, body) = (seat.peer, Cow::Borrowed(body));
            out.gossip(Gossip::Relay {
                kind,
                from,
                to,
                body,
            });
        }
        self.tell(
            to,
            &Event::Relay {
                kind,
                from: seat.peer,
                to,
                body: Cow::Borrowed(body),
            },
            out,
        );
        Ok(())
    }

    /// Says something to everybody in the room, the sender included. A re-send, recognised
    /// by the sender's own id, is answered with the first message and heard by nobody.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::Chat`].
    pub fn chat(
        &mut self,
        seat: Seat<'_, C>,
        draft: &ChatDraft<'_>,
        out: &mut impl Outbox<C>,
    ) -> Result<Arc<ChatMessage>, Refusal> {
        let author = Arc::clone(&self.check(seat)?.member);
        let text = draft.text()?;
        if let Some(first) = draft
            .client_id
            .and_then(|id| self.chat.find(&author.user, id))
        {
            return Ok(Arc::clone(first));
        }
        let message = Arc::new(ChatMessage {
            id: self.chat.next_id(draft.id),
            room: self.id.clone(),
            peer: seat.peer,
            author,
            content: text.into(),
            timestamp: draft.timestamp,
            client_id: draft.client_id.map(Into::into),
        });
        self.chat.push(&message);
        out.gossip(Gossip::Chat(Arc::clone(&message)));
        self.announce(&Event::Chat(Arc::clone(&message)), out);
        Ok(message)
    }

    /// Remembers what was said before this node served the room. Nobody is told.
    pub fn recall(&mut self, messages: impl IntoIterator<Item = Arc<ChatMessage>>) {
        for message in messages {
            if !self.chat.has(message.id) {
                self.chat.push(&message);
            }
        }
    }

    /// What was said, oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`].
    pub fn history(
        &self,
        seat: Seat<'_, C>,
        query: HistoryQuery,
    ) -> Result<Vec<Arc<ChatMessage>>, Refusal> {
        if !self.holds(seat) {
            return Err(Refusal::NotInRoom);
        }
        Ok(self.chat.page(query))
    }

    /// Removes a peer, if the host asks.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NotHost`], [`Refusal::SelfKick`],
    /// [`Refusal::PeerNotFound`].
    pub fn kick(
        &mut self,
        seat: Seat<'_, C>,
        target: PeerId,
        reason: &str,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.check(seat)?;
        if self.host() != Some(seat.peer) {
            return Err(Refusal::NotHost);
        }
        if target == seat.peer {
            return Err(Refusal::SelfKick);
        }
        if !self.peers.contains_key(&target) {
            return Err(Refusal::PeerNotFound);
        }
        let note: Arc<str> = reason.into();
        let farewell = Event::Kicked {
            room: self.id.clone(),
            reason: Arc::clone(&note),
        };
        self.tell(target, &farewell, out);
        let reason = LeaveReason::Kicked;
        self.remove(
            Departure {
                peer: target,
                reason,
                note,
                tell: true,
            },
            out,
        );
        Ok(())
    }
}
