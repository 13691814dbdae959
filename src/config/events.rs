//! The channels on which backends speak.

use secrecy::ExposeSecret as _;

use super::reader::Reader;
use crate::core::channels::{ChannelRule, Channels};

/// The channels of every gateway, and those of `EVENT_CHANNELS`.
pub(super) fn channels(reader: &mut Reader) -> Channels {
    // Not a secret, but long enough for a file.
    let Some(json) = reader.secret("EVENT_CHANNELS") else {
        return Channels::default();
    };
    let rules = serde_json::from_str::<Vec<ChannelRule>>(json.expose_secret());
    let channels = match rules {
        Ok(rules) => Channels::with(rules).map_err(|error| error.to_string()),
        Err(error) => Err(format!("must be a JSON array of channels: {error}")),
    };
    channels.unwrap_or_else(|problem| {
        reader.mistake("EVENT_CHANNELS", problem);
        Channels::default()
    })
}
