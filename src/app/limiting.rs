//! What the configuration says of limits, as those take it who keep them.

use std::sync::Arc;

use tracing::warn;

use super::StartError;
use crate::{
    config::{Config, DoorConfig, RoomConfig},
    core::Limits,
    http::{Serving, Tls},
    hub::ClientLimits,
    limits::{Door, DoorSettings, Tally, open_files::make_room_for},
};

/// The most peers in a room with a media server: each is told of each, and more than this is a
/// broadcast, which is better made otherwise.
const MAX_SFU_PEERS: usize = 10_000;

/// What each room allows.
pub(super) const fn room_limits(config: &RoomConfig) -> Limits {
    Limits {
        max_p2p_peers: config.max_p2p_peers,
        max_sfu_peers: MAX_SFU_PEERS,
        reconnect_window: config.reconnect_window,
    }
}

/// What each client may have.
pub(super) fn client_limits(config: &Config) -> ClientLimits {
    ClientLimits {
        spending: config.clients.spending,
        connections: config.clients.connections.map(Tally::new),
        queued_bytes: config.clients.queued_bytes,
    }
}

/// The settings of the door, with no more places than the system has open files for.
pub(super) fn door_settings(config: &DoorConfig) -> Result<DoorSettings, StartError> {
    let connections = make_room_for(config.connections).map_err(StartError::OpenFiles)?;
    if connections < config.connections {
        let wanted = config.connections;
        warn!(
            connections,
            wanted, "the system's limit of open files (RLIMIT_NOFILE) allows fewer connections"
        );
    }
    Ok(DoorSettings {
        connections,
        per_network: config.per_ip,
        handshakes: config.handshakes,
        proxies: config.proxies.clone(),
    })
}

/// How connections are served; those of operators have no door.
pub(super) fn serving(config: &Config, tls: Option<Arc<Tls>>, door: Option<Arc<Door>>) -> Serving {
    Serving {
        user_timeout: config.engine.ping_timeout,
        head: config.door.header_timeout,
        keep_alive: config.door.keep_alive_timeout,
        body: config.door.body_timeout,
        frames: config.clients.spending.map(|spending| spending.frames()),
        tls,
        door,
    }
}
