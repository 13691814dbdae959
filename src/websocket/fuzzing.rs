//! Frames of the raw protocols, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use std::borrow::Cow;

use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    connection::Seat,
    signal::{
        self,
        frames::{Incoming as Signal, Request as SignalRequest},
    },
    ws::{
        self,
        frames::{Action, Incoming as Ws, Request as WsRequest},
    },
};
use crate::{
    core::{Event, Member, PeerId, RelayKind, RoomId},
    fuzzing::{check_error, check_relay, is_part_of},
    hub::Outgoing,
};

/// Reads a frame of `/signal`, and what is relayed of it as clients of all protocols.
pub(crate) fn signal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let frame = match Signal::read(text) {
        Ok(frame) => frame,
        Err((name, error)) => return check_refused(text, name, &error),
    };
    let read: Option<Value> = serde_json::from_str(text).ok();
    if let Some(read) = read {
        assert_eq!(read["type"], *frame.name);
        let sender = frame.sender.as_deref();
        assert_eq!(read.get("senderId").and_then(Value::as_str), sender);
    }
    match frame.request {
        SignalRequest::Relay { kind, body, .. } => {
            assert!(is_part_of(body.get(), text));
            check_relayed(kind, body);
        }
        SignalRequest::Kick { target, reason } => {
            assert!(!target.is_empty() && reason.len() <= text.len());
        }
        SignalRequest::Appoint { host } => assert!(!host.is_empty()),
        _ => {}
    }
}

/// Reads a frame of `/ws`, and what is relayed of it as clients of all protocols.
pub(crate) fn ws(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let frame = match Ws::read(text) {
        Ok(frame) => frame,
        Err((name, error)) => return check_refused(text, name, &error),
    };
    match frame.request {
        WsRequest::Join { code, sender, .. } => {
            assert!((1..=64).contains(&code.as_str().len()));
            assert!((1..=64).contains(&sender.chars().count()));
            assert!(!sender.chars().any(char::is_control));
        }
        WsRequest::Act { action, sender, .. } => {
            if let Ok(read) = serde_json::from_str::<Value>(text) {
                assert_eq!(read["sender"], *sender);
            }
            check_action(&action, text);
        }
        _ => {}
    }
}

fn check_action(action: &Action<'_>, text: &str) {
    match action {
        Action::Relay { kind, body, .. } => {
            // Without a payload it is the end of candidates.
            assert!(is_part_of(body.get(), text) || body.get() == "null");
            check_relayed(*kind, body);
        }
        Action::Kick { recipient, reason } => {
            assert!(!recipient.is_empty() && reason.len() <= text.len());
        }
        Action::Appoint { recipient } => assert!(!recipient.is_empty()),
        Action::Chat { content, .. } => assert!(content.len() <= text.len()),
        Action::Leave => {}
    }
}

fn check_refused(text: &str, name: Option<Cow<'_, str>>, error: &crate::protocol::WireError) {
    check_error(error);
    assert!(name.is_none_or(|name| name.len() <= text.len()));
}

/// What a client relays gets to clients of every protocol as it is, from who sent it.
fn check_relayed(kind: RelayKind, body: &RawValue) {
    check_relay(kind, body);
    let member = |user: &str, alias: &str| Member {
        user: user.into(),
        username: user.into(),
        alias: Some(alias.into()),
    };
    let event = Event::Relay {
        kind,
        from: PeerId::new(Uuid::from_u128(1)),
        sender: Some(member("sender", "name").into()),
        to: PeerId::new(Uuid::from_u128(2)),
        body: Cow::Borrowed(body),
    };
    let seat = Seat {
        member: member("receiver", "other").into(),
        room: RoomId::new("room_r"),
        code: "r".parse().expect("a code"),
    };
    let outgoing = Outgoing::alone(&event);
    let frames = [
        (signal::encode(&outgoing, &seat), "senderId", "sender"),
        (ws::encode(&outgoing, &seat), "sender", "name"),
    ];
    for (frame, field, sender) in frames {
        let frame = frame.expect("a relay is for all");
        let header = match frame[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let json = std::str::from_utf8(&frame[header..]).expect("it is text");
        assert!(json.contains(body.get()));
        if let Ok(read) = serde_json::from_str::<Value>(json) {
            assert_eq!(read[field], sender);
        }
    }
}

/// What a client offers as subprotocols: a token is one of them, and not the name of the other.
pub(crate) fn offer(headers: &http::HeaderMap) {
    use secrecy::ExposeSecret as _;

    let offer = super::upgrade::Offer::of(headers);
    if let Some(token) = offer.token {
        let token = token.expose_secret();
        assert!(offer.bearer && !token.is_empty() && !token.contains(','));
    }
}
