//! The frames of the raw WebSocket protocols.

use serde_json::{Map, Value, json};

use super::{
    document::{Section, channel_ref, id_of, message_ref},
    schemas::Schemas,
};
use crate::websocket::Protocol;

/// The channel, but for its messages.
pub(super) fn place(protocol: &Protocol) -> Value {
    let mut place = json!({
        "address": protocol.path,
        "title": format!("Raw WebSocket, {}", protocol.path),
        "description": format!("JSON text frames. {}", protocol.summary),
    });
    let parameters: Map<String, Value> = protocol
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| (name.to_owned(), json!({"description": "The room's code."})))
        .collect();
    if !parameters.is_empty() {
        place["parameters"] = Value::Object(parameters);
    }
    place
}

/// All frames, and what is done with them.
pub(super) fn section(schemas: &mut Schemas, protocol: &Protocol) -> Section {
    let mut section = Section::default();
    let asked = frames(schemas.asked(protocol.asked));
    section.add(protocol.name, "receive", asked);
    let told = protocol.told.iter();
    let told = told.flat_map(|told| frames(schemas.told(*told))).collect();
    section.add(protocol.name, "send", told);
    section
}

impl Section {
    fn add(&mut self, channel: &str, action: &str, frames: Vec<(String, Value)>) {
        let from = if action == "receive" {
            "client"
        } else {
            "server"
        };
        let mut refs = Vec::new();
        for (name, schema) in frames {
            let id = format!("{from}.{}", id_of(&name));
            let mut message = json!({"name": name});
            if let Some(summary) = schema.get("description") {
                message["summary"] = summary.clone();
            }
            message["payload"] = schema;
            refs.push(message_ref(channel, &id));
            self.messages.insert(id, message);
        }
        let operation = json!({
            "action": action,
            "channel": channel_ref(channel),
            "summary": format!("All frames of the {from}."),
            "messages": refs,
        });
        self.operations
            .insert(format!("{channel}.{from}"), operation);
    }
}

/// The frames of a schema, each with the `type` that it has.
fn frames(schema: Value) -> Vec<(String, Value)> {
    let each = match schema {
        Value::Object(mut one) => match one.remove("oneOf") {
            Some(Value::Array(each)) => each,
            _ => vec![Value::Object(one)],
        },
        _ => Vec::new(),
    };
    each.into_iter().flat_map(by_type).collect()
}

/// The frame under each of its types.
fn by_type(frame: Value) -> Vec<(String, Value)> {
    let kind = &frame["properties"]["type"];
    if let Some(name) = kind["const"].as_str() {
        return vec![(name.to_owned(), frame)];
    }
    let names = kind["enum"].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for name in names.iter().filter_map(Value::as_str) {
        let mut frame = frame.clone();
        frame["properties"]["type"] = json!({"type": "string", "const": name});
        found.push((name.to_owned(), frame));
    }
    found
}
