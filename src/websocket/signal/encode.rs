//! What clients of `/signal` are told.

use std::borrow::Cow;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    core::{Event, LeaveReason, Member, Mode, ModeReason, PeerId, PeerInfo, RelayKind, Welcome},
    hub::Outgoing,
    protocol::{Candidate, ChatPayload, DescriptionInit, IceServers},
    websocket::{common::TokenText, connection::Seat, frame, mapping::sdp_of},
};

/// The name of the protocol, as one form of a frame.
const FORM: &str = "signal";

/// A frame of the server.
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
    PeerJoined(Peer<'a>),
    /// Another peer is gone.
    PeerLeft {
        sender_id: Id<'a>,
        user_id: Id<'a>,
        peer_id: PeerId,
        reason: LeaveReason,
    },
    /// A session description from another peer.
    Sdp {
        sender_id: Id<'a>,
        sender_peer_id: PeerId,
        target_id: &'a str,
        #[schemars(with = "DescriptionInit")]
        sdp: &'a RawValue,
    },
    /// An ICE candidate from another peer.
    Ice {
        sender_id: Id<'a>,
        sender_peer_id: PeerId,
        target_id: &'a str,
        #[schemars(with = "Candidate")]
        candidate: &'a RawValue,
    },
    /// Somebody else hosts the room now.
    HostChange {
        host_id: Id<'a>,
        host_peer_id: PeerId,
    },
    /// The host removed the client from the room.
    Kick { target_id: &'a str, reason: &'a str },
    /// Something was said in the room.
    Chat(ChatPayload<'a>),
    /// Media flows otherwise from now on.
    RoomMode {
        room_id: &'a str,
        mode: Mode,
        reason: ModeReason,
    },
}

/// The user behind a peer; the peer itself where that is not known.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(in crate::websocket) struct Id<'a>(Cow<'a, str>);

impl<'a> Id<'a> {
    fn of(peer: PeerId, member: Option<&'a Member>) -> Self {
        Self(match member {
            Some(member) => Cow::Borrowed(member.user.as_str()),
            None => Cow::Owned(peer.to_string()),
        })
    }
}

/// `joined`, `resumed`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(in crate::websocket) struct Room<'a> {
    room_id: &'a str,
    room_code: &'a str,
    peer_id: PeerId,
    sender_id: &'a str,
    user_id: &'a str,
    username: &'a str,
    peers: Vec<Peer<'a>>,
    host_id: Id<'a>,
    host_peer_id: PeerId,
    mode: Mode,
    resume_token: TokenText<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_servers: Option<&'a IceServers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<usize>,
}

impl<'a> Room<'a> {
    fn new(outgoing: &'a Outgoing<'_>, welcome: &'a Welcome, seat: &'a Seat) -> Self {
        let host = welcome.host_member();
        let (missed, ice_servers) = (outgoing.missed(), outgoing.ice_servers());
        Self {
            room_id: welcome.room.as_str(),
            room_code: seat.code.as_str(),
            peer_id: welcome.peer,
            sender_id: welcome.member.user.as_str(),
            user_id: welcome.member.user.as_str(),
            username: &welcome.member.username,
            peers: welcome.peers.iter().map(Peer::from).collect(),
            host_id: Id::of(welcome.host, host),
            host_peer_id: welcome.host,
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
#[schemars(rename = "SignalPeer")]
pub(in crate::websocket) struct Peer<'a> {
    sender_id: &'a str,
    user_id: &'a str,
    peer_id: PeerId,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<&'a str>,
}

impl<'a> From<&'a PeerInfo> for Peer<'a> {
    fn from(info: &'a PeerInfo) -> Self {
        Self {
            sender_id: info.member.user.as_str(),
            user_id: info.member.user.as_str(),
            peer_id: info.id,
            username: &info.member.username,
            alias: info.member.alias.as_deref(),
        }
    }
}

/// The event as a frame for the client in `seat`; nothing if it is none of its concern.
pub(in crate::websocket) fn encode(outgoing: &Outgoing<'_>, seat: &Seat) -> Option<Bytes> {
    let room = |welcome| Room::new(outgoing, welcome, seat);
    let own = match outgoing.event() {
        Event::Joined(welcome) => Told::Joined(room(welcome)),
        Event::Resumed { welcome, .. } => Told::Resumed(room(welcome)),
        Event::Kicked { reason, .. } => Told::Kick {
            target_id: seat.member.user.as_str(),
            reason,
        },
        Event::Relay {
            kind,
            from,
            sender,
            body,
            ..
        } => {
            let sender = Id::of(*from, sender.as_deref());
            return Some(relay(*kind, sender, *from, body, seat));
        }
        event => {
            let told = for_all(event)?;
            return Some(outgoing.frame((FORM, None), || frame::text(&told)));
        }
    };
    Some(frame::text(&own))
}

/// What all clients are told in the same words.
fn for_all<'a>(event: &'a Event<'_>) -> Option<Told<'a>> {
    Some(match event {
        Event::PeerJoined(info) => Told::PeerJoined(info.into()),
        Event::PeerLeft {
            peer,
            member,
            reason,
        } => {
            let user = Id::of(*peer, member.as_deref());
            Told::PeerLeft {
                sender_id: user.clone(),
                user_id: user,
                peer_id: *peer,
                reason: *reason,
            }
        }
        Event::HostChanged { host, member } => Told::HostChange {
            host_id: Id::of(*host, member.as_deref()),
            host_peer_id: *host,
        },
        Event::ModeChanged { room, mode, reason } => Told::RoomMode {
            room_id: room.as_str(),
            mode: *mode,
            reason: *reason,
        },
        Event::Chat(message) => Told::Chat(ChatPayload::from(&**message)),
        // Media servers are none of the protocol's business.
        Event::NewProducer(_) | Event::ProducerClosed { .. } => return None,
        // These are for one client alone.
        Event::Joined(_) | Event::Resumed { .. } | Event::Kicked { .. } | Event::Relay { .. } => {
            return None;
        }
    })
}

fn relay(
    kind: RelayKind,
    sender_id: Id<'_>,
    sender_peer_id: PeerId,
    body: &RawValue,
    seat: &Seat,
) -> Bytes {
    let target_id = seat.member.user.as_str();
    if kind == RelayKind::Ice {
        return frame::text(&Told::Ice {
            sender_id,
            sender_peer_id,
            target_id,
            candidate: body,
        });
    }
    frame::text(&Told::Sdp {
        sender_id,
        sender_peer_id,
        target_id,
        sdp: &sdp_of(kind, body),
    })
}

#[cfg(test)]
#[path = "../tests/signal_encode.rs"]
mod tests;
