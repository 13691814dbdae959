//! What waits in the outbox, and what of it is on its way.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use smallvec::SmallVec;
use tracing::warn;
use uuid::Uuid;

use super::{
    Stamp,
    copies::{Copies, Copy},
    outbox::Kept,
    under_way::Line,
};
use crate::core::RoomId;

/// The most messages that are on their way at once, and the most bytes: after an outage all that
/// waits could fill the queue to Redis, which everything else needs too.
const MAX_UNDER_WAY: usize = 4_096;

const MAX_BYTES_UNDER_WAY: usize = 8 * 1024 * 1024;

/// Those who say a message ask what became of it a moment after it went: so many are known then of which
/// Redis knew otherwise, which is rare.
const MAX_SENT_BEFORE: usize = 256;

/// What was published so shortly before may have been lost with the connections of others. Those
/// that have heard it know it.
const PERHAPS_UNHEARD: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct State {
    pub(super) rooms: HashMap<RoomId, Queue>,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// How many of them are on their way, and of how many bytes.
    pub(super) under_way: usize,
    pub(super) bytes_under_way: usize,
    /// Rooms where something waits for its turn to go, each once.
    pub(super) next: VecDeque<RoomId>,
    /// What Redis has and the Chat Service has not, as far as this node knows.
    pub(super) copies: Copies,
    /// Redis may have lost what it had.
    pub(super) doubtful: bool,
    /// How many messages wait for the Chat Service, as Redis last said.
    pub(super) lengths: HashMap<RoomId, usize>,
    /// What was sent before as another message, the last ones.
    sent_before: VecDeque<(Uuid, Stamp)>,
}

#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: VecDeque<Entry>,
    /// How many of them are not on their way.
    pub(super) waiting: usize,
    /// It is among those that go next.
    pub(super) listed: bool,
}

pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) line: Line,
    /// On its way to Redis.
    pub(super) sent: bool,
    /// Who waits to hear that it is kept.
    pub(super) waiters: SmallVec<[Kept; 1]>,
}

impl State {
    pub(super) fn begin(&mut self, size: usize) {
        self.under_way += 1;
        self.bytes_under_way += size;
    }

    pub(super) fn end(&mut self, size: usize) {
        self.under_way -= 1;
        self.bytes_under_way -= size;
    }

    /// A message is not on its way any more. Returns its place in its room.
    pub(super) fn note_back(&mut self, room: &RoomId, id: Uuid) -> Option<usize> {
        let queue = self.rooms.get_mut(room)?;
        let place = queue.entries.iter().position(|entry| entry.id == id)?;
        let entry = &mut queue.entries[place];
        if std::mem::take(&mut entry.sent) {
            queue.waiting += 1;
            let size = entry.line.size();
            self.end(size);
        }
        Some(place)
    }

    pub(super) fn waiters_of(&mut self, room: &RoomId, place: usize) -> SmallVec<[Kept; 1]> {
        let queue = self.rooms.get_mut(room);
        let entry = queue.and_then(|queue| queue.entries.get_mut(place));
        entry.map_or_else(SmallVec::new, Entry::promise)
    }

    /// A message was sent before as another.
    pub(super) fn note_sent_before(&mut self, id: Uuid, stamp: Stamp) {
        if self.sent_before.len() >= MAX_SENT_BEFORE {
            self.sent_before.pop_front();
        }
        self.sent_before.push_back((id, stamp));
    }

    /// As which other message it was sent before, if that turned out just now.
    pub(super) fn sent_as(&self, id: Uuid) -> Option<Stamp> {
        let mut known = self.sent_before.iter();
        known
            .find(|(known, _)| *known == id)
            .map(|(_, stamp)| *stamp)
    }

    /// Whether the sender of a message was told that it is kept.
    pub(super) fn is_promised(&self, room: &RoomId, place: usize) -> bool {
        let entry = self
            .rooms
            .get(room)
            .and_then(|queue| queue.entries.get(place));
        entry.is_some_and(|entry| entry.line.is_promised())
    }

    /// Lets what waits in a room go when it is its turn.
    pub(super) fn list(&mut self, room: &RoomId) {
        if let Some(queue) = self.rooms.get_mut(room)
            && !std::mem::replace(&mut queue.listed, true)
        {
            self.next.push_back(room.clone());
        }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.under_way >= MAX_UNDER_WAY || self.bytes_under_way >= MAX_BYTES_UNDER_WAY
    }
}

impl Entry {
    /// Takes out who waits: they are to be told that it is kept, by this node at least.
    pub(super) fn promise(&mut self) -> SmallVec<[Kept; 1]> {
        if !self.waiters.is_empty() {
            self.line.be_promised();
        }
        std::mem::take(&mut self.waiters)
    }
}

/// Takes out everybody who waits.
pub(super) fn all_waiters(state: &mut State) -> Vec<Kept> {
    let entries = state.rooms.values_mut().flat_map(|room| &mut room.entries);
    entries.flat_map(Entry::promise).collect()
}

/// Puts the copies before all that waits. Where Redis still has them nothing happens. Everybody
/// has heard them but perhaps the last ones, which are published again.
pub(super) fn requeue_copies(state: &mut State) {
    state.copies.forget_old();
    let copies = state.copies.take();
    if copies.len() > 0 {
        warn!(
            messages = copies.len(),
            "Redis may have lost chat that is not delivered: it is written again"
        );
    }
    for copy in copies.rev() {
        let age = copy.age();
        let Copy {
            id, room, mut line, ..
        } = copy;
        if age > PERHAPS_UNHEARD {
            line.be_quiet();
        } else {
            line.be_repeated();
        }
        line.be_promised();
        state.messages += 1;
        state.bytes += line.size();
        let queue = state.rooms.entry(room).or_default();
        queue.waiting += 1;
        queue.entries.push_front(Entry {
            id,
            line,
            sent: false,
            waiters: SmallVec::new(),
        });
    }
}
