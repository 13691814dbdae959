//! Where messages wait without a Redis.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tracing::error;
use uuid::Uuid;

use super::buffer::{Away, Batch, Buffer, Claim, MAX_BATCH, MAX_BATCH_BYTES, Removal};
use crate::core::RoomId;

/// The most bytes of all rooms together.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The messages of all rooms that the Chat Service does not have, in the memory of this process:
/// they are lost if it dies. There is one process, so nobody else delivers.
#[derive(Debug, Default)]
pub struct MemoryBuffer(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<RoomId, Queue>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<(Uuid, Bytes)>,
    /// How many are under way.
    size: usize,
}

impl MemoryBuffer {
    /// Whether another message may be kept, if a room may have `most`.
    pub fn has_place(&self, room: &RoomId, most: usize) -> bool {
        let state = self.0.lock();
        let mine = state.rooms.get(room).map_or(0, |room| room.messages.len());
        mine < most && state.bytes < MAX_BYTES
    }

    /// Keeps a message, as JSON, after those before it.
    pub fn push(&self, room: &RoomId, id: Uuid, message: Bytes) {
        let mut state = self.0.lock();
        state.bytes += message.len();
        let queue = state.rooms.entry(room.clone()).or_default();
        queue.messages.push_back((id, message));
    }

    /// How many messages are kept.
    pub fn len(&self) -> usize {
        let state = self.0.lock();
        state.rooms.values().map(|room| room.messages.len()).sum()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn next(&self, room: &RoomId) -> Claim {
        let mut state = self.0.lock();
        let Some(queue) = state.rooms.get_mut(room) else {
            return Claim::Nothing;
        };
        if queue.size == 0 {
            queue.size = queue.messages.len().min(MAX_BATCH);
        }
        let mut bytes = 0;
        let fits = queue.messages.iter().take(queue.size).enumerate();
        let fits = fits.take_while(|(index, (_, message))| {
            bytes += message.len();
            *index == 0 || bytes <= MAX_BATCH_BYTES
        });
        let batch = Batch::new(fits.map(|(_, (_, message))| message.clone()));
        queue.size = batch.len();
        Claim::Batch(batch)
    }

    fn remove(&self, room: &RoomId, count: usize) -> Removal {
        let mut state = self.0.lock();
        let Some(queue) = state.rooms.get_mut(room) else {
            return Removal::Done { left: 0 };
        };
        let count = count.min(queue.messages.len());
        let gone: usize = queue.messages.drain(..count).map(|(_, m)| m.len()).sum();
        queue.size = 0;
        let left = queue.messages.len();
        state.bytes -= gone;
        if left == 0 {
            state.rooms.remove(room);
        }
        Removal::Done { left }
    }
}

impl Buffer for MemoryBuffer {
    fn claim<'a>(&'a self, room: &'a RoomId, _: &'a str) -> BoxFuture<'a, Result<Claim, Away>> {
        Box::pin(ready(Ok(self.next(room))))
    }

    fn renew<'a>(&'a self, _: &'a RoomId, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(ready(()))
    }

    fn done<'a>(
        &'a self,
        room: &'a RoomId,
        _: &'a str,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<Removal, Away>> {
        Box::pin(ready(Ok(self.remove(room, batch.len()))))
    }

    fn shrink<'a>(
        &'a self,
        room: &'a RoomId,
        _: &'a str,
        size: usize,
    ) -> BoxFuture<'a, Result<(), Away>> {
        if let Some(queue) = self.0.lock().rooms.get_mut(room) {
            queue.size = size;
        }
        Box::pin(ready(Ok(())))
    }

    fn bury<'a>(
        &'a self,
        room: &'a RoomId,
        _: &'a str,
        batch: &'a Batch,
        _: &'a [u8],
        _: usize,
    ) -> BoxFuture<'a, Result<Removal, Away>> {
        for id in batch.ids() {
            error!(%id, %room, "there is no Redis to put a refused message aside in: it is dropped");
        }
        Box::pin(ready(Ok(self.remove(room, batch.len()))))
    }

    fn page<'a>(
        &'a self,
        room: &'a RoomId,
        before: Option<Uuid>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Bytes>, Away>> {
        let state = self.0.lock();
        let messages = state.rooms.get(room).map(|room| &room.messages);
        let older = messages.into_iter().flatten().rev();
        let older = older.filter(|(id, _)| before.is_none_or(|before| *id < before));
        let page = older.take(limit).map(|(_, message)| message.clone());
        Box::pin(ready(Ok(page.collect())))
    }
}

#[cfg(test)]
#[path = "tests/memory.rs"]
mod tests;
