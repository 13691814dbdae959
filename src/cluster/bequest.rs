//! What a node that is about to end asks another for: to take over whom it still waits for.
//!
//! It goes over the channel that only the other node listens to. So it is known at once whether
//! there is such a node.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{
    Cluster,
    node::presence_channel,
    pubsub::{Message, SubscribeError, Subscription},
    records::PATIENCE,
};
use crate::core::{NodeId, RoomCode, RoomId};

/// Rooms in which a node still waits for peers.
#[derive(Debug, Serialize, Deserialize)]
struct Bequest {
    /// The node that is about to end.
    from: NodeId,
    /// The rooms, each with a code by which it is reached.
    rooms: Vec<(RoomId, String)>,
}

impl Cluster {
    /// Asks a node to take over whom this one waits for in some rooms. Returns whether it heard of
    /// that, not whether it does so.
    pub async fn bequeath(&self, to: &NodeId, rooms: &[(RoomId, RoomCode)]) -> bool {
        let named = |(room, code): &(RoomId, RoomCode)| (room.clone(), code.as_str().to_owned());
        let bequest = Bequest {
            from: self.me().clone(),
            rooms: rooms.iter().map(named).collect(),
        };
        let message = match serde_json::to_vec(&bequest) {
            Ok(message) => Bytes::from(message),
            Err(error) => {
                warn!(%error, "what another node is to take over cannot be written");
                return false;
            }
        };
        let channel = presence_channel(to);
        let asked = timeout(PATIENCE, self.pubsub().publish_and_wait(&channel, message)).await;
        debug!(node = %to, rooms = rooms.len(), ?asked, "asked to take over");
        matches!(asked, Ok(Ok(1..)))
    }

    /// Hears of nodes that are about to end, and of the rooms in which this one is to take over
    /// whom they wait for; until the subscription is dropped.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub fn hear_bequests<H>(&self, hear: H) -> Result<Subscription, SubscribeError>
    where
        H: Fn(NodeId, Vec<(RoomId, RoomCode)>) + Send + Sync + 'static,
    {
        let handler = move |message: &Message| {
            let Bequest { from, rooms } = serde_json::from_slice(&message.payload)?;
            let rooms = rooms.into_iter();
            let rooms = rooms.filter_map(|(room, code)| Some((room, code.parse().ok()?)));
            hear(from, rooms.collect());
            Ok(())
        };
        self.pubsub()
            .subscribe_soon(&presence_channel(self.me()), handler)
    }
}
