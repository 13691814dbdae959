//! How often each network may begin something that costs: opening a session means checking a token.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use dashmap::DashMap;

use super::{
    address::Network,
    rate::{Meter, Rate},
};

/// The most networks that are remembered, some 4 MB of them. One that was quiet for as long as its
/// burst lasts is forgotten.
const MAX_NETWORKS: usize = 65_536;

/// How many times the rate of one all those get together for which there is no place. It takes that
/// many networks at once to get there: an attack by a botnet, in which newcomers have to stand in line,
/// and those that were there before do not.
const OTHERS: u32 = 16;

/// How often those that were quiet are looked for while there are too many.
const SWEEP: Duration = Duration::from_secs(1);

/// Handshakes by network.
#[derive(Debug)]
pub(super) struct Handshakes {
    rate: Rate,
    began: Instant,
    networks: DashMap<Network, Meter>,
    /// What those spend for which there is no place.
    others: Meter,
    swept: AtomicU64,
}

impl Handshakes {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            began: Instant::now(),
            networks: DashMap::new(),
            others: Meter::default(),
            swept: AtomicU64::new(0),
        }
    }

    /// Counts a handshake.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend(&self, network: Network) -> Result<(), Duration> {
        self.spend_at(network, nanos(self.began.elapsed()))
    }

    fn spend_at(&self, network: Network, now: u64) -> Result<(), Duration> {
        if let Some(meter) = self.networks.get(&network) {
            return meter.spend(self.rate, now);
        }
        if self.networks.len() >= MAX_NETWORKS && !self.sweep(now) {
            return self.others.spend(self.rate.times(OTHERS), now);
        }
        let meter = self.networks.entry(network).or_default();
        meter.spend(self.rate, now)
    }

    /// Forgets those that have been quiet. Returns whether there is place now.
    fn sweep(&self, now: u64) -> bool {
        let last = self.swept.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= nanos(SWEEP);
        let swap = |to| {
            let order = Ordering::Relaxed;
            self.swept.compare_exchange(last, to, order, order)
        };
        if due && swap(now).is_ok() {
            self.networks.retain(|_, meter| meter.spent() > now);
        }
        self.networks.len() < MAX_NETWORKS
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "tests/handshakes.rs"]
mod tests;
