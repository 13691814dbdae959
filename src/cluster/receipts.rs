//! What was published and did not reach every node that should have got it.
//!
//! When a node dies, Redis closes its connection at once, but the others find out seconds later.
//! What they publish meanwhile for its peers is heard by nobody. Redis tells how many got a
//! message: one that reached fewer nodes than serve the room is kept for a while, and said again
//! to the node that takes the peers over.
//!
//! Redis does not tell who did not get it. So it is asked at once which nodes have no connection,
//! and the message is said again for the peers of those alone: others have heard it. A node that
//! has one again by then is not dead; what it did not hear is lost to its peers. So it is if more
//! have none than did not get the message: some have lost it since, and it cannot be told which.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::time::sleep;

use super::{
    node::presence_channel,
    pubsub::{PubSub, Tally},
};
use crate::core::{NodeId, PeerId};

/// The most messages kept for one room.
const MAX_MESSAGES: usize = 2_000;

/// The most bytes kept for one room.
const MAX_BYTES: usize = 1024 * 1024;

/// How long they are kept: by then a node that is dead is known to be.
const KEPT: Duration = Duration::from_secs(10);

/// The least time between two times that Redis is asked for one room who has a connection.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// The messages of one room that were not received by all.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// How many nodes should get a message, this one included.
    expected: AtomicU64,
    /// The last own message that came back over the channel.
    heard: AtomicU64,
    /// The last of those that are counted.
    heard_counted: AtomicU64,
    /// The last one of which Redis said how many got it. It says so over another connection than
    /// the one by which the message comes back: either may be first.
    answered: AtomicU64,
    kept: Mutex<Kept>,
    /// How to ask who has a connection.
    asker: Option<Asker>,
}

#[derive(Debug)]
struct Asker {
    pubsub: PubSub,
    receipts: Weak<Receipts>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The other nodes that serve the room.
    others: Arc<[NodeId]>,
    messages: VecDeque<Short>,
    bytes: usize,
    /// It is being asked who did not get the last of the messages.
    asking: bool,
    /// Peers that a node has asked for, or taken over.
    claims: HashMap<PeerId, Claimed>,
}

/// From some message on a node keeps what a peer misses.
#[derive(Debug)]
struct Claimed {
    by: NodeId,
    /// The node that had the peer.
    of: NodeId,
    /// The last own message before that.
    until: u64,
    at: Instant,
    /// The node that had the peer is gone for certain.
    gone: bool,
}

/// A message that reached too few.
#[derive(Debug)]
struct Short {
    number: u64,
    at: Instant,
    payload: Bytes,
    /// How many nodes did not get it.
    lacking: u64,
    /// The nodes that did not get it, once that is known.
    absent: Option<Arc<[NodeId]>>,
    /// For whom it was said again.
    again: SmallVec<[PeerId; 1]>,
}

impl Receipts {
    /// Receipts of what is published by `pubsub`.
    pub(super) fn new(pubsub: PubSub) -> Arc<Self> {
        Arc::new_cyclic(|receipts| {
            let receipts = Weak::clone(receipts);
            Self {
                asker: Some(Asker { pubsub, receipts }),
                ..Self::default()
            }
        })
    }

    /// Sets which other nodes serve the room.
    pub(super) fn expect(&self, others: Vec<NodeId>) {
        let nodes = others.len() as u64 + 1;
        self.kept.lock().others = others.into();
        self.expected.store(nodes, Ordering::Relaxed);
    }

    /// Notes which of the own messages came back, and whether it is one that is counted.
    pub(super) fn heard(&self, number: u64, counted: bool) {
        self.heard.fetch_max(number, Ordering::Relaxed);
        if counted {
            self.heard_counted.fetch_max(number, Ordering::Relaxed);
        }
    }

    /// A node has asked for peers, or taken them over if the one that had them is `gone`, and
    /// keeps from now on what they miss. Each comes with the node that had it. Returns the own
    /// message that has to be [answered](Self::is_answered) before it is known what they missed
    /// until now.
    pub(super) fn claimed(&self, peers: &[(PeerId, NodeId)], by: &NodeId, gone: bool) -> u64 {
        let until = self.heard.load(Ordering::Relaxed);
        let mut kept = self.kept.lock();
        kept.claims
            .retain(|_, claimed| claimed.at.elapsed() <= KEPT);
        for (peer, of) in peers {
            match kept.claims.get_mut(peer) {
                // It has kept what came since it asked.
                Some(claimed) if gone && claimed.by == *by => claimed.gone = true,
                _ => {
                    if gone {
                        kept.give_out_anew(*peer);
                    }
                    let claimed = Claimed {
                        by: by.clone(),
                        of: of.clone(),
                        until,
                        at: Instant::now(),
                        gone,
                    };
                    kept.claims.insert(*peer, claimed);
                }
            }
        }
        self.heard_counted.load(Ordering::Relaxed)
    }

