//! What was said in a room, kept while the room lives.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::{Member, PeerId, RoomId, UserId};

/// The longest message, in Unicode scalar values, after trimming.
pub const MAX_CHAT_CHARS: usize = 4_000;

/// The most messages a room remembers.
pub const MAX_CHAT_MESSAGES: usize = 1_000;

/// The most bytes of text a room remembers, so that long messages cannot outgrow the count.
const MAX_BYTES: usize = 1024 * 1024;

/// One message as everybody in the room gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// A version 7 UUID (RFC 9562): ids sort by time.
    pub id: Uuid,
    /// Where it was said.
    pub room: RoomId,
    /// The peer that said it.
    pub peer: PeerId,
    /// The user behind the peer.
    pub author: Arc<Member>,
    /// The text, trimmed.
    pub content: Box<str>,
    /// Milliseconds since the Unix epoch, by the gateway's clock.
    pub timestamp: u64,
    /// The sender's own id for it, by which a re-send is recognised.
    pub client_id: Option<Box<str>>,
}

/// A message that has not been accepted yet. Id and time are given by the caller.
#[derive(Clone, Debug)]
pub struct ChatDraft<'a> {
    /// The id that it is to have.
    pub id: Uuid,
    /// Milliseconds since the Unix epoch.
    pub timestamp: u64,
    /// The text as it was sent.
    pub content: &'a str,
    /// The sender's own id for it.
    pub client_id: Option<&'a str>,
}

/// Why a text is no chat message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChatError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Over [`MAX_CHAT_CHARS`].
    #[error("must be at most {MAX_CHAT_CHARS} characters")]
    TooLong,
    /// A control character other than newline and tab.
    #[error("must not contain control characters other than newline and tab")]
    ControlCharacter,
}

impl ChatDraft<'_> {
    /// The text as it will be sent on.
    ///
    /// # Errors
    /// If it is empty, too long, or has control characters.
    pub fn text(&self) -> Result<&str, ChatError> {
        text_of(self.content)
    }
}

/// `content` as it will be sent on.
pub(super) fn text_of(content: &str) -> Result<&str, ChatError> {
    let text = content.trim();
    if text.is_empty() {
        return Err(ChatError::Empty);
    }
    if text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return Err(ChatError::ControlCharacter);
    }
    // Four bytes are the most that one character takes: most texts need no counting.
    if text.len() > MAX_CHAT_CHARS && text.chars().count() > MAX_CHAT_CHARS {
        return Err(ChatError::TooLong);
    }
    Ok(text)
}

/// A text that was checked, with who says it: all that makes a message but its id and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// The peer that says it.
    pub peer: PeerId,
    /// The user behind the peer.
    pub author: Arc<Member>,
    /// The text, trimmed.
    pub content: Box<str>,
    /// The sender's own id for it.
    pub client_id: Option<Box<str>>,
}

/// What became of an utterance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// Everybody in the room was told.
    New(Arc<ChatMessage>),
    /// It had been said before, as this message. Nobody was told.
    Again(Arc<ChatMessage>),
}

impl Spoken {
    /// The message, old or new.
    pub const fn message(&self) -> &Arc<ChatMessage> {
        match self {
            Self::New(message) | Self::Again(message) => message,
        }
    }
}

/// Which part of the history is asked for.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Only what was said before this message; `None` for the newest.
    pub before: Option<Uuid>,
    /// At most this many.
    pub limit: usize,
}

/// An id of version 7 (RFC 9562 §5.7) just after `last`, with the randomness of `drawn`: several
/// nodes may be looking for one at the same time.
fn later(last: Uuid, drawn: Uuid) -> Uuid {
    const COUNTER_BITS: u32 = 12;
    const COUNTER: u128 = (1 << COUNTER_BITS) - 1;
    const RANDOM: u128 = (1 << 62) - 1;
    const VERSION_7: u128 = 0x7000;
    const VARIANT: u128 = 0b10 << 62;
    let (last, drawn) = (last.as_u128(), drawn.as_u128());
    let (millis, counter) = (last >> 80, (last >> 64) & COUNTER);
    // When the counter is full the id is a millisecond ahead, which nobody minds.
    let next = ((millis << COUNTER_BITS) | counter) + 1;
    let high = ((next >> COUNTER_BITS) << 16) | VERSION_7 | (next & COUNTER);
    Uuid::from_u128((high << 64) | VARIANT | (drawn & RANDOM))
}

