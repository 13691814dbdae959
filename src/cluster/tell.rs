//! What a backend tells a room or a user, wherever they are.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::warn;

use super::{
    Cluster,
    pubsub::{Channel, Message, SubscribeError, Subscription},
    records::Unavailable,
};

/// All nodes listen to it.
const CHANNEL: &str = "channel:tell";

/// What every node is to do for those of its clients whom it concerns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Told<'a> {
    /// An event for all peers of a room, which is named by its id or its code.
    Room {
        /// Which room.
        #[serde(borrow)]
        room: Cow<'a, str>,
        /// The name of the event.
        #[serde(borrow)]
        event: Cow<'a, str>,
        /// What is to be known.
        #[serde(borrow)]
        data: &'a RawValue,
    },
    /// An event for all connections of a user.
    User {
        /// Whom.
        #[serde(borrow)]
        user: Cow<'a, str>,
        /// The name of the event.
        #[serde(borrow)]
        event: Cow<'a, str>,
        /// What is to be known.
        #[serde(borrow)]
        data: &'a RawValue,
    },
    /// All connections of a user are to end.
    End {
        /// Whose.
        #[serde(borrow)]
        user: Cow<'a, str>,
    },
}

impl Cluster {
    /// Tells all nodes, this one included. Returns when Redis has it.
    ///
    /// # Errors
    /// [`Unavailable`] if it may not have reached them.
    pub async fn tell(&self, told: &Told<'_>) -> Result<(), Unavailable> {
        if !self.is_up() {
            return Err(Unavailable);
        }
        let message = serde_json::to_vec(told).map(Bytes::from).map_err(|error| {
            warn!(%error, "what a backend tells cannot be written");
            Unavailable
        })?;
        let channel = Channel::internal(CHANNEL);
        let published = self.pubsub().publish_and_wait(&channel, message);
        published.await.map(drop).map_err(|error| {
            warn!(%error, "what a backend tells does not reach the nodes");
            Unavailable
        })
    }

    /// Hears what any node tells, this one included, in one order for all; until the subscription
    /// is dropped.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub async fn hear_told<H>(&self, hear: H) -> Result<Subscription, SubscribeError>
    where
        H: Fn(Told<'_>) + Send + Sync + 'static,
    {
        let handler = move |message: &Message| {
            hear(serde_json::from_slice(&message.payload)?);
            Ok(())
        };
        let channel = Channel::internal(CHANNEL);
        self.pubsub().subscribe_hearing_own(&channel, handler).await
    }
}

#[cfg(test)]
#[path = "tests/tell.rs"]
mod tests;
