//! What was said to whom, and must arrive in that order, once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use switchboard::core::{LeaveReason, PeerId};

/// How long before nodes lost each other a message may have been sent that was lost with it,
/// in milliseconds.
const UNDER_WAY: u64 = 3_000;

/// From whom to whom.
pub(crate) type Way = (PeerId, PeerId);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Relay,
    Chat,
}

/// Something that was said.
#[derive(Clone, Copy, Debug)]
struct Said {
    kind: Kind,
    room: usize,
    at: u64,
}

#[derive(Debug)]
struct Due {
    number: u64,
    required: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    due: HashMap<Way, VecDeque<Due>>,
    /// What arrived where.
    received: HashSet<(PeerId, u64)>,
    /// All that was ever said, by number.
    said: Vec<Said>,
    /// What came last, of either kind.
    last: HashMap<(Way, Kind), u64>,
    /// Until when what was said from or to a peer may be lost.
    gaps: HashMap<PeerId, u64>,
    /// Until when what is said to a peer may be lost because its node does not hear.
    deaf: HashMap<PeerId, u64>,
    /// Who was announced gone, if not by a kick.
    pub(crate) gone: BTreeMap<PeerId, LeaveReason>,
    /// Who was adopted, and when the last node knows.
    pub(crate) adopted: BTreeMap<PeerId, u64>,
    /// What may have been passed on and was passed on once more.
    repeated: BTreeSet<u64>,
    /// When nodes of a room could not reach each other, or could not until lately.
    apart: BTreeMap<usize, Vec<(u64, u64)>>,
}

impl Ledger {
    /// Gives a number to something that is said.
    pub(crate) fn number(&mut self, kind: Kind, room: usize, at: u64) -> u64 {
        self.said.push(Said { kind, room, at });
        self.said.len() as u64
    }

    fn said(&self, number: u64) -> Said {
        self.said[number as usize - 1]
    }

    pub(crate) fn expect(&mut self, way: Way, number: u64, required: bool) {
        let due = self.due.entry(way).or_default();
        due.push_back(Due { number, required });
    }

    /// Notes a failure that excuses losses up to `until`.
    pub(crate) fn excuse(&mut self, peer: PeerId, until: u64) {
        self.gaps.insert(peer, until);
    }

    /// Something may be passed on twice.
    pub(crate) fn repeat(&mut self, number: u64) {
        self.repeated.insert(number);
    }

    pub(crate) fn gap_of(&self, peer: PeerId) -> Option<u64> {
        self.gaps.get(&peer).copied()
    }

    /// A peer's node does not hear what other nodes say.
    pub(crate) fn goes_deaf(&mut self, peer: PeerId) {
        self.deaf.insert(peer, u64::MAX);
    }

    /// A peer's node hears again, if it did not.
    pub(crate) fn hears_again(&mut self, peer: PeerId, now: u64) {
        if let Some(until) = self.deaf.get_mut(&peer) {
            *until = now;
        }
    }

    /// The nodes of a room may not reach each other.
    pub(crate) fn set_apart(&mut self, room: usize, from: u64, until: u64) {
        let times = self.apart.entry(room).or_default();
        match times.last_mut() {
            Some((_, end)) if *end >= from => *end = until.max(*end),
            _ => times.push((from, until)),
        }
    }

    pub(crate) fn is_apart(&self, room: usize, at: u64) -> bool {
        self.was_apart(room, at, at)
    }

    fn was_apart(&self, room: usize, from: u64, until: u64) -> bool {
        let mut times = self.apart.get(&room).into_iter().flatten();
        times.any(|(begin, end)| *begin <= until && from <= *end)
    }

    pub(crate) fn was_ever_apart(&self, room: usize) -> bool {
        self.apart.contains_key(&room)
    }

    fn has_gap(&self, (from, to): Way, at: u64) -> bool {
        [from, to]
            .iter()
            .any(|peer| self.gaps.get(peer).is_some_and(|until| at <= *until))
    }

    fn may_be_lost(&self, way: Way, said: Said) -> bool {
        let Said { kind, room, at } = said;
        self.has_gap(way, at)
            || self.deaf.get(&way.1).is_some_and(|until| at <= *until)
            // What is said in a room is kept until it can be passed on.
            || (kind == Kind::Relay && self.was_apart(room, at, at + UNDER_WAY))
    }

    /// Something arrived.
    pub(crate) fn receive(&mut self, way: Way, number: u64, kind: Kind) {
        let said = self.said(number);
        let last = self.last.get(&(way, kind)).copied().unwrap_or(0);
        if number <= last && self.repeated.contains(&number) {
            return;
        }
        let last = self.last.insert((way, kind), number).unwrap_or(0);
        let other = match kind {
            Kind::Relay => Kind::Chat,
            Kind::Chat => Kind::Relay,
        };
        let other = self.last.get(&(way, other)).copied().unwrap_or(0);
        let queue = self.due.entry(way).or_default();
        let place = queue.iter().position(|due| due.number == number);
        let (from, to) = way;
        let apart = self.was_apart(said.room, said.at, said.at + UNDER_WAY);
        let chat = kind == Kind::Chat;
        let gap = self.has_gap(way, said.at);
        let new = self.received.insert((to, number));
        assert!(
            new || (chat && gap && apart),
            "twice: #{number} from {from} to {to}"
        );
        assert!(
            number > last || (gap && apart),
            "out of order: #{number} after #{last} from {from} to {to}"
        );
        assert!(
            number > other || apart || gap,
            "overtaken: #{number} by #{other} from {from} to {to}"
        );
        // What was taken for lost may come late, from the other of two nodes.
        let expected = place.is_some() || chat || (gap && apart);
        assert!(expected, "for nobody: #{number} to {to}");
        // It may be from just before the receiver came.
        if place.is_some() {
            self.skip_to(way, number, kind, apart);
        }
    }

    /// What was said before it and has not arrived does not any more. Where nodes are apart,
    /// what was said to one and what was said to all go different ways.
    fn skip_to(&mut self, way: Way, number: u64, kind: Kind, apart: bool) {
        let (skipped, rest) = std::mem::take(self.due.entry(way).or_default())
            .into_iter()
            .partition(|due| {
                due.number <= number && (!apart || self.said(due.number).kind == kind)
            });
        self.due.insert(way, rest);
        let skipped: VecDeque<Due> = skipped;
        for due in skipped.iter().filter(|due| due.number < number) {
            self.check_lost(way, due, number);
        }
    }

    fn check_lost(&self, way: Way, due: &Due, before: u64) {
        let (said, (from, to)) = (self.said(due.number), way);
        assert!(
            !due.required || self.may_be_lost(way, said),
            "lost: #{} from {from} to {to}, {said:?}, before #{before}",
            due.number,
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
