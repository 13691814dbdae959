//! The channels on which backends speak.

use secrecy::ExposeSecret as _;

use super::reader::Reader;
use crate::core::channels::{ChannelRule, Channels};

/// The longest key of emitters, in bytes.
const MAX_EMITTER_KEY: usize = 64;

/// What the channels of emitters begin with.
pub(super) fn emitter_key(reader: &mut Reader) -> String {
    let key = reader.text("EMITTER_KEY").unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    if key.is_empty() || key.len() > MAX_EMITTER_KEY || key.contains(odd) {
        let problem = "must be 1 to 64 bytes without spaces and #";
        reader.mistake("EMITTER_KEY", problem);
    }
    key
}

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
