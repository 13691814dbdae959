//! What clients are told: the names of the events and the shapes of their payloads.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    chat::ChatPayload,
    foreign::{Candidate, Description},
    ice::IceServers,
    sfu::{ListedProducer, ProducerClosedPayload, ProducerPayload},
};
use crate::core::{
    Event, LeaveReason, Member, Mode, ModeReason, PeerId, PeerInfo, RelayKind, ResumeToken, Welcome,
};

/// The name under which Socket.IO clients get `event`.
pub const fn event_name(event: &Event<'_>) -> &'static str {
    match event {
        Event::Joined(_) => "room:joined",
        Event::Resumed { .. } => "room:resumed",
        Event::PeerJoined(_) => "peer:joined",
        Event::PeerLeft { .. } => "peer:left",
        Event::HostChanged { .. } => "host:changed",
        Event::Kicked { .. } => "room:kicked",
        Event::ModeChanged { .. } => "room:mode",
        Event::NewProducer(_) => "sfu_new_producer",
        Event::ProducerClosed { .. } => "sfu_producer_closed",
        Event::Relay {
            kind: RelayKind::Offer,
            ..
        } => "webrtc:offer",
        Event::Relay {
            kind: RelayKind::Answer,
            ..
        } => "webrtc:answer",
        Event::Relay {
            kind: RelayKind::Ice,
            ..
        } => "webrtc:ice",
        Event::Chat(_) => "chat_message",
    }
}

/// The payload of an event, ready to be serialised.
#[derive(Debug)]
pub struct Payload<'a> {
    /// What the client is told.
    pub event: &'a Event<'a>,
    /// What goes with the room to whoever is welcomed in it.
    pub ice_servers: Option<&'a IceServers>,
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let room = |welcome| RoomPayload::new(welcome, self.ice_servers);
        match self.event {
            Event::Joined(welcome) => room(welcome).serialize(serializer),
            Event::Resumed { welcome, missed } => ResumedPayload {
                room: room(welcome),
                missed: *missed,
            }
            .serialize(serializer),
            Event::PeerJoined(PeerInfo { id, member }) => PeerJoinedPayload {
                peer_id: *id,
                user_id: member.user.as_str(),
                user_info: UserInfo::of(member),
            }
            .serialize(serializer),
            Event::PeerLeft { peer, reason, .. } => PeerLeftPayload {
                peer_id: *peer,
                reason: *reason,
            }
            .serialize(serializer),
            Event::HostChanged { host, .. } => HostPayload { host_id: *host }.serialize(serializer),
            Event::Kicked { room, reason } => KickedPayload {
                room_id: room.as_str(),
                reason,
            }
            .serialize(serializer),
            Event::ModeChanged { room, mode, reason } => ModePayload {
                room_id: room.as_str(),
                mode: *mode,
                reason: *reason,
            }
            .serialize(serializer),
            Event::NewProducer(info) => ProducerPayload::news(info).serialize(serializer),
            Event::ProducerClosed { peer, producer } => ProducerClosedPayload {
                producer_id: producer,
                peer_id: *peer,
            }
            .serialize(serializer),
            Event::Relay {
                kind,
                from,
                to,
                body,
                ..
            } => relay(*kind, *from, *to, body, serializer),
            Event::Chat(message) => ChatPayload::from(&**message).serialize(serializer),
        }
    }
}

/// `server:draining`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ServerDraining")]
pub struct DrainingPayload {
    /// How long to wait before connecting again, in milliseconds from now.
    pub reconnect_after_ms: u64,
}

/// `auth:expiring`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AuthExpiring")]
pub struct ExpiringPayload {
    /// When the session ends, in seconds since the Unix epoch, as `exp` of the token.
    pub expires_at: u64,
}

/// `room:joined`: the room as a client finds it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RoomJoined")]
pub(super) struct RoomPayload<'a> {
    room_id: &'a str,
    /// The code by which the room was reached.
    room_code: &'a str,
    /// The receiver's own peer.
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    /// The others, oldest first.
    peers: Vec<PeerPayload<'a>>,
    mode: Mode,
    /// What the others send to the media server; in a room of mode `sfu` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    producers: Option<Vec<ListedProducer<'a>>>,
    /// The peer that hosts the room.
    #[serde(serialize_with = "display")]
    host_id: PeerId,
    /// What brings the receiver back as the same peer: `auth.resumeToken` of the next connection.
    #[serde(serialize_with = "display")]
    #[schemars(with = "String")]
    resume_token: &'a ResumeToken,
    /// The STUN and TURN servers, if any are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_servers: Option<&'a IceServers>,
}

