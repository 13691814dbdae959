//! What clients are told: the names of the events and the shapes of their payloads.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    ErrorCode, WireError,
    chat::ChatPayload,
    ice::IceServers,
    sfu::{ProducerClosedPayload, ProducerPayload},
};
use crate::core::{
    Event, LeaveReason, Member, Mode, ModeReason, PeerId, PeerInfo, RelayKind, ResumeToken,
    Welcome, replayed::Offset,
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
        let room = |welcome, missed| RoomPayload {
            missed,
            ..RoomPayload::new(welcome, self.ice_servers)
        };
        match self.event {
            Event::Joined(welcome) => room(welcome, None).serialize(serializer),
            Event::Resumed { welcome, missed } => {
                room(welcome, Some(*missed)).serialize(serializer)
            }
            Event::PeerJoined(PeerInfo { id, member }) => PeerJoinedPayload {
                peer_id: *id,
                user_id: member.user.as_str(),
                user_info: UserInfo::of(member),
            }
            .serialize(serializer),
            Event::PeerLeft { peer, reason, .. } => PeerLeftPayload {
                peer_id: *peer,
                reason: leave_reason(*reason),
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
            } => RelayPayload::new(*kind, *from, *to, body).serialize(serializer),
            Event::Chat(message) => ChatPayload::from(&**message).serialize(serializer),
        }
    }
}

/// The acknowledgement's first field.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Done.
    #[default]
    Ok,
    /// Refused.
    Error,
}

/// `error`, and the acknowledgement of an event that was refused.
#[derive(Debug, Serialize)]
pub struct ErrorEvent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    code: ErrorCode,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    retryable: bool,
}

impl<'a> ErrorEvent<'a> {
    /// The `error` event about the client's event called `event`.
    pub fn about(event: &'a str, error: &'a WireError) -> Self {
        Self {
            status: None,
            code: error.code,
            message: &error.message,
            event: Some(event),
            retryable: error.code.retryable(),
        }
    }

    /// The acknowledgement that says no.
    pub fn ack(error: &'a WireError) -> Self {
        Self {
            status: Some(Status::Error),
            event: None,
            ..Self::about("", error)
        }
    }
}

/// `server:draining`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DrainingPayload {
    /// How long to wait before connecting again, in milliseconds from now.
    pub reconnect_after_ms: u64,
}

/// `auth:expiring`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpiringPayload {
    /// When the session ends, in seconds since the Unix epoch, as `exp` of the token.
    pub expires_at: u64,
}

/// The acknowledgement of an event that has nothing more to say.
#[derive(Debug)]
pub struct OkAck;

impl Serialize for OkAck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Done {
            status: Status,
        }
        Done { status: Status::Ok }.serialize(serializer)
    }
}

/// The acknowledgement of `join:room`: the room as it is now, unless the client has been
/// removed from it in the same moment.
#[derive(Debug)]
pub struct RoomAck<'a> {
    /// The room.
    pub room: Option<&'a Welcome>,
    /// As in `room:joined`.
    pub ice_servers: Option<&'a IceServers>,
}

impl Serialize for RoomAck<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.room {
            Some(welcome) => {
                let room = RoomPayload::new(welcome, self.ice_servers);
                RoomPayload {
                    status: Some(Status::Ok),
                    ..room
                }
                .serialize(serializer)
            }
            None => OkAck.serialize(serializer),
        }
    }
}

/// The acknowledgement of `subscribe`.
#[derive(Debug, Serialize)]
pub struct SubscribeAck<'a> {
    status: Status,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

impl<'a> SubscribeAck<'a> {
    /// The client hears `channel` from now on. `recovered` says whether it got all that it missed,
    /// if it asked for that; `offset` is the place of the last event, if events are kept.
    pub fn new(channel: &'a str, recovered: Option<bool>, offset: Option<Offset>) -> Self {
        Self {
            status: Status::Ok,
            channel,
            recovered,
            offset: offset.map(|offset| offset.to_string()),
        }
    }
}

/// The acknowledgement of `auth:refresh`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshAck {
    status: Status,
    expires_at: u64,
}

impl RefreshAck {
    /// The session now lasts until `expires_at`, in seconds since the Unix epoch.
    pub const fn new(expires_at: u64) -> Self {
        Self {
            status: Status::Ok,
            expires_at,
        }
    }
}

/// `room:joined`, `room:resumed`, and the acknowledgement of `join:room`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoomPayload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    room_id: &'a str,
    room_code: &'a str,
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    peers: Vec<PeerPayload<'a>>,
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    producers: Option<Vec<ProducerPayload<'a>>>,
    #[serde(serialize_with = "display")]
    host_id: PeerId,
    #[serde(serialize_with = "display")]
    resume_token: &'a ResumeToken,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_servers: Option<&'a IceServers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<usize>,
}

impl<'a> RoomPayload<'a> {
    fn new(welcome: &'a Welcome, ice_servers: Option<&'a IceServers>) -> Self {
        Self {
            status: None,
            room_id: welcome.room.as_str(),
            room_code: welcome.code.as_str(),
            peer_id: welcome.peer,
            peers: welcome.peers.iter().map(PeerPayload::from).collect(),
            mode: welcome.mode,
            producers: (welcome.mode == Mode::Sfu).then(|| {
                welcome
                    .producers
                    .iter()
                    .map(ProducerPayload::listed)
                    .collect()
            }),
            host_id: welcome.host,
            resume_token: &welcome.resume,
            ice_servers,
            missed: None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerPayload<'a> {
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

#[derive(Debug, Serialize)]
struct UserInfo<'a> {
    username: &'a str,
}

impl<'a> UserInfo<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            username: &member.username,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerJoinedPayload<'a> {
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    user_id: &'a str,
    user_info: UserInfo<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerLeftPayload {
    #[serde(serialize_with = "display")]
    peer_id: PeerId,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HostPayload {
    #[serde(serialize_with = "display")]
    host_id: PeerId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModePayload<'a> {
    room_id: &'a str,
    mode: Mode,
    reason: ModeReason,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KickedPayload<'a> {
    room_id: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RelayPayload<'a> {
    #[serde(serialize_with = "display")]
    from: PeerId,
    #[serde(serialize_with = "display")]
    target_peer_id: PeerId,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<&'a RawValue>,
}

impl<'a> RelayPayload<'a> {
    fn new(kind: RelayKind, from: PeerId, to: PeerId, body: &'a RawValue) -> Self {
        let only = |wanted| (kind == wanted).then_some(body);
        Self {
            from,
            target_peer_id: to,
            offer: only(RelayKind::Offer),
            answer: only(RelayKind::Answer),
            candidate: only(RelayKind::Ice),
        }
    }
}

const fn leave_reason(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Disconnected => "disconnected",
        LeaveReason::Kicked => "kicked",
        LeaveReason::NodeLost => "node-lost",
    }
}

/// Writes what `value` displays as, without a string of its own in between.
pub(super) fn display<T: std::fmt::Display, S: Serializer>(
    value: &T,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
