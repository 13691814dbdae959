//! What clients of `/ws` are told.

use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    core::{
        ChatMessage, Event, LeaveReason, Member, Mode, ModeReason, PeerId, PeerInfo, RelayKind,
        Welcome,
    },
    hub::Outgoing,
    protocol::{IceServers, RelayBody},
    websocket::{
        common::{TokenText, name_of},
        connection::Seat,
        frame,
        mapping::ws_type,
    },
};

/// The name of the protocol, as one form of a frame.
const FORM: &str = "ws";

/// The types of the frames that carry relays.
const RELAYED: [&str; 3] = [
    ws_type(RelayKind::Offer),
    ws_type(RelayKind::Answer),
    ws_type(RelayKind::Ice),
];

/// A frame of the server, but those that carry relays.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(in crate::websocket) enum Told<'a> {
    /// The client is in the room.
    Joined(Room<'a>),
    /// The client is the same peer again; what it missed follows, in order.
    Resumed(Room<'a>),
    /// Another peer came.
    PeerJoined {
        room: &'a str,
        #[serde(flatten)]
        peer: Peer<'a>,
    },
    /// Another peer is gone.
    PeerLeft {
        room: &'a str,
        sender: Name<'a>,
        peer_id: PeerId,
        reason: LeaveReason,
    },
    /// Something was said in the room.
    Chat {
        room: &'a str,
        sender: &'a str,
        peer_id: PeerId,
        payload: Said<'a>,
    },
    /// Somebody else hosts the room now.
    HostChange {
        room: &'a str,
        host: Name<'a>,
        host_id: PeerId,
    },
    /// The host removed the client from the room.
    Kicked { room: &'a str, reason: &'a str },
    /// The client has left the room.
    Left { room: &'a str },
    /// Media flows otherwise from now on.
    RoomMode {
        room: &'a str,
        mode: Mode,
        reason: ModeReason,
    },
}

/// A message from another peer for this one.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::websocket) struct Relayed<'a> {
    #[schemars(extend("enum" = RELAYED))]
    r#type: &'static str,
    room: &'a str,
    sender: Name<'a>,
    sender_peer_id: PeerId,
    recipient: &'a str,
    #[schemars(with = "RelayBody")]
    payload: &'a RawValue,
}

/// The name of a peer; its id where its name is not known.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(in crate::websocket) struct Name<'a>(Cow<'a, str>);

impl<'a> Name<'a> {
    fn of(peer: PeerId, member: Option<&'a Member>) -> Self {
        Self(match member {
            Some(member) => Cow::Borrowed(name_of(member)),
            None => Cow::Owned(peer.to_string()),
        })
    }
}

/// `joined`, `resumed`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(in crate::websocket) struct Room<'a> {
    room: &'a str,
    room_id: &'a str,
    sender: &'a str,
    peer_id: PeerId,
    user_id: &'a str,
    username: &'a str,
    peers: Vec<Peer<'a>>,
    host: Name<'a>,
    host_id: PeerId,
    mode: Mode,
    resume_token: TokenText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_servers: Option<&'a IceServers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<usize>,
}

impl<'a> Room<'a> {
    fn new(outgoing: &'a Outgoing<'_>, welcome: &'a Welcome, seat: &'a Seat) -> Self {
        let (missed, ice_servers) = (outgoing.missed(), outgoing.ice_servers());
        Self {
            room: seat.code.as_str(),
            room_id: welcome.room.as_str(),
            sender: name_of(&welcome.member),
            peer_id: welcome.peer,
            user_id: welcome.member.user.as_str(),
            username: &welcome.member.username,
            peers: welcome.peers.iter().map(Peer::from).collect(),
            host: Name::of(welcome.host, welcome.host_member()),
            host_id: welcome.host,
            mode: welcome.mode,
            resume_token: TokenText(&welcome.resume),
            ice_servers,
            missed,
        }
    }
}

/// Another peer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WsPeer")]
pub(in crate::websocket) struct Peer<'a> {
    sender: &'a str,
    peer_id: PeerId,
    user_id: &'a str,
    username: &'a str,
}

impl<'a> From<&'a PeerInfo> for Peer<'a> {
    fn from(info: &'a PeerInfo) -> Self {
        Self {
            sender: name_of(&info.member),
            peer_id: info.id,
            user_id: info.member.user.as_str(),
            username: &info.member.username,
        }
    }
}

/// What was said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WsChat")]
pub(in crate::websocket) struct Said<'a> {
    id: Uuid,
    content: &'a str,
    timestamp: u64,
    sender_id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
}

/// The event as a frame for the client in `seat`; nothing if it is none of its concern.
pub(in crate::websocket) fn encode(outgoing: &Outgoing<'_>, seat: &Seat) -> Option<Bytes> {
    let code = seat.code.as_str();
    let room = |welcome| Room::new(outgoing, welcome, seat);
    let own = match outgoing.event() {
        Event::Joined(welcome) => Told::Joined(room(welcome)),
        Event::Resumed { welcome, .. } => Told::Resumed(room(welcome)),
        Event::Kicked { reason, .. } => Told::Kicked { room: code, reason },
        Event::Relay {
            kind,
            from,
            sender,
            body,
            ..
        } => {
            let relayed = Relayed {
                r#type: ws_type(*kind),
                room: code,
                sender: Name::of(*from, sender.as_deref()),
                sender_peer_id: *from,
                recipient: seat.name(),
                payload: body,
            };
            return Some(frame::text(&relayed));
        }
        event => {
            let told = for_all(event, code)?;
            let form = (FORM, Some(seat.code.clone()));
            return Some(outgoing.frame(form, || frame::text(&told)));
        }
    };
    Some(frame::text(&own))
}

/// What all clients that call the room so are told in the same words.
fn for_all<'a>(event: &'a Event<'_>, room: &'a str) -> Option<Told<'a>> {
    Some(match event {
        Event::PeerJoined(info) => Told::PeerJoined {
            room,
            peer: info.into(),
        },
        Event::PeerLeft {
            peer,
            member,
            reason,
        } => Told::PeerLeft {
            room,
            sender: Name::of(*peer, member.as_deref()),
            peer_id: *peer,
            reason: *reason,
        },
        Event::HostChanged { host, member } => Told::HostChange {
            room,
            host: Name::of(*host, member.as_deref()),
            host_id: *host,
        },
        Event::ModeChanged { mode, reason, .. } => Told::RoomMode {
            room,
            mode: *mode,
            reason: *reason,
        },
        Event::Chat(message) => chat(room, message),
        // Media servers are none of the protocol's business.
        Event::NewProducer(_) | Event::ProducerClosed { .. } => return None,
        // These are for one client alone.
        Event::Joined(_) | Event::Resumed { .. } | Event::Kicked { .. } | Event::Relay { .. } => {
            return None;
        }
    })
}

fn chat<'a>(room: &'a str, message: &'a ChatMessage) -> Told<'a> {
    Told::Chat {
        room,
        sender: name_of(&message.author),
        peer_id: message.peer,
        payload: Said {
            id: message.id,
            content: &message.content,
            timestamp: message.timestamp,
            sender_id: message.author.user.as_str(),
            username: &message.author.username,
            client_message_id: message.client_id.as_deref(),
        },
    }
}

#[cfg(test)]
#[path = "../tests/ws_encode.rs"]
mod tests;