/// `room:resumed`: the room, and how much of what was missed follows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RoomResumed")]
pub(super) struct ResumedPayload<'a> {
    #[serde(flatten)]
    room: RoomPayload<'a>,
    /// How many events follow that were sent while the receiver was away.
    missed: usize,
}

impl<'a> RoomPayload<'a> {
    pub(super) fn new(welcome: &'a Welcome, ice_servers: Option<&'a IceServers>) -> Self {
        Self {
            room_id: welcome.room.as_str(),
            room_code: welcome.code.as_str(),
            peer_id: welcome.peer,
            peers: welcome.peers.iter().map(PeerPayload::from).collect(),
            mode: welcome.mode,
            producers: (welcome.mode == Mode::Sfu)
                .then(|| welcome.producers.iter().map(ListedProducer::from).collect()),
            host_id: welcome.host,
            resume_token: &welcome.resume,
            ice_servers,
        }
    }
}

/// One of the others in a room.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PeerInfo")]
pub(super) struct PeerPayload<'a> {
    #[serde(serialize_with = "display")]
    id: PeerId,
    user_id: &'a str,
    user_info: UserInfo<'a>,
}

impl<'a> From<&'a PeerInfo> for PeerPayload<'a> {
    fn from(info: &'a PeerInfo) -> Self {
        Self {
            id: info.id,
            user_id: info.member.user.as_str(),
            user_info: UserInfo::of(&info.member),
        }
    }
}

/// What is to be shown of a user.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UserInfo<'a> {
    username: &'a str,
}

impl<'a> UserInfo<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            username: &member.username,
        }
    }
}

/// `peer:joined`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PeerJoined")]
pub(super) struct PeerJoinedPayload<'a> {
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    user_id: &'a str,
    user_info: UserInfo<'a>,
}

/// `peer:left`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PeerLeft")]
pub(super) struct PeerLeftPayload {
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    reason: LeaveReason,
}

/// `host:changed`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HostChanged")]
pub(super) struct HostPayload {
    #[serde(serialize_with = "display")]
    host_id: PeerId,
}

/// `room:mode`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RoomModeChanged")]
pub(super) struct ModePayload<'a> {
    room_id: &'a str,
    mode: Mode,
    reason: ModeReason,
}

/// `room:kicked`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RoomKicked")]
pub(super) struct KickedPayload<'a> {
    room_id: &'a str,
    reason: &'a str,
}

/// Writes the payload of a relay.
fn relay<S: Serializer>(
    kind: RelayKind,
    from: PeerId,
    target_peer_id: PeerId,
    body: &RawValue,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match kind {
        RelayKind::Offer => OfferPayload {
            from,
            target_peer_id,
            offer: body,
        }
        .serialize(serializer),
        RelayKind::Answer => AnswerPayload {
            from,
            target_peer_id,
            answer: body,
        }
        .serialize(serializer),
        RelayKind::Ice => CandidatePayload {
            from,
            target_peer_id,
            candidate: body,
        }
        .serialize(serializer),
    }
}

/// `webrtc:offer` from another peer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RelayedOffer")]
pub(super) struct OfferPayload<'a> {
    /// The sender, as the gateway knows it.
    #[serde(serialize_with = "display")]
    from: PeerId,
    #[serde(serialize_with = "display")]
    target_peer_id: PeerId,
    #[schemars(with = "Description")]
    offer: &'a RawValue,
}

/// `webrtc:answer` from another peer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RelayedAnswer")]
pub(super) struct AnswerPayload<'a> {
    /// The sender, as the gateway knows it.
    #[serde(serialize_with = "display")]
    from: PeerId,
    #[serde(serialize_with = "display")]
    target_peer_id: PeerId,
    #[schemars(with = "Description")]
    answer: &'a RawValue,
}

/// `webrtc:ice` from another peer.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RelayedCandidate")]
pub(super) struct CandidatePayload<'a> {
    /// The sender, as the gateway knows it.
    #[serde(serialize_with = "display")]
    from: PeerId,
    #[serde(serialize_with = "display")]
    target_peer_id: PeerId,
    #[schemars(with = "Candidate")]
    candidate: &'a RawValue,
}

/// Writes what `value` displays as, without a string of its own in between.
pub(super) fn display<T: std::fmt::Display, S: Serializer>(
    value: &T,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
