//! Who was made the host of a room.

use serde::{Deserialize, Serialize};

use super::PeerId;

/// Which peer was made the host, and since which change: a register that all nodes share. Of two
/// states the greater counts, that is the one with the greater term, and of one term, which comes
/// of a partition, the one with the greater id. It holds while that peer is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostState {
    /// How many changes there were. It comes first: states are ordered by it.
    pub term: u64,
    /// The peer that was made the host.
    pub peer: PeerId,
}
