//! What emitters publish, read.

use std::borrow::Cow;

use rmpv::{ValueRef, decode::read_value_ref_with_max_depth};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use thiserror::Error;

use super::json;
use crate::hub::Selection;

/// The longest publication that is taken, and the most bytes of JSON that may become of it: half
/// of what may wait for one client.
const MAX_BYTES: usize = 1024 * 1024;

/// How deep a publication may be nested. Clients and servers in other languages take less.
const MAX_DEPTH: usize = 128;

/// The Socket.IO packet types that carry an event.
const EVENT: u64 = 2;
const BINARY_EVENT: u64 = 5;

/// The types of requests.
const JOIN: u64 = 2;
const LEAVE: u64 = 3;
const DISCONNECT: u64 = 4;

/// What clients take for something else, as in `RESERVED_EVENTS` of the emitter.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Why a publication is skipped.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is not what emitters publish.
    #[error("is not in the emitter's format")]
    Malformed,
    /// It is longer than [`MAX_BYTES`].
    #[error("is longer than 1 MiB")]
    TooLong,
    /// Binary data does not fit into JSON, which the gateway speaks.
    #[error("holds binary data")]
    Binary,
    /// It is for another namespace than `/`.
    #[error("is for another namespace")]
    Namespace,
    /// The name of the event means something else to clients.
    #[error("has a reserved event name")]
    Reserved,
    /// It is what only Socket.IO servers do for each other.
    #[error("is a request that only Socket.IO servers answer")]
    Unsupported,
}

impl Unusable {
    /// A stable code for logs and figures.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Binary => "binary",
            Self::Namespace => "namespace",
            Self::Reserved => "reserved",
            Self::Unsupported => "unsupported",
        }
    }
}

/// An event and whom it is for.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) name: Box<str>,
    pub(super) args: Vec<Box<RawValue>>,
    pub(super) to: Selection,
    pub(super) volatile: bool,
}

/// Something that is to be done with connections.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// They are to be in these rooms too.
    Join {
        who: Selection,
        rooms: Vec<Box<str>>,
    },
    /// They are not to be in these rooms any more.
    Leave {
        who: Selection,
        rooms: Vec<Box<str>>,
    },
    /// They are to end; if `whole`, with the connection below.
    Disconnect { who: Selection, whole: bool },
}

/// Reads what was published for all, or for the `room` that the channel names.
pub(super) fn read_packet(payload: &[u8], room: Option<&str>) -> Result<Packet, Unusable> {
    if payload.len() > MAX_BYTES {
        return Err(Unusable::TooLong);
    }
    let mut rest = payload;
    let message = read_value_ref_with_max_depth(&mut rest, MAX_DEPTH)
        .map_err(|_| Unusable::Malformed)
        .and_then(|message| match message {
            ValueRef::Array(parts) if rest.is_empty() => Ok(parts),
            _ => Err(Unusable::Malformed),
        })?;
    // The first part says who publishes: a server would not hear itself, and this never publishes.
    let packet = message.get(1).ok_or(Unusable::Malformed)?;
    let options = message.get(2).unwrap_or(&ValueRef::Nil);
    match field(packet, "nsp") {
        None | Some(ValueRef::Nil) => {}
        Some(namespace) if text(namespace).as_deref() == Some("/") => {}
        Some(_) => return Err(Unusable::Namespace),
    }
    match field(packet, "type").and_then(whole_number) {
        Some(EVENT) => {}
        Some(BINARY_EVENT) => return Err(Unusable::Binary),
        _ => return Err(Unusable::Malformed),
    }
    let Some(ValueRef::Array(data)) = field(packet, "data") else {
        return Err(Unusable::Malformed);
    };
    let (name, args) = data.split_first().ok_or(Unusable::Malformed)?;
    let name = text(name).ok_or(Unusable::Malformed)?;
    if RESERVED.contains(&&*name) {
        return Err(Unusable::Reserved);
    }
    Ok(Packet {
        name: name.into(),
        args: json::write_all(args, MAX_BYTES)?,
        to: selection(options, room)?,
        volatile: field(options, "flags")
            .and_then(|flags| field(flags, "volatile"))
            .is_some_and(|volatile| matches!(volatile, ValueRef::Boolean(true))),
    })
}

