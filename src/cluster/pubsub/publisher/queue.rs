//! What is to be published.
//!
//! Messages wait in lanes, each of which has at most one batch on its way: so whatever happens to
//! a batch, its messages stay before those that came later. A single server has one lane. A
//! Cluster has one per slot, so that a node which is away holds up nobody but its own channels.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::super::Settings;
use super::super::error::PublishError;
use super::super::message::Channel;

/// What the sender gets to know in the end, if it wants to: how many connections got the message.
pub(super) type Outcome = Result<u64, PublishError>;

/// One message.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) channel: Channel,
    pub(super) payload: Bytes,
    /// Its number among the messages of this process.
    pub(super) number: u64,
    pub(super) outcome: Option<oneshot::Sender<Outcome>>,
}

#[derive(Debug)]
pub(in super::super) struct Queue {
    state: Mutex<State>,
    limits: Limits,
    /// There is something to send, or the queue was closed.
    pub(super) wake: Notify,
    idle: Notify,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    messages: usize,
    bytes: usize,
    batch_messages: usize,
    batch_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    lanes: HashMap<u16, VecDeque<Item>>,
    /// Lanes with messages and without a batch on its way, in the order of their first message.
    ready: VecDeque<u16>,
    /// Lanes with a batch on its way.
    busy: HashSet<u16>,
    /// Queued or on their way.
    messages: usize,
    bytes: usize,
    last_number: u64,
    closed: bool,
}

impl Queue {
    pub(in super::super) fn new(settings: &Settings) -> Self {
        Self {
            state: Mutex::default(),
            limits: Limits {
                messages: settings.queue_messages,
                bytes: settings.queue_bytes,
                batch_messages: settings.batch_messages.max(1),
                batch_bytes: settings.batch_bytes,
            },
            wake: Notify::new(),
            idle: Notify::new(),
        }
    }

    /// Adds a message at the end of its lane.
    pub(in super::super) fn push(
        &self,
        lane: u16,
        channel: &Channel,
        payload: Bytes,
        outcome: Option<oneshot::Sender<Outcome>>,
    ) -> Result<(), PublishError> {
        let size = payload.len();
        let mut state = self.state.lock();
        if state.closed {
            return Err(PublishError::Closed);
        }
        if size > self.limits.bytes {
            return Err(PublishError::TooLarge);
        }
        if state.messages >= self.limits.messages || state.bytes + size > self.limits.bytes {
            return Err(PublishError::Full);
        }
        state.messages += 1;
        state.bytes += size;
        state.last_number += 1;
        let item = Item {
            channel: channel.clone(),
            payload,
            number: state.last_number,
            outcome,
        };
        let waiting = state.lanes.entry(lane).or_default();
        waiting.push_back(item);
        if waiting.len() == 1 && !state.busy.contains(&lane) {
            state.ready.push_back(lane);
            drop(state);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The next batch that may go, if there is one. [`settle`](Self::settle) its messages and
    /// then [`release`](Self::release) the lane.
    pub(super) fn take(&self) -> Option<(u16, Vec<Item>)> {
        let mut state = self.state.lock();
        let lane = state.ready.pop_front()?;
        state.busy.insert(lane);
        let waiting = state.lanes.get_mut(&lane)?;
        let mut bytes = 0;
        let mut count = 0;
        for item in waiting.iter().take(self.limits.batch_messages) {
            if count > 0 && bytes >= self.limits.batch_bytes {
                break;
            }
            bytes += item.payload.len();
            count += 1;
        }
        Some((lane, waiting.drain(..count).collect()))
    }

    /// A message has been published or given up.
    pub(super) fn settle(&self, item: Item, outcome: Outcome) {
        let mut state = self.state.lock();
        state.messages -= 1;
        state.bytes -= item.payload.len();
        let idle = state.messages == 0;
        drop(state);
        if idle {
            self.idle.notify_waiters();
        }
        if let Some(sender) = item.outcome {
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome);
        }
    }

    /// A lane may send its next batch.
    pub(super) fn release(&self, lane: u16) {
        let mut state = self.state.lock();
        state.busy.remove(&lane);
        match state.lanes.get(&lane) {
            Some(waiting) if !waiting.is_empty() => state.ready.push_back(lane),
            // A Cluster has many slots, most of them used once: an empty lane goes.
            _ => drop(state.lanes.remove(&lane)),
        }
    }

    /// Takes no more messages.
    pub(in super::super) fn close(&self) {
        self.state.lock().closed = true;
    }

    /// Waits until nothing is queued or on its way.
    pub(in super::super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            // Registered before looking, so that the last one cannot slip through.
            idle.as_mut().enable();
            if self.state.lock().messages == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Takes out all that is still waiting.
    pub(super) fn clear(&self) -> Vec<Item> {
        let mut state = self.state.lock();
        state.ready.clear();
        let lanes = std::mem::take(&mut state.lanes);
        lanes.into_values().flatten().collect()
    }

    /// Messages and bytes that are queued or on their way.
    pub(in super::super) fn depth(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.messages, state.bytes)
    }
}
