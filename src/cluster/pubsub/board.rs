//! The state of the way to Redis as a whole, put together from its connections.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::cluster::connect::Failure;

/// Whether the way to Redis is open.
///
/// It is when commands have a connection and every wanted subscription has been made again. Each
/// time it opens the generation grows: what happened in Redis in between has not been heard, so
/// whoever keeps a picture of it should look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Open or not.
    pub up: bool,
    /// How often it has opened.
    pub generation: u64,
}

/// How the way to Redis is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether it is open, and how often it has opened.
    pub link: Link,
    /// Whether there is a connection for commands and publishing.
    pub commands_up: bool,
    /// Connections for subscriptions that are up, of those there should be.
    pub subscribers: (usize, usize),
    /// Since when the link is as it is.
    pub since: SystemTime,
    /// What went wrong last, ever.
    pub last_failure: Option<Failure>,
    /// Failed attempts to connect since the link was last open.
    pub attempts: u64,
    /// Failed attempts to connect since the start.
    pub total_attempts: u64,
    /// What the last check took, there and back.
    pub round_trip: Option<Duration>,
}

/// Which connection for subscriptions.
pub(super) type FeedId = u64;

#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    link: watch::Sender<Link>,
}

#[derive(Debug)]
struct State {
    commands: bool,
    feeds: HashMap<FeedId, bool>,
    since: SystemTime,
    last_failure: Option<Failure>,
    attempts: u64,
    total_attempts: u64,
    round_trip: Option<Duration>,
}

impl Board {
    pub(super) fn new() -> Self {
        let link = Link {
            up: false,
            generation: 0,
        };
        Self {
            link: watch::Sender::new(link),
            state: Mutex::new(State {
                commands: false,
                feeds: HashMap::new(),
                since: SystemTime::now(),
                last_failure: None,
                attempts: 0,
                total_attempts: 0,
                round_trip: None,
            }),
        }
    }

    pub(super) fn watch(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    pub(super) fn health(&self) -> Health {
        let state = self.state.lock();
        Health {
            link: *self.link.borrow(),
            commands_up: state.commands,
            subscribers: (
                state.feeds.values().filter(|up| **up).count(),
                state.feeds.len(),
            ),
            since: state.since,
            last_failure: state.last_failure,
            attempts: state.attempts,
            total_attempts: state.total_attempts,
            round_trip: state.round_trip,
        }
    }

    pub(super) fn commands(&self, up: bool) {
        self.change(|state| state.commands = up);
    }

    /// A connection for subscriptions that there should be, and whether it is up.
    pub(super) fn feed(&self, feed: FeedId, up: bool) {
        self.change(|state| {
            state.feeds.insert(feed, up);
        });
    }

    pub(super) fn feed_gone(&self, feed: FeedId) {
        self.change(|state| {
            state.feeds.remove(&feed);
        });
    }

    /// A connection failed, or broke.
    pub(super) fn failed(&self, failure: Failure, connecting: bool) {
        let mut state = self.state.lock();
        state.last_failure = Some(failure);
        if connecting {
            state.attempts += 1;
            state.total_attempts += 1;
        }
    }

    pub(super) fn round_trip(&self, time: Duration) {
        self.state.lock().round_trip = Some(time);
    }

    fn change(&self, apply: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        apply(&mut state);
        let up = state.commands && !state.feeds.is_empty() && state.feeds.values().all(|up| *up);
        // Under the lock, so that two changes cannot be told in the wrong order.
        let changed = self.link.send_if_modified(|link| {
            let changed = link.up != up;
            link.up = up;
            link.generation += u64::from(changed && up);
            changed
        });
        if changed {
            state.since = SystemTime::now();
            let attempts = state.attempts;
            if up {
                tracing::info!(attempts, "the link to Redis is up");
                state.attempts = 0;
            } else {
                let cause = state.last_failure.map(tracing::field::display);
                tracing::warn!(cause, "the link to Redis is down");
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/board.rs"]
mod tests;
