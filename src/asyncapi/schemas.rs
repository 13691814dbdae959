//! Schemas of what goes over the wire, in one direction each: what is read may have more than one
//! form, what is written has one.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Map, Value};

use crate::protocol::SchemaOf;

/// Where schemas with a name are.
const DEFINITIONS: &str = "/components/schemas";

/// Makes schemas, and keeps those that have a name.
pub(super) struct Schemas {
    asked: SchemaGenerator,
    told: SchemaGenerator,
}

impl Schemas {
    /// JSON Schema draft 7, on which the schemas of AsyncAPI are built.
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft07().with(|settings| {
                settings.meta_schema = None;
                settings.definitions_path = DEFINITIONS.into();
                settings
                    .transforms
                    .push(Box::new(RecursiveTransform(plain_numbers)));
            })
        };
        let told = settings()
            .for_serialize()
            .with_transform(RecursiveTransform(absent_not_null));
        Self {
            asked: settings().for_deserialize().into_generator(),
            told: told.into_generator(),
        }
    }

    /// The schema of what clients send.
    pub(super) fn asked(&mut self, schema: SchemaOf) -> Value {
        made(&mut self.asked, schema)
    }

    /// The schema of what clients are told.
    pub(super) fn told(&mut self, schema: SchemaOf) -> Value {
        made(&mut self.told, schema)
    }

    /// All that have a name.
    pub(super) fn named(mut self) -> Map<String, Value> {
        let mut named = self.asked.take_definitions(true);
        named.extend(self.told.take_definitions(true));
        named.sort_keys();
        named
    }
}

fn made(generator: &mut SchemaGenerator, schema: SchemaOf) -> Value {
    let mut schema = schema(generator);
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}

/// Leaves out formats that only say how a number is kept.
fn plain_numbers(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format.starts_with("uint") || format.starts_with("int")) {
        schema.remove("format");
    }
}

/// What is written is left out where there is nothing: it is never null.
fn absent_not_null(schema: &mut Schema) {
    let required: Vec<String> = names(schema.get("required"));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (name, property) in properties {
        if let Value::Object(property) = property
            && !required.contains(name)
        {
            without_null(property);
        }
    }
}

fn without_null(property: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &**types {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(options)) = property.get_mut("anyOf") else {
        return;
    };
    options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
    if let [Value::Object(only)] = &mut **options {
        let only = std::mem::take(only);
        property.remove("anyOf");
        if property.is_empty() {
            *property = only;
        } else {
            property.insert("allOf".to_owned(), vec![Value::Object(only)].into());
        }
    }
}

fn names(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}
