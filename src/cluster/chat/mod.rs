//! Chat between nodes, and on its way to the Chat Service.
//!
//! | key | what |
//! |---|---|
//! | `chat:buffer:{roomId}` | list: messages as clients get them, in JSON. With a Chat Service those that it does not have yet, else the last ones of the room |
//! | `chat:sent:{roomId}:…` | which message was sent under an id of its sender, for ten minutes; that a message without one was sent, for moments |
//! | `chat:flush:{roomId}` | hash: who delivers the buffer at this moment, and which batch |
//! | `chat:dead:{roomId}` | list: what the Chat Service refuses, with its answer |
//!
//! A message is in the buffer and on the room's channel in one step. What cannot go to Redis
//! waits in the [`ChatOutbox`].

mod buffer;
mod copies;
mod outbox;
mod scripts;
mod under_way;
mod waiting;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use redis::{FromRedisValue as _, cmd};
use uuid::Uuid;

pub(super) use self::buffer::Delivered;
pub use self::{
    buffer::SharedBuffer,
    outbox::{ChatOutbox, Kept},
};
use super::{
    Cluster,
    pubsub::Script,
    records::{ROOM_TTL_S, Unavailable},
    rooms::{RoomKeys, flag, text},
    users::millis,
};
use crate::{
    core::{ChatMessage, MAX_CHAT_MESSAGES, RoomId, UserId},
    protocol::ChatPayload,
};

/// What the buffer of a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatKeeping {
    /// It is all that there is: the last messages, while somebody is in the room.
    Ring,
    /// The Chat Service gets it: all that has not been delivered, whoever is in the room.
    Queue,
}

/// How long a re-send is recognised.
pub const RESEND_WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long a message without an id of its sender is recognised, should Redis's answer be lost:
/// longer than all attempts take.
const ANSWER_WINDOW: Duration = Duration::from_secs(15);

/// How long a copy is kept of a message that the Chat Service has not got yet: not as long as
/// the message is recognised, since it may be written once more.
const COPY_WINDOW: Duration = Duration::from_secs(9 * 60);

/// How long a message may be announced before it is said. A node that dies in between keeps
/// re-sends waiting for so long.
const ANNOUNCED: Duration = Duration::from_secs(5);

/// What a message is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its id.
    pub id: Uuid,
    /// When it was said, in milliseconds since the Unix epoch.
    pub timestamp: u64,
}

/// What Redis knows of an id that a client gave its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was not sent, and is announced now: whoever asks next has to wait. It has to be said
    /// with this stamp: if somebody announced it before, and may have said it to some and died
    /// of it, those know it by that.
    Never(Stamp),
    /// Somebody else is about to say it.
    Soon,
    /// It was sent as this message.
    As(Stamp),
}

impl Cluster {
    /// What was accepted and is not in Redis yet.
    pub const fn chat(&self) -> &Arc<ChatOutbox> {
        &self.chat
    }

    /// Keeps and publishes a message. It only queues: see [`ChatOutbox::when_kept`].
    pub(super) fn say_chat(&self, room: &RoomKeys, message: &ChatMessage, payload: Bytes) {
        let script = self.chat_script(message);
        let receipts = Arc::clone(&room.receipts);
        self.chat
            .submit(message, &room.channel, payload, script, receipts);
    }

    fn chat_script(&self, message: &ChatMessage) -> Script {
        // A message is plain data: it can always be written.
        let json = serde_json::to_vec(&ChatPayload::from(message)).unwrap_or_default();
        let ring = self.chat.keeping() == ChatKeeping::Ring;
        let args = vec![
            json.into(),
            text(Stamp {
                id: message.id,
                timestamp: message.timestamp,
            }),
            text(millis(if message.client_id.is_some() || !ring {
                RESEND_WINDOW
            } else {
                ANSWER_WINDOW
            })),
            text(if ring { MAX_CHAT_MESSAGES } else { 0 }),
            text(ROOM_TTL_S),
            flag(true),
            flag(false),
        ];
        let key = match &message.client_id {
            Some(id) => self.mark_key(&message.room, &message.author.user, id),
            None => self.named(&format!("chat:sent:{{{}}}:{}", message.room, message.id)),
        };
        Script {
            body: scripts::SAY,
            keys: vec![self.buffer_key(&message.room), key],
            args,
        }
    }

    /// Finds out whether a user sent a message under this id before, to whichever node, and
    /// announces it with a `stamp` if not.
    ///
    /// # Errors
    /// [`Unavailable`]: then only this node's memory can tell.
    pub async fn announce_chat(
        &self,
        room: &RoomId,
        user: &UserId,
        client_id: &str,
        stamp: Stamp,
    ) -> Result<Sent, Unavailable> {
        let mut announce = cmd("EVAL");
        announce
            .arg(scripts::ANNOUNCE)
            .arg(1)
            .arg(self.mark_key(room, user, client_id))
            .arg(stamp.to_string())
            .arg(millis(ANNOUNCED))
            .arg(millis(RESEND_WINDOW));
        let answer = self.patient_command(&announce).await?;
        let (verdict, stamp) = <(u8, String)>::from_redis_value(answer).map_err(|_| Unavailable)?;
        let stamp = || stamp.parse::<Stamp>();
        match verdict {
            1 => stamp().map(Sent::Never),
            2 => stamp().map(Sent::As),
            _ => Ok(Sent::Soon),
        }
    }

    /// The texts of users and clients are of any length and kind: the key has neither.
    fn mark_key(&self, room: &RoomId, user: &UserId, client_id: &str) -> String {
        let hash = digest(&SHA256, format!("{user}\0{client_id}").as_bytes());
        let hash = hash.as_ref().iter().take(16);
        let hash: String = hash.map(|byte| format!("{byte:02x}")).collect();
        self.named(&format!("chat:sent:{{{room}}}:{hash}"))
    }

    fn buffer_key(&self, room: &RoomId) -> String {
        self.named(&format!("chat:buffer:{{{room}}}"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.timestamp)
    }
}

impl FromStr for Stamp {
    type Err = Unavailable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once(' ');
        let parts = parts.and_then(|(id, time)| Some((id.parse().ok()?, time.parse().ok()?)));
        let (id, timestamp) = parts.ok_or(Unavailable)?;
        Ok(Self { id, timestamp })
    }
}
