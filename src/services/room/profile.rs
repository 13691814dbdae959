//! How a room is to be, as the Room Service says.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::core::{Mode, RoomCode, RoomId};

/// The longest id of a room, in bytes.
const MAX_ID: usize = 128;

/// How a room is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomProfile {
    /// The id by which clients and other services know it.
    pub id: RoomId,
    /// The code by which people reach it.
    pub code: RoomCode,
    /// How its media begins to flow.
    pub mode: Mode,
    /// The most peers, whatever the mode.
    pub max_peers: Option<usize>,
}

/// The profile as JSON.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_peers: Option<usize>,
}

/// The text is no profile of a room.
#[derive(Debug, Error)]
pub enum InvalidProfile {
    /// It is not the JSON that it should be.
    #[error("not a room: {0}")]
    Json(#[from] serde_json::Error),
    /// The id could not be told apart in keys and paths.
    #[error("id must be 1 to {MAX_ID} bytes without spaces, braces and slashes")]
    Id,
    /// The code is none.
    #[error("code is not a room code")]
    Code,
    /// Nobody could join.
    #[error("maxPeers must be at least 1")]
    MaxPeers,
}

impl RoomProfile {
    /// A room without a Room Service: what its code says.
    pub fn of_code(code: &RoomCode) -> Self {
        Self {
            id: RoomId::from_code(code),
            code: code.clone(),
            mode: Mode::P2p,
            max_peers: None,
        }
    }

    /// Reads the answer to a question for `asked`.
    pub(super) fn read(json: &[u8], asked: &RoomCode) -> Result<Self, InvalidProfile> {
        let wire: Wire = serde_json::from_slice(json)?;
        let wrong = |c: char| c.is_whitespace() || c.is_control() || "{}/\\".contains(c);
        let id = wire.id.as_str();
        if id.is_empty() || id.len() > MAX_ID || matches!(id, "." | "..") || id.chars().any(wrong) {
            return Err(InvalidProfile::Id);
        }
        let code = wire.code.map_or(Ok(asked.clone()), |code| code.parse());
        if wire.max_peers == Some(0) {
            return Err(InvalidProfile::MaxPeers);
        }
        Ok(Self {
            id: RoomId::new(id),
            code: code.map_err(|_| InvalidProfile::Code)?,
            mode: wire.mode,
            max_peers: wire.max_peers,
        })
    }

    pub(super) fn to_json(&self) -> String {
        let wire = Wire {
            id: self.id.as_str().to_owned(),
            code: Some(self.code.as_str().to_owned()),
            mode: self.mode,
            max_peers: self.max_peers,
        };
        // It is plain data: it can always be written.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}
