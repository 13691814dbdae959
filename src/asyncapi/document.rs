//! The document as a whole.

use serde_json::{Map, Value, json};

use super::{events, frames, schemas::Schemas};
use crate::core::channels::Channels;

/// The version of AsyncAPI.
const ASYNCAPI: &str = "3.0.0";

/// Where an application finds out more than fits into a summary.
const ABOUT: &str = "\
All events of Switchboard, a Socket.IO-compatible gateway for WebRTC signalling, chat, rooms on media \
servers, and events of backends.\n\n\
On the channel `socketio` a message is a Socket.IO event of the namespace `/`: its `name` is that of \
the event, `payload` the first argument, `headers` the second where there is one. Every event of a \
client may ask for an acknowledgement, which is the reply of its operation. What is refused is answered \
by `Refused` there, or, if no acknowledgement was asked for, by the event `error`. A client without a \
valid token gets `connect_error` with the message `Authentication error`.\n\n\
Objects may get more members in later versions: ignore those that you do not know. Backends may send \
events of any other name through the server API or the wire format of `@socket.io/redis-emitter`.";

/// A channel, and all that is done on it.
#[derive(Default)]
pub(super) struct Section {
    /// The messages, by their ids.
    pub(super) messages: Map<String, Value>,
    /// The operations, by theirs.
    pub(super) operations: Map<String, Value>,
}

/// The document of a gateway with these channels of backends.
pub fn document(channels: &Channels) -> Value {
    let mut schemas = Schemas::new();
    let mut places = Map::new();
    let mut operations = Map::new();
    let mut put = |name: &str, mut place: Value, section: Section| {
        place["servers"] = json!([{"$ref": "#/servers/gateway"}]);
        place["messages"] = Value::Object(section.messages);
        places.insert(name.to_owned(), place);
        operations.extend(section.operations);
    };
    let socketio = events::section(&mut schemas, channels);
    put(events::CHANNEL, events::place(), socketio);
    for protocol in &crate::websocket::PROTOCOLS {
        let section = frames::section(&mut schemas, protocol);
        put(protocol.name, frames::place(protocol), section);
    }
    json!({
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Switchboard",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": env!("CARGO_PKG_LICENSE")},
        },
        "defaultContentType": "application/json",
        "servers": {"gateway": gateway()},
        "channels": places,
        "operations": operations,
        "components": {
            "schemas": schemas.named(),
            "securitySchemes": security(),
        },
    })
}

fn gateway() -> Value {
    json!({
        "host": "{host}",
        "protocol": "wss",
        "description": "Without TLS: `ws`.",
        "variables": {
            "host": {"default": "localhost:3000", "description": "Where the gateway is."},
        },
        "security": [
            {"$ref": "#/components/securitySchemes/cookie"},
            {"$ref": "#/components/securitySchemes/bearer"},
        ],
    })
}

fn security() -> Value {
    json!({
        "cookie": {
            "type": "httpApiKey",
            "in": "cookie",
            "name": "access_token",
            "description": "An RS256 JSON Web Token. The name of the cookie can be configured.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The same token in a header, in `auth.token` of Socket.IO, or in the \
                subprotocols `bearer, <token>` of a raw WebSocket.",
        },
    })
}

/// A reference to a message of a channel.
pub(super) fn message_ref(channel: &str, id: &str) -> Value {
    json!({"$ref": format!("#/channels/{channel}/messages/{id}")})
}

/// A reference to a channel.
pub(super) fn channel_ref(channel: &str) -> Value {
    json!({"$ref": format!("#/channels/{channel}")})
}

/// A name as part of an id: letters, digits, `_`, `-` and `.` only.
pub(super) fn id_of(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
            c
        } else {
            '_'
        }
    };
    name.chars().map(plain).collect()
}
