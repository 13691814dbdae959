//! Packets of the namespace `/` as they are written with the library's JSON parser
//! (<https://socket.io/docs/v4/socket-io-protocol/#packet-encoding>).
//!
//! The library would make each anew for each receiver, by way of a value and a copy. Here a packet is
//! written once, into memory of about its size, and shared by all who get it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Result;

/// The types of packets that the gateway makes.
const EVENT: u8 = b'2';
const ACK: u8 = b'3';

/// What a packet has beside its payload, in bytes: type, brackets, a name of usual length, and of a relay
/// who sent it. Longer ones are no mistake.
const AROUND: usize = 192;

/// The event `name` with one argument, whose JSON has about so many bytes.
pub(super) fn event(
    name: &str,
    payload: &(impl Serialize + ?Sized),
    bytes: usize,
) -> Result<Bytes> {
    written(EVENT, bytes, |packet| {
        serde_json::to_writer(packet, &(name, payload))
    })
}

/// The event `name` with any number of arguments, whose JSON has so many bytes together.
pub(super) fn event_with(name: &str, args: &[impl Serialize], bytes: usize) -> Result<Bytes> {
    written(EVENT, bytes, |packet| {
        serde_json::to_writer(&mut *packet, &[name])?;
        // The list goes on.
        packet.pop();
        for arg in args {
            packet.push(b',');
            serde_json::to_writer(&mut *packet, arg)?;
        }
        packet.push(b']');
        Ok(())
    })
}

/// The acknowledgement of the event `id`.
pub(super) fn ack(id: i64, answer: &(impl Serialize + ?Sized), bytes: usize) -> Result<Bytes> {
    written(ACK, bytes, |packet| {
        serde_json::to_writer(&mut *packet, &id)?;
        serde_json::to_writer(packet, &[answer])
    })
}

/// Where in the packet of an event `value` is, if it is that of the last field of its payload.
pub(super) fn last_field(packet: &Bytes, value: &str) -> Option<Bytes> {
    let before = packet.strip_suffix(b"}]")?;
    let start = before.len().checked_sub(value.len())?;
    (before.get(start..)? == value.as_bytes()).then(|| packet.slice(start..before.len()))
}

fn written(
    kind: u8,
    bytes: usize,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<Bytes> {
    let mut packet = Vec::with_capacity(AROUND + bytes);
    packet.push(kind);
    write(&mut packet)?;
    Ok(packet.into())
}

#[cfg(test)]
#[path = "tests/packet.rs"]
mod tests;
