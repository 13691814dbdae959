//! Ending sessions whose token has expired.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::{MissedTickBehavior, interval};

use super::{CloseReason, Hub, Link};

/// How long before its end a session is announced to expire, in seconds.
const NOTICE_S: u64 = 60;

/// How often sessions are looked at: tokens count in seconds.
const EVERY: Duration = Duration::from_secs(1);

/// Until when a session lasts.
#[derive(Debug)]
pub(super) struct Expiry {
    /// Seconds since the Unix epoch.
    at: AtomicU64,
    announced: AtomicBool,
}

impl Expiry {
    pub(super) const fn new(at: u64) -> Self {
        Self {
            at: AtomicU64::new(at),
            announced: AtomicBool::new(false),
        }
    }

    /// A newer token lets the session last until then.
    pub(super) fn extend(&self, at: u64) {
        self.at.store(at, Ordering::Relaxed);
        self.announced.store(false, Ordering::Relaxed);
    }

    /// Tells the client, or ends its session, if it is time.
    fn check(&self, now: u64, tolerance: u64, link: &dyn Link) {
        let at = self.at.load(Ordering::Relaxed);
        if at.saturating_add(tolerance) <= now {
            link.close(CloseReason::Expired);
        } else if at.saturating_sub(now) <= NOTICE_S
            && !self.announced.swap(true, Ordering::Relaxed)
        {
            link.announce_expiry(at);
        }
    }
}

impl Hub {
    /// Announces the end of sessions, and ends them; renews credentials for TURN servers. Runs until it is dropped.
    ///
    /// A session outlasts its token by `tolerance`, for which expired tokens are still
    /// accepted: a client that connects again must not be let in only to be cut.
    ///
    /// One task looks at all sessions each second, which costs less than a timer for each.
    pub async fn watch_expiry(self: Arc<Self>, tolerance: Duration) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let time = SystemTime::now();
            let now = time
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            for session in &self.sessions {
                session
                    .expiry()
                    .check(now, tolerance.as_secs(), session.conn().link());
            }
            self.renew_ice_servers(time);
        }
    }
}

#[cfg(test)]
#[path = "tests/expiry.rs"]
mod tests;
