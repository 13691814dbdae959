//! What was said to whom, and must arrive in that order, once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use switchboard::core::{LeaveReason, PeerId};

#[derive(Debug)]
struct Due {
    number: u64,
    at: u64,
    required: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    due: HashMap<(PeerId, PeerId), VecDeque<Due>>,
    next: u64,
    last: HashMap<(PeerId, PeerId), u64>,
    /// Until when what was said from or to a peer may be lost.
    gaps: HashMap<PeerId, u64>,
    /// Who was announced gone, if not by a kick.
    pub(crate) gone: BTreeMap<PeerId, LeaveReason>,
    /// Who was adopted, and when the last node knows.
    pub(crate) adopted: BTreeMap<PeerId, u64>,
    /// In which rooms nodes were apart.
    pub(crate) apart: BTreeSet<usize>,
}

impl Ledger {
    pub(crate) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn expect(&mut self, way: (PeerId, PeerId), number: u64, at: u64, required: bool) {
        self.due.entry(way).or_default().push_back(Due {
            number,
            at,
            required,
        });
    }

    /// Notes a failure that excuses losses up to `until`.
    pub(crate) fn excuse(&mut self, peer: PeerId, until: u64) {
        self.gaps.insert(peer, until);
    }

    pub(crate) fn gap_of(&self, peer: PeerId) -> Option<u64> {
        self.gaps.get(&peer).copied()
    }

    fn is_excused(&self, (from, to): (PeerId, PeerId), at: u64) -> bool {
        [from, to]
            .iter()
            .any(|peer| self.gaps.get(peer).is_some_and(|until| at <= *until))
    }

    /// Something arrived.
    pub(crate) fn receive(&mut self, way: (PeerId, PeerId), number: u64, public: bool) {
        let last = self.last.insert(way, number).unwrap_or(0);
        let queue = self.due.entry(way).or_default();
        let place = queue.iter().position(|due| due.number == number);
        let (from, to) = way;
        assert!(
            number > last && (place.is_some() || public),
            "twice or out of order: #{number} after #{last} from {from} to {to}"
        );
        // It may be from just before the receiver came.
        let Some(place) = place else { return };
        let skipped: Vec<Due> = queue.drain(..=place).collect();
        let (_, skipped) = skipped.split_last().unwrap();
        for due in skipped {
            self.check_lost(way, due, number);
        }
    }

    fn check_lost(&self, way: (PeerId, PeerId), due: &Due, before: u64) {
        let (from, to) = way;
        assert!(
            !due.required || self.is_excused(way, due.at),
            "lost: #{} from {from} to {to}, sent at {}, before #{before}",
            due.number,
            due.at
        );
    }

    /// At the end: all that was sent from one to the other has arrived.
    pub(crate) fn check_settled(&self, peers: &BTreeSet<PeerId>) {
        for (way, queue) in &self.due {
            if peers.contains(&way.0) && peers.contains(&way.1) {
                queue.iter().for_each(|due| self.check_lost(*way, due, 0));
            }
        }
    }
}
