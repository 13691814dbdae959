//! What emitters publish, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use serde_json::{Value, value::RawValue};

use super::wire::{Packet, Request, read_packet, read_request};
use crate::hub::{Emission, Selection};

/// The most bytes of JSON that may become of a publication.
const MAX_BYTES: usize = 1024 * 1024;

/// Reads a publication as a packet for all, as one for a room, and as a request.
pub(crate) fn emitter(data: &[u8]) {
    for room in [None, Some("room")] {
        match read_packet(data, room) {
            Ok(packet) => check_packet(&packet, room, data.len()),
            Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
        }
    }
    match read_request(data) {
        Ok(request) => check_request(&request, data.len()),
        Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
    }
}

fn check_packet(packet: &Packet, room: Option<&str>, sent: usize) {
    let bytes: usize = packet.args.iter().map(|arg| arg.get().len()).sum();
    // A moment of 6 bytes becomes a text of 29, a control character one of 6.
    assert!(bytes <= MAX_BYTES && bytes <= 6 * sent);
    assert!(!matches!(
        &*packet.name,
        "connect" | "disconnect" | "connect_error"
    ));
    let is_json = |arg: &RawValue| serde_json::from_str::<Value>(arg.get()).is_ok();
    assert!(packet.args.iter().all(|arg| is_json(arg)), "{packet:?}");
    let emission = Emission::new(&packet.name, &packet.args, packet.volatile);
    assert_eq!(emission.values().len(), packet.args.len());
    check_selection(&packet.to, sent);
    if let Some(room) = room {
        assert!(matches!(&*packet.to.rooms, [one] if **one == *room));
    }
}

fn check_request(request: &Request, sent: usize) {
    match request {
        Request::Join { who, rooms } | Request::Leave { who, rooms } => {
            check_selection(who, sent);
            assert!(rooms.len() <= sent);
        }
        Request::Disconnect { who, .. } => check_selection(who, sent),
    }
}

fn check_selection(who: &Selection, sent: usize) {
    let names = who.rooms.iter().chain(&who.except);
    // A number of one byte takes up to four characters, and the room of the channel comes on top.
    let bytes: usize = names.map(|name| name.len()).sum();
    assert!(bytes <= 4 * sent + "room".len());
}
