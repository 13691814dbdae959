//! What is to be delivered.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

use crate::core::RoomId;

/// The most messages of one batch.
pub const MAX_BATCH: usize = 100;

/// The most bytes of one batch, unless it has one message: JSON parsers of services often take
/// no more than 100 kB, unless told otherwise.
pub const MAX_BATCH_BYTES: usize = 64 * 1024;

/// How long one node may deliver a room's messages before another may take it for dead. It is
/// renewed while a request to the Chat Service is under way.
pub const LEASE: Duration = Duration::from_secs(3);

/// Where messages wait cannot be reached.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the buffer cannot be reached")]
pub struct Away;

/// Messages in the order in which they were said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    messages: Vec<Bytes>,
    ids: Vec<Uuid>,
}

impl Batch {
    /// A batch of messages, each as JSON.
    pub fn new(messages: impl IntoIterator<Item = Bytes>) -> Self {
        #[derive(Deserialize)]
        struct Message {
            id: Uuid,
        }
        let messages: Vec<Bytes> = messages.into_iter().collect();
        let id = |message: &Bytes| {
            let message = serde_json::from_slice(message);
            message.map_or(Uuid::nil(), |Message { id }| id)
        };
        let ids = messages.iter().map(id).collect();
        Self { messages, ids }
    }

    /// How many messages.
    pub const fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The ids of the messages; nil for what has none.
    pub fn ids(&self) -> &[Uuid] {
        &self.ids
    }

    /// The first message.
    pub fn first(&self) -> Bytes {
        self.messages.first().cloned().unwrap_or_default()
    }

    /// What the Chat Service gets: `{"messages":[…]}`.
    pub fn body(&self) -> Vec<u8> {
        let mut body = br#"{"messages":["#.to_vec();
        body.extend_from_slice(&self.messages.join(&b","[..]));
        body.extend_from_slice(b"]}");
        body
    }

    /// What is the same whenever the same messages of the same room are sent.
    pub fn key(&self, room: &RoomId) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(room.as_str().as_bytes());
        for message in &self.messages {
            hash.update(b"\0");
            hash.update(message);
        }
        let hash = hash.finish();
        let hash = hash.as_ref().iter().take(16);
        hash.map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What one gets who wants to deliver a room's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// There is nothing to deliver.
    Nothing,
    /// Another node delivers, and has so much time left until it has to show itself.
    Taken(Duration),
    /// These are next.
    Batch(Batch),
}

/// What became of the wish to remove messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They are not there any more.
    Done {
        /// How many are left.
        left: usize,
    },
    /// Another node delivers by now.
    Overtaken,
    /// There is no place for another dead letter.
    Full,
}

/// Where messages wait for the Chat Service. Each room's are in one order, and one at a time may
/// deliver them, who is known by a token.
pub trait Buffer: Send + Sync + std::fmt::Debug {
    /// Takes the right to deliver, or renews it for another [`LEASE`], and reads what is next.
    /// What was next before is next again, whoever asks.
    fn claim<'a>(&'a self, room: &'a RoomId, token: &'a str) -> BoxFuture<'a, Result<Claim, Away>>;

    /// Renews the right to deliver for another [`LEASE`], unless somebody else has it.
    fn renew<'a>(&'a self, room: &'a RoomId, token: &'a str) -> BoxFuture<'a, ()>;

    /// Removes what was delivered.
    fn done<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<Removal, Away>>;

    /// Lets the next batch have at most so many messages.
    fn shrink<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        size: usize,
    ) -> BoxFuture<'a, Result<(), Away>>;

    /// Puts the one message of a batch aside, as `letter`, unless there are `most` already.
    fn bury<'a>(
        &'a self,
        room: &'a RoomId,
        token: &'a str,
        batch: &'a Batch,
        letter: &'a [u8],
        most: usize,
    ) -> BoxFuture<'a, Result<Removal, Away>>;

    /// The newest messages that wait, or those next before one, as JSON: at least `limit` if
    /// there are so many, and perhaps some that were not asked for.
    fn page<'a>(
        &'a self,
        room: &'a RoomId,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Bytes>, Away>>;
}

#[cfg(test)]
#[path = "tests/buffer.rs"]
mod tests;
