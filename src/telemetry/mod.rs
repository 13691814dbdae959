//! Logs and figures.
//!
//! Nothing logs a token, a cookie, an SDP, a candidate, chat text or a secret. Messages are
//! constant; what varies is in fields. The `log` crate's records are left out on purpose:
//! the WebSocket library writes whole frames there.

mod metrics;

use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

use crate::config::{LogConfig, LogFormat};

pub use self::metrics::{
    Carrier, EventKind, Metrics, MetricsError, Protocol, Resumption, Snapshot, Traffic,
    answer_told, client_event, connected_after, connection_ended, connection_opened,
    connection_refused, event_told, handled, joined, lag, offer_sent, peer_left, peer_lost,
    rate_limited, resumed, room_entered, rtc_outcome, rtc_state, slow_consumer,
};

/// Starts logging to standard output, at the levels that `RUST_LOG` asks for, else `info`.
pub fn start(config: &LogConfig) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let logs = fmt().with_env_filter(filter);
    // A second start in one process keeps the first: that is what tests need.
    let _ = match config.format {
        LogFormat::Pretty => logs.with_target(false).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}
