//! Identifiers, each a type of its own so that one cannot be passed for another.

use std::{fmt, str::FromStr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use uuid::Uuid;

/// The longest room code, in characters.
const MAX_ROOM_CODE: usize = 64;

/// The longest room id accepted inside a resume token, in bytes.
const MAX_ROOM_ID: usize = 256;

/// One peer of one room: a user's presence through one connection at a time.
///
/// It outlives a connection: a peer that comes back within its reconnection window keeps it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
#[schemars(inline, description = "The id of a peer.")]
pub struct PeerId(Uuid);

impl PeerId {
    /// Wraps an id that the caller drew at random.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The id as it was drawn.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl FromStr for PeerId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// Defines an identifier over shared text: cloning it copies a pointer.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A node: one run of a gateway process, among those that share rooms. A restart makes
    /// another node: what the one before it had is not the new one's.
    NodeId
}

impl From<&str> for NodeId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

text_id! {
    /// A user, as the `sub` claim of the token names it.
    UserId
}

impl From<Arc<str>> for UserId {
    fn from(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl From<&str> for UserId {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

text_id! {
    /// A room, as the Room Service names it; without one, derived from the code.
    RoomId
}

/// What the ids begin with that follow from codes.
const DERIVED: &str = "room_";

impl RoomId {
    /// Wraps an id that a Room Service gave.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The id of the room behind `code` where no Room Service says otherwise:
    /// `room_` and the code in lower case.
    pub fn from_code(code: &RoomCode) -> Self {
        Self(format!("{DERIVED}{}", code.as_str().to_ascii_lowercase()).into())
    }

    /// Whether a text is an id as [`from_code`](Self::from_code) makes them.
    pub fn is_derived(text: &str) -> bool {
        text.starts_with(DERIVED)
    }
}

text_id! {
    /// What people type or share to get into a room: 1–64 of `A-Z a-z 0-9 _ -`.
    RoomCode
}

/// The text is no room code.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("must be 1 to 64 characters of A-Z a-z 0-9 _ -")]
pub struct InvalidRoomCode;

impl FromStr for RoomCode {
    type Err = InvalidRoomCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.is_empty() || text.len() > MAX_ROOM_CODE || !text.bytes().all(allowed) {
            return Err(InvalidRoomCode);
        }
        Ok(Self(text.into()))
    }
}

/// The part of a resume token that only its owner knows.
#[derive(Clone, Copy)]
pub struct ResumeSecret([u8; 16]);

impl ResumeSecret {
    /// Wraps 16 bytes that the caller drew at random.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Compares in constant time, so that an answer's delay tells nothing of the secret.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Serialize for ResumeSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for ResumeSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| de::Error::custom("not a resume secret"))
    }
}

impl fmt::Debug for ResumeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeSecret(redacted)")
    }
}

/// What a client presents to be the same peer again: it says which peer of which room, and
/// proves it. On the wire: base64url of peer id and secret, a dot, the room id.
#[derive(Clone, Debug)]
pub struct ResumeToken {
    /// The peer to be again.
    pub peer: PeerId,
    /// The proof.
    pub secret: ResumeSecret,
    /// The room it is in.
    pub room: RoomId,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 32];
        let (peer, secret) = bytes.split_at_mut(16);
        peer.copy_from_slice(self.peer.0.as_bytes());
        secret.copy_from_slice(&self.secret.0);
        write!(f, "{}.{}", URL_SAFE_NO_PAD.encode(bytes), self.room)
    }
}

/// The text is no resume token.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a resume token")]
pub struct InvalidResumeToken;

impl FromStr for ResumeToken {
    type Err = InvalidResumeToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (proof, room) = text.split_once('.').ok_or(InvalidResumeToken)?;
        if room.is_empty() || room.len() > MAX_ROOM_ID {
            return Err(InvalidResumeToken);
        }
        let bytes: [u8; 32] = URL_SAFE_NO_PAD
            .decode(proof)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(InvalidResumeToken)?;
        let half = |from: usize| -> [u8; 16] { std::array::from_fn(|i| bytes[from + i]) };
        Ok(Self {
            peer: PeerId(Uuid::from_bytes(half(0))),
            secret: ResumeSecret(half(16)),
            room: RoomId::new(room),
        })
    }
}

#[cfg(test)]
#[path = "tests/ids.rs"]
mod tests;
