//! What peers say to each other, and what only the host may say.

use std::{borrow::Cow, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use smallvec::SmallVec;
use uuid::Uuid;

use super::{Refusal, Room, Seat, delivery::Departure};
use crate::core::{
    ChatDraft, ChatMessage, Event, Gossip, HistoryQuery, LeaveReason, NodeId, Outbox, PeerId,
    RelayKind, Spoken, UserId, Utterance, chat::text_of, peer::Peer,
};

/// How far the clocks of nodes that are kept by NTP may be apart. Who came that shortly after a message
/// was said is told of it, perhaps once more: better than not at all.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);

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
        let sender = Some(Arc::clone(&self.check(seat)?.member));
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
                sender,
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
        let utterance = self.utter(seat, draft.content, draft.client_id)?;
        let id = self.next_chat_id(draft.id);
        let spoken = self.say(utterance, id, draft.timestamp, out);
        Ok(Arc::clone(spoken.message()))
    }

    /// Checks what a peer wants to say, and does not say it yet: it may take a while to find
    /// out whether it is a re-send of what was said elsewhere. From then on it does not matter
    /// whether the peer stays.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::Chat`].
    pub fn utter(
        &mut self,
        seat: Seat<'_, C>,
        content: &str,
        client_id: Option<&str>,
    ) -> Result<Utterance, Refusal> {
        let author = Arc::clone(&self.check(seat)?.member);
        Ok(Utterance {
            peer: seat.peer,
            author,
            content: text_of(content)?.into(),
            client_id: client_id.map(Into::into),
        })
    }

    /// The message that a user said under an id of its own, if this room remembers it.
    pub fn said_before(&self, user: &UserId, client_id: &str) -> Option<Arc<ChatMessage>> {
        self.chat.find(user, client_id).cloned()
    }

    /// The id that something said now is to have: the one that was `drawn`, unless a later one is
    /// needed to come after what was said already.
    pub fn next_chat_id(&self, drawn: Uuid) -> Uuid {
        self.chat.next_id(drawn)
    }

    /// Says an utterance to everybody in the room, unless it has been said before. `timestamp` is
    /// in milliseconds since the Unix epoch.
    pub fn say(
        &mut self,
        utterance: Utterance,
        id: Uuid,
        timestamp: u64,
        out: &mut impl Outbox<C>,
    ) -> Spoken {
        let Utterance {
            peer,
            author,
            content,
            client_id,
        } = utterance;
        let before = client_id.as_ref();
        if let Some(first) = before.and_then(|id| self.chat.find(&author.user, id)) {
            return Spoken::Again(Arc::clone(first));
        }
        let message = Arc::new(ChatMessage {
            id,
            room: self.id.clone(),
            peer,
            author,
            content,
            timestamp,
            client_id,
        });
        self.chat.push(&message);
        self.said_here = Some(id);
        out.gossip(Gossip::Chat(Arc::clone(&message)));
        self.announce(&Event::Chat(Arc::clone(&message)), out);
        Spoken::New(message)
    }

    /// Remembers what was said before this node served the room. Nobody is told.
    pub fn recall(&mut self, messages: impl IntoIterator<Item = Arc<ChatMessage>>) {
        for message in messages {
            if !self.chat.has(message.id) {
                self.chat.push(&message);
            }
        }
    }

    /// A message that was said here was said elsewhere before, under another id and at another time, in
    /// milliseconds since the Unix epoch: it is remembered as that. Those who heard it know its
    /// sender's id for it.
    pub fn know_chat_as(&mut self, id: Uuid, to: Uuid, timestamp: u64) {
        self.chat.rename(id, to, timestamp);
    }

    /// Takes in what was said while this node may not have heard everything. Those that are here
    /// are told what is new of it, if it was said at `since` or later, in milliseconds since the
    /// Unix epoch: what is older they know, or never asked for. `messages` are oldest first; `now`
    /// is the time on the caller's monotonic clock and since the Unix epoch.
    ///
    /// A peer that has come from another node since then may have heard it there.
    pub fn hear_late(
        &mut self,
        messages: impl IntoIterator<Item = Arc<ChatMessage>>,
        since: u64,
        (now, unix_now): (Duration, u64),
        out: &mut impl Outbox<C>,
    ) {
        for message in messages {
            if self.chat.may_have_had(message.id) {
                continue;
            }
            self.chat.push(&message);
            if message.timestamp < since {
                continue;
            }
            let age = Duration::from_millis(unix_now.saturating_sub(message.timestamp));
            let said = now.saturating_sub(age);
            let here = |peer: &Peer<C>| peer.came.is_none_or(|came| came <= said + CLOCKS_DIFFER);
            let peers = self.peers.iter().filter(|(_, peer)| here(peer));
            let peers: Vec<PeerId> = peers.map(|(id, _)| *id).collect();
            for peer in peers {
                self.tell(peer, &Event::Chat(Arc::clone(&message)), out);
            }
        }
    }

    /// A peer that `from` hands over was told all that was said there up to one message, which may
    /// not have got here yet.
    pub(super) fn note_told(&mut self, id: PeerId, from: &NodeId, said: Option<Uuid>) {
        let told = said.filter(|said| !self.chat.may_have_had(*said));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.told = told.map(|said| (from.clone(), said));
        }
    }

    /// The peers that were told of a message by the node that says it now, and that had them then.
    /// A node says its messages in order: once the last of those has come, that is over.
    pub(super) fn knowing(&mut self, message: Uuid) -> SmallVec<[PeerId; 4]> {
        let mut knowing = SmallVec::new();
        for (id, peer) in &mut self.peers {
            if let Some((node, said)) = &peer.told
                && Some(node) == self.hearing.as_ref()
            {
                let said = *said;
                if message <= said {
                    knowing.push(*id);
                }
                if message >= said {
                    peer.told = None;
                }
            }
        }
        knowing
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

#[cfg(test)]
#[path = "../tests/talk.rs"]
mod tests;
