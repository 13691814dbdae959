//! Publish and subscribe between nodes, over one managed link to Redis per process.
//!
//! - **Publishing** only queues. A task sends what is queued, many messages per round trip, and
//!   repeats what failed after 100, 200 and 400 ms; then it is lost and counted. (What Redis
//!   refuses, for want of permission say, is lost at once.) The messages of a channel arrive in
//!   the order in which they were queued, also through repetitions.
//! - **Subscribing** notes what is wanted. A connection of its own brings Redis to agree with it,
//!   and again after each reconnection. Handlers are called one message after the other.
//! - **The link** comes up by itself, at the start and whenever it was lost: attempts follow each
//!   other with exponential backoff and jitter, without end. Each connection is checked every
//!   second, so a stalled Redis is noticed too. [`PubSub::link`] tells when it was away, since
//!   what was published meanwhile has not been heard.
//!
//! Redis 6 is needed, as subscriptions use RESP3; a Cluster needs Redis 7 for its sharded
//! channels. The user needs `+@connection +@pubsub`, `+role` with Sentinel or `+cluster|slots` in
//! a Cluster, and for scripts `+eval` and what they call.

mod board;
mod commands;
mod envelope;
mod error;
mod follow;
mod message;
mod publisher;
mod script;
mod settings;
mod shared;
mod stats;
mod subscriber;
mod tally;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::board::{Health, Link};
pub use self::commands::Commands;
#[cfg(any(test, fuzzing))]
pub(super) use self::envelope::Envelope;
pub use self::envelope::ServerId;
pub use self::error::{PublishError, SubscribeError};
pub use self::follow::Watch;
pub use self::message::{Channel, HandlerError, Message};
use self::publisher::Interest;
pub use self::script::Script;
pub use self::settings::{Lost, OnLost, Settings};
use self::shared::Shared;
pub use self::stats::{PublisherCounts, Stats, SubscriberCounts};
use self::subscriber::Hears;
pub use self::subscriber::Subscription;
pub use self::tally::Tally;
use super::KeyPrefix;
pub use super::connect::Failure;
use super::target::RedisTarget;

/// Longest time that tasks get to end, once they have been told to.
const TASK_END: Duration = Duration::from_secs(1);

/// The manager: one per process. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct PubSub(Arc<Shared>);

