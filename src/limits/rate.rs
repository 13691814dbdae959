//! Holding something to a rate, with one number for each that is held.
//!
//! It is the generic cell rate algorithm (ITU-T I.371): the one number is the time at which all that
//! was let through would be paid for at the steady rate. `governor` does the same; what is here fits
//! six of them into the cache line of a session, and can be carried over to the next.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// So many in a time, and so many at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What one costs, in nanoseconds.
    interval: u64,
    /// How far ahead of the clock may be spent, in nanoseconds.
    ahead: u64,
}

impl Rate {
    /// `count` in each `period`, and up to `burst` at once. None of them is taken for 0.
    pub fn new(count: u32, period: Duration, burst: u32) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let interval = (period / u64::from(count.max(1))).max(1);
        Self {
            interval,
            ahead: interval.saturating_mul(u64::from(burst.max(1))),
        }
    }

    /// `count` each second, and up to `burst` at once.
    pub fn per_second(count: u32, burst: u32) -> Self {
        Self::new(count, Duration::from_secs(1), burst)
    }

    /// Both together: as many as each, and as many at once.
    pub(super) fn and(self, other: Self) -> Self {
        let each_second = |rate: Self| SECOND / rate.interval.min(SECOND);
        let interval = (SECOND / (each_second(self) + each_second(other))).max(1);
        let at_once = self.at_once().saturating_add(other.at_once());
        Self {
            interval,
            ahead: interval.saturating_mul(at_once),
        }
    }

    /// How many may come at once.
    const fn at_once(self) -> u64 {
        self.ahead / self.interval
    }

    /// So many times as often.
    pub(super) fn times(self, factor: u32) -> Self {
        Self {
            interval: (self.interval / u64::from(factor.max(1))).max(1),
            ahead: self.ahead,
        }
    }
}

/// What was spent of one rate.
#[derive(Debug, Default)]
pub(super) struct Meter(AtomicU64);

impl Meter {
    /// Begins with what was spent before: see [`Meter::spent`].
    pub(super) const fn begin(spent: u64) -> Self {
        Self(AtomicU64::new(spent))
    }

    /// Spends one, at `now` nanoseconds on a clock that all calls share.
    ///
    /// # Errors
    /// How long to wait until there is one.
    pub(super) fn spend(&self, rate: Rate, now: u64) -> Result<(), Duration> {
        self.spend_many(rate, now, 1)
    }

    /// Spends so many at once.
    fn spend_many(&self, rate: Rate, now: u64, count: u64) -> Result<(), Duration> {
        let mut wait = 0;
        let cost = rate.interval.saturating_mul(count);
        let spend = |paid: u64| {
            let next = paid.max(now).saturating_add(cost);
            wait = next.saturating_sub(now.saturating_add(rate.ahead));
            (wait == 0).then_some(next)
        };
        let spent = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        spent.map(|_| ()).map_err(|_| Duration::from_nanos(wait))
    }

    /// When all that was spent is paid for, on the clock of the calls.
    pub(super) fn spent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that is held to a rate, with a clock of its own.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    began: Instant,
    meter: Meter,
}

impl Pace {
    /// At rest, from now on.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            began: Instant::now(),
            meter: Meter::default(),
        }
    }

    /// Whether `count` more are within the rate.
    pub fn keeps(&self, count: u64) -> bool {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.meter.spend_many(self.rate, now, count).is_ok()
    }
}

#[cfg(test)]
#[path = "tests/rate.rs"]
mod tests;
