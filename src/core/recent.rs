//! Which messages were said of late, by their senders' own ids.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use uuid::Uuid;

use super::{ChatMessage, RoomId, UserId};

/// What a re-send is recognised by.
type Key = (RoomId, UserId, Box<str>);

/// The messages of the last minutes that carry an id of their sender, of all rooms, bounded in
/// number. A room forgets what was said in it when everybody has left; this does not.
#[derive(Debug)]
pub struct Recent {
    kept: Duration,
    most: usize,
    messages: HashMap<Key, Arc<ChatMessage>>,
    /// Oldest first.
    order: VecDeque<(Duration, Key)>,
}

impl Recent {
    /// Remembers at most so many messages, and each for so long.
    pub fn new(kept: Duration, most: usize) -> Self {
        Self {
            kept,
            most,
            messages: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Takes note of a message. One that carries no id of its sender is not remembered, nor is
    /// a second one with the same.
    pub fn note(&mut self, message: &Arc<ChatMessage>, now: Duration) {
        self.forget(now);
        let Some(id) = &message.client_id else { return };
        let user = message.author.user.clone();
        let key = (message.room.clone(), user, id.clone());
        if self.messages.contains_key(&key) {
            return;
        }
        self.messages.insert(key.clone(), Arc::clone(message));
        self.order.push_back((now, key));
        self.forget(now);
    }

    /// The message that a user said in a room under an id of its own.
    pub fn find(
        &mut self,
        room: &RoomId,
        user: &UserId,
        client_id: &str,
        now: Duration,
    ) -> Option<Arc<ChatMessage>> {
        self.forget(now);
        let key = (room.clone(), user.clone(), client_id.into());
        self.messages.get(&key).cloned()
    }

    /// A message was said elsewhere before, under another id and at another time: it is that one.
    pub fn rename(&mut self, id: Uuid, to: Uuid, timestamp: u64) {
        let mut messages = self.messages.values_mut();
        if let Some(message) = messages.find(|message| message.id == id) {
            *message = Arc::new(ChatMessage {
                id: to,
                timestamp,
                ..ChatMessage::clone(message)
            });
        }
    }

    fn forget(&mut self, now: Duration) {
        while let Some((at, _)) = self.order.front()
            && (self.order.len() > self.most || now.saturating_sub(*at) >= self.kept)
        {
            if let Some((_, key)) = self.order.pop_front() {
                self.messages.remove(&key);
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/recent.rs"]
mod tests;