    /// Whether the node that had a peer was found to be gone since the peer was asked for.
    pub(super) fn is_gone(&self, peer: PeerId) -> bool {
        let kept = self.kept.lock();
        kept.claims.get(&peer).is_some_and(|claimed| claimed.gone)
    }

    /// Whether it is known who got that message, and those before it.
    pub(super) fn is_answered(&self, number: u64) -> bool {
        let counted = self.answered.load(Ordering::Relaxed) >= number;
        counted && !self.kept.lock().is_unsure(number)
    }

    /// What `peers` did not get that were [claimed](Self::claimed), in order, and which of them.
    /// Each is given out once. What this node has not heard itself yet comes after what it has,
    /// and is heard by whoever has the peers now.
    pub(super) fn missed_by(&self, peers: &[PeerId]) -> Vec<(Bytes, Vec<PeerId>)> {
        let heard = self.heard.load(Ordering::Relaxed);
        let mut kept = self.kept.lock();
        kept.forget_old();
        let Kept {
            messages, claims, ..
        } = &mut *kept;
        let is_missed = |short: &Short, peer| {
            claims.get(peer).is_some_and(|Claimed { of, until, .. }| {
                let absent = short.absent.as_deref().unwrap_or_default();
                short.number <= heard.min(*until) && absent.contains(of)
            })
        };
        let missed = messages.iter_mut().filter_map(|short| {
            let new = peers.iter().filter(|peer| !short.again.contains(peer));
            let new: Vec<PeerId> = new.filter(|peer| is_missed(short, peer)).copied().collect();
            short.again.extend_from_slice(&new);
            (!new.is_empty()).then(|| (short.payload.clone(), new))
        });
        missed.collect()
    }

    /// Asks who has no connection, until that is known of all that did not reach everybody.
    async fn ask(self: Arc<Self>, pubsub: PubSub) {
        loop {
            let (others, last) = {
                let kept = self.kept.lock();
                let last = kept.messages.iter().map(|short| short.number).max();
                (Arc::clone(&kept.others), last.unwrap_or_default())
            };
            let mut absent = Vec::new();
            for node in &*others {
                // Without an answer it counts as there: better lost than said twice.
                if let Ok(0) = pubsub.listeners(&presence_channel(node)).await {
                    absent.push(node.clone());
                }
            }
            if self.note_absent(last, absent) {
                return;
            }
            sleep(ASK_AGAIN).await;
        }
    }

    /// Notes which nodes had no connection after that message was published, and those before it.
    /// Returns whether nothing is left to be asked.
    fn note_absent(&self, last: u64, absent: Vec<NodeId>) -> bool {
        let absent: Arc<[NodeId]> = absent.into();
        let nobody: Arc<[NodeId]> = Arc::default();
        let mut kept = self.kept.lock();
        let unsure = kept.messages.iter_mut();
        for short in unsure.filter(|short| short.absent.is_none() && short.number <= last) {
            let is_sure = absent.len() as u64 <= short.lacking;
            let absent = if is_sure { &absent } else { &nobody };
            short.absent = Some(Arc::clone(absent));
        }
        kept.forget_old();
        kept.asking = kept.is_unsure(u64::MAX);
        !kept.asking
    }
}

impl Kept {
    /// Whether it is not known of a message, up to that one, who did not get it.
    fn is_unsure(&self, number: u64) -> bool {
        let mut unsure = self.messages.iter().rev();
        unsure.any(|short| short.absent.is_none() && short.number <= number)
    }

    /// What a node was told that had only asked for the peer counts for nothing where another
    /// took it over.
    fn give_out_anew(&mut self, peer: PeerId) {
        for short in &mut self.messages {
            short.again.retain(|given| *given != peer);
        }
    }

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
        let lacking = self
            .expected
            .load(Ordering::Relaxed)
            .saturating_sub(receivers);
        if lacking == 0 {
            self.answered.fetch_max(number, Ordering::Relaxed);
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
            lacking,
            absent: None,
            again: SmallVec::new(),
        };
        kept.messages.insert(place, short);
        kept.forget_old();
        self.answered.fetch_max(number, Ordering::Relaxed);
        if let Some(Asker { pubsub, receipts }) = &self.asker
            && let Some(receipts) = receipts.upgrade()
            && !std::mem::replace(&mut kept.asking, true)
        {
            tokio::spawn(receipts.ask(pubsub.clone()));
        }
    }
}

#[cfg(test)]
#[path = "tests/receipts.rs"]
mod tests;
