//! Closing what peers leave behind on media servers, whatever happens to be down meanwhile.

use std::{fmt, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use dashmap::DashMap;
use metrics::gauge;
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{MediaServer, calls::Place};
use crate::core::{PeerId, RoomId};

/// How much may wait to be closed. Beyond that it is left to the media server, which notices in
/// its own time that nobody is there.
const MAX_WAITING: usize = 10_000;

/// How many are closed at once.
const AT_ONCE: usize = 16;

/// The first and the longest time between two attempts, and how many there are: a server that was
/// away for a quarter of an hour has lost what it had, or is not coming back.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const ATTEMPTS: usize = 180;

/// How long somebody who wants to begin anew waits for the end of what was.
const PATIENCE: Duration = Duration::from_secs(3);

/// Server, room and peer.
type Key = (Arc<str>, RoomId, PeerId);

/// What is to be closed.
pub(super) struct Releases {
    waiting: Arc<DashMap<Key, watch::Receiver<()>>>,
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Default for Releases {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            tasks: TaskTracker::new(),
        }
    }
}

impl fmt::Debug for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Releases")
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Releases {
    /// Closes what a peer has, as soon as that can be done.
    pub(super) fn add(&self, server: &Arc<MediaServer>, room: &RoomId, peer: PeerId) {
        let key: Key = (Arc::clone(server.name()), room.clone(), peer);
        if self.waiting.contains_key(&key) {
            return; // That will do for both.
        }
        if self.waiting.len() >= MAX_WAITING {
            warn!(%room, %peer, "too much is to be closed on media servers: not closed");
            return;
        }
        let (done, finished) = watch::channel(());
        self.waiting.insert(key.clone(), finished);
        show(&self.waiting);
        let (server, waiting) = (Arc::clone(server), Arc::clone(&self.waiting));
        let turns = Arc::clone(&self.turns);
        self.tasks.spawn(async move {
            let attempt = async || {
                let _turn = turns.acquire().await;
                let (_, room, peer) = &key;
                server.close(Place { room, peer: *peer }).await
            };
            let pauses = ExponentialBuilder::new()
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_max_times(ATTEMPTS)
                .with_jitter();
            let closed = attempt.retry(pauses).await;
            let (_, room, peer) = &key;
            match closed {
                Ok(()) => debug!(%room, %peer, "closed on the media server"),
                Err(error) => warn!(%room, %peer, %error, "not closed on the media server"),
            }
            waiting.remove(&key);
            show(&waiting);
            drop(done);
        });
    }

    /// Waits until what a peer had is closed, if it is about to be; not for long. Returns whether
    /// nothing of it is left.
    pub(super) async fn finished(&self, server: &str, room: &RoomId, peer: PeerId) -> bool {
        let key = (Arc::from(server), room.clone(), peer);
        let waiting = self.waiting.get(&key).map(|finished| finished.clone());
        match waiting {
            // It ends when the sender is dropped.
            Some(mut finished) => timeout(PATIENCE, finished.changed()).await.is_ok(),
            None => true,
        }
    }

    /// Waits until nothing is left to close, for at most `within`.
    pub(super) async fn flush(&self, within: Duration) {
        self.tasks.close();
        let _ = timeout(within, self.tasks.wait()).await;
    }
}

fn show(waiting: &DashMap<Key, watch::Receiver<()>>) {
    #[expect(clippy::cast_precision_loss, reason = "it is bounded")]
    gauge!("switchboard_media_releases_waiting").set(waiting.len() as f64);
}