impl PubSub {
    /// Starts the manager. Redis need not be there.
    ///
    /// # Errors
    ///
    /// [`Failure::Configuration`] and the like when the TLS certificates cannot be used.
    pub fn start(target: RedisTarget, settings: Settings) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Shared::start(target, settings)?)))
    }

    /// By which this process is known in envelopes.
    #[must_use]
    pub fn server_id(&self) -> ServerId {
        self.0.server_id
    }

    /// What goes before every name. Channels get it here; keys of commands get it by those who
    /// give the commands.
    #[must_use]
    pub fn prefix(&self) -> &KeyPrefix {
        &self.0.prefix
    }

    /// Queues a message. Never waits, and does not care whether Redis is there.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed; the message is then dropped, and counted.
    pub fn publish(&self, channel: &Channel, payload: Bytes) -> Result<(), PublishError> {
        self.0.enqueue(channel, payload, None, Interest::Nobody)
    }

    /// Publishes a message and waits for the outcome: how many connections got it (those of
    /// single nodes in a Cluster). Dropping the future does not take the message back.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed, or when all attempts have failed.
    pub async fn publish_and_wait(
        &self,
        channel: &Channel,
        payload: Bytes,
    ) -> Result<u64, PublishError> {
        match self.0.send(channel, payload, None).await? {
            Value::Int(receivers) => Ok(u64::try_from(receivers).unwrap_or(0)),
            _ => Err(PublishError::Failed(Failure::Protocol)),
        }
    }

    /// Queues a script that changes keys and publishes the message in one step. It takes its
    /// turn among the messages, and is repeated and counted like them. What the server answers
    /// with an error, other than one that passes, is final.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed; the script is then dropped, and counted.
    pub fn execute(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Script,
    ) -> Result<(), PublishError> {
        self.0
            .enqueue(channel, payload, Some(script), Interest::Nobody)
    }

    /// Like [`execute`](Self::execute), and waits for the script's answer. Dropping the future
    /// does not take the script back.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed, when the script fails, or when all attempts have failed.
    pub async fn execute_and_wait(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Script,
    ) -> Result<Value, PublishError> {
        self.0.send(channel, payload, Some(script)).await
    }

    /// Publishes, by a script if there is one, and has it counted who gets the message. It only
    /// queues.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed; the message is then dropped, and counted.
    pub fn publish_counted(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Option<Script>,
        tally: Arc<dyn Tally>,
    ) -> Result<(), PublishError> {
        self.0
            .enqueue(channel, payload, script, Interest::Tally(tally))
    }

    /// Publishes by a script, and has it followed what becomes of that. It only queues.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed; the script is then dropped, and counted.
    pub fn execute_watched(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Script,
        watch: Arc<dyn Watch>,
    ) -> Result<(), PublishError> {
        self.0
            .enqueue(channel, payload, Some(script), Interest::Watch(watch))
    }

    /// Like [`execute_and_wait`](Self::execute_and_wait), but the script is queued when this
    /// returns: what is queued after that comes after it. Only the answer is waited for.
    ///
    /// # Errors
    ///
    /// When the queue is full or closed; the future, when the script or all attempts fail.
    pub fn ask(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Script,
    ) -> Result<impl Future<Output = Result<Value, PublishError>> + use<>, PublishError> {
        let (sender, outcome) = oneshot::channel();
        self.0
            .enqueue(channel, payload, Some(script), Interest::Waiter(sender))?;
        Ok(async move { outcome.await.unwrap_or(Err(PublishError::Closed)) })
    }

    /// Subscribes to a channel. There may be any number of handlers for one channel.
    ///
    /// Returns when Redis has confirmed, at the latest after a bounded time: the subscription is
    /// then made as soon as Redis is there ([`Subscription::confirmed`]). It ends when the
    /// [`Subscription`] is dropped.
    ///
    /// The handler is called on the task that receives, with one message after the other in the
    /// order of their arrival. It must not block. If it fails or panics, that is counted and
    /// logged.
    ///
    /// # Errors
    ///
    /// When the manager is shut down.
    pub async fn subscribe<H>(
        &self,
        channel: &Channel,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        self.add(channel, false, Hears::Others, handler).await
    }

    /// Like [`subscribe`](Self::subscribe), but the handler gets what this process publishes as
    /// well: [`Message::from`] is then the own [`server_id`](Self::server_id).
    ///
    /// # Errors
    ///
    /// When the manager is shut down.
    pub async fn subscribe_hearing_own<H>(
        &self,
        channel: &Channel,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        self.add(channel, false, Hears::All, handler).await
    }

    /// Like [`subscribe`](Self::subscribe), but without waiting for Redis at all.
    ///
    /// # Errors
    ///
    /// When the manager is shut down.
    pub fn subscribe_soon<H>(
        &self,
        channel: &Channel,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        let (subscriber, handler) = (&self.0.subscriber, Arc::new(handler));
        subscriber.add(channel, false, Hears::Others, handler)
    }

    /// Subscribes to all channels that fit a pattern: `*`, `?`, `[ab]`, and `\` before a
    /// character that is meant literally. Else like [`subscribe`](Self::subscribe), but
    /// repetitions after a lost answer are not recognised.
    ///
    /// # Errors
    ///
    /// When the manager is shut down, and for an internal pattern in a Cluster, which has no
    /// patterns over sharded channels.
    pub async fn psubscribe<H>(
        &self,
        pattern: &Channel,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        self.add(pattern, true, Hears::Others, handler).await
    }

    /// Like [`psubscribe`](Self::psubscribe), but without waiting for Redis at all.
    ///
    /// # Errors
    ///
    /// When the manager is shut down, and for an internal pattern in a Cluster.
    pub fn psubscribe_soon<H>(
        &self,
        pattern: &Channel,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        let (subscriber, handler) = (&self.0.subscriber, Arc::new(handler));
        subscriber.add(pattern, true, Hears::Others, handler)
    }

    /// Ends a subscription, which dropping it does too. The handler is not called again, and
    /// Redis is told if it was the last one for its channel.
    pub fn unsubscribe(&self, subscription: Subscription) {
        drop(subscription);
    }

    async fn add<H>(
        &self,
        channel: &Channel,
        pattern: bool,
        hears: Hears,
        handler: H,
    ) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        let subscription = self.0.subscriber.add(channel, pattern, hears, handler)?;
        // Late is not wrong: the subscription knows itself whether it is confirmed.
        let _ = timeout(self.0.subscribe_wait, subscription.confirmed()).await;
        Ok(subscription)
    }

    /// How many connections subscribe to a channel at this moment, those of this process
    /// included. A process that has ended is not among them, as its connections ended with it.
    ///
    /// In a Cluster the node is asked that serves the channel's slot, which is where all gateways
    /// subscribe. (Subscriptions to a raw channel that others made elsewhere are not counted.)
    ///
    /// # Errors
    ///
    /// When Redis is away, or does not answer in time.
    pub async fn listeners(&self, channel: &Channel) -> Result<u64, Failure> {
        self.0.listeners(channel).await
    }

    /// The connection for ordinary commands.
    #[must_use]
    pub fn commands(&self) -> Commands {
        self.0.commands.clone()
    }

    /// Tells when the link goes down and comes up. Resynchronise with each new generation.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.0.board.watch()
    }

    /// How the link is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.board.health()
    }

    /// What was published since the last reset.
    #[must_use]
    pub fn publisher_stats(&self) -> Stats<PublisherCounts> {
        self.0.published.read()
    }

    /// What came in since the last reset.
    #[must_use]
    pub fn subscriber_stats(&self) -> Stats<SubscriberCounts> {
        self.0.subscriber.stats.read()
    }

    /// What was published and what came in over all channels since the start, whatever was reset.
    #[must_use]
    pub fn totals(&self) -> (PublisherCounts, SubscriberCounts) {
        (self.0.published.ever(), self.0.subscriber.stats.ever())
    }

    /// Messages and bytes of payload that are queued or on their way at this moment.
    #[must_use]
    pub fn queue_depth(&self) -> (usize, usize) {
        self.0.queue.depth()
    }

    /// Sets all counters of [`publisher_stats`](Self::publisher_stats) and
    /// [`subscriber_stats`](Self::subscriber_stats) to zero.
    pub fn reset_stats(&self) {
        self.0.published.reset();
        self.0.subscriber.stats.reset();
    }

    /// Takes no more messages, sends what is queued for at most `flush`, and ends everything.
    /// What is left then counts as lost.
    pub async fn shutdown(&self, flush: Duration) {
        let deadline = Instant::now() + flush;
        self.0.queue.close();
        if timeout_at(deadline, self.0.queue.idle()).await.is_err() {
            let (messages, _) = self.0.queue.depth();
            tracing::warn!(messages, "messages to other nodes are lost at shutdown");
        }
        self.0.cancel.cancel();
        self.0.tasks.close();
        if timeout(TASK_END, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("a task of the link to Redis does not end");
        }
    }
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub")
            .field("server_id", &self.0.server_id)
            .field("link", &*self.0.board.watch().borrow())
            .finish_non_exhaustive()
    }
}
