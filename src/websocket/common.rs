//! The frames that both protocols have.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    core::{Member, ResumeToken},
    protocol::{ErrorCode, EventSource, IceServersPayload, WireError},
};

/// What a client is told that is the same in both protocols.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(super) enum Told<'a> {
    /// A frame was refused.
    Error {
        code: ErrorCode,
        message: &'a str,
        retryable: bool,
        /// In how many milliseconds the same may succeed, if that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// The field at fault, if one is.
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'a str>,
        /// The type of the frame that was refused, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        frame: Option<&'a str>,
    },
    /// A chat message is kept.
    ChatAck {
        id: Uuid,
        /// Milliseconds since the Unix epoch.
        timestamp: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_message_id: Option<&'a str>,
    },
    /// The session now lasts until then, in seconds since the Unix epoch.
    AuthOk { expires_at: u64 },
    /// The session ends then unless a newer token comes.
    AuthExpiring { expires_at: u64 },
    /// The node stops.
    Draining { reconnect_after_ms: u64 },
    /// Newer credentials for TURN servers.
    IceServers(IceServersPayload<'a>),
    /// The client hears a channel of backends from now on.
    Subscribed {
        channel: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        recovered: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<String>,
    },
    /// The client hears a channel no more.
    Unsubscribed { channel: &'a str },
    /// Something that has nothing to do with rooms.
    Event {
        event: &'a str,
        #[schemars(with = "serde_json::Value")]
        data: &'a RawValue,
        /// Where it comes from.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<EventSource<'_>>")]
        about: Option<&'a RawValue>,
        /// All arguments, if a backend emits several; `data` is the first of them.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        #[schemars(with = "Option<Vec<serde_json::Value>>")]
        args: &'a [Box<RawValue>],
    },
}

/// The longest `type` of a client that is named in the error about its frame, in bytes: longer
/// than any type there is.
const MAX_TYPE: usize = 64;

impl<'a> Told<'a> {
    /// The answer to a frame of the type `about` that was refused.
    pub(super) fn error(about: Option<&'a str>, error: &'a WireError) -> Self {
        Self::Error {
            code: error.code,
            message: &error.message,
            retryable: error.code.retryable(),
            retry_after_ms: error.retry_after_ms(),
            field: error.field.as_deref(),
            frame: about.filter(|about| about.len() <= MAX_TYPE),
        }
    }
}

/// The name of a peer: the one it chose, else its user's id.
pub(super) fn name_of(member: &Member) -> &str {
    member.alias.as_deref().unwrap_or(member.user.as_str())
}

/// Writes a resume token as text.
#[derive(Debug, JsonSchema)]
#[schemars(inline, transparent)]
pub(super) struct TokenText<'a>(#[schemars(with = "String")] pub(super) &'a ResumeToken);

impl Serialize for TokenText<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}
