//! How much may wait for one client.
//!
//! Events are charged as they are while they wait for a peer that is away, whatever a transport makes
//! of them: so all that was kept for a peer has room when it comes back, and all that waits is kept
//! when it goes. Answers and welcomes, which nobody gets again, have a bound of their own: a client
//! that asks for much does not lose events for it.

use crate::core::{Event, MAX_MISSED_BYTES};

/// The most bytes of events that wait for one client, and of answers, unless it is configured to be
/// more: as much as is kept for one that is away. The largest single answer, a page of the longest
/// chat messages, is about 1 MiB.
pub const MAX_QUEUED_BYTES: usize = MAX_MISSED_BYTES;

/// The most messages that wait for one client. Bytes are what bounds a queue; this is only
/// to keep the bookkeeping of very small messages within reason.
pub const MAX_QUEUED_MESSAGES: usize = 16_384;

/// What an answer costs on its way beyond its payload: names, ids, headers, bookkeeping.
pub const MESSAGE_OVERHEAD: usize = 160;

/// What waits for one client, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    events: usize,
    answers: usize,
    /// The most of each.
    most: usize,
}

impl Default for Load {
    fn default() -> Self {
        Self::new(MAX_QUEUED_BYTES)
    }
}

/// What one message counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// Something that is told again if it does not get through.
    Event(usize),
    /// Something that only this connection can use.
    Answer(usize),
}

impl Charge {
    /// What a message counts for that tells `event`, or that nobody gets again and has so many
    /// `bytes`.
    pub fn of(event: Option<&Event<'_>>, bytes: usize) -> Self {
        event.map_or(Self::Answer(bytes + MESSAGE_OVERHEAD), |event| {
            Self::Event(event.weight())
        })
    }
}

impl Load {
    /// Nothing waits, and of events and of answers at most `most` bytes may.
    pub const fn new(most: usize) -> Self {
        Self {
            events: 0,
            answers: 0,
            most,
        }
    }

    /// The same bound, and nothing waits.
    #[must_use]
    pub const fn emptied(self) -> Self {
        Self::new(self.most)
    }

    /// Whether there is room for one more message.
    pub const fn has_room(&self, charge: Charge) -> bool {
        match charge {
            Charge::Event(bytes) => self.events + bytes <= self.most,
            Charge::Answer(bytes) => self.answers + bytes <= self.most,
        }
    }

    /// All that waits, in bytes.
    pub const fn total(&self) -> usize {
        self.events + self.answers
    }

    /// A message waits.
    pub const fn add(&mut self, charge: Charge) {
        match charge {
            Charge::Event(bytes) => self.events += bytes,
            Charge::Answer(bytes) => self.answers += bytes,
        }
    }

    /// A message that waited has left.
    pub const fn remove(&mut self, charge: Charge) {
        match charge {
            Charge::Event(bytes) => self.events -= bytes,
            Charge::Answer(bytes) => self.answers -= bytes,
        }
    }

    /// Messages that waited have left.
    pub const fn remove_all(&mut self, left: Self) {
        self.events -= left.events;
        self.answers -= left.answers;
    }
}
