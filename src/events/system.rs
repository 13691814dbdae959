//! What the gateway itself says, on `system:events`.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::debug;

use super::Feed;
use crate::core::channels::SYSTEM_CHANNEL;

/// How often it says that it is well.
const CHECKS: Duration = Duration::from_secs(30);

/// How long it may take to say that it stops: nobody is helped by a node that waits for Redis to
/// say goodbye.
const LAST_WORD: Duration = Duration::from_secs(1);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'s> {
    server_id: &'s str,
    version: &'s str,
    uptime_s: u64,
    connections: usize,
    rooms: usize,
    draining: bool,
}

impl Feed {
    /// Says that the node has started, and then over and over that it is well. Runs until it is
    /// dropped.
    pub async fn tell_of_itself(self: Arc<Self>) {
        let started = Instant::now();
        if let Some(cluster) = self.hub().cluster() {
            // Before that nobody would hear it.
            let _ = cluster.link().wait_for(|link| link.up).await;
        }
        self.tell("server_started", started).await;
        let mut checks = interval(CHECKS);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        checks.tick().await;
        loop {
            checks.tick().await;
            self.tell("health_check", started).await;
        }
    }

    /// Says that the node stops.
    pub async fn tell_of_the_end(&self, started: Instant) {
        let told = timeout(LAST_WORD, self.tell("server_stopped", started));
        if told.await.is_err() {
            debug!("nobody is told that this node stops");
        }
    }

    async fn tell(&self, kind: &str, started: Instant) {
        let hub = self.hub();
        let status = to_raw_value(&Status {
            server_id: &self.settings.server,
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: started.elapsed().as_secs(),
            connections: hub.session_count(),
            rooms: hub.room_count(),
            draining: hub.is_draining(),
        });
        // A deployment may have another channel of that name: then this is not said.
        if let Ok(status) = status
            && let Err(error) = self.say(SYSTEM_CHANNEL, kind, &status).await
        {
            debug!(kind, %error, "an event of this node is not told");
        }
    }
}
