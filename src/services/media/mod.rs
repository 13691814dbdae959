//! Media servers: selective forwarding units that speak the HTTP API of the mediasoup demo's
//! broadcasters (`media-service/README.md`).
//!
//! There may be several, each with a circuit breaker of its own. A room is on one of them; which
//! one is chosen here, for new rooms among those that can be reached, and written down with the
//! room's mode, so that all nodes agree.

mod breaker;
mod calls;
mod error;
mod ledger;
mod release;
mod server;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

use self::release::Releases;
use super::{ServiceUrl, SetupError};
use crate::core::{PeerId, RoomId};

pub use self::{
    breaker::BreakerState,
    calls::{Made, Place},
    error::MediaError,
    ledger::{LEASE, Ledger, Release},
    server::{MediaServer, Report},
};

/// How often to look for what other processes do not see to any more, and how much of it is taken then.
const LOOK_FOR_OTHERS: Duration = Duration::from_secs(3);
const TAKEN_AT_ONCE: usize = 64;

/// The media servers of this deployment.
#[derive(Debug)]
pub struct Media {
    servers: Vec<Arc<MediaServer>>,
    releases: Releases,
    changes: watch::Receiver<u64>,
    taking: OnceLock<AbortOnDropHandle<()>>,
    _probing: Vec<AbortOnDropHandle<()>>,
}

impl Media {
    /// Looks for the servers at `urls`, and goes on looking whether they are there. Returns when
    /// each has been looked for once, which takes two seconds at most.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub async fn start(urls: &[ServiceUrl]) -> Result<Arc<Self>, SetupError> {
        let (change, changes) = watch::channel(0);
        let change = Arc::new(change);
        let mut servers = Vec::new();
        for url in urls {
            let server = MediaServer::new(url.clone(), Arc::clone(&change))?;
            servers.push(Arc::new(server));
        }
        futures_util::future::join_all(servers.iter().map(|server| server.probe())).await;
        let probing = servers.iter().map(|server| {
            let task = Arc::clone(server).watch();
            AbortOnDropHandle::new(tokio::spawn(task))
        });
        Ok(Arc::new(Self {
            _probing: probing.collect(),
            servers,
            releases: Releases::default(),
            changes,
            taking: OnceLock::new(),
        }))
    }

    /// The server for a room, among those that can be reached: always the same as long as that
    /// is (rendezvous hashing, Thaler and Ravishankar 1998).
    pub fn choose(&self, room: &RoomId) -> Option<Arc<str>> {
        let reachable = self.servers.iter().filter(|server| server.is_available());
        let chosen = reachable.max_by_key(|server| {
            // With fixed keys: the same on all nodes.
            let mut hasher = DefaultHasher::new();
            (server.name(), room.as_str()).hash(&mut hasher);
            hasher.finish()
        });
        chosen.map(|server| Arc::clone(server.name()))
    }

    /// The server of that name, if it is one of this deployment.
    pub fn server(&self, name: &str) -> Option<&Arc<MediaServer>> {
        self.servers.iter().find(|server| **server.name() == *name)
    }

    /// Whether the server of that name can be reached, as far as is known.
    pub fn is_available(&self, name: &str) -> bool {
        self.server(name)
            .is_some_and(|server| server.is_available())
    }

    /// Whether any server can be reached.
    pub fn is_any_available(&self) -> bool {
        self.servers.iter().any(|server| server.is_available())
    }

    /// Tells when a server can be reached again, or cannot any more.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// How each server is.
    pub fn report(&self) -> Vec<Report> {
        self.servers.iter().map(|server| server.report()).collect()
    }

    /// Closes what a peer has on a server, as soon as that can be reached.
    pub fn release(&self, server: &str, room: &RoomId, peer: PeerId) {
        if let Some(server) = self.server(server) {
            self.releases.add(server, room, peer);
        }
    }

    /// Waits until what a peer had on a server is closed, if it is about to be: it must not hit
    /// what the peer is about to have there. Returns whether that is over.
    pub async fn released(&self, server: &str, room: &RoomId, peer: PeerId) -> bool {
        self.releases.finished(server, room, peer).await
    }

    /// From now on what is to be closed is written down for other processes too, and what they leave
    /// behind is closed here. Only the first ledger counts.
    pub fn share(self: &Arc<Self>, ledger: Arc<dyn Ledger>) {
        let (media, others) = (Arc::downgrade(self), Arc::clone(&ledger));
        self.releases.share(ledger);
        self.taking.get_or_init(|| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                loop {
                    sleep(LOOK_FOR_OTHERS).await;
                    let Some(media) = media.upgrade() else { return };
                    media.take_over(&*others).await;
                }
            }))
        });
    }

    /// Closes what others were to close, and do not see to any more. What is on servers that are not known
    /// here is for those who know them.
    async fn take_over(&self, others: &dyn Ledger) {
        for Release { server, room, peer } in others.take(TAKEN_AT_ONCE).await {
            debug!(%room, %peer, "closed in the place of another node");
            self.release(&server, &room, peer);
        }
    }

    /// Waits until all is closed that is to be closed, for at most `within`. What is not is for others.
    pub async fn flush(&self, within: Duration) {
        if let Some(taking) = self.taking.get() {
            taking.abort();
        }
        self.releases.flush(within).await;
    }
}

#[cfg(test)]
#[path = "../tests/media.rs"]
mod tests;
