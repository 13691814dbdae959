//! Which connection is to have which subscription, also while a Cluster changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::super::board::FeedId;
use super::topic::{Key, Verb};
use super::{State, Subscriber};
use crate::cluster::connect::{Failure, SlotMap};
use crate::cluster::target::Address;

/// How often the slots of a Cluster are looked at without a reason.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// Shortest time between two looks, however many reasons there are.
const REFRESH_PAUSE: Duration = Duration::from_millis(200);

const VERBS: [Verb; 3] = [Verb::Plain, Verb::Shard, Verb::Pattern];

impl State {
    /// All subscriptions, changeable.
    fn each_topic(&mut self, mut each: impl FnMut(Verb, &Arc<str>, &mut super::Topic)) {
        for (verb, topics) in VERBS.into_iter().zip(&mut self.topics) {
            for (wire, topic) in topics {
                each(verb, wire, topic);
            }
        }
    }

    fn topic(&self, key: &Key) -> Option<&super::Topic> {
        self.topics[key.verb as usize].get(&key.wire)
    }
}

impl Subscriber {
    /// What a feed is to have.
    pub(super) fn homed(&self, feed: FeedId) -> Vec<Key> {
        let mut keys = Vec::new();
        self.state.lock().each_topic(|verb, wire, topic| {
            // With the only connection there is, what came before it is homed now.
            if topic.home.is_none() && !self.is_cluster() {
                topic.home = Some(feed);
            }
            if topic.home == Some(feed) {
                let wire = Arc::clone(wire);
                keys.push(Key { verb, wire });
            }
        });
        keys
    }

    /// Sorts into what a feed is to have and what it is not to have.
    pub(super) fn sort(&self, feed: FeedId, keys: HashSet<Key>) -> (Vec<Key>, Vec<Key>) {
        let state = self.state.lock();
        keys.into_iter().partition(|key| {
            let topic = state.topic(key);
            topic.is_some_and(|topic| topic.home == Some(feed))
        })
    }

    /// Redis has these subscriptions.
    pub(super) fn confirm<'k>(&self, feed: FeedId, keys: impl Iterator<Item = &'k Key>) {
        let state = self.state.lock();
        for key in keys {
            if let Some(topic) = state.topic(key)
                && topic.home == Some(feed)
            {
                topic.confirmed.send_replace(true);
            }
        }
    }

    /// A connection is gone, and its subscriptions with it.
    pub(super) fn unconfirm(&self, feed: FeedId) {
        self.state.lock().each_topic(|_, _, topic| {
            if topic.home == Some(feed) {
                topic.confirmed.send_replace(false);
            }
        });
    }

    /// Keeps up with which node of a Cluster serves which slots.
    pub(super) async fn follow_slots(self: Arc<Self>) {
        loop {
            let known: Vec<_> = self.state.lock().nodes.keys().cloned().collect();
            let look = tokio::select! {
                () = self.cancel.cancelled() => return,
                look = self.connector.slot_map(&known) => look,
            };
            let first = known.is_empty();
            match look {
                Ok(slots) => self.arrange(slots),
                Err(failure) => self.no_slots(failure, first),
            }
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = tokio::time::sleep(REFRESH_PAUSE) => {}
            }
            let wait = if self.state.lock().nodes.is_empty() {
                Duration::ZERO
            } else {
                REFRESH_INTERVAL
            };
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = self.refresh.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn no_slots(&self, failure: Failure, first: bool) {
        tracing::debug!(%failure, "cannot read the slots of the Cluster");
        self.board.failed(failure, first);
    }

    /// Takes over a slot map: one connection per node, and each subscription where its slot is.
    fn arrange(self: &Arc<Self>, slots: SlotMap) {
        let mut state = self.state.lock();
        if state.slots == slots {
            return;
        }
        let nodes: HashSet<Address> = slots.nodes().into_iter().cloned().collect();
        tracing::info!(
            masters = nodes.len(),
            "the slots of the Cluster are served anew"
        );
        state.slots = slots;
        for node in &nodes {
            if !state.nodes.contains_key(node) {
                self.add_feed(&mut state, Some(node.clone()));
            }
        }
        self.rehome(&mut state);
        // At last, so that what the vanished nodes had has its new place already.
        let gone: HashMap<_, _> = state
            .nodes
            .extract_if(|node, _| !nodes.contains(node))
            .collect();
        for feed in gone.into_values() {
            if let Some(feed) = state.feeds.remove(&feed) {
                feed.stop();
            }
        }
    }

    fn rehome(&self, state: &mut State) {
        let mut keys = Vec::new();
        state.each_topic(|verb, wire, _| {
            let wire = Arc::clone(wire);
            keys.push(Key { verb, wire });
        });
        for key in keys {
            let home = state.home(&key, self.is_cluster());
            let Some(topic) = state.topics[key.verb as usize].get_mut(&key.wire) else {
                continue;
            };
            let before = std::mem::replace(&mut topic.home, home);
            if before != home {
                topic.confirmed.send_replace(false);
                state.mark(before, &key);
                if let Some(feed) = home.and_then(|home| state.feeds.get(&home)) {
                    feed.mark_moved(key, &self.board);
                }
            }
        }
    }
}
