//! What is subscribed to, and by whom.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::super::board::FeedId;
use super::super::envelope::{Envelope, ServerId};
use super::super::message::Handler;

/// Servers whose last number is remembered per channel. Far more than there are nodes: each
/// start of a node is a new server.
const MAX_SENDERS: usize = 256;

/// How Redis is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Verb {
    /// `SUBSCRIBE`.
    Plain = 0,
    /// `SSUBSCRIBE`.
    Shard = 1,
    /// `PSUBSCRIBE`.
    Pattern = 2,
}

/// One subscription, as Redis knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct Key {
    pub(super) verb: Verb,
    pub(super) wire: Arc<str>,
}

impl Key {
    pub(super) fn new(verb: Verb, wire: &str) -> Self {
        Self {
            verb,
            wire: wire.into(),
        }
    }
}

/// What a handler is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Hears {
    /// All there is, as it is.
    Raw,
    /// What other processes say.
    Others,
    /// What all processes say, this one too.
    All,
}

/// One handler.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) id: u64,
    pub(super) hears: Hears,
    pub(super) handler: Arc<Handler>,
}

/// All about one subscription.
pub(super) struct Topic {
    /// The name without prefix.
    pub(super) name: Arc<str>,
    /// Which feed is to have it.
    pub(super) home: Option<FeedId>,
    pub(super) confirmed: watch::Sender<bool>,
    /// Copied on change, so that handlers can be called without holding a lock.
    pub(super) receivers: Arc<[Receiver]>,
    pub(super) seen: Arc<Seen>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>, home: Option<FeedId>, first: Receiver) -> Self {
        Self {
            name,
            home,
            confirmed: watch::Sender::new(false),
            receivers: [first].into(),
            seen: Arc::default(),
        }
    }

    pub(super) fn add(&mut self, receiver: Receiver) {
        let all = self.receivers.iter().cloned();
        self.receivers = all.chain([receiver]).collect();
    }

    /// Returns what were the receivers before.
    pub(super) fn remove(&mut self, id: u64) -> Arc<[Receiver]> {
        let others = self.receivers.iter().filter(|receiver| receiver.id != id);
        let others = others.cloned().collect();
        std::mem::replace(&mut self.receivers, others)
    }
}

/// The last number that came from each server.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashMap<ServerId, u64>>);

impl Seen {
    /// Notes a message; returns whether it is new.
    pub(super) fn is_new(&self, envelope: Envelope) -> bool {
        let mut seen = self.0.lock();
        if seen.len() >= MAX_SENDERS && !seen.contains_key(&envelope.from) {
            // A repetition follows its original by seconds: forgetting all of them every some
            // hundred restarts is harmless.
            seen.clear();
        }
        let last = seen.entry(envelope.from).or_insert(0);
        let new = envelope.number > *last;
        *last = (*last).max(envelope.number);
        new
    }
}

#[cfg(test)]
#[path = "tests/topic.rs"]
mod tests;
