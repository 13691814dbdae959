//! What the generator counts while it runs.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::Result;
use hdrhistogram::Histogram;

/// How many messages of one sender may be under way at most; a power of two.
const RING: usize = 16_384;

/// The longest latency that is told apart, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Deliveries of all receivers together.
pub(crate) struct Tally {
    begun: Instant,
    delivered: AtomicU64,
    swapped: AtomicU64,
    lost: AtomicU64,
    measuring: AtomicBool,
    latency: Mutex<Histogram<u64>>,
}

impl Tally {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            begun: Instant::now(),
            delivered: AtomicU64::new(0),
            swapped: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            measuring: AtomicBool::new(false),
            latency: Mutex::new(Histogram::new_with_bounds(1, LONGEST, 3)?),
        })
    }

    /// Microseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Messages that came after a later one of the same sender.
    pub(crate) fn swapped(&self) -> u64 {
        self.swapped.load(Ordering::Relaxed)
    }

    /// Messages that were passed over and had not come when this was asked.
    pub(crate) fn missing(&self) -> u64 {
        self.lost
            .load(Ordering::Relaxed)
            .saturating_sub(self.swapped())
    }

    pub(crate) fn measure(&self, on: bool) {
        self.measuring.store(on, Ordering::Relaxed);
    }

    /// Takes in what came with one read.
    pub(crate) fn add(&self, batch: &mut Batch) {
        let count = batch.latencies.len() as u64;
        self.delivered.fetch_add(count, Ordering::Relaxed);
        if batch.swapped > 0 {
            self.swapped.fetch_add(batch.swapped, Ordering::Relaxed);
        }
        if batch.skipped > 0 {
            self.lost.fetch_add(batch.skipped, Ordering::Relaxed);
        }
        if self.measuring.load(Ordering::Relaxed)
            && let Ok(mut latency) = self.latency.lock()
        {
            for micros in &batch.latencies {
                latency.saturating_record((*micros).max(1));
            }
        }
        batch.latencies.clear();
        (batch.swapped, batch.skipped) = (0, 0);
    }

    /// The latency that so many of a hundred do not exceed, in microseconds.
    pub(crate) fn quantile(&self, percent: f64) -> f64 {
        let micros = self
            .latency
            .lock()
            .map(|latency| latency.value_at_quantile(percent / 100.0));
        micros.map_or(f64::NAN, |micros| micros as f64)
    }
}

/// What one receiver has seen since it told the tally.
#[derive(Default)]
pub(crate) struct Batch {
    latencies: Vec<u64>,
    swapped: u64,
    skipped: u64,
    next: u64,
}

impl Batch {
    /// A message came that was sent at that time.
    pub(crate) fn note(&mut self, number: u64, sent: u64, now: u64) {
        match number.cmp(&self.next) {
            std::cmp::Ordering::Less => self.swapped += 1,
            std::cmp::Ordering::Equal => self.next += 1,
            std::cmp::Ordering::Greater => {
                self.skipped += number - self.next;
                self.next = number + 1;
            }
        }
        self.latencies.push(now.saturating_sub(sent));
    }

    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }
}

/// When the messages of one sender were sent, by number.
pub(crate) struct Ring(Vec<AtomicU64>);

impl Ring {
    pub(crate) fn new() -> Self {
        Self((0..RING).map(|_| AtomicU64::new(0)).collect())
    }

    fn slot(&self, number: u64) -> &AtomicU64 {
        &self.0[usize::try_from(number).unwrap_or(0) % RING]
    }

    pub(crate) fn set(&self, number: u64, value: u64) {
        self.slot(number).store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, number: u64) -> u64 {
        self.slot(number).load(Ordering::Relaxed)
    }

    /// Counts one more at this number, and returns how many there are.
    pub(crate) fn count(&self, number: u64) -> u64 {
        self.slot(number).fetch_add(1, Ordering::Relaxed) + 1
    }
}
