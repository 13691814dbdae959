//! What was handed to the protocol library for a client, and has not left yet.
//!
//! The library queues packets out of sight. When a connection is lost or replaced, what
//! still lies there would be gone in silence; so the ledger keeps it until it is known to
//! have left, by count: over a WebSocket when the kernel took the frame, by polling when an
//! answer held it. It also bounds the queue in bytes.

use std::collections::VecDeque;

use crate::{
    core::Event,
    hub::{Charge, Load},
};

/// The messages of one Engine.IO session, oldest first.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    load: Load,
    /// How many messages were handed over before the first entry.
    gone: u64,
}

#[derive(Debug)]
struct Entry {
    /// What to send again; nothing for what only this connection could use.
    event: Option<Event<'static>>,
    charge: Charge,
}

impl Ledger {
    /// Nothing was handed over, and of events and of answers at most so many bytes may wait.
    pub(super) fn new(most: usize) -> Self {
        Self {
            load: Load::new(most),
            ..Self::default()
        }
    }

    /// Forgets what has left, and returns whether a message has room that tells `event`, or that
    /// nobody gets again and has so many bytes.
    pub(super) fn has_room(&mut self, left: u64, event: Option<&Event<'_>>, bytes: usize) -> bool {
        self.prune(left);
        self.load.has_room(Charge::of(event, bytes))
    }

    /// Notes a message that was handed over.
    pub(super) fn push(&mut self, event: Option<Event<'static>>, bytes: usize) {
        let charge = Charge::of(event.as_ref(), bytes);
        self.load.add(charge);
        self.entries.push_back(Entry { event, charge });
    }

    /// Forgets what has left, and returns what the rest is charged with, in bytes.
    pub(super) fn weight(&mut self, left: u64) -> usize {
        self.prune(left);
        self.load.total()
    }

    /// Takes out the events that have not left.
    pub(super) fn reclaim(&mut self, left: u64) -> Vec<Event<'static>> {
        self.prune(left);
        self.load = self.load.emptied();
        self.gone += self.entries.len() as u64;
        std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(|entry| entry.event)
            .collect()
    }

    fn prune(&mut self, left: u64) {
        while self.gone < left
            && let Some(entry) = self.entries.pop_front()
        {
            self.load.remove(entry.charge);
            self.gone += 1;
        }
        if self.entries.is_empty() {
            // Binary packets that the library sent of its own accord are in nobody's books.
            self.gone = self.gone.max(left);
        }
    }

    /// Keeps the places and forgets the events.
    pub(super) fn forget(&mut self) {
        for entry in &mut self.entries {
            entry.event = None;
        }
    }
}

#[cfg(test)]
#[path = "tests/ledger.rs"]
mod tests;
