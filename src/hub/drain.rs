//! Sending everybody away, gently.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{CloseReason, Conn, Hub};

/// Time for the announcement to reach a client before its connection is closed.
const HEAD_START: Duration = Duration::from_millis(100);

/// The slowest pace at which connections are closed: a few clients should not keep a node
/// from stopping. Many are closed as evenly as the grace time allows.
const MAX_GAP: Duration = Duration::from_millis(50);

/// The least time for which a node that stops is seen as not ready, if the grace time
/// allows: load balancers look every second or so.
const MIN_NOTICE: Duration = Duration::from_millis(500);

/// How far the clients' return is spread at least.
const MIN_JITTER: Duration = Duration::from_millis(250);

/// How long Redis may take to be told who is gone.
const ERRANDS: Duration = Duration::from_secs(1);

/// How often to look whether all are gone.
const POLL: Duration = Duration::from_millis(20);

impl Hub {
    /// Tells every client that the node stops, closes the connections one after another and
    /// waits until they are gone, all within about `grace`.
    ///
    /// Windows stay open: a client that comes back through another node is the same peer.
    pub async fn drain(self: &Arc<Self>, grace: Duration) {
        self.draining.store(true, Ordering::Relaxed);
        let start = Instant::now();
        let conns: Vec<Conn> = self
            .sessions
            .iter()
            .map(|entry| entry.conn().clone())
            .collect();
        let pace = Pace::new(conns.len(), grace);
        for (place, conn) in conns.iter().enumerate() {
            conn.link()
                .announce_drain(pace.slot(place) + pace.jitter(place));
        }
        for (place, conn) in conns.iter().enumerate() {
            sleep_until(start + pace.slot(place)).await;
            conn.link().close(CloseReason::Draining);
        }
        // Those that come back through other nodes are asked for there, and answered from here.
        let busy = || !self.sessions.is_empty() || (self.cluster().is_some() && self.has_peers());
        while busy() && start.elapsed() < grace {
            sleep(POLL).await;
        }
        self.errands.close();
        let _ = timeout(ERRANDS, self.errands.wait()).await;
        sleep_until(start + MIN_NOTICE.min(grace / 4)).await;
    }
}

/// When which connection is closed.
struct Pace {
    gap: Duration,
    spread: Duration,
}

impl Pace {
    fn new(connections: usize, grace: Duration) -> Self {
        let count = u32::try_from(connections).unwrap_or(u32::MAX).max(1);
        // A fifth of the time is left for the last ones to go.
        let room = (grace * 4 / 5).saturating_sub(HEAD_START);
        let gap = MAX_GAP.min(room / count);
        Self {
            gap,
            spread: (gap * count).max(MIN_JITTER),
        }
    }

    fn slot(&self, place: usize) -> Duration {
        HEAD_START + self.gap * u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Spread evenly by the golden ratio: no two neighbours come back together, and no
    /// random source is needed.
    fn jitter(&self, place: usize) -> Duration {
        const GOLDEN: f64 = 0.618_033_988_749_895;
        #[expect(clippy::cast_precision_loss, reason = "a spread needs no precision")]
        let turn = (place as f64 * GOLDEN).fract();
        self.spread.mul_f64(turn)
    }
}

#[cfg(test)]
#[path = "tests/drain.rs"]
mod tests;
