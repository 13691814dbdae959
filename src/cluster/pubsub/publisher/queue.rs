//! What is to be published.
//!
//! Messages wait in lanes, each of which has at most one batch on its way: so whatever happens to
//! a batch, its messages stay before those that came later. A single server has one lane. A
//! Cluster has one per slot, so that a node which is away holds up nobody but its own channels.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use redis::Value;
use tokio::sync::{Notify, oneshot};

use super::super::Settings;
use super::super::error::PublishError;
use super::super::follow::Watch;
use super::super::message::Channel;
use super::super::script::Script;
use super::super::tally::Tally;
use crate::telemetry::traces::Publishing;

/// What the sender gets to know in the end, if it wants to: what Redis answered.
pub(in super::super) type Outcome = Result<Value, PublishError>;

/// One message.
#[derive(Debug)]
pub(in super::super) struct Item {
    pub(in super::super) channel: Channel,
    pub(in super::super) payload: Bytes,
    /// What publishes it, if that is not Redis by itself.
    pub(in super::super) script: Option<Box<Script>>,
    pub(in super::super) interest: Interest,
    /// Its span, which ends with it, if it belongs to a trace.
    pub(in super::super) trace: Option<Box<Publishing>>,
}

/// Who wants to know what becomes of a message.
#[derive(Debug)]
pub(in super::super) enum Interest {
    Nobody,
    /// Somebody waits for the answer.
    Waiter(oneshot::Sender<Outcome>),
    /// Somebody counts who gets it.
    Tally(Arc<dyn Tally>),
    /// Somebody follows what becomes of it.
    Watch(Arc<dyn Watch>),
}

impl Item {
    /// Bytes that count towards the bounds.
    fn size(&self) -> usize {
        let script = self.script.as_ref().map_or(0, |script| script.size());
        self.payload.len() + script
    }

    /// Whether it is still to be published.
    pub(super) fn is_wanted(&self) -> bool {
        match &self.interest {
            Interest::Watch(watch) => watch.is_wanted(),
            _ => true,
        }
    }
}

/// A message in the queue, with its number among those of this process.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) item: Item,
    pub(super) number: u64,
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
    lanes: HashMap<u16, VecDeque<Queued>>,
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
    pub(in super::super) fn push(&self, lane: u16, item: Item) -> Result<(), PublishError> {
        let size = item.size();
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
        let number = state.last_number;
        let waiting = state.lanes.entry(lane).or_default();
        waiting.push_back(Queued { item, number });
        if waiting.len() == 1 && !state.busy.contains(&lane) {
            state.ready.push_back(lane);
            drop(state);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The next batch that may go, if there is one. [`settle`](Self::settle) its messages and
    /// then [`release`](Self::release) the lane.
    pub(super) fn take(&self) -> Option<(u16, Vec<Queued>)> {
        let mut state = self.state.lock();
        let lane = state.ready.pop_front()?;
        state.busy.insert(lane);
        let waiting = state.lanes.get_mut(&lane)?;
        let mut bytes = 0;
        let mut count = 0;
        for queued in waiting.iter().take(self.limits.batch_messages) {
            if count > 0 && bytes >= self.limits.batch_bytes {
                break;
            }
            bytes += queued.item.size();
            count += 1;
        }
        Some((lane, waiting.drain(..count).collect()))
    }

    /// A message has been published or given up.
    pub(super) fn settle(&self, Queued { item, number }: Queued, outcome: Outcome) {
        let mut state = self.state.lock();
        state.messages -= 1;
        state.bytes -= item.size();
        let idle = state.messages == 0;
        drop(state);
        if idle {
            self.idle.notify_waiters();
        }
        match item.interest {
            Interest::Nobody => {}
            Interest::Waiter(sender) => {
                // Whoever asked may have stopped waiting.
                let _ = sender.send(outcome);
            }
            Interest::Tally(tally) => {
                if let Ok(Value::Int(receivers)) = outcome {
                    let receivers = u64::try_from(receivers).unwrap_or(0);
                    tally.published(number, receivers, &item.payload);
                }
            }
            Interest::Watch(watch) => watch.settled(number, outcome, &item.payload),
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
    pub(super) fn clear(&self) -> Vec<Queued> {
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
