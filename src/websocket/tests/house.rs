//! A room as the tests of both encoders tell of it.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Value, json, value::RawValue};
use uuid::Uuid;

use crate::{
    core::{
        ChatMessage, Event, LeaveReason, Member, Mode, PeerId, PeerInfo, RelayKind, ResumeSecret,
        ResumeToken, RoomId, Welcome,
    },
    hub::Outgoing,
    websocket::connection::Seat,
};

pub(super) fn peer(number: u128) -> PeerId {
    PeerId::new(Uuid::from_u128(number))
}

pub(super) fn member(user: &str, alias: Option<&str>) -> Arc<Member> {
    Arc::new(Member {
        user: user.into(),
        username: format!("name of {user}").into(),
        alias: alias.map(Into::into),
    })
}

/// The receiver, peer 1: the user `me`, called `wendy`, who calls the room `Code`.
pub(super) fn seat() -> Seat {
    Seat {
        member: member("me", Some("wendy")),
        room: RoomId::new("room_code"),
        code: "Code".parse().unwrap(),
    }
}

/// With peer 2, the user `you` without a name, who hosts the room.
pub(super) fn welcome() -> Box<Welcome> {
    Box::new(Welcome {
        room: RoomId::new("room_code"),
        code: "code".parse().unwrap(),
        peer: peer(1),
        member: member("me", Some("wendy")),
        peers: vec![PeerInfo {
            id: peer(2),
            member: member("you", None),
        }],
        mode: Mode::P2p,
        producers: Vec::new(),
        host: peer(2),
        resume: ResumeToken {
            peer: peer(1),
            secret: ResumeSecret::new([0; 16]),
            room: RoomId::new("room_code"),
        },
    })
}

pub(super) fn relay(kind: RelayKind, sender: Option<Arc<Member>>, body: &str) -> Event<'static> {
    Event::Relay {
        kind,
        from: peer(2),
        sender,
        to: peer(1),
        body: Cow::Owned(RawValue::from_string(body.to_owned()).unwrap()),
    }
}

pub(super) fn left(member: Option<Arc<Member>>) -> Event<'static> {
    Event::PeerLeft {
        peer: peer(2),
        member,
        reason: LeaveReason::NodeLost,
    }
}

pub(super) fn chat(alias: Option<&str>) -> Event<'static> {
    Event::Chat(Arc::new(ChatMessage {
        id: Uuid::from_u128(9),
        room: RoomId::new("room_code"),
        peer: peer(2),
        author: member("you", alias),
        content: "hi".into(),
        timestamp: 5,
        client_id: None,
    }))
}

/// What a client is told, without the frame around it.
pub(super) fn told(
    event: &Event<'_>,
    encode: impl Fn(&Outgoing<'_>, &Seat) -> Option<bytes::Bytes>,
) -> Option<Value> {
    let frame = encode(&Outgoing::alone(event), &seat())?;
    assert_eq!(frame[0], 0x81, "a whole text frame");
    let (length, header) = match frame[1] {
        126 => (usize::from(u16::from_be_bytes([frame[2], frame[3]])), 4),
        short => (usize::from(short), 2),
    };
    assert_eq!(frame.len(), header + length);
    Some(serde_json::from_slice(&frame[header..]).unwrap())
}

/// The resume token of [`welcome`], as text.
pub(super) fn token() -> Value {
    json!(welcome().resume.to_string())
}
