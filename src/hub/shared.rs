//! What a room needs on this node to be one with the same room on others.

use std::{collections::HashMap, time::Duration};

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::Conn;
use crate::{
    cluster::{LIFE, Said, Subscription},
    core::{PeerId, Room},
};

/// The most messages that wait while Redis is read, which takes a moment. Beyond that, what
/// comes is heard at once: the next look at Redis puts right what that makes wrong.
const MAX_WAITING: usize = 4_096;

/// The time that other nodes get to write down what they have, after Redis has lost it: they
/// find out when they next show that they live.
const MOMENT: Duration = Duration::from_secs(1);

/// The part of a room's state that is about other nodes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Hears the room's channel.
    pub(super) subscription: Option<Subscription>,
    /// Redis has been read since the room was made.
    pub(super) learnt: bool,
    /// When that was, in milliseconds since the Unix epoch: what was said before nobody here
    /// waits for.
    pub(super) learnt_at: u64,
    /// How many looks at Redis are under way.
    reading: usize,
    /// The way to Redis was lost, and the room has not been written down since: what comes is
    /// older than what Redis will say then.
    deaf: bool,
    /// What came meanwhile: it counts from after that.
    waiting: Vec<Said>,
    /// Peers of other nodes that Redis does not have, and since when.
    missing: HashMap<PeerId, Duration>,
    /// Until then nobody is taken for gone because Redis does not have them.
    patient_until: Duration,
    /// Who waits for peers that are to come from other nodes.
    claims: SmallVec<[(PeerId, oneshot::Sender<()>); 1]>,
    /// Who waits for media to flow otherwise than in an epoch.
    modes: SmallVec<[(u64, oneshot::Sender<()>); 1]>,
}

impl Shared {
    /// Lets what comes wait from now on.
    pub(super) fn begin_reading(&mut self) {
        self.reading += 1;
    }

    /// Gives out what came meanwhile, if nothing else is under way.
    pub(super) fn end_reading(&mut self) -> Vec<Said> {
        self.reading = self.reading.saturating_sub(1);
        if self.hears() {
            std::mem::take(&mut self.waiting)
        } else {
            Vec::new()
        }
    }

    /// The way to Redis is lost: what comes from now on of who is in the room is old. What
    /// peers say to each other waits until the room is written down.
    pub(super) fn lose_touch(&mut self) {
        self.deaf = true;
        self.waiting.retain(|said| !said.is_about_roster());
    }

    /// The room is about to be written down: what comes from now on may be newer than that.
    /// Returns whether it was out of touch.
    pub(super) fn regain_touch(&mut self) -> bool {
        std::mem::take(&mut self.deaf)
    }

    const fn hears(&self) -> bool {
        self.reading == 0 && !self.deaf
    }

    /// Gives the message back if it is to be heard now.
    pub(super) fn wait_or_hear(&mut self, said: Said) -> Option<Said> {
        if self.hears() {
            return Some(said);
        }
        if self.deaf && said.is_about_roster() {
            return None;
        }
        if self.waiting.len() >= MAX_WAITING {
            return Some(said);
        }
        self.waiting.push(said);
        None
    }

    /// Of the peers that Redis does not have now, those that it has not had for a while:
    /// other nodes may need a moment to write theirs anew.
    pub(super) fn long_missing(
        &mut self,
        missing: impl IntoIterator<Item = PeerId>,
        now: Duration,
    ) -> Vec<PeerId> {
        let since = |peer| self.missing.get(&peer).copied().unwrap_or(now);
        self.missing = missing
            .into_iter()
            .map(|peer| (peer, since(peer)))
            .collect();
        let patient = now < self.patient_until;
        let long = self
            .missing
            .iter()
            .filter(|(_, since)| !patient && **since + MOMENT <= now);
        long.map(|(peer, _)| *peer).collect()
    }

    /// Redis has lost what it had while all nodes were connected to it: each finds out when it next
    /// shows that it lives.
    pub(super) fn be_patient(&mut self, now: Duration) {
        self.patient_until = now.saturating_add(LIFE);
    }

    /// Tells when `peer` has come, or will not.
    pub(super) fn wait_for(&mut self, peer: PeerId) -> oneshot::Receiver<()> {
        let (sender, settled) = oneshot::channel();
        self.claims.push((peer, sender));
        settled
    }

    /// Tells when media flows otherwise than in `epoch`.
    pub(super) fn wait_for_mode(&mut self, epoch: u64) -> oneshot::Receiver<()> {
        let (sender, changed) = oneshot::channel();
        self.modes.retain(|(_, waiter)| !waiter.is_closed());
        self.modes.push((epoch, sender));
        changed
    }

    /// Tells those whose wait is over.
    pub(super) fn settle(&mut self, room: &Room<Conn>) {
        let mut index = 0;
        while let Some((peer, _)) = self.claims.get(index) {
            if room.is_arriving(*peer) {
                index += 1;
            } else {
                let (_, waiter) = self.claims.swap_remove(index);
                let _ = waiter.send(());
            }
        }
        let epoch = room.mode().epoch;
        // Dropping a waiter would tell that there will be no answer.
        let mut index = 0;
        while let Some((before, _)) = self.modes.get(index) {
            if *before < epoch {
                let (_, waiter) = self.modes.swap_remove(index);
                let _ = waiter.send(());
            } else {
                index += 1;
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/shared.rs"]
mod tests;
