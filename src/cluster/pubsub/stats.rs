//! Counting, in total and per channel, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

/// What happened to messages that were to be published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounts {
    /// Accepted by Redis.
    pub published: u64,
    /// Bytes of payload accepted by Redis.
    pub bytes: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Given up after the last retry, or at shutdown.
    pub lost: u64,
    /// Not even queued, as the queue was full.
    pub refused: u64,
}

/// What happened to messages that came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriberCounts {
    /// Handed to handlers: each message once, however many handlers there are.
    pub received: u64,
    /// Bytes of payload handed to handlers.
    pub bytes: u64,
    /// Own messages, skipped.
    pub own_skipped: u64,
    /// Repetitions, skipped.
    pub repeated: u64,
    /// Messages without a readable envelope on an internal channel, skipped.
    pub malformed: u64,
    /// Calls of handlers that returned an error.
    pub handler_errors: u64,
    /// Calls of handlers that panicked.
    pub handler_panics: u64,
}

/// Counters since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats<C> {
    /// Over all channels.
    pub total: C,
    /// Per channel, for those used last. Patterns stand for the channels that fit them.
    pub channels: BTreeMap<Arc<str>, C>,
}

/// Counters over time: a total and those of the channels used last.
#[derive(Debug)]
pub(super) struct Counters<C>(Mutex<Tracked<C>>);

#[derive(Debug)]
struct Tracked<C> {
    total: C,
    /// The same, whatever was reset.
    ever: C,
    /// Two half-full maps in place of an exact order of use: what has not been used while
    /// `recent` filled up goes with `older`.
    recent: HashMap<Arc<str>, C>,
    older: HashMap<Arc<str>, C>,
    half: usize,
}

impl<C: Copy + Default> Counters<C> {
    pub(super) fn new(tracked_channels: usize) -> Self {
        Self(Mutex::new(Tracked {
            total: C::default(),
            ever: C::default(),
            recent: HashMap::new(),
            older: HashMap::new(),
            half: (tracked_channels / 2).max(1),
        }))
    }

    pub(super) fn count(&self, channel: &Arc<str>, count: impl Fn(&mut C)) {
        let mut tracked = self.0.lock();
        count(&mut tracked.total);
        count(&mut tracked.ever);
        if let Some(counts) = tracked.recent.get_mut(channel) {
            return count(counts);
        }
        let mut counts = tracked.older.remove(channel).unwrap_or_default();
        count(&mut counts);
        if tracked.recent.len() >= tracked.half {
            tracked.older = std::mem::take(&mut tracked.recent);
        }
        tracked.recent.insert(Arc::clone(channel), counts);
    }

    pub(super) fn read(&self) -> Stats<C> {
        let tracked = self.0.lock();
        let both = tracked.older.iter().chain(&tracked.recent);
        Stats {
            total: tracked.total,
            channels: both
                .map(|(name, counts)| (Arc::clone(name), *counts))
                .collect(),
        }
    }

    /// The total since the start.
    pub(super) fn ever(&self) -> C {
        self.0.lock().ever
    }

    pub(super) fn reset(&self) {
        let mut tracked = self.0.lock();
        tracked.total = C::default();
        tracked.recent.clear();
        tracked.older.clear();
    }
}

#[cfg(test)]
#[path = "tests/stats.rs"]
mod tests;
