//! Closing what peers leave behind on media servers, whatever happens to be down meanwhile.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use dashmap::DashMap;
use metrics::gauge;
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::{Ledger, MediaError, MediaServer, Release, calls::Place};
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

/// What waits, each with what ends when it is over.
type Waiting = DashMap<Release, watch::Receiver<()>>;

/// What is to be closed.
pub(super) struct Releases {
    waiting: Arc<Waiting>,
    ledger: OnceLock<Arc<dyn Ledger>>,
    turns: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Default for Releases {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            ledger: OnceLock::new(),
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
        let release = Release {
            server: Arc::clone(server.name()),
            room: room.clone(),
            peer,
        };
        if self.waiting.contains_key(&release) {
            return; // That will do for both.
        }
        if self.waiting.len() >= MAX_WAITING {
            warn!(%room, %peer, "too much is to be closed on media servers: not closed");
            return;
        }
        let (done, finished) = watch::channel(());
        self.waiting.insert(release.clone(), finished);
        show(&self.waiting);
        let waiting = Arc::clone(&self.waiting);
        let closing = Closing {
            release,
            server: Arc::clone(server),
            ledger: self.ledger.get().cloned(),
            turns: Arc::clone(&self.turns),
        };
        self.tasks.spawn(async move {
            closing.close().await;
            waiting.remove(&closing.release);
            show(&waiting);
            drop(done);
            if let Some(ledger) = &closing.ledger {
                ledger.strike(&closing.release).await;
            }
        });
    }

    /// Writes down for other processes what is to be closed from now on. Only the first ledger counts.
    pub(super) fn share(&self, ledger: Arc<dyn Ledger>) {
        let _ = self.ledger.set(ledger);
    }

    /// Waits until what a peer had is closed, if it is about to be; not for long. Returns whether
    /// nothing of it is left.
    pub(super) async fn finished(&self, server: &str, room: &RoomId, peer: PeerId) -> bool {
        let release = Release {
            server: Arc::from(server),
            room: room.clone(),
            peer,
        };
        let waiting = self.waiting.get(&release).map(|finished| finished.clone());
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

/// Something that is being closed.
struct Closing {
    release: Release,
    server: Arc<MediaServer>,
    ledger: Option<Arc<dyn Ledger>>,
    turns: Arc<Semaphore>,
}

impl Closing {
    /// Closes it, or gives up in the end.
    async fn close(&self) {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(ATTEMPTS)
            .with_jitter();
        let closed = (async || self.attempt().await).retry(pauses).await;
        let Release { room, peer, .. } = &self.release;
        match closed {
            Ok(()) => debug!(%room, %peer, "closed on the media server"),
            Err(error) => warn!(%room, %peer, %error, "not closed on the media server"),
        }
    }

    /// Tries once, and has it written down meanwhile: nobody else is to see to it.
    async fn attempt(&self) -> Result<(), MediaError> {
        let Release { room, peer, .. } = &self.release;
        let close = async {
            let _turn = self.turns.acquire().await;
            self.server.close(Place { room, peer: *peer }).await
        };
        let note = async {
            if let Some(ledger) = &self.ledger {
                ledger.note(&self.release).await;
            }
        };
        tokio::join!(close, note).0
    }
}

fn show(waiting: &Waiting) {
    #[expect(clippy::cast_precision_loss, reason = "it is bounded")]
    gauge!("switchboard_media_releases_waiting").set(waiting.len() as f64);
}
