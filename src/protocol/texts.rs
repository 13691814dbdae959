//! Texts that clients send, each with the rules that its reader has.

#![expect(
    dead_code,
    reason = "they describe what is read by hand, and are never made"
)]

use schemars::JsonSchema;

use super::{command::MAX_LABEL_CHARS, sfu::MAX_ID};
use crate::core::MAX_CHAT_CHARS;

/// Defines the description of a text.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident($(#[$rule:meta])*)) => {
        $(#[$doc])*
        #[derive(JsonSchema)]
        #[schemars(inline, transparent)]
        pub(crate) struct $name($(#[$rule])* String);
    };
}

text! {
    /// A text that is not empty.
    Filled(#[schemars(length(min = 1))])
}

text! {
    /// What people type or share to get into a room.
    RoomCodeText(#[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,64}$"))])
}

text! {
    /// What is said. It is trimmed. Of control characters there may be newline and tab.
    ChatText(
        #[schemars(
            length(max = MAX_CHAT_CHARS),
            regex(pattern = r"^\s*[^\x00-\x1f\x7f-\x9f\s]([^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s])?\s*$")
        )]
    )
}

text! {
    /// The sender's own id for a message: one that is sent again with it is heard once.
    ClientMessageId(
        #[schemars(
            length(min = 1, max = MAX_LABEL_CHARS),
            regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")
        )]
    )
}

text! {
    /// What a peer that is removed is told.
    Reason(
        #[schemars(
            length(max = MAX_LABEL_CHARS),
            regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")
        )]
    )
}

text! {
    /// The id of something in the media server.
    MediaId(
        #[schemars(
            length(min = 1, max = MAX_ID),
            regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")
        )]
    )
}

text! {
    /// The `offset` of an event: the time in milliseconds, and a number.
    OffsetText(#[schemars(regex(pattern = r"^\d{1,20}(-\d{1,20})?$"))])
}
