//! What clients are answered: acknowledgements, and the errors in their place.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ErrorCode, WireError, ice::IceServers, payload::RoomPayload};
use crate::core::{Welcome, replayed::Offset};

/// It is done.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Done {
    #[default]
    Ok,
}

/// It was refused.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Undone {
    Error,
}

/// `error`: an event that asked for no acknowledgement was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEvent<'a> {
    code: ErrorCode,
    /// For people.
    message: &'a str,
    /// The name of the event that was refused; empty if it cannot be told.
    event: &'a str,
    /// Whether the same event may succeed later, unchanged.
    retryable: bool,
    /// In how many milliseconds it may, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// The acknowledgement of an event that was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Refused")]
pub struct RefusedAck<'a> {
    status: Undone,
    code: ErrorCode,
    /// For people.
    message: &'a str,
    /// Whether the same event may succeed later, unchanged.
    retryable: bool,
    /// In how many milliseconds it may, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl<'a> ErrorEvent<'a> {
    /// The `error` event about the client's event called `event`.
    pub fn about(event: &'a str, error: &'a WireError) -> Self {
        Self {
            code: error.code,
            message: &error.message,
            event,
            retryable: error.code.retryable(),
            retry_after_ms: error.retry_after_ms(),
        }
    }
}

impl<'a> From<&'a WireError> for RefusedAck<'a> {
    fn from(error: &'a WireError) -> Self {
        Self {
            status: Undone::Error,
            code: error.code,
            message: &error.message,
            retryable: error.code.retryable(),
            retry_after_ms: error.retry_after_ms(),
        }
    }
}

/// The acknowledgement of an event that has nothing more to say.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Done")]
pub struct OkAck {
    status: Done,
}

/// The acknowledgement of `join:room`: the room as it is now, unless the client has been
/// removed from it in the same moment.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "JoinRoomAck")]
pub enum RoomAck<'a> {
    /// The client is in it.
    In(InRoom<'a>),
    /// The client is not in it any more.
    Out(OkAck),
}

/// The room, as in `room:joined`.
#[derive(Serialize, JsonSchema)]
pub struct InRoom<'a> {
    status: Done,
    #[serde(flatten)]
    room: RoomPayload<'a>,
}

impl<'a> RoomAck<'a> {
    /// Answers with the room, if the client is in it, and with the servers as in `room:joined`.
    pub fn new(room: Option<&'a Welcome>, ice_servers: Option<&'a IceServers>) -> Self {
        match room {
            Some(welcome) => Self::In(InRoom {
                status: Done::Ok,
                room: RoomPayload::new(welcome, ice_servers),
            }),
            None => Self::Out(OkAck::default()),
        }
    }
}

/// The acknowledgement of `subscribe`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SubscribeAck<'a> {
    status: Done,
    channel: &'a str,
    /// Whether the client has got all that it missed; if it asked for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    /// The place of the last event of the channel; if events are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

impl<'a> SubscribeAck<'a> {
    /// The client hears `channel` from now on. `recovered` says whether it got all that it missed,
    /// if it asked for that; `offset` is the place of the last event, if events are kept.
    pub fn new(channel: &'a str, recovered: Option<bool>, offset: Option<Offset>) -> Self {
        Self {
            status: Done::Ok,
            channel,
            recovered,
            offset: offset.map(|offset| offset.to_string()),
        }
    }
}

/// The acknowledgement of `auth:refresh`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshAck {
    status: Done,
    /// When the session ends now, in seconds since the Unix epoch.
    expires_at: u64,
}

impl RefreshAck {
    /// The session now lasts until `expires_at`, in seconds since the Unix epoch.
    pub const fn new(expires_at: u64) -> Self {
        Self {
            status: Done::Ok,
            expires_at,
        }
    }
}
