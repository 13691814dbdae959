//! Figures for Prometheus. What a figure is called and means stands here; it is counted where
//! the thing happens.

use std::{fmt, sync::Arc, time::Duration};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};

/// The upper bounds of durations, in seconds: from a call to the same machine to the longest
/// time that anything is waited for.
const SECONDS: [f64; 12] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// How often what was counted is put together: without that it piles up if nobody looks.
const UPKEEP: Duration = Duration::from_secs(5);

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
pub struct Metrics(PrometheusHandle);

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
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .build_recorder();
        let metrics = Arc::new(Self(recorder.handle()));
        metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
        describe();
        *started = Some(Arc::clone(&metrics));
        Ok(metrics)
    }

    /// Keeps what was counted small. Does not end by itself.
    pub async fn keep_up(self: Arc<Self>) {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }

    /// The figures in the exposition format of Prometheus.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// What counts up, and what it counts.
const COUNTERS: &[(&str, &str)] = &[
    (
        "switchboard_websocket_closes_total",
        "Raw WebSocket connections that ended, by protocol and close code; 1006 without one",
    ),
    (
        "switchboard_media_requests_total",
        "Requests to media servers by operation and outcome, those refused by the breaker included",
    ),
    (
        "switchboard_room_lookups_total",
        "Rooms looked up for joins, by outcome: hit, miss, absent, stale, unavailable",
    ),
    (
        "switchboard_events_total",
        "Events of backends that came in, by channel and outcome: accepted, expired, rate_limited, lost, invalid",
    ),
    (
        "switchboard_events_invalid_total",
        "Events of backends that were skipped, by channel and reason",
    ),
    (
        "switchboard_events_told_total",
        "Deliveries of events of backends to clients, by channel",
    ),
    (
        "switchboard_api_requests_total",
        "Requests to the server API, by path and status",
    ),
    (
        "switchboard_chat_delivered_total",
        "Chat messages that the Chat Service has stored, each time that it did",
    ),
    (
        "switchboard_chat_deliveries_failed_total",
        "Deliveries of chat that failed and are repeated",
    ),
    (
        "switchboard_emitter_messages_total",
        "What backends published with @socket.io/redis-emitter, by kind and outcome",
    ),
    (
        "switchboard_emitter_told_total",
        "Events of @socket.io/redis-emitter told to clients of this node",
    ),
    (
        "switchboard_chat_dead_letters_total",
        "Chat messages that the Chat Service refuses, put aside",
    ),
];

/// What goes up and down.
const GAUGES: &[(&str, &str)] = &[
    (
        "switchboard_websocket_connections",
        "Open raw WebSocket connections by protocol: signal, ws",
    ),
    (
        "switchboard_media_breaker_state",
        "Circuit breaker of each media server: 0 closed, 1 half-open, 2 open",
    ),
    (
        "switchboard_media_releases_waiting",
        "Peers that are still to be closed on media servers",
    ),
];

/// What takes time.
const DURATIONS: &[(&str, &str)] = &[(
    "switchboard_media_request_duration_seconds",
    "Time that media servers take to answer, by operation",
)];

fn describe() {
    for (name, what) in COUNTERS {
        describe_counter!(*name, Unit::Count, *what);
    }
    for (name, what) in GAUGES {
        describe_gauge!(*name, Unit::Count, *what);
    }
    for (name, what) in DURATIONS {
        describe_histogram!(*name, Unit::Seconds, *what);
    }
}
