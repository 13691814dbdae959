//! How long offers of this node's clients wait for their answers.

use std::{
    collections::{HashMap, VecDeque},
    sync::LazyLock,
    time::{Duration, Instant},
};

use metrics::{Counter, Histogram, counter, gauge, histogram};
use parking_lot::Mutex;

use super::table;
use crate::core::PeerId;

/// The most offers that are remembered: those of a thousand meshes of ten that all begin at once, at
/// less than a hundred bytes each.
const MAX_PENDING: usize = 45_000;

/// How long an answer is waited for: nobody looks at a call for longer than that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who offered, and to whom.
type Pair = (PeerId, PeerId);

/// The offers that wait. Each pair has at most one.
#[derive(Debug, Default)]
pub(super) struct Offers {
    pending: HashMap<Pair, Instant>,
    /// The same in the order of time, with those that were answered meanwhile.
    order: VecDeque<(Pair, Instant)>,
}

/// What an offer did to those before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Displaced {
    /// There was one of the same pair.
    pub(super) replaced: bool,
    /// So many others have waited for too long, or had to make room.
    pub(super) unanswered: u64,
}

impl Offers {
    pub(super) fn offered(&mut self, pair: Pair, now: Instant) -> Displaced {
        let mut unanswered = self.forget_old(now);
        while self.order.len() >= MAX_PENDING {
            unanswered += u64::from(self.forget_first());
        }
        let replaced = self.pending.insert(pair, now).is_some();
        self.order.push_back((pair, now));
        Displaced {
            replaced,
            unanswered,
        }
    }

    /// How long the offer waited, if there was one.
    pub(super) fn answered(&mut self, pair: Pair, now: Instant) -> Option<Duration> {
        let since = self.pending.remove(&pair)?;
        Some(now.saturating_duration_since(since))
    }

    pub(super) fn forget_old(&mut self, now: Instant) -> u64 {
        let mut unanswered = 0;
        while let Some((_, at)) = self.order.front()
            && now.saturating_duration_since(*at) > PATIENCE
        {
            unanswered += u64::from(self.forget_first());
        }
        unanswered
    }

    /// Returns whether the first still waited.
    fn forget_first(&mut self) -> bool {
        let Some((pair, at)) = self.order.pop_front() else {
            return false;
        };
        let waits = self.pending.get(&pair) == Some(&at);
        if waits {
            self.pending.remove(&pair);
        }
        waits
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

struct Figures {
    offers: Mutex<Offers>,
    answered: Counter,
    replaced: Counter,
    unanswered: Counter,
    seconds: Histogram,
}

static FIGURES: LazyLock<Figures> = LazyLock::new(|| {
    // See the other handles: the recorder has to be there before them.
    let _ = super::Metrics::start();
    let offers = |outcome| counter!(table::OFFERS, "outcome" => outcome);
    Figures {
        offers: Mutex::default(),
        answered: offers("answered"),
        replaced: offers("replaced"),
        unanswered: offers("unanswered"),
        seconds: histogram!(table::ANSWER),
    }
});

/// A client of this node offers a connection to a peer.
pub fn offer_sent(from: PeerId, to: PeerId) {
    let displaced = FIGURES.offers.lock().offered((from, to), Instant::now());
    FIGURES.replaced.increment(u64::from(displaced.replaced));
    FIGURES.unanswered.increment(displaced.unanswered);
}

/// A client of this node is told a peer's answer.
pub fn answer_told(from: PeerId, to: PeerId) {
    let waited = FIGURES.offers.lock().answered((to, from), Instant::now());
    if let Some(waited) = waited {
        FIGURES.answered.increment(1);
        FIGURES.seconds.record(waited);
    }
}

/// Shows how many wait.
pub(super) fn show() {
    let (pending, unanswered) = {
        let mut offers = FIGURES.offers.lock();
        let unanswered = offers.forget_old(Instant::now());
        (offers.len(), unanswered)
    };
    FIGURES.unanswered.increment(unanswered);
    gauge!(table::PENDING_OFFERS).set(pending as f64);
}

#[cfg(test)]
#[path = "../tests/offers.rs"]
mod tests;
