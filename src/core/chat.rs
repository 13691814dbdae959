//! What was said in a room, kept while the room lives.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use thiserror::Error;
use uuid::Uuid;

use super::{Member, PeerId, RoomId, UserId};

/// The longest message, in Unicode scalar values, after trimming.
pub const MAX_CHAT_CHARS: usize = 4_000;

/// The most messages a room remembers.
const MAX_MESSAGES: usize = 1_000;

/// The most bytes of text a room remembers, so that long messages cannot outgrow the count.
const MAX_BYTES: usize = 1024 * 1024;

/// One message as everybody in the room gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let text = self.content.trim();
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
}

/// Which part of the history is asked for.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// Only what was said before this message; `None` for the newest.
    pub before: Option<Uuid>,
    /// At most this many.
    pub limit: usize,
}

/// The newest messages of a room, and which re-sends they answer.
#[derive(Debug, Default)]
pub(super) struct ChatLog {
    messages: VecDeque<Arc<ChatMessage>>,
    bytes: usize,
    by_client_id: HashMap<(UserId, Box<str>), Arc<ChatMessage>>,
}

impl ChatLog {
    /// The message that this user already sent under `client_id`.
    pub(super) fn find(&self, user: &UserId, client_id: &str) -> Option<&Arc<ChatMessage>> {
        if self.by_client_id.is_empty() {
            return None;
        }
        self.by_client_id.get(&(user.clone(), client_id.into()))
    }

    /// Remembers `message`, and forgets the oldest beyond the bounds.
    pub(super) fn push(&mut self, message: &Arc<ChatMessage>) {
        if let Some(client_id) = &message.client_id {
            self.by_client_id.insert(
                (message.author.user.clone(), client_id.clone()),
                Arc::clone(message),
            );
        }
        self.bytes += message.content.len();
        self.messages.push_back(Arc::clone(message));
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            let Some(old) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= old.content.len();
            if let Some(client_id) = &old.client_id {
                self.by_client_id
                    .remove(&(old.author.user.clone(), client_id.clone()));
            }
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
mod tests {
    use super::*;

    fn draft(content: &str) -> ChatDraft<'_> {
        ChatDraft {
            id: Uuid::nil(),
            timestamp: 0,
            content,
            client_id: None,
        }
    }

    fn message(n: u128, bytes: usize) -> Arc<ChatMessage> {
        Arc::new(ChatMessage {
            id: Uuid::from_u128(n),
            room: RoomId::new("r"),
            peer: PeerId::new(Uuid::nil()),
            author: Arc::new(Member {
                user: "u".into(),
                username: "U".into(),
            }),
            content: "x".repeat(bytes).into(),
            timestamp: 0,
            client_id: Some(n.to_string().into()),
        })
    }

    #[test]
    fn text_is_trimmed_and_counted_in_characters() {
        assert_eq!(draft(" hi\n").text(), Ok("hi"));
        assert_eq!(draft("a\n\tb").text(), Ok("a\n\tb"));
        assert_eq!(
            draft(&"\u{1F600}".repeat(4_000)).text().map(str::len),
            Ok(16_000)
        );
        assert_eq!(draft(&"é".repeat(4_001)).text(), Err(ChatError::TooLong));
        assert_eq!(draft(" \n ").text(), Err(ChatError::Empty));
        for bad in ["a\u{0}b", "a\rb", "\u{1b}[2J", "a\u{85}b"] {
            assert_eq!(
                draft(bad).text(),
                Err(ChatError::ControlCharacter),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_log_forgets_the_oldest_in_number_and_in_bytes() {
        let mut log = ChatLog::default();
        (0..1_500).for_each(|n| log.push(&message(n, 10)));
        assert_eq!(log.messages.len(), MAX_MESSAGES);
        assert_eq!(log.by_client_id.len(), MAX_MESSAGES);
        assert!(log.find(&"u".into(), "499").is_none());
        assert!(log.find(&"u".into(), "500").is_some());

        let mut log = ChatLog::default();
        (0..100).for_each(|n| log.push(&message(n, 16_000)));
        assert!(log.bytes <= MAX_BYTES);
        assert_eq!(log.messages.len(), MAX_BYTES / 16_000);
    }

    #[test]
    fn pages_run_backwards_without_gaps() {
        let mut log = ChatLog::default();
        (0..10).for_each(|n| log.push(&message(n, 1)));
        let ids = |query| {
            log.page(query)
                .iter()
                .map(|m| m.id.as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids(HistoryQuery {
                before: None,
                limit: 3
            }),
            [7, 8, 9]
        );
        assert_eq!(
            ids(HistoryQuery {
                before: Some(Uuid::from_u128(7)),
                limit: 5
            }),
            [2, 3, 4, 5, 6]
        );
        assert_eq!(
            ids(HistoryQuery {
                before: Some(Uuid::from_u128(0)),
                limit: 5
            }),
            [] as [u128; 0]
        );
        assert_eq!(
            ids(HistoryQuery {
                before: Some(Uuid::from_u128(99)),
                limit: 2
            }),
            [8, 9]
        );
    }
}
