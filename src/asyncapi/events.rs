//! The events of Socket.IO.

use serde_json::{Value, json};

use super::{
    document::{Section, channel_ref, id_of, message_ref},
    schemas::Schemas,
};
use crate::{
    core::channels::{AudienceRule, ChannelRule, Channels},
    protocol::{
        CLIENT_EVENTS, Carried, ClientEvent, EventSource, REFUSED, SERVER_EVENTS, ServerEvent,
        schema_of,
    },
};

/// The name of the channel.
pub(super) const CHANNEL: &str = "socketio";

/// The id of the answer to whatever is refused.
const REFUSED_ID: &str = "ack.refused";

/// The channel, but for its messages.
pub(super) fn place() -> Value {
    json!({
        "address": "/socket.io/",
        "title": "Socket.IO, namespace /",
        "description": "Socket.IO 5 over Engine.IO 4 (clients 3 and 4) and Engine.IO 3 (clients 2): \
            polling, WebSocket and the upgrade between them.",
    })
}

/// All events, and what is done with them.
pub(super) fn section(schemas: &mut Schemas, channels: &Channels) -> Section {
    let mut section = Section::default();
    let refused = json!({
        "name": REFUSED_ID,
        "title": "Refused",
        "summary": "An event was refused.",
        "payload": schemas.told(REFUSED),
    });
    section.messages.insert(REFUSED_ID.to_owned(), refused);
    for event in CLIENT_EVENTS {
        section.of_client(schemas, event);
    }
    for event in SERVER_EVENTS {
        section.of_server(schemas, event);
    }
    for rule in channels.all() {
        for kind in &rule.types {
            section.of_backend(schemas, rule, kind);
        }
    }
    section
}

impl Section {
    fn of_client(&mut self, schemas: &mut Schemas, event: &ClientEvent) {
        let ClientEvent {
            name,
            alias,
            summary,
            payload,
            answer,
        } = *event;
        let (id, ack) = (
            format!("client.{}", id_of(name)),
            format!("ack.{}", id_of(name)),
        );
        let mut message = json!({
            "name": name,
            "summary": summary,
            "x-ack": ack,
        });
        match payload {
            Carried::Nothing => {
                message["description"] = "Its arguments are ignored.".into();
            }
            Carried::Maybe(schema) => {
                let schema = schemas.asked(schema);
                message["payload"] = json!({"anyOf": [schema, {"type": "null"}]});
                message["description"] = "The argument may be left out.".into();
            }
            Carried::Always(schema) => message["payload"] = schemas.asked(schema),
        }
        if let Some(alias) = alias {
            message["x-alias"] = alias.into();
        }
        let answered = json!({
            "name": ack,
            "title": format!("Acknowledgement of {name}"),
            "summary": format!("What `{name}` is answered if it is not refused."),
            "payload": schemas.told(answer),
        });
        let operation = json!({
            "action": "receive",
            "channel": channel_ref(CHANNEL),
            "summary": summary,
            "messages": [message_ref(CHANNEL, &id)],
            "reply": {
                "channel": channel_ref(CHANNEL),
                "messages": [message_ref(CHANNEL, &ack), message_ref(CHANNEL, REFUSED_ID)],
            },
        });
        self.messages.insert(id.clone(), message);
        self.messages.insert(ack, answered);
        self.operations.insert(id, operation);
    }

    fn of_server(&mut self, schemas: &mut Schemas, event: &ServerEvent) {
        let ServerEvent {
            name,
            summary,
            payload,
        } = *event;
        let message = json!({
            "name": name,
            "summary": summary,
            "payload": schemas.told(payload),
        });
        self.tell(format!("server.{}", id_of(name)), summary, message);
    }

    fn of_backend(&mut self, schemas: &mut Schemas, rule: &ChannelRule, kind: &str) {
        let summary = format!("Said by a backend on `{}`.", rule.name);
        let message = json!({
            "name": kind,
            "summary": summary,
            "payload": data_of(rule),
            "headers": schemas.told(schema_of::<EventSource<'_>>),
            "x-channel": &*rule.name,
        });
        let id = format!("event.{}.{}", id_of(&rule.name), id_of(kind));
        self.tell(id, &summary, message);
    }

    fn tell(&mut self, id: String, summary: &str, message: Value) {
        let id = self.free(id);
        let operation = json!({
            "action": "send",
            "channel": channel_ref(CHANNEL),
            "summary": summary,
            "messages": [message_ref(CHANNEL, &id)],
        });
        self.messages.insert(id.clone(), message);
        self.operations.insert(id, operation);
    }

    /// The id, or one like it that no message has.
    fn free(&self, id: String) -> String {
        if !self.messages.contains_key(&id) {
            return id;
        }
        let others = (2_usize..).map(|number| format!("{id}.{number}"));
        let mut free = others.filter(|other| !self.messages.contains_key(other));
        free.next().unwrap_or(id)
    }
}

/// What is known of the data of a channel's events: the field that says for whom they are.
fn data_of(rule: &ChannelRule) -> Value {
    let about = match &rule.audience {
        AudienceRule::Subscribers => {
            return json!({"description": "Any JSON value, as the backend gave it."});
        }
        AudienceRule::User(field) => (&**field, "The user whom it is for."),
        AudienceRule::Topic(topic) => (topic.field(), "What the topic's name ends with."),
    };
    let (field, meaning) = about;
    json!({
        "description": "As the backend gave it.",
        "type": "object",
        "properties": {field: {"description": meaning, "type": ["string", "number"]}},
        "required": [field],
        "additionalProperties": true,
    })
}
