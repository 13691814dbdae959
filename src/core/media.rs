//! What peers have in a media server (a selective forwarding unit), as far as a room has to
//! know it: which of it is whose, and what others may consume.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mode, PeerId};

/// The most transports of one peer. A client needs two; some are left over by lost answers.
pub const MAX_TRANSPORTS: usize = 16;

/// The most producers of one peer: microphone, camera, screen, and more than anybody shows.
pub const MAX_PRODUCERS: usize = 32;

/// The most consumers of one peer: audio and video of a thousand others.
pub const MAX_CONSUMERS: usize = 2_048;

/// How media flows through a room, and since which change: a register that all nodes share.
/// Of two states the one with the greater epoch counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModeState {
    /// How many changes there were. A node that finds nothing of a room and begins one counts from
    /// the beginning, so that what those know who are inside wins.
    pub epoch: u64,
    /// How media flows.
    pub mode: Mode,
    /// The media server that the room is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Arc<str>>,
    /// Why it came to this.
    pub reason: ModeReason,
}

impl ModeState {
    /// How a room begins.
    pub const fn initial(mode: Mode) -> Self {
        Self {
            epoch: 0,
            mode,
            media: None,
            reason: ModeReason::Configured,
        }
    }
}

/// Why media flows otherwise than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModeReason {
    /// The Room Service says so.
    Configured,
    /// There are more peers than a mesh carries.
    Capacity,
    /// The media server is gone, and the room is small enough to do without.
    MediaUnavailable,
    /// Another media server has the room, or the same one after it lost all it had: what peers
    /// had there is gone.
    MediaMoved,
}

/// Which way the media of a transport goes, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the media server.
    Send,
    /// From the media server.
    Recv,
}

/// What a producer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// A WebRTC transport between a peer and the media server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transport {
    /// Its id, as the media server gave it.
    pub id: Box<str>,
    /// Which way it goes.
    pub direction: Direction,
}

/// Media that a peer sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Producer {
    /// Its id, as the media server gave it.
    pub id: Arc<str>,
    /// What it carries.
    pub kind: MediaKind,
    /// What its client says of it, as JSON text. It is kept as text: records of peers are taken
    /// apart and put together again on their way, which must not change it.
    pub app_data: Box<str>,
    /// The client sends nothing for now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// A producer and whose it is.
#[derive(Clone, Debug)]
pub struct ProducerInfo {
    /// The peer that sends.
    pub peer: PeerId,
    /// What it sends.
    pub producer: Arc<Producer>,
}

/// Media that a peer receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Its id, as the media server gave it.
    pub id: Box<str>,
    /// What it receives.
    pub producer: Arc<str>,
}

impl Consumer {
    /// A place for one that was asked for, and has no id yet.
    pub(super) fn to_come(producer: Arc<str>) -> Self {
        Self {
            id: Box::default(),
            producer,
        }
    }

    pub(super) fn is_to_come(&self) -> bool {
        self.id.is_empty()
    }
}

/// What a peer has in the media server and all nodes know. It has something there as soon as it
/// may have: then there is something to close.
///
/// Empty lists are left out: a script in Redis could not write them back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerMedia {
    /// Since which change of the room's mode: what was made before counts no more.
    pub epoch: u64,
    /// Grows with each change since then: what is older than what is known is no news.
    #[serde(default)]
    pub revision: u64,
    /// Its transports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transports: Vec<Transport>,
    /// What it sends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub producers: Vec<Arc<Producer>>,
}

impl PeerMedia {
    pub(super) const fn new(epoch: u64) -> Self {
        Self {
            epoch,
            revision: 0,
            transports: Vec::new(),
            producers: Vec::new(),
        }
    }

    pub(super) fn producer(&self, id: &str) -> Option<&Arc<Producer>> {
        self.producers.iter().find(|producer| *producer.id == *id)
    }
}
