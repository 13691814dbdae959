//! What is told to every client of every node.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tracing::warn;

use super::{
    Cluster,
    pubsub::{Channel, Message, SubscribeError, Subscription},
};

/// All nodes listen to it.
const CHANNEL: &str = "channel:all";

/// An event, as nodes pass it to each other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Announcement<'a> {
    event: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Cluster {
    /// Tells an event to the other nodes. It only queues.
    pub fn announce(&self, event: &str, data: &RawValue) {
        let message = match serde_json::to_vec(&Announcement { event, data }) {
            Ok(message) => Bytes::from(message),
            Err(error) => return warn!(%error, "an announcement cannot be written"),
        };
        if let Err(error) = self.pubsub().publish(&Channel::internal(CHANNEL), message) {
            warn!(%error, "an announcement does not reach the other nodes");
        }
    }

    /// Hears what other nodes announce, until the subscription is dropped.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub fn hear_announcements<H>(&self, hear: H) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&str, &RawValue) + Send + Sync + 'static,
    {
        let handler = move |message: &Message| {
            let Announcement { event, data } = serde_json::from_slice(&message.payload)?;
            hear(event, data);
            Ok(())
        };
        self.pubsub()
            .subscribe_soon(&Channel::internal(CHANNEL), handler)
    }
}