/// The newest messages of a room, and which re-sends they answer.
#[derive(Debug, Default)]
pub(super) struct ChatLog {
    messages: VecDeque<Arc<ChatMessage>>,
    bytes: usize,
    ids: HashSet<Uuid>,
    by_client_id: HashMap<(UserId, Box<str>), Arc<ChatMessage>>,
    /// The newest of those that were forgotten.
    forgotten: Option<Uuid>,
}

impl ChatLog {
    /// The message that this user already sent under `client_id`.
    pub(super) fn find(&self, user: &UserId, client_id: &str) -> Option<&Arc<ChatMessage>> {
        if self.by_client_id.is_empty() {
            return None;
        }
        self.by_client_id.get(&(user.clone(), client_id.into()))
    }

    /// The id of a message that is said now: the one that was drawn, unless that would put it
    /// before what was said already. In one millisecond ids have no order, and the clocks of
    /// nodes differ.
    pub(super) fn next_id(&self, drawn: Uuid) -> Uuid {
        match self.messages.back() {
            Some(last) if drawn <= last.id => later(last.id, drawn),
            _ => drawn,
        }
    }

    /// What is remembered.
    pub(super) fn ids(&self) -> HashSet<Uuid> {
        self.ids.clone()
    }

    /// Whether a message is remembered.
    pub(super) fn has(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    /// Whether it may be a message that was remembered once.
    pub(super) fn may_have_had(&self, id: Uuid) -> bool {
        self.has(id) || self.forgotten.is_some_and(|newest| id <= newest)
    }

    /// Remembers `message` in the place that its id gives it, so that all nodes come to the
    /// same list, and forgets the oldest beyond the bounds.
    pub(super) fn push(&mut self, message: &Arc<ChatMessage>) {
        self.ids.insert(message.id);
        if let Some(client_id) = &message.client_id {
            self.by_client_id.insert(
                (message.author.user.clone(), client_id.clone()),
                Arc::clone(message),
            );
        }
        self.bytes += message.content.len();
        let later = self.messages.iter().rev();
        let later = later.take_while(|other| other.id > message.id).count();
        let place = self.messages.len() - later;
        self.messages.insert(place, Arc::clone(message));
        while self.messages.len() > MAX_CHAT_MESSAGES || self.bytes > MAX_BYTES {
            let Some(old) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= old.content.len();
            self.ids.remove(&old.id);
            self.forgotten = self.forgotten.max(Some(old.id));
            if let Some(client_id) = &old.client_id {
                self.by_client_id
                    .remove(&(old.author.user.clone(), client_id.clone()));
            }
        }
    }

    /// A message turned out to be one that was said elsewhere before: from now on it is that one.
    pub(super) fn rename(&mut self, id: Uuid, to: Uuid, timestamp: u64) {
        let Some(place) = self.messages.iter().position(|message| message.id == id) else {
            return;
        };
        let Some(message) = self.messages.remove(place) else {
            return;
        };
        self.ids.remove(&id);
        self.bytes -= message.content.len();
        let known = self.messages.iter().find(|other| other.id == to).cloned();
        match (known, &message.client_id) {
            (None, _) => self.push(&Arc::new(ChatMessage {
                id: to,
                timestamp,
                ..ChatMessage::clone(&message)
            })),
            (Some(known), Some(client_id)) => {
                let key = (message.author.user.clone(), client_id.clone());
                self.by_client_id.insert(key, known);
            }
            (Some(_), None) => {}
        }
    }

    /// The newest messages that `query` asks for, oldest first. An unknown `before` (it may
    /// have been forgotten) is placed by its time, which its id carries.
    pub(super) fn page(&self, query: HistoryQuery) -> Vec<Arc<ChatMessage>> {
        let end = match query.before {
            None => self.messages.len(),
            Some(before) => self
                .messages
                .iter()
                .position(|message| message.id == before)
                .unwrap_or_else(|| self.messages.partition_point(|message| message.id < before)),
        };
        let start = end.saturating_sub(query.limit);
        self.messages.range(start..end).map(Arc::clone).collect()
    }
}

#[cfg(test)]
#[path = "tests/chat.rs"]
mod tests;
