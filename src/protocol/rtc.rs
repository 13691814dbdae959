//! What clients report of their peer connections.

use schemars::JsonSchema;
use serde::Deserialize;

/// The state of a peer connection (W3C WebRTC, `RTCPeerConnectionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RtcState {
    /// Nothing has happened yet.
    New,
    /// It is being tried.
    Connecting,
    /// Media can flow.
    Connected,
    /// It was interrupted, and may come back.
    Disconnected,
    /// It did not come about, or broke for good.
    Failed,
    /// It was ended.
    Closed,
}

impl RtcState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Connecting,
        Self::Connected,
        Self::Disconnected,
        Self::Failed,
        Self::Closed,
    ];

    /// The state of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}
