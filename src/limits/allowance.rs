//! What one client may send.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::rate::{Meter, Rate};

/// What kind of event a client sends: each has a rate of its own, so that who says too much can
/// still signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Offers, answers, candidates.
    Relay,
    /// What is said.
    Chat,
    /// Pages of what was said.
    History,
    /// Joining and leaving rooms.
    Join,
    /// What is asked of a media server.
    Sfu,
    /// All else, whatever cannot be read included.
    Other,
}

/// How many classes there are.
const CLASSES: usize = 6;

impl Class {
    const ALL: [Self; CLASSES] = [
        Self::Relay,
        Self::Chat,
        Self::History,
        Self::Join,
        Self::Sfu,
        Self::Other,
    ];

    /// Its name in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Chat => "chat",
            Self::History => "history",
            Self::Join => "join",
            Self::Sfu => "sfu",
            Self::Other => "other",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// What each client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// By [`Class`], in the order of its variants.
    rates: [Rate; CLASSES],
    /// How many rooms it may join.
    rooms: Rate,
    /// How often it may be refused before it is sent away.
    refusals: Rate,
}

impl Spending {
    /// The rate of each class, of rooms that are joined, and of refusals before a client is sent away.
    pub fn new(rate_of: impl Fn(Class) -> Rate, rooms: Rate, refusals: Rate) -> Self {
        Self {
            rates: Class::ALL.map(rate_of),
            rooms,
            refusals,
        }
    }

    /// How many frames of whatever kind a connection may bring: twice what all events together may,
    /// since there are pings, fragments, and what leads nowhere.
    pub fn frames(&self) -> Rate {
        let rates = self.rates.iter().copied();
        let all = rates.fold(self.refusals, Rate::and);
        all.and(all)
    }

    const fn of(&self, class: Class) -> Rate {
        self.rates[class.index()]
    }
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It is handled.
    Yes,
    /// It is refused. After this time there is room for one.
    Wait(Duration),
    /// It is refused, and it was the one too many: the client is to be sent away.
    TooMuch,
    /// The client is being sent away already.
    Ignored,
}

/// How many meters an allowance has: one for each class, one for rooms, one for refusals.
const METERS: usize = CLASSES + 2;
const ROOMS: usize = CLASSES;
const REFUSALS: usize = CLASSES + 1;

/// What one client has spent: no more than a cache line, and no lock.
///
/// All times are nanoseconds on one clock of the caller.
#[derive(Debug, Default)]
pub struct Allowance {
    meters: [Meter; METERS],
    over: AtomicBool,
}

/// What a client had spent when it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owed([u64; METERS]);

impl Owed {
    /// When all is paid for.
    pub(super) fn until(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// What is owed by whoever owes both.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }
}

impl Allowance {
    /// The allowance of a client that owes as much.
    pub(super) fn owing(owed: Owed) -> Self {
        Self {
            meters: owed.0.map(Meter::begin),
            over: AtomicBool::new(false),
        }
    }

    /// What has been spent.
    pub(super) fn owed(&self) -> Owed {
        Owed(std::array::from_fn(|index| {
            self.meters.get(index).map_or(0, Meter::spent)
        }))
    }

    /// Spends an event of `class`.
    pub fn spend(&self, limits: &Spending, class: Class, now: u64) -> Spent {
        self.spend_at(class.index(), limits.of(class), limits, now)
    }

    /// Spends a room that is joined, beside the event that asks for it.
    pub fn join(&self, limits: &Spending, now: u64) -> Spent {
        self.spend_at(ROOMS, limits.rooms, limits, now)
    }

    /// Takes note of a frame that could not be read: it is answered, but not for ever.
    pub fn stumble(&self, limits: &Spending, now: u64) -> Spent {
        match self.spend(limits, Class::Other, now) {
            Spent::Yes => self.refuse(limits, now, Spent::Yes),
            refused => refused,
        }
    }

    fn spend_at(&self, meter: usize, rate: Rate, limits: &Spending, now: u64) -> Spent {
        if self.over.load(Ordering::Relaxed) {
            return Spent::Ignored;
        }
        match self.meters.get(meter).map(|meter| meter.spend(rate, now)) {
            Some(Err(wait)) => self.refuse(limits, now, Spent::Wait(wait)),
            Some(Ok(())) | None => Spent::Yes,
        }
    }

    /// Counts a refusal; `mild` is what becomes of it unless it is one too many.
    fn refuse(&self, limits: &Spending, now: u64, mild: Spent) -> Spent {
        let refusals = self.meters.get(REFUSALS);
        if refusals.is_none_or(|meter| meter.spend(limits.refusals, now).is_ok()) {
            return mild;
        }
        if self.over.swap(true, Ordering::Relaxed) {
            return Spent::Ignored;
        }
        Spent::TooMuch
    }
}

#[cfg(test)]
#[path = "tests/allowance.rs"]
mod tests;
