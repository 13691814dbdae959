//! What waits for a peer that is away.

use std::collections::VecDeque;

use super::Event;

/// The most events that wait for one peer.
const MAX_EVENTS: usize = 4_000;

/// The most bytes that wait for one peer. A call that is being set up leaves some tens of
/// kilobytes; this is a busy room's chat and signalling over a window of five seconds.
pub const MAX_MISSED_BYTES: usize = 2 * 1024 * 1024;

/// The events sent to a peer while it was away, oldest first, bounded in number and bytes.
#[derive(Debug, Default)]
pub(super) struct Replay {
    events: VecDeque<Event<'static>>,
    bytes: usize,
    /// How many of the first were put before others.
    before: usize,
}

/// The bound is reached: keeping the event would mean losing another in silence.
#[derive(Debug)]
pub(super) struct Overflow;

impl Replay {
    /// Keeps what a lost connection gave back. What is beyond the bound shows as `Err`.
    pub(super) fn of(events: Vec<Event<'static>>) -> Result<Self, Overflow> {
        let mut replay = Self::default();
        for event in events {
            replay.keep(event)?;
        }
        Ok(replay)
    }

    /// Keeps a copy of `event`, or says that there is no room for it.
    pub(super) fn push(&mut self, event: &Event<'_>) -> Result<(), Overflow> {
        self.keep(event.clone().into_owned())
    }

    /// Keeps an event that comes before all that is kept but those that were put in like this,
    /// or says that there is no room for it.
    pub(super) fn push_before(&mut self, event: Event<'static>) -> Result<(), Overflow> {
        let place = self.before;
        self.keep_at(place, event)?;
        self.before += 1;
        Ok(())
    }

    fn keep(&mut self, event: Event<'static>) -> Result<(), Overflow> {
        self.keep_at(self.events.len(), event)
    }

    fn keep_at(&mut self, place: usize, event: Event<'static>) -> Result<(), Overflow> {
        let weight = event.weight();
        if self.events.len() >= MAX_EVENTS || self.bytes + weight > MAX_MISSED_BYTES {
            return Err(Overflow);
        }
        self.bytes += weight;
        self.events.insert(place, event);
        Ok(())
    }

    /// Takes all events out, oldest first.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Event<'static>> + '_ {
        self.bytes = 0;
        self.before = 0;
        self.events.drain(..)
    }

    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Takes the oldest event out.
    pub(super) fn pop(&mut self) -> Option<Event<'static>> {
        let event = self.events.pop_front()?;
        self.bytes -= event.weight();
        self.before = self.before.saturating_sub(1);
        Some(event)
    }
}

#[cfg(test)]
#[path = "tests/replay.rs"]
mod tests;
