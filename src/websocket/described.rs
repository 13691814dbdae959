//! The frames of both protocols, for the schemas.

use super::{common, signal, ws};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::protocol::SchemaOf;

/// One of the two protocols, described.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// A short name.
    pub name: &'static str,
    /// The path that it is at.
    pub path: &'static str,
    /// What it is, in a few sentences.
    pub summary: &'static str,
    /// What clients send: frames that a `type` tells apart.
    pub asked: SchemaOf,
    /// What they are told: lists of such frames.
    pub told: &'static [SchemaOf],
}

/// The schema of `T` itself, to be taken apart.
fn frames<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = T::json_schema(generator);
    if let Some(Value::Array(each)) = schema.get_mut("oneOf") {
        for frame in each.iter_mut().filter_map(Value::as_object_mut) {
            absorb(frame, generator.definitions());
        }
    }
    schema
}

/// Puts what a frame refers to into the frame itself: it is one object, with a `type`.
fn absorb(frame: &mut Map<String, Value>, named: &Map<String, Value>) {
    let Some(Value::String(reference)) = frame.remove("$ref") else {
        return;
    };
    let name = reference.rsplit('/').next().unwrap_or_default();
    let content = named.get(name).and_then(Value::as_object).cloned();
    for (keyword, more) in content.unwrap_or_default() {
        match (frame.get_mut(&keyword), more) {
            (None, more) => drop(frame.insert(keyword, more)),
            (Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
            (Some(Value::Array(own)), Value::Array(more)) => own.extend(more),
            _ => {}
        }
    }
}

/// The protocols.
pub const PROTOCOLS: [Protocol; 2] = [
    Protocol {
        name: "signal",
        path: "/signal/{roomId}",
        summary: "Connecting joins the room, closing leaves it. Peers are called by their users' ids.",
        asked: frames::<signal::Asked>,
        told: &[frames::<signal::Told<'_>>, frames::<common::Told<'_>>],
    },
    Protocol {
        name: "ws",
        path: "/ws",
        summary: "Rooms are joined and left by frames. Peers are called by names that they choose.",
        asked: frames::<ws::Asked>,
        told: &[
            frames::<ws::Told<'_>>,
            frames::<ws::Relayed<'_>>,
            frames::<common::Told<'_>>,
        ],
    },
];
