//! What was handed to the protocol library for a client, and has not left yet.
//!
//! The library queues packets out of sight. When a connection is lost or replaced, what
//! still lies there would be gone in silence; so the ledger keeps it until it is known to
//! have left, by count: over a WebSocket when the kernel took the frame, by polling when an
//! answer held it. It also bounds the queue in bytes.

use std::{borrow::Cow, collections::VecDeque};

use bytes::Bytes;
use serde_json::value::RawValue;

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
    kept: Option<Kept>,
    charge: Charge,
}

/// An event that is sent again if it has not left.
#[derive(Debug)]
pub(super) enum Kept {
    /// As it is.
    Event(Event<'static>),
    /// A relay without its body, and the body as a part of the packet that is on its way: most have left
    /// before anybody asks for them, so it is not copied.
    Relay(Event<'static>, Bytes),
}

impl Kept {
    /// Keeps `event`, whose body, if it has one, is `body` of the packet.
    pub(super) fn relay(event: &Event<'_>, body: Bytes) -> Self {
        match event {
            Event::Relay {
                kind,
                from,
                sender,
                to,
                ..
            } => Self::Relay(
                Event::Relay {
                    kind: *kind,
                    from: *from,
                    sender: sender.clone(),
                    to: *to,
                    body: Cow::Borrowed(RawValue::NULL),
                },
                body,
            ),
            other => Self::Event(other.clone().into_owned()),
        }
    }

    fn into_event(self) -> Option<Event<'static>> {
        match self {
            Self::Event(event) => Some(event),
            Self::Relay(mut event, text) => {
                if let Event::Relay { body, .. } = &mut event {
                    // It was JSON when it was put into the packet.
                    *body = Cow::Owned(serde_json::from_slice(&text).ok()?);
                }
                Some(event)
            }
        }
    }
}

impl Ledger {
    /// Nothing was handed over, and of events and of answers at most so many bytes may wait.
    pub(super) fn new(most: usize) -> Self {
        Self {
            load: Load::new(most),
            ..Self::default()
        }
    }

    /// Forgets what has left, and returns whether a message has room that counts for so much.
    pub(super) fn has_room(&mut self, left: u64, charge: Charge) -> bool {
        self.prune(left);
        self.load.has_room(charge)
    }

    /// Notes a message that was handed over.
    pub(super) fn push(&mut self, kept: Option<Kept>, charge: Charge) {
        self.load.add(charge);
        self.entries.push_back(Entry { kept, charge });
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
            .filter_map(|entry| entry.kept?.into_event())
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
            entry.kept = None;
        }
    }
}

#[cfg(test)]
#[path = "tests/ledger.rs"]
mod tests;
