//! What is published and kept in Redis, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use bytes::Bytes;
use redis::Value;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    announce::Announcement,
    chat::Delivered,
    codec,
    pubsub::Envelope,
    records::{Kept, snapshot},
    releases,
    survey::NodeStatus,
    tell::Told,
};
use crate::{
    core::{ChatMessage, Gossip, HostState, ModeState, NodeId, PeerRecord},
    fuzzing::is_part_of,
    protocol::ChatPayload,
};

/// What a node writes around the JSON of a message: length and name of the node, form, kind, ids.
const MAX_HEAD: usize = 1 + 255 + 2 + 32;

/// What a room is told that hears `data` on its channel.
pub(crate) fn hear(data: &[u8]) -> Option<(NodeId, Gossip<'_>)> {
    codec::decode(data).ok()
}

/// Takes the envelope off a message between nodes, and reads the message.
pub(crate) fn bus(data: &[u8]) {
    let whole = Bytes::copy_from_slice(data);
    if let Some((envelope, payload)) = Envelope::open(&whole) {
        let written = [&envelope.encode()[..], &payload[..]].concat();
        // Of a trace only what is understood is written again.
        if envelope.trace.is_none() && data.first() == Some(&1) {
            assert_eq!(written, data);
        }
        let again = Envelope::open(&written.into());
        assert_eq!(again, Some((envelope, payload.clone())));
        message(&payload);
    }
    message(&whole);
}

/// What is heard can be said again, and is the same. Of the forms a message is one.
fn message(bytes: &Bytes) {
    let heard = codec::decode(bytes);
    let delivered = codec::decode_delivered(bytes);
    assert!(heard.is_err() || delivered.is_none());
    if let Some(Ok(delivered)) = delivered {
        check_json::<Delivered>(&serde_json::to_vec(&delivered).expect("it can be written"));
    }
    let again = codec::repeated(bytes);
    assert_eq!(again.len(), bytes.len());
    assert!(!codec::is_about_roster(bytes) || !codec::is_repeated(bytes));
    let Ok((from, said)) = heard else {
        return;
    };
    if let Gossip::Relay { body, .. } = &said
        && bytes.ends_with(body.get().as_bytes())
    {
        let whole = std::str::from_utf8(&bytes[bytes.len() - body.get().len()..]);
        assert!(is_part_of(body.get(), whole.expect("JSON is UTF-8")));
    }
    let shown = format!("{said:?}");
    let written = codec::encode(&from, &said).expect("what was read can be written");
    let (from_again, again) = codec::decode(&written).expect("and read");
    assert_eq!((from_again, format!("{again:?}")), (from, shown));
    assert!(written.len() <= MAX_HEAD + 2 * 6 * bytes.len());
}

/// Reads what other nodes and services keep in Redis, and writes it again.
pub(crate) fn records(data: &[u8]) {
    check_json::<Kept>(data);
    check_json::<PeerRecord>(data);
    check_json::<ModeState>(data);
    check_json::<HostState>(data);
    check_json::<NodeStatus>(data);
    check_json::<Delivered>(data);
    if let Ok(told) = serde_json::from_slice::<Told<'_>>(data) {
        let again = serde_json::to_vec(&told).expect("it can be written");
        assert!(serde_json::from_slice::<Told<'_>>(&again).is_ok());
    }
    if let Ok(announced) = serde_json::from_slice::<Announcement<'_>>(data) {
        let again = serde_json::to_vec(&announced).expect("it can be written");
        assert!(serde_json::from_slice::<Announcement<'_>>(&again).is_ok());
    }
    chat(data);
    if let Some(release) = releases::read(data) {
        let again = releases::read(&releases::written(&release));
        assert_eq!(again, Some(release));
    }
    let piece = || Value::BulkString(data.to_vec());
    let list = || Value::Array(vec![piece(), piece()]);
    let read = snapshot(Value::Array(vec![list(), list(), piece(), piece()]));
    let read = read.expect("what cannot be read is passed over");
    assert!(read.peers.len() <= 2 && read.chat.len() <= 2);
}

/// A message that is kept is the same for who reads it again.
fn chat(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice::<ChatPayload<'_>>(data) else {
        return;
    };
    let message = ChatMessage::from(payload);
    let written = serde_json::to_vec(&ChatPayload::from(&message)).expect("it can be written");
    let again = serde_json::from_slice::<ChatPayload<'_>>(&written).expect("and read");
    assert_eq!(
        format!("{:?}", ChatMessage::from(again)),
        format!("{message:?}")
    );
}

fn check_json<T: Serialize + DeserializeOwned>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("and read");
    let again = serde_json::to_vec(&again).expect("and written");
    assert_eq!(again, written);
}
