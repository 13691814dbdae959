//! The values that labels may have: few, and known beforehand. What clients make up is one.

use crate::protocol::ErrorCode;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Socket.IO over Engine.IO 3: clients of version 2.
    EngineIo3,
    /// Socket.IO over Engine.IO 4: clients of versions 3 and 4.
    EngineIo4,
    /// `/signal/{roomId}`.
    Signal,
    /// `/ws`.
    Ws,
}

impl Protocol {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::EngineIo3, Self::EngineIo4, Self::Signal, Self::Ws];

    /// Its label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::EngineIo3 => "engineio3",
            Self::EngineIo4 => "engineio4",
            Self::Signal => "signal",
            Self::Ws => "ws",
        }
    }
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Requests that wait for an answer.
    Polling,
    /// RFC 6455.
    WebSocket,
}

impl Carrier {
    /// Both of them.
    pub(super) const ALL: [Self; 2] = [Self::Polling, Self::WebSocket];

    /// Its label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// What became of the wish to be the same peer again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// This node had it.
    Here,
    /// Another node handed it over.
    Elsewhere,
    /// It came to nothing.
    Failed,
}

/// How many events are told apart.
pub(super) const EVENT_COUNT: usize = 28;

/// All events that are told apart, with their labels. Those that come most are first.
const EVENTS: [&str; EVENT_COUNT] = [
    "webrtc:ice",
    "webrtc:offer",
    "webrtc:answer",
    "chat_message",
    "heartbeat",
    "join:room",
    "leave:room",
    "chat_history",
    "webrtc:state",
    "peer:kick",
    "host:change",
    "auth:refresh",
    "subscribe",
    "unsubscribe",
    "resume",
    "sdp",
    "sfu_get_router_capabilities",
    "sfu_create_transport",
    "sfu_connect_transport",
    "sfu_restart_ice",
    "sfu_produce",
    "sfu_pause_producer",
    "sfu_resume_producer",
    "sfu_close_producer",
    "sfu_get_producers",
    "sfu_consume",
    "sfu_resume_consumer",
    "unknown",
];

/// Other spellings, and the types of raw frames that mean the same.
const ALIASES: [(&str, &str); 16] = [
    ("webrtc_ice", "webrtc:ice"),
    ("webrtc_offer", "webrtc:offer"),
    ("webrtc_answer", "webrtc:answer"),
    ("join_room", "join:room"),
    ("leave_room", "leave:room"),
    ("join", "join:room"),
    ("leave", "leave:room"),
    ("ice", "webrtc:ice"),
    ("candidate", "webrtc:ice"),
    ("ice-candidate", "webrtc:ice"),
    ("offer", "webrtc:offer"),
    ("answer", "webrtc:answer"),
    ("chat", "chat_message"),
    ("kick", "peer:kick"),
    ("host-change", "host:change"),
    ("auth", "auth:refresh"),
];

/// What a client asks for: one of a bounded number, whatever it calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind(usize);

impl EventKind {
    /// Something that there is not.
    pub const UNKNOWN: Self = Self(EVENT_COUNT - 1);

    /// What an event or a raw frame of this name asks for.
    pub fn of(name: &str) -> Self {
        let place = |name: &str| EVENTS.iter().position(|event| *event == name);
        let alias = || {
            let known = ALIASES.iter().find(|(alias, _)| *alias == name);
            known.and_then(|(_, event)| place(event))
        };
        place(name).or_else(alias).map_or(Self::UNKNOWN, Self)
    }

    /// Whether it is to be handed to a peer.
    pub fn is_relay(self) -> bool {
        matches!(
            self.label(),
            "webrtc:ice" | "webrtc:offer" | "webrtc:answer" | "sdp"
        )
    }

    /// Its label.
    pub fn label(self) -> &'static str {
        EVENTS.get(self.0).copied().unwrap_or("unknown")
    }

    /// Where it stands among all.
    pub(super) const fn place(self) -> usize {
        self.0
    }
}

/// How many outcomes are told apart.
pub(super) const OUTCOME_COUNT: usize = 16;

/// What came of an event, as a label and its place among all.
pub(super) const fn outcome(result: Result<(), ErrorCode>) -> (&'static str, usize) {
    match result {
        Ok(()) => ("ok", 0),
        Err(code) => match code {
            ErrorCode::AuthRequired => ("auth_required", 1),
            ErrorCode::InvalidPayload => ("invalid_payload", 2),
            ErrorCode::PayloadTooLarge => ("payload_too_large", 3),
            ErrorCode::UnknownEvent => ("unknown_event", 4),
            ErrorCode::RoomNotFound => ("room_not_found", 5),
            ErrorCode::RoomFull => ("room_full", 6),
            ErrorCode::NotInRoom => ("not_in_room", 7),
            ErrorCode::PeerNotFound => ("peer_not_found", 8),
            ErrorCode::Forbidden => ("forbidden", 9),
            ErrorCode::RateLimited => ("rate_limited", 10),
            ErrorCode::MediaUnavailable => ("media_unavailable", 11),
            ErrorCode::MediaRejected => ("media_rejected", 12),
            ErrorCode::ServiceUnavailable => ("service_unavailable", 13),
            ErrorCode::Draining => ("draining", 14),
            ErrorCode::Internal => ("internal", 15),
        },
    }
}
