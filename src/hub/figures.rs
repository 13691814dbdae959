//! What is shown of this node when somebody asks for the figures.

use super::{Hub, Link};
use crate::{
    cluster::Cluster,
    core::Mode,
    telemetry::{Carrier, Snapshot, Traffic},
};

impl Hub {
    /// How the node is at this moment. It looks at each connection and each room once, which takes
    /// some milliseconds where there are a hundred thousand: it is not for a thread that clients
    /// wait for.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.draining = self.is_draining();
        snapshot.redis = self.cluster().map(|cluster| traffic(cluster));
        for session in &self.sessions {
            let link = session.conn().link();
            snapshot.connection(link.protocol(), carrier_of(link), link.queued());
        }
        for cell in self.rooms.all() {
            let (mode, size, peers) =
                cell.look(|room| (room.mode().mode, room.len(), room.whereabouts()));
            snapshot.room(mode == Mode::Sfu, size);
            snapshot.peers("online", peers.online);
            snapshot.peers("away", peers.away);
            snapshot.peers("arriving", peers.arriving);
            snapshot.peers("remote", peers.remote);
        }
        if let Some(flusher) = &self.chat.flusher {
            let waiting = flusher.backlog();
            // What waits in this process is known for certain.
            let here = self.chat.in_memory();
            snapshot.chat = (
                here.unwrap_or(waiting.messages),
                waiting.rooms,
                waiting.since,
            );
        }
        if let Some(cluster) = self.cluster() {
            snapshot.unwritten = cluster.chat().waiting();
        }
        snapshot
    }
}

/// What carries a connection.
pub(super) fn carrier_of(link: &dyn Link) -> Carrier {
    match link.carrier() {
        "polling" => Carrier::Polling,
        _ => Carrier::WebSocket,
    }
}

fn traffic(cluster: &Cluster) -> Traffic {
    let (health, pubsub) = (cluster.health(), cluster.pubsub());
    let (published, received) = pubsub.totals();
    Traffic {
        up: health.link.up,
        delivers: cluster.delivers(),
        generation: health.link.generation,
        failures: health.total_attempts,
        queued: pubsub.queue_depth(),
        published: [
            ("published", published.published),
            ("retried", published.retried),
            ("lost", published.lost),
            ("refused", published.refused),
        ],
        published_bytes: published.bytes,
        received: [
            ("received", received.received),
            ("own", received.own_skipped),
            ("repeated", received.repeated),
            ("malformed", received.malformed),
            ("failed", received.handler_errors),
            ("panicked", received.handler_panics),
        ],
        received_bytes: received.bytes,
    }
}
