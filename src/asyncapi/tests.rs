use std::{collections::HashSet, env, fs, path::Path};

use serde_json::Value;

use super::*;
use crate::core::channels::{ChannelRule, Channels};

/// The document of a gateway without channels of its own, for whoever wants to read it.
const KEPT: &str = "docs/asyncapi.json";

fn usual() -> Value {
    document(&Channels::default())
}

fn with(rules: &str) -> Value {
    let rules: Vec<ChannelRule> = serde_json::from_str(rules).unwrap();
    document(&Channels::with(rules).unwrap())
}

/// All references in the document.
fn references<'v>(value: &'v Value, found: &mut HashSet<&'v str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_document_that_is_kept_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    let made = format!("{:#}\n", usual());
    if env::var_os("UPDATE_TYPES").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{KEPT} is out of date: run `make types`");
}

#[test]
fn references_lead_somewhere_and_nothing_with_a_name_is_left_over() {
    let document = usual();
    let mut found = HashSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let named = document["components"]["schemas"].as_object().unwrap();
    let unused = |name: &&String| !found.contains(&*format!("#/components/schemas/{name}"));
    assert_eq!(named.keys().find(unused), None);
}

#[test]
fn each_event_of_a_client_has_a_reply_and_each_message_an_operation() {
    let document = usual();
    let operations = document["operations"].as_object().unwrap();
    let mut used = HashSet::new();
    for (id, operation) in operations {
        references(&operation["messages"], &mut used);
        references(&operation["reply"]["messages"], &mut used);
        let asked = operation["action"] == "receive" && id.starts_with("client.");
        assert_eq!(asked, operation["reply"].is_object(), "{id}");
    }
    for (channel, place) in document["channels"].as_object().unwrap() {
        for id in place["messages"].as_object().unwrap().keys() {
            let reference = format!("#/channels/{channel}/messages/{id}");
            assert!(used.contains(&*reference), "{reference}");
        }
    }
}

#[test]
fn channels_that_are_configured_are_described() {
    let document = with(
        r#"[{"name":"orders","types":["order paid"],"audience":{"topic":"order:{orderId}"}},
            {"name":"orders_2","types":["order_paid"],"audience":"subscribers"},
            {"name":"inbox","types":["mail"],"audience":{"user":"recipient"}}]"#,
    );
    let messages = &document["channels"]["socketio"]["messages"];
    let order = &messages["event.orders.order_paid"];
    assert_eq!(order["name"], "order paid");
    assert_eq!(order["payload"]["required"][0], "orderId");
    assert_eq!(order["headers"]["$ref"], "#/components/schemas/EventSource");
    assert_eq!(
        messages["event.inbox.mail"]["payload"]["required"][0],
        "recipient"
    );
    assert_eq!(
        messages["event.orders_2.order_paid"]["x-channel"],
        "orders_2"
    );
}

#[test]
fn messages_whose_ids_would_be_the_same_are_both_there() {
    let document = with(
        r#"[{"name":"a:b","types":["c"],"audience":"subscribers"},
            {"name":"a_b","types":["c"],"audience":"subscribers"}]"#,
    );
    let messages = &document["channels"]["socketio"]["messages"];
    assert_eq!(messages["event.a_b.c"]["x-channel"], "a:b");
    assert_eq!(messages["event.a_b.c.2"]["x-channel"], "a_b");
}

#[test]
fn what_is_written_is_left_out_rather_than_null_and_what_is_read_may_be_null() {
    let document = usual();
    let schemas = &document["components"]["schemas"];
    let told = &schemas["ChatMessage"]["properties"]["clientMessageId"];
    assert_eq!(told["type"], "string");
    let asked = &schemas["SendChat"]["properties"]["clientMessageId"];
    assert_eq!(asked["type"], serde_json::json!(["string", "null"]));
}
