//! JSON that is none of the gateway's: it is handed on as the text it is. What is known of its
//! shape is described here, for the schemas.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Under this key a schema says what TypeScript calls it.
pub const TYPESCRIPT: &str = "x-typescript";

/// Defines the description of a foreign value.
macro_rules! foreign {
    ($(#[$doc:meta])* $name:ident = $schema:tt) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

foreign! {
    /// A session description.
    Description = {
        "description": "A session description, or its SDP alone, as the sender wrote it.",
        "type": ["object", "string"],
        TYPESCRIPT: "RTCSessionDescriptionInit | string",
    }
}

foreign! {
    /// A session description as `/signal` has it.
    DescriptionInit = {
        "description": "A session description, as the sender wrote it.",
        "type": "object",
        TYPESCRIPT: "RTCSessionDescriptionInit",
    }
}

foreign! {
    /// A session description as `/signal` takes it.
    TypedDescription = {
        "description": "A session description.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["offer", "answer", "pranswer", "rollback"]},
            "sdp": {"type": ["string", "null"]},
        },
        "required": ["type"],
        "additionalProperties": true,
        TYPESCRIPT: "RTCSessionDescriptionInit",
    }
}

foreign! {
    /// An ICE candidate.
    Candidate = {
        "description": "An ICE candidate, or its line alone, as the sender wrote it; null says that \
            there are no more (RFC 8838).",
        "type": ["object", "string", "null"],
        TYPESCRIPT: "RTCIceCandidateInit | string | null",
    }
}

foreign! {
    /// What a relay carries.
    RelayBody = {
        "description": "A session description or an ICE candidate, as the sender wrote it.",
        "type": ["object", "string", "null"],
        TYPESCRIPT: "RTCSessionDescriptionInit | RTCIceCandidateInit | string | null",
    }
}

foreign! {
    /// When a backend said something.
    Timestamp = {
        "description": "When it was said: milliseconds since the Unix epoch, or a text, as given.",
        "type": ["integer", "string"],
    }
}

foreign! {
    /// What only client and media server understand, an object.
    MediaObject = {
        "description": "As mediasoup-client has it.",
        "type": "object",
        TYPESCRIPT: "any",
    }
}

foreign! {
    /// The same, a list.
    MediaList = {
        "description": "As mediasoup-client has it.",
        "type": "array",
        TYPESCRIPT: "any",
    }
}

foreign! {
    /// What a client says of its producer.
    AppData = {
        "description": "Whatever the sender attached.",
        "type": "object",
        TYPESCRIPT: "Record<string, unknown>",
    }
}
