//! Where it is written down what is to be closed on media servers, so that somebody closes it should this process die.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::core::{PeerId, RoomId};

/// How long what is written down is left to who did, or renewed it: each attempt does. Longer than an
/// attempt and the pause after it.
pub const LEASE: Duration = Duration::from_secs(12);

/// What a peer has on a media server, and is to be closed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Release {
    /// The URL of the server.
    pub server: Arc<str>,
    /// The room.
    pub room: RoomId,
    /// The peer.
    pub peer: PeerId,
}

/// What is to be closed, as all processes see it. Nothing here fails: without a ledger each process
/// closes what it knows of.
pub trait Ledger: Send + Sync + fmt::Debug {
    /// Writes down that this process sees to it, for the next [`LEASE`].
    fn note<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, ()>;

    /// Nothing is to be closed any more.
    fn strike<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, ()>;

    /// Takes over what nobody has seen to for so long, at most so much: from now on this process does.
    fn take(&self, most: usize) -> BoxFuture<'_, Vec<Release>>;
}
