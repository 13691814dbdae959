//! The Socket.IO adapter over the managed link.
//!
//! With it `io.to(…)`, `io.sockets()`, disconnecting and the like work on the namespaces of all
//! nodes. Each node decodes each request, so it is for what concerns a whole namespace; rooms
//! have channels of their own.
//!
//! The adapter hands a message to Redis before it delivers to its own sockets, and gives up when
//! the former fails. So nothing fails here: publishing only queues, and while Redis is away a
//! node is the only one it knows of.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use socketioxide_redis::drivers::{ChanItem, Driver, MessageStream};
use socketioxide_redis::{CustomRedisAdapter, RedisAdapterConfig, RedisAdapterCtr};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::pubsub::{Channel, Message, PubSub, SubscribeError, Subscription};

/// What the adapter's channels begin with, after the key prefix. Servers of other kinds on the
/// same Redis use `socket.io`, and would wait in vain for the answers of a gateway.
pub const PREFIX: &str = "switchboard:sio";

/// The adapter, as a type parameter of `SocketIo`.
pub type Adapter<E, D = PubSubDriver> = CustomRedisAdapter<E, D>;

/// What `SocketIo::builder().with_adapter::<Adapter<_>>(…)` takes. Redis need not be there.
#[must_use]
pub fn adapter<D: Driver>(driver: D) -> RedisAdapterCtr<D> {
    let config = RedisAdapterConfig::new().with_prefix(PREFIX);
    RedisAdapterCtr::new_with_driver(driver, config)
}

/// What the adapter needs of Redis. Cheap to clone; clones share everything.
///
/// Its channels are internal ones: a node does not hear itself, and a request that was repeated
/// since its answer was lost is carried out once.
#[derive(Clone, Debug)]
pub struct PubSubDriver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pubsub: PubSub,
    subscriptions: Mutex<HashMap<String, Subscription>>,
    dropped: Arc<AtomicU64>,
}

impl PubSubDriver {
    /// A driver over the link of this process.
    #[must_use]
    pub fn new(pubsub: PubSub) -> Self {
        Self(Arc::new(Shared {
            pubsub,
            subscriptions: Mutex::default(),
            dropped: Arc::default(),
        }))
    }

    /// Whether Redis has all of the adapter's subscriptions at this moment.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let subscriptions = self.0.subscriptions.lock();
        subscriptions.values().all(Subscription::is_confirmed)
    }

    /// How many messages from other nodes the adapter was too slow for, since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

/// Hands a message to the adapter. It waits for nothing, as all other subscriptions of the
/// process would wait with it.
fn hand_over(adapter: &mpsc::Sender<ChanItem>, message: &Message, dropped: &AtomicU64) {
    let item = (message.channel.to_string(), message.payload.to_vec());
    // When the other end is gone the adapter is closing, and the subscription goes next.
    if let Err(TrySendError::Full(_)) = adapter.try_send(item) {
        let dropped = dropped.fetch_add(1, Ordering::Relaxed) + 1;
        // In a flood the log gets a line now and then.
        if dropped.is_power_of_two() {
            tracing::warn!(dropped, "messages of other nodes come faster than they go");
        }
    }
}

impl Driver for PubSubDriver {
    type Error = SubscribeError;

    async fn publish(&self, chan: String, val: Vec<u8>) -> Result<(), Self::Error> {
        let channel = Channel::internal(&chan);
        let queued = self.0.pubsub.publish(&channel, Bytes::from(val));
        if let Err(error) = queued {
            // It has been counted. The own sockets get it nevertheless.
            tracing::debug!(%error, "a request to other nodes was not queued");
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        chan: String,
        size: usize,
    ) -> Result<MessageStream<ChanItem>, Self::Error> {
        let (sender, receiver) = mpsc::channel(size);
        let dropped = Arc::clone(&self.0.dropped);
        let handler = move |message: &Message| {
            hand_over(&sender, message, &dropped);
            Ok(())
        };
        let channel = Channel::internal(&chan);
        let subscription = self.0.pubsub.subscribe_soon(&channel, handler)?;
        let former = self.0.subscriptions.lock().insert(chan, subscription);
        drop(former);
        Ok(MessageStream::new(receiver))
    }

    async fn unsubscribe(&self, chan: String) -> Result<(), Self::Error> {
        let subscription = self.0.subscriptions.lock().remove(&chan);
        drop(subscription);
        Ok(())
    }

    async fn num_serv(&self, chan: &str) -> Result<u16, Self::Error> {
        let listeners = self.0.pubsub.listeners(&Channel::internal(chan)).await;
        // Without Redis there is this node, and nobody else to wait for.
        Ok(listeners.map_or(1, |count| u16::try_from(count).unwrap_or(u16::MAX)))
    }
}
