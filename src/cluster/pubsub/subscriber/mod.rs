//! The receiving side: what is subscribed to, and on which connection.
//!
//! What is wanted is kept here; each [`Feed`] (one connection for subscriptions; a Cluster has
//! one per master) brings Redis to agree with it, again after each reconnection. So nobody needs
//! to know, when subscribing, whether Redis is there.

mod dispatch;
mod feed;
mod roster;
mod session;
mod topic;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::feed::Feed;
pub(super) use self::topic::{Hears, Key, Verb};
use self::topic::{Receiver, Topic};
use super::board::{Board, FeedId, Member};
use super::message::{Channel, Handler};
use super::stats::{Counters, SubscriberCounts};
use super::{ServerId, Settings, SubscribeError};
use crate::cluster::KeyPrefix;
use crate::cluster::backoff::Backoff;
use crate::cluster::connect::{Connector, SlotMap, slot};
use crate::cluster::target::Address;

/// Everything about subscriptions.
pub(super) struct Subscriber {
    pub(super) stats: Counters<SubscriberCounts>,
    connector: Arc<Connector>,
    board: Arc<Board>,
    server_id: ServerId,
    prefix: KeyPrefix,
    ping_interval: std::time::Duration,
    backoff: Backoff,
    cancel: CancellationToken,
    tasks: TaskTracker,
    state: Mutex<State>,
    /// Asks for the slot map of a Cluster to be read again.
    refresh: Notify,
}

#[derive(Default)]
struct State {
    /// By verb, then by the name as Redis knows it: found without an allocation.
    topics: [HashMap<Arc<str>, Topic>; 3],
    feeds: HashMap<FeedId, Arc<Feed>>,
    /// In a Cluster, which feed is for which node.
    nodes: HashMap<Address, FeedId>,
    slots: SlotMap,
    next_id: u64,
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The feed that a topic belongs to; `None` while no node serves its slot.
    fn home(&self, key: &Key, cluster: bool) -> Option<FeedId> {
        if cluster {
            // Ordinary channels and patterns could go to any node. Taking the one of their slot
            // spreads them, and lets them follow a failover like all others.
            let node = self.slots.node(slot(&key.wire))?;
            self.nodes.get(node).copied()
        } else {
            self.feeds.keys().next().copied()
        }
    }

    fn mark(&self, feed: Option<FeedId>, key: &Key) {
        if let Some(feed) = feed.and_then(|feed| self.feeds.get(&feed)) {
            feed.mark(key.clone());
        }
    }
}

impl Subscriber {
    pub(super) fn new(
        settings: &Settings,
        connector: Arc<Connector>,
        board: Arc<Board>,
        cancel: CancellationToken,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            stats: Counters::new(settings.tracked_channels),
            connector,
            board,
            server_id: settings.server_id,
            prefix: settings.prefix.clone(),
            ping_interval: settings.ping_interval,
            backoff: Backoff::new(settings.backoff_first, settings.backoff_longest),
            cancel,
            tasks,
            state: Mutex::default(),
            refresh: Notify::new(),
        })
    }

    /// Starts the tasks.
    pub(super) fn start(self: &Arc<Self>) {
        if self.is_cluster() {
            let subscriber = Arc::clone(self);
            self.tasks
                .spawn(async move { subscriber.follow_slots().await });
        } else {
            self.add_feed(&mut self.state.lock(), None);
        }
    }

    fn is_cluster(&self) -> bool {
        self.connector.target().is_cluster()
    }

    /// Starts one more connection.
    fn add_feed(self: &Arc<Self>, state: &mut State, node: Option<Address>) {
        let id = state.next_id();
        let feed = Arc::new(Feed::new(id, node.clone(), self.cancel.child_token()));
        state.feeds.insert(id, Arc::clone(&feed));
        if let Some(node) = node {
            state.nodes.insert(node, id);
        }
        self.board.down(Member::Feed(id));
        let subscriber = Arc::clone(self);
        self.tasks.spawn(async move { feed.run(&subscriber).await });
    }

    /// How Redis is told about a channel.
    fn key(&self, channel: &Channel, pattern: bool) -> Result<Key, SubscribeError> {
        let sharded = self.is_cluster() && !channel.raw;
        if pattern {
            return if sharded {
                Err(SubscribeError::ShardedPattern)
            } else {
                let wire = self.prefix.apply_to_pattern(&channel.name);
                Ok(Key::new(Verb::Pattern, &wire))
            };
        }
        let verb = if sharded { Verb::Shard } else { Verb::Plain };
        Ok(Key::new(verb, &self.prefix.apply(&channel.name)))
    }

    /// Adds a handler, and with the first one the subscription.
    pub(super) fn add(
        self: &Arc<Self>,
        channel: &Channel,
        pattern: bool,
        hears: Hears,
        handler: Arc<Handler>,
    ) -> Result<Subscription, SubscribeError> {
        if self.cancel.is_cancelled() {
            return Err(SubscribeError::Closed);
        }
        let key = self.key(channel, pattern)?;
        let mut state = self.state.lock();
        let receiver = Receiver {
            id: state.next_id(),
            hears: if channel.raw { Hears::Raw } else { hears },
            handler,
        };
        let id = receiver.id;
        let known = state.topics[key.verb as usize].get_mut(&key.wire);
        let confirmed = if let Some(topic) = known {
            topic.add(receiver);
            topic.confirmed.subscribe()
        } else {
            let home = state.home(&key, self.is_cluster());
            let topic = Topic::new(Arc::clone(&channel.name), home, receiver);
            let confirmed = topic.confirmed.subscribe();
            state.topics[key.verb as usize].insert(Arc::clone(&key.wire), topic);
            state.mark(home, &key);
            confirmed
        };
        drop(state);
        Ok(Subscription {
            subscriber: Arc::clone(self),
            key,
            id,
            confirmed,
        })
    }

    /// Takes a handler away, and with the last one the subscription.
    fn remove(&self, key: &Key, id: u64) {
        let mut state = self.state.lock();
        let topics = &mut state.topics[key.verb as usize];
        let Some(topic) = topics.get_mut(&key.wire) else {
            return;
        };
        let removed = topic.remove(id);
        if topic.receivers.is_empty() {
            let home = topic.home;
            topics.remove(&key.wire);
            state.mark(home, key);
        }
        // A handler may own what it pleases, another subscription even: it goes after the lock.
        drop(state);
        drop(removed);
    }
}

/// One handler on one channel or pattern. Dropping it takes the handler away.
///
/// The handler may be running at that moment; it is not called again.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    subscriber: Arc<Subscriber>,
    key: Key,
    id: u64,
    confirmed: watch::Receiver<bool>,
}

impl Subscription {
    /// Whether Redis has the subscription at this moment.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        *self.confirmed.borrow()
    }

    /// Waits until Redis has the subscription, however long that takes.
    pub async fn confirmed(&self) {
        // It fails when the topic is gone, which it cannot be while this is here.
        let _ = self
            .confirmed
            .clone()
            .wait_for(|confirmed| *confirmed)
            .await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.subscriber.remove(&self.key, self.id);
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("name", &self.key.wire)
            .field("confirmed", &self.is_confirmed())
            .finish_non_exhaustive()
    }
}
