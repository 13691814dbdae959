//! Copies of what Redis has and the Chat Service has not.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{COPY_WINDOW, under_way::Line};
use crate::core::RoomId;

/// The most messages.
const MAX_MESSAGES: usize = 10_000;

/// The most bytes. A message counts twice: as it is kept, and as it is published.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A message as it was written.
pub(super) struct Copy {
    pub(super) id: Uuid,
    pub(super) room: RoomId,
    pub(super) line: Line,
    since: Instant,
}

impl Copy {
    /// How long ago it was written.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

/// The copies, in the order in which they were written. Beyond the bounds the oldest goes.
#[derive(Default)]
pub(super) struct Copies {
    by_place: BTreeMap<u64, Copy>,
    places: HashMap<Uuid, u64>,
    bytes: usize,
    last_place: u64,
}

impl Copies {
    /// Keeps one more, which was written just now.
    pub(super) fn add(&mut self, room: RoomId, id: Uuid, line: Line) {
        self.remove(&id);
        self.last_place += 1;
        self.bytes += line.size();
        self.places.insert(id, self.last_place);
        let since = Instant::now();
        let copy = Copy {
            id,
            room,
            line,
            since,
        };
        self.by_place.insert(self.last_place, copy);
        while self.by_place.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            self.drop_oldest();
        }
    }

    /// It is not needed any more.
    pub(super) fn remove(&mut self, id: &Uuid) {
        let place = self.places.remove(id);
        if let Some(copy) = place.and_then(|place| self.by_place.remove(&place)) {
            self.bytes -= copy.line.size();
        }
    }

    /// Drops those that Redis may not know any more by their marks.
    pub(super) fn forget_old(&mut self) {
        while let Some((_, oldest)) = self.by_place.first_key_value()
            && oldest.age() >= COPY_WINDOW
        {
            self.drop_oldest();
        }
    }

    /// Takes all out, oldest first.
    pub(super) fn take(
        &mut self,
    ) -> impl DoubleEndedIterator<Item = Copy> + ExactSizeIterator + use<> {
        self.places.clear();
        self.bytes = 0;
        std::mem::take(&mut self.by_place).into_values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_place.len()
    }

    fn drop_oldest(&mut self) {
        if let Some((_, oldest)) = self.by_place.pop_first() {
            self.places.remove(&oldest.id);
            self.bytes -= oldest.line.size();
        }
    }
}
