//! What goes before the payload on internal channels: who sent it, and as which of its messages.
//!
//! ```text
//! 0        1                17        25
//! +--------+----------------+---------+---------
//! | 1      | server id      | number  | payload
//! +--------+----------------+---------+---------
//! ```
//!
//! The number (big endian) grows with every message of a server. As the messages of one channel
//! arrive in the order of their numbers, a message whose number is not above that of the one
//! before is a repetition: a publish whose answer was lost has been retried.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

/// The version that this code writes, and the only one it reads.
const VERSION: u8 = 1;

/// Bytes before the payload.
pub(in crate::cluster) const ENVELOPE_BYTES: usize = 1 + 16 + 8;

/// One process during one life.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServerId([u8; 16]);

impl ServerId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }
}

impl From<Uuid> for ServerId {
    fn from(id: Uuid) -> Self {
        Self(id.into_bytes())
    }
}

impl From<ServerId> for Uuid {
    fn from(id: ServerId) -> Self {
        Self::from_bytes(id.0)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from(*self).fmt(f)
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerId({self})")
    }
}

/// What an envelope says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct Envelope {
    pub(in crate::cluster) from: ServerId,
    pub(in crate::cluster) number: u64,
}

impl Envelope {
    pub(in crate::cluster) fn encode(self) -> [u8; ENVELOPE_BYTES] {
        let mut bytes = [0; ENVELOPE_BYTES];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&self.from.0);
        bytes[17..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// Takes the envelope off; `None` if there is none that can be read.
    pub(in crate::cluster) fn open(message: &Bytes) -> Option<(Self, Bytes)> {
        let (version, rest) = message.split_first()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        let envelope = Self {
            from: ServerId(*from),
            number: u64::from_be_bytes(*number),
        };
        (*version == VERSION).then(|| (envelope, message.slice(ENVELOPE_BYTES..)))
    }
}

#[cfg(test)]
#[path = "tests/envelope.rs"]
mod tests;
