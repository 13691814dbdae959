//! The state of the way to Redis as a whole, put together from its connections.
//!
//! A connection that says it is up may be wrong: it ended a moment ago, and whoever keeps it has
//! not got to reading that. So when the last connection has come up, all are called: the way is
//! open when each has had an answer from Redis since.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::cluster::connect::Failure;

/// Whether the way to Redis is open.
///
/// It is when commands have a connection, every wanted subscription has been made again, and
/// Redis has answered on all connections since. Each time it opens the generation grows: what
/// happened in Redis in between has not been heard, so whoever keeps a picture of it should look
/// again. (A subscription that Redis refuses holds nothing up; it is tried again at each check.)
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

/// One of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Member {
    Commands,
    Feed(FeedId),
}

#[derive(Debug)]
pub(super) struct Board {
    state: Mutex<State>,
    link: watch::Sender<Link>,
    /// The number of the last call.
    call: watch::Sender<u64>,
}

/// A connection that there should be: `None` while it is down, else the last call it answered.
type Standing = Option<u64>;

#[derive(Debug)]
struct State {
    members: HashMap<Member, Standing>,
    /// All are up.
    complete: bool,
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
            call: watch::Sender::new(0),
            state: Mutex::new(State {
                members: HashMap::from([(Member::Commands, None)]),
                complete: false,
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

    /// When this changes every connection is to ask Redis for an answer, and then to say that it
    /// [`answered`](Self::answered).
    pub(super) fn calls(&self) -> watch::Receiver<u64> {
        self.call.subscribe()
    }

    pub(super) fn health(&self) -> Health {
        let state = self.state.lock();
        let up = |member| state.members.get(member).is_some_and(Option::is_some);
        let feeds = || state.members.keys().filter(|one| **one != Member::Commands);
        Health {
            link: *self.link.borrow(),
            commands_up: up(&Member::Commands),
            subscribers: (feeds().filter(|feed| up(feed)).count(), feeds().count()),
            since: state.since,
            last_failure: state.last_failure,
            attempts: state.attempts,
            total_attempts: state.total_attempts,
            round_trip: state.round_trip,
        }
    }

    /// A connection is there and, if it is one for subscriptions, has all of them.
    pub(super) fn up(&self, member: Member) {
        self.change(|members| {
            let standing = members.entry(member).or_default();
            *standing = Some(standing.unwrap_or(0));
        });
    }

    /// A connection that there should be is not there.
    pub(super) fn down(&self, member: Member) {
        self.change(|members| {
            members.insert(member, None);
        });
    }

    /// A connection need not be there any more.
    pub(super) fn gone(&self, member: Member) {
        self.change(|members| {
            members.remove(&member);
        });
    }

    /// Redis has answered a question that was asked after this call.
    pub(super) fn answered(&self, member: Member, call: u64) {
        self.change(|members| {
            if let Some(Some(last)) = members.get_mut(&member) {
                *last = call.max(*last);
            }
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

    fn change(&self, apply: impl FnOnce(&mut HashMap<Member, Standing>)) {
        let mut state = self.state.lock();
        apply(&mut state.members);
        // Commands alone are not enough: a Cluster that is not known yet has no connections for
        // subscriptions.
        let complete = state.members.len() > 1 && state.members.values().all(Option::is_some);
        if complete && !state.complete {
            self.call.send_modify(|call| *call += 1);
        }
        state.complete = complete;
        let call = *self.call.borrow();
        let all_answered = || state.members.values().all(|last| *last == Some(call));
        let up = complete && (self.link.borrow().up || all_answered());
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
