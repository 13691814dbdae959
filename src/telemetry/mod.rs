//! Logs, figures and traces.
//!
//! Nothing logs a token, a cookie, an SDP, a candidate, chat text or a secret. Messages are
//! constant; what varies is in fields. The `log` crate's records are left out on purpose:
//! the WebSocket library writes whole frames there.

mod logs;
mod metrics;
mod traced;
pub mod traces;

use tracing_subscriber::{layer::SubscriberExt as _, registry, util::SubscriberInitExt as _};

use crate::config::LogConfig;

pub use self::metrics::{
    Carrier, EventKind, Metrics, MetricsError, Protocol, Resumption, Snapshot, Traffic,
    abuse_ended, answer_told, client_event, connected_after, connection_ended, connection_opened,
    connection_refused, event_told, handled, joined, lag, offer_sent, peer_left, peer_lost,
    rate_limited, resumed, room_entered, rtc_outcome, rtc_state, slow_consumer, timed_out,
    turned_away,
};

/// Starts logging to standard output, at the levels that `RUST_LOG` asks for, else `info`. The
/// libraries that the gateway is made of stay at `info` whatever is asked for: some of them print
/// what passes through them.
pub fn start(config: &LogConfig) {
    // A second start in one process keeps the first: that is what tests need.
    let _ = registry()
        .with(logs::cap())
        .with(logs::layer(config))
        .try_init();
}
