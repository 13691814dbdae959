//! What nodes tell each other, as bytes: the sender's name, then the message.
//!
//! ```text
//! +--------+------+------+---------------------------------------------
//! | length | name | form | 'R': kind, from, to (16 bytes each), JSON body
//! +--------+------+------+ 'C', 'A', 'D', 'J': JSON
//! ```
//!
//! Relays, which are most of the traffic, have a form of their own: their body goes through
//! as the text it is. Chat messages have one so that they can be told from the rest unread, and
//! another when they are said again. That chat was delivered concerns no room: it is for those who
//! keep copies.

use std::borrow::Cow;

use bytes::{BufMut as _, Bytes, BytesMut};
use serde_json::value::RawValue;
use thiserror::Error;
use uuid::Uuid;

use super::chat::Delivered;
use crate::core::{Gossip, NodeId, PeerId, RelayKind};

/// Bytes of a relay before its body, the sender's name aside: form, kind, two ids.
const RELAY_HEAD: usize = 2 + 16 + 16;

const RELAY: u8 = b'R';
const CHAT: u8 = b'C';
const REPEATED: u8 = b'A';
const DELIVERED: u8 = b'D';
const OTHER: u8 = b'J';

/// The bytes are no message between nodes.
#[derive(Debug, Error)]
#[error("not a message between nodes")]
pub struct Undecodable;

/// Writes what `from` says.
pub(super) fn encode(from: &NodeId, said: &Gossip<'_>) -> Result<Bytes, serde_json::Error> {
    match said {
        Gossip::Relay {
            kind,
            from: sender,
            to,
            body,
        } => {
            let mut bytes = head(from, RELAY, RELAY_HEAD + body.get().len());
            bytes.put_u8(kind_code(*kind));
            bytes.put_slice(sender.as_uuid().as_bytes());
            bytes.put_slice(to.as_uuid().as_bytes());
            bytes.put_slice(body.get().as_bytes());
            Ok(bytes.freeze())
        }
        said => {
            let json = serde_json::to_vec(said)?;
            let form = if matches!(said, Gossip::Chat(_)) {
                CHAT
            } else {
                OTHER
            };
            let mut bytes = head(from, form, 1 + json.len());
            bytes.put_slice(&json);
            Ok(bytes.freeze())
        }
    }
}

/// Writes what was delivered to the Chat Service.
pub(super) fn encode_delivered(
    from: &NodeId,
    delivered: &Delivered,
) -> Result<Bytes, serde_json::Error> {
    let json = serde_json::to_vec(delivered)?;
    let mut bytes = head(from, DELIVERED, 1 + json.len());
    bytes.put_slice(&json);
    Ok(bytes.freeze())
}

/// What was delivered, if the message says that.
pub(super) fn decode_delivered(bytes: &[u8]) -> Option<Result<Delivered, Undecodable>> {
    let (_, form, json) = parts(bytes)?;
    (form == DELIVERED).then(|| serde_json::from_slice(json).map_err(|_| Undecodable))
}

/// The same chat message, to be published once more. Other messages stay what they are.
pub(super) fn repeated(bytes: &Bytes) -> Bytes {
    match parts(bytes) {
        Some((_, CHAT, rest)) => {
            let mut again = BytesMut::from(&**bytes);
            let form = bytes.len() - rest.len() - 1;
            again[form] = REPEATED;
            again.freeze()
        }
        _ => bytes.clone(),
    }
}

/// Whether it is a chat message that may have been heard before.
pub(super) fn is_repeated(bytes: &[u8]) -> bool {
    parts(bytes).is_some_and(|(_, form, _)| form == REPEATED)
}

/// The beginning of a message whose JSON is put together by a script in Redis.
pub(super) fn open(from: &NodeId, json: &str) -> Bytes {
    let mut bytes = head(from, OTHER, 1 + json.len());
    bytes.put_slice(json.as_bytes());
    bytes.freeze()
}

/// Reads who said what.
pub(super) fn decode(bytes: &[u8]) -> Result<(NodeId, Gossip<'_>), Undecodable> {
    let (from, form, rest) = parts(bytes).ok_or(Undecodable)?;
    let said = match form {
        RELAY => relay(rest).ok_or(Undecodable)?,
        CHAT | REPEATED | OTHER => serde_json::from_slice(rest).map_err(|_| Undecodable)?,
        _ => return Err(Undecodable),
    };
    Ok((NodeId::from(from), said))
}

/// Whether the message is about who is in the room, and where.
pub(super) fn is_about_roster(bytes: &[u8]) -> bool {
    parts(bytes).is_some_and(|(_, form, _)| form == OTHER)
}

fn head(from: &NodeId, form: u8, more: usize) -> BytesMut {
    let name = from.as_str().as_bytes();
    let mut bytes = BytesMut::with_capacity(1 + name.len() + more);
    // Node names are bounded by the configuration to what one byte can count.
    bytes.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.put_slice(name);
    bytes.put_u8(form);
    bytes
}

fn parts(bytes: &[u8]) -> Option<(&str, u8, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (form, rest) = rest.split_first()?;
    Some((std::str::from_utf8(name).ok()?, *form, rest))
}

fn relay(bytes: &[u8]) -> Option<Gossip<'_>> {
    let (kind, rest) = bytes.split_first()?;
    let (from, rest) = rest.split_first_chunk::<16>()?;
    let (to, body) = rest.split_first_chunk::<16>()?;
    let body: &RawValue = serde_json::from_slice(body).ok()?;
    Some(Gossip::Relay {
        kind: kind_of(*kind)?,
        from: PeerId::new(Uuid::from_bytes(*from)),
        to: PeerId::new(Uuid::from_bytes(*to)),
        body: Cow::Borrowed(body),
    })
}

const fn kind_code(kind: RelayKind) -> u8 {
    match kind {
        RelayKind::Offer => b'o',
        RelayKind::Answer => b'a',
        RelayKind::Ice => b'i',
    }
}

const fn kind_of(code: u8) -> Option<RelayKind> {
    match code {
        b'o' => Some(RelayKind::Offer),
        b'a' => Some(RelayKind::Answer),
        b'i' => Some(RelayKind::Ice),
        _ => None,
    }
}

#[cfg(test)]
#[path = "tests/codec.rs"]
mod tests;
