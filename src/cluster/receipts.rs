//! What was published and did not reach every node that should have got it.
//!
//! When a node dies, Redis closes its connection at once, but the others find out seconds later.
//! What they publish meanwhile for its peers is heard by nobody. Redis tells how many got a
//! message: one that reached fewer nodes than serve the room is kept for a while, and said again
//! to the node that takes the peers over.

use std::{
    collections::{HashMap, VecDeque},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::pubsub::Tally;
use crate::core::PeerId;

/// The most messages kept for one room.
const MAX_MESSAGES: usize = 2_000;

/// The most bytes kept for one room.
const MAX_BYTES: usize = 1024 * 1024;

/// How long they are kept: by then a node that is dead is known to be.
const KEPT: Duration = Duration::from_secs(10);

/// The messages of one room that were not received by all.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// How many nodes should get a message, this one included.
    expected: AtomicU64,
    /// The last own message that came back over the channel.
    heard: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<Short>,
    bytes: usize,
    /// Peers that a node has asked for: from that message on it keeps what they miss.
    claims: HashMap<PeerId, (u64, Instant)>,
}

/// A message that reached too few.
#[derive(Debug)]
struct Short {
    number: u64,
    at: Instant,
    payload: Bytes,
    /// For whom it was said again.
    again: SmallVec<[PeerId; 1]>,
}

impl Receipts {
    /// Sets how many nodes serve the room.
    pub(super) fn expect(&self, nodes: u64) {
        self.expected.store(nodes, Ordering::Relaxed);
    }

    /// Notes which of the own messages came back.
    pub(super) fn heard(&self, number: u64) {
        self.heard.fetch_max(number, Ordering::Relaxed);
    }

    /// A node has asked for a peer, and keeps from now on what it misses.
    pub(super) fn claimed(&self, peer: PeerId) {
        let heard = self.heard.load(Ordering::Relaxed);
        let mut kept = self.kept.lock();
        kept.claims.retain(|_, (_, at)| at.elapsed() <= KEPT);
        kept.claims.insert(peer, (heard, Instant::now()));
    }

    /// What `peers` may not have got, in order, and which of them. Each is given out once.
    /// What this node has not heard itself yet comes after what it has, and is heard by
    /// whoever has the peers now.
    pub(super) fn missed_by(&self, peers: &[PeerId]) -> Vec<(Bytes, Vec<PeerId>)> {
        let heard = self.heard.load(Ordering::Relaxed);
        let mut kept = self.kept.lock();
        kept.forget_old();
        let Kept {
            messages, claims, ..
        } = &mut *kept;
        let until = |peer| {
            claims
                .get(peer)
                .map_or(heard, |(until, _)| heard.min(*until))
        };
        let missed = messages.iter_mut().filter_map(|short| {
            let new = peers.iter().filter(|peer| !short.again.contains(peer));
            let new = new.filter(|peer| short.number <= until(*peer));
            let new: Vec<PeerId> = new.copied().collect();
            short.again.extend_from_slice(&new);
            (!new.is_empty()).then(|| (short.payload.clone(), new))
        });
        missed.collect()
    }
}

impl Kept {
    fn forget_old(&mut self) {
        while let Some(first) = self.messages.front()
            && (first.at.elapsed() > KEPT
                || self.messages.len() > MAX_MESSAGES
                || self.bytes > MAX_BYTES)
        {
            self.bytes -= first.payload.len();
            self.messages.pop_front();
        }
    }
}

impl Tally for Receipts {
    fn published(&self, number: u64, receivers: u64, payload: &Bytes) {
        if receivers >= self.expected.load(Ordering::Relaxed) {
            return;
        }
        let mut kept = self.kept.lock();
        // The answers of a batch may come in any order.
        let place = kept.messages.partition_point(|short| short.number < number);
        kept.bytes += payload.len();
        let short = Short {
            number,
            at: Instant::now(),
            payload: payload.clone(),
            again: SmallVec::new(),
        };
        kept.messages.insert(place, short);
        kept.forget_old();
    }
}

#[cfg(test)]
#[path = "tests/receipts.rs"]
mod tests;
