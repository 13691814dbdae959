//! Events as the parsers of Socket.IO hand them on, read as JSON.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize as _;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{extract::Event, handler::FromMessageParts as _};
use socketioxide_core::Value;

use super::namespace::Socket;
use crate::protocol::{MAX_DEPTH, WireError};

/// An event as JSON text.
pub(super) enum Text {
    Frame(socketioxide_core::Str),
    Made(Box<RawValue>),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Frame(text) => text.as_str(),
            Self::Made(json) => json.get(),
        }
    }
}

/// The event as JSON, whatever parser is in use. With the default one it is JSON already.
pub(super) fn json_text(
    socket: &Arc<Socket>,
    mut value: Value,
) -> Result<Text, (String, WireError)> {
    match value {
        Value::Str(text, None) => Ok(Text::Frame(text)),
        Value::Str(text, Some(_)) => {
            let error = WireError::invalid("payload", "must not have binary attachments");
            Err((name_of(text.as_str()).into_owned(), error))
        }
        Value::Bytes(ref packed) => unpacked(packed).map(Text::Made).ok_or_else(|| {
            let event = Event::from_message_parts(socket, &mut value, &None);
            let error = WireError::invalid("payload", "must be plain data without binary");
            (event.map(|Event(name)| name).unwrap_or_default(), error)
        }),
    }
}

/// MessagePack as JSON; nothing if it is no plain data, or nested too deep. The library's own bound,
/// 1,024, takes more than the stack of a worker, and that ends the process.
pub(super) fn unpacked(packed: &[u8]) -> Option<Box<RawValue>> {
    let mut packed = rmp_serde::Deserializer::from_read_ref(packed);
    packed.set_max_depth(MAX_DEPTH);
    let plain = serde_json::Value::deserialize(&mut packed).ok()?;
    to_raw_value(&plain).ok()
}

/// The name of an event whose payload cannot be read.
pub(super) fn name_of(frame: &str) -> Cow<'_, str> {
    let mut json = serde_json::Deserializer::from_str(frame.trim_start().trim_start_matches('['));
    Cow::deserialize(&mut json).unwrap_or_default()
}
