//! What goes before the payload on internal channels: who sent it, and as which of its messages.
//!
//! ```text
//! 0        1                17        25
//! +--------+----------------+---------+---------
//! | 1      | server id      | number  | payload
//! +--------+----------------+---------+---------
//!
//! 0        1                17        25       26
//! +--------+----------------+---------+--------+-------+---------
//! | 2      | server id      | number  | length | trace | payload
//! +--------+----------------+---------+--------+-------+---------
//! ```
//!
//! Version 2 is for messages that belong to a trace which is recorded: where there are no traces none is
//! sent, and whoever has no use for the trace passes over it.
//!
//! The number (big endian) grows with every message of a server. As the messages of one channel
//! arrive in the order of their numbers, a message whose number is not above that of the one
//! before is a repetition: a publish whose answer was lost has been retried.

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;
use uuid::Uuid;

use crate::telemetry::traces::Carried;

/// The version without a trace.
const VERSION: u8 = 1;

/// The version with one.
const VERSION_TRACED: u8 = 2;

/// Bytes before the payload, or before the trace.
pub(in crate::cluster) const ENVELOPE_BYTES: usize = 1 + 16 + 8;

/// Bytes before the payload at most.
pub(super) const MAX_ENVELOPE_BYTES: usize = ENVELOPE_BYTES + 1 + Carried::BYTES;

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
    /// The place in a trace that the message belongs to.
    pub(in crate::cluster) trace: Option<Carried>,
}

impl Envelope {
    pub(in crate::cluster) fn encode(self) -> SmallVec<[u8; MAX_ENVELOPE_BYTES]> {
        let mut bytes = SmallVec::new();
        let version = if self.trace.is_some() {
            VERSION_TRACED
        } else {
            VERSION
        };
        bytes.push(version);
        bytes.extend_from_slice(&self.from.0);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        if let Some(trace) = self.trace {
            let trace = trace.encode();
            // As long as a place is, and always will be: what is longer is for later versions.
            bytes.push(u8::try_from(trace.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(&trace);
        }
        bytes
    }

    /// Takes the envelope off; `None` if there is none that can be read.
    pub(in crate::cluster) fn open(message: &Bytes) -> Option<(Self, Bytes)> {
        let (version, rest) = message.split_first()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (trace, length) = match *version {
            VERSION => (None, ENVELOPE_BYTES),
            VERSION_TRACED => {
                let (length, rest) = rest.split_first()?;
                let length = usize::from(*length);
                let trace = rest.get(..length)?;
                (Carried::decode(trace), ENVELOPE_BYTES + 1 + length)
            }
            _ => return None,
        };
        let envelope = Self {
            from: ServerId(*from),
            number: u64::from_be_bytes(*number),
            trace,
        };
        Some((envelope, message.slice(length..)))
    }
}

#[cfg(test)]
#[path = "tests/envelope.rs"]
mod tests;
