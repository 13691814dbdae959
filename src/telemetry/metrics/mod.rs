//! Figures for Prometheus.
//!
//! | module | what is there |
//! |---|---|
//! | `table` | what each figure is called and means |
//! | `figures` | handles of the figures that the hot path counts in |
//! | `labels` | the values that labels may have |
//! | `offers` | how long offers wait for their answers |
//! | `process` | the process, as the system sees it |
//! | `snapshot` | what is looked up when somebody asks |
//!
//! Whatever happens for each event counts in a handle that is made once: no look-up, and nothing is
//! allocated. What can be looked up is not counted but looked up when somebody asks.

mod figures;
mod labels;
mod offers;
#[cfg(target_os = "linux")]
mod process;
mod snapshot;
mod table;

use std::{fmt, sync::Arc, time::Duration};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};

pub use self::{
    figures::{
        abuse_ended, client_event, connected_after, connection_ended, connection_opened,
        connection_refused, event_told, handled, joined, lag, peer_left, peer_lost, rate_limited,
        resumed, room_entered, rtc_outcome, rtc_state, slow_consumer, timed_out, turned_away,
    },
    labels::{Carrier, EventKind, Protocol, Resumption},
    offers::{answer_told, offer_sent},
    snapshot::{Snapshot, Traffic},
};

/// The upper bounds of durations, in seconds: from a call to the same machine to the longest
/// time that anything is waited for.
const SECONDS: [f64; 12] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// The same for what happens within the process: from a hash-map look-up to a stall.
const INSIDE: [f64; 10] = [
    0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1,
];

/// The same for what waits for people and networks, to the minute after which nobody waits.
const CALLS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0];

/// The same for connections: from one that fails at once to one of a working day.
const LASTING: [f64; 9] = [
    1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0,
];

/// Numbers of peers in a room, from somebody alone to a large broadcast.
const SIZES: [f64; 11] = [
    1.0, 2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1_000.0,
];

/// How often what was measured is put together: without that it piles up if nobody looks. At a
/// hundred thousand events in a second that is less than two megabytes.
const UPKEEP: Duration = Duration::from_secs(1);

/// Figures cannot be kept.
#[derive(Debug, Error)]
pub enum MetricsError {
    /// The names or bounds are wrong.
    #[error("the metrics cannot be set up")]
    Build(#[from] BuildError),
    /// Something else in the process counts already.
    #[error("metrics are kept already")]
    Taken,
}

/// All figures of the process.
pub struct Metrics {
    handle: PrometheusHandle,
    runtime: snapshot::Runtime,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Begins to count. A second start in one process goes on with the first: figures belong to
    /// the process.
    ///
    /// # Errors
    /// See [`MetricsError`].
    pub fn start() -> Result<Arc<Self>, MetricsError> {
        static STARTED: Mutex<Option<Arc<Metrics>>> = Mutex::new(None);
        let mut started = STARTED.lock();
        if let Some(started) = &*started {
            return Ok(Arc::clone(started));
        }
        let full = |name: &str| Matcher::Full(name.to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .set_buckets_for_metric(full(table::HANDLING), &INSIDE)?
            .set_buckets_for_metric(full(table::ANSWER), &CALLS)?
            .set_buckets_for_metric(full(table::CONNECTED), &CALLS)?
            .set_buckets_for_metric(full(table::DURATION), &LASTING)?
            .set_buckets_for_metric(full(table::ROOM_PEERS), &SIZES)?
            .build_recorder();
        let metrics = Arc::new(Self {
            handle: recorder.handle(),
            runtime: snapshot::Runtime::default(),
        });
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
        table::describe();
        *started = Some(Arc::clone(&metrics));
        Ok(metrics)
    }

    /// Keeps what was counted small. Does not end by itself.
    pub async fn keep_up(self: Arc<Self>) {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.handle.run_upkeep();
        }
    }

    /// The figures in the exposition format of Prometheus, with what is looked up for it. To be
    /// called on the runtime whose figures are to be among them.
    pub fn render(&self, snapshot: &Snapshot) -> String {
        snapshot.show();
        offers::show();
        #[cfg(target_os = "linux")]
        process::show();
        self.runtime.show();
        self.handle.render()
    }
}

#[cfg(test)]
#[path = "../tests/metrics.rs"]
mod tests;
