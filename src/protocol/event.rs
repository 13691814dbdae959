//! Events of backends on the wire.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::foreign::Timestamp;
use crate::core::replayed::Offset;

/// Where an event of a backend comes from: what clients get beside its data.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSource<'a> {
    /// The channel on which it was said.
    channel: &'a str,
    /// Who said it.
    server_id: &'a str,
    #[schemars(with = "Timestamp")]
    timestamp: &'a RawValue,
    /// Its place, if the channel keeps events.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

impl<'a> EventSource<'a> {
    /// Said by `server` on `channel` at that time, as it gave it, and kept at `offset` if it is.
    pub fn new(
        channel: &'a str,
        server: &'a str,
        timestamp: &'a RawValue,
        offset: Option<Offset>,
    ) -> Self {
        Self {
            channel,
            server_id: server,
            timestamp,
            offset: offset.map(|offset| offset.to_string()),
        }
    }
}
