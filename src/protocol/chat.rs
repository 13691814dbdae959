//! Chat on the wire, which is the same for clients, in Redis and for the Chat Service.

use std::{borrow::Cow, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answer::Done;
use crate::core::{ChatMessage, Member, PeerId, RoomId, UserId};

/// `chat_message`, as everybody in the room gets it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ChatMessage")]
pub struct ChatPayload<'a> {
    // It comes first: scripts in Redis rely on that.
    id: Uuid,
    #[serde(borrow)]
    room_id: Cow<'a, str>,
    /// The user who said it.
    #[serde(borrow)]
    sender_id: Cow<'a, str>,
    /// The peer through which it was said; all zeroes if a history does not know it.
    #[serde(default = "nobody")]
    peer_id: PeerId,
    #[serde(borrow, default)]
    username: Cow<'a, str>,
    /// The name that the peer chose, if it did.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    alias: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    /// When, in milliseconds since the Unix epoch.
    timestamp: u64,
    /// The sender's own id for it, if it gave one.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_message_id: Option<Cow<'a, str>>,
}

const fn nobody() -> PeerId {
    PeerId::new(Uuid::nil())
}

impl<'a> From<&'a ChatMessage> for ChatPayload<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        Self {
            id: message.id,
            room_id: message.room.as_str().into(),
            sender_id: message.author.user.as_str().into(),
            peer_id: message.peer,
            username: (&*message.author.username).into(),
            alias: message.author.alias.as_deref().map(Into::into),
            content: (&*message.content).into(),
            timestamp: message.timestamp,
            client_message_id: message.client_id.as_deref().map(Into::into),
        }
    }
}

impl From<ChatPayload<'_>> for ChatMessage {
    fn from(payload: ChatPayload<'_>) -> Self {
        Self {
            id: payload.id,
            room: RoomId::new(&payload.room_id),
            peer: payload.peer_id,
            author: Arc::new(Member {
                user: UserId::from(&*payload.sender_id),
                username: (&*payload.username).into(),
                alias: payload.alias.as_deref().map(Into::into),
            }),
            content: (&*payload.content).into(),
            timestamp: payload.timestamp,
            client_id: payload.client_message_id.as_deref().map(Into::into),
        }
    }
}

/// The acknowledgement of `chat_message`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChatAck {
    status: Done,
    id: Uuid,
    /// When, in milliseconds since the Unix epoch.
    timestamp: u64,
}

impl ChatAck {
    /// The message has this id, and was said at this time, in milliseconds since the Unix epoch.
    pub const fn new(id: Uuid, timestamp: u64) -> Self {
        Self {
            status: Done::Ok,
            id,
            timestamp,
        }
    }
}

/// The acknowledgement of `chat_history`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryAck<'a> {
    status: Done,
    /// Oldest first.
    messages: Vec<ChatPayload<'a>>,
    /// There may be more: the Chat Service could not be asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

impl<'a> HistoryAck<'a> {
    /// Answers with `messages`, oldest first. It is `partial` if the Chat Service could not be
    /// asked: there may be more.
    pub fn new(messages: &'a [Arc<ChatMessage>], partial: bool) -> Self {
        let messages = messages
            .iter()
            .map(|message| ChatPayload::from(&**message))
            .collect();
        Self {
            status: Done::Ok,
            messages,
            partial,
        }
    }
}

#[cfg(test)]
#[path = "tests/chat.rs"]
mod tests;