/// Whom a packet is for.
fn selection(options: &ValueRef<'_>, room: Option<&str>) -> Result<Selection, Unusable> {
    let mut rooms = names(field(options, "rooms"))?;
    let mut except = names(field(options, "except"))?;
    if let Some(room) = room {
        // Some ports publish to each of several rooms and name all of them each time: a client
        // that is in two of them would get it twice.
        if let Some(place) = rooms.iter().position(|other| **other == *room) {
            except.extend(rooms.drain(..place));
        }
        rooms = vec![room.into()];
    }
    Ok(Selection { rooms, except })
}

/// A list of names. Ports to languages other than JavaScript write an empty text for none.
fn names(list: Option<&ValueRef<'_>>) -> Result<Vec<Box<str>>, Unusable> {
    match list {
        None | Some(ValueRef::Nil) => Ok(Vec::new()),
        Some(ValueRef::Array(list)) => {
            let name = |name| text(name).map(Box::from).ok_or(Unusable::Malformed);
            list.iter().map(name).collect()
        }
        Some(other) => match text(other).as_deref() {
            Some("") => Ok(Vec::new()),
            Some(name) => Ok(vec![name.into()]),
            None => Err(Unusable::Malformed),
        },
    }
}

/// A field of a map.
fn field<'v, 'm>(map: &'v ValueRef<'m>, name: &str) -> Option<&'v ValueRef<'m>> {
    let ValueRef::Map(fields) = map else {
        return None;
    };
    let known = |key: &ValueRef<'_>| matches!(key, ValueRef::String(key) if key.as_bytes() == name.as_bytes());
    fields
        .iter()
        .find_map(|(key, value)| known(key).then_some(value))
}

fn whole_number(value: &ValueRef<'_>) -> Option<u64> {
    match value {
        ValueRef::Integer(number) => number.as_u64(),
        _ => None,
    }
}

/// A text, or a number as text: rooms may be called by numbers.
fn text<'v>(value: &'v ValueRef<'_>) -> Option<Cow<'v, str>> {
    match value {
        ValueRef::String(text) => text.as_str().map(Cow::Borrowed),
        ValueRef::Integer(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Reads a request.
pub(super) fn read_request(payload: &[u8]) -> Result<Request, Unusable> {
    if payload.len() > MAX_BYTES {
        return Err(Unusable::TooLong);
    }
    if payload.first() != Some(&b'{') {
        // Servers write those that carry packets in MessagePack.
        return Err(Unusable::Unsupported);
    }
    let request: Wire = serde_json::from_slice(payload).map_err(|_| Unusable::Malformed)?;
    let (JOIN | LEAVE | DISCONNECT) = request.kind else {
        return Err(Unusable::Unsupported);
    };
    let Options { rooms, except } = request.opts.ok_or(Unusable::Malformed)?;
    let who = Selection {
        rooms: rooms.0,
        except: except.0,
    };
    let rooms = || request.rooms.map(|Names(rooms)| rooms);
    match request.kind {
        JOIN => Ok(Request::Join {
            who,
            rooms: rooms().ok_or(Unusable::Malformed)?,
        }),
        LEAVE => Ok(Request::Leave {
            who,
            rooms: rooms().ok_or(Unusable::Malformed)?,
        }),
        _ => Ok(Request::Disconnect {
            who,
            whole: request.close,
        }),
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(default)]
    opts: Option<Options>,
    #[serde(default)]
    rooms: Option<Names>,
    #[serde(default)]
    close: bool,
}

#[derive(Deserialize)]
struct Options {
    #[serde(default)]
    rooms: Names,
    #[serde(default)]
    except: Names,
}

/// The names of rooms, which may be numbers.
#[derive(Default)]
struct Names(Vec<Box<str>>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Name {
            Text(Box<str>),
            Number(i64),
        }
        let names = Vec::<Name>::deserialize(deserializer)?;
        let name = |name| match name {
            Name::Text(text) => text,
            Name::Number(number) => number.to_string().into(),
        };
        Ok(Self(names.into_iter().map(name).collect()))
    }
}

#[cfg(test)]
#[path = "tests/wire.rs"]
mod tests;
