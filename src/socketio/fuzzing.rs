//! What Socket.IO brings besides events in JSON, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use serde_json::Value;

use super::{
    admin::command::Command,
    entry::Query,
    frame::{name_of, unpacked},
    polling::messages_in,
};
use crate::fuzzing;

/// The most bytes of JSON that a byte of MessagePack becomes: a control character that is escaped.
const MAX_GROWTH: usize = 6;

/// Reads an event that was packed, and then what it says.
pub(crate) fn packed(data: &[u8]) {
    let Some(json) = unpacked(data) else {
        return;
    };
    // A float of 5 bytes may take 24 digits.
    assert!(json.get().len() <= MAX_GROWTH * data.len() + 24);
    fuzzing::run("event", json.get().as_bytes());
}

/// Counts the messages of an answer to a poll, reads a query, and the name of a broken event.
pub(crate) fn polling(data: &[u8]) {
    let messages = messages_in(data);
    assert!(usize::try_from(messages).is_ok_and(|messages| messages <= data.len()));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    assert!(name_of(text).len() <= text.len());
    if let Ok(uri) = text.parse() {
        let _ = Query::of(&uri);
    }
}

/// Reads what an operator asks, and what other nodes read of it.
pub(crate) fn operator(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Command::read(text) {
        Ok(command) => {
            let told = serde_json::to_vec(&command).expect("it can be written");
            let heard: Command = serde_json::from_slice(&told).expect("it can be read");
            assert_eq!(format!("{heard:?}"), format!("{command:?}"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(command) = serde_json::from_str::<Command>(text) {
        let again = serde_json::to_value(&command).expect("it can be written");
        assert!(matches!(again, Value::Object(_)));
    }
}
