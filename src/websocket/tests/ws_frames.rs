use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn refusal(frame: &Value) -> WireError {
    let text = frame.to_string();
    Incoming::read(&text).unwrap_err().1
}

/// A frame of this type with these fields, from somebody in a room.
fn frame(name: &str, more: Value) -> Value {
    let mut frame = json!({ "type": name, "room": "r", "sender": "me" });
    if let (Value::Object(frame), Value::Object(more)) = (&mut frame, more) {
        frame.extend(more);
    }
    frame
}

#[test]
fn each_type_is_read() {
    for frame in [
        frame("join", json!({})),
        frame("join", json!({ "payload": { "resumeToken": "x" } })),
        frame("leave", json!({})),
        frame("offer", json!({ "payload": "v=0", "recipient": "you" })),
        frame("answer", json!({ "payload": {} })),
        frame("ice-candidate", json!({})),
        frame("candidate", json!({ "payload": null })),
        frame("ice", json!({ "payload": {} })),
        frame("chat", json!({ "payload": "hi", "recipient": null })),
        frame(
            "chat",
            json!({ "payload": { "content": "hi", "clientMessageId": "1" } }),
        ),
        frame(
            "kick",
            json!({ "recipient": "you", "payload": { "reason": "x" } }),
        ),
        frame("kick", json!({ "recipient": "you", "payload": "x" })),
        frame("host-change", json!({ "recipient": "you" })),
        json!({ "type": "resume", "resumeToken": "x" }),
        json!({ "type": "resume", "payload": { "resumeToken": "x" } }),
        json!({ "type": "auth", "token": "x" }),
    ] {
        let text = frame.to_string();
        let read = Incoming::read(&text).unwrap();
        assert_eq!(read.name, frame["type"].as_str().unwrap());
    }
}

#[test]
fn a_candidate_that_is_missing_is_the_end_of_candidates() {
    let text = frame("ice-candidate", json!({})).to_string();
    let Request::Act { action, .. } = Incoming::read(&text).unwrap().request else {
        panic!("not an action");
    };
    let Action::Relay { kind, body, .. } = action else {
        panic!("no relay: {action:?}");
    };
    assert_eq!((kind, body.get()), (RelayKind::Ice, "null"));
}

fn assert_at_fault(frame: &Value, field: &str) {
    let error = refusal(frame);
    assert_eq!(error.code, ErrorCode::InvalidPayload, "{frame}");
    assert_eq!(error.field.as_deref(), Some(field), "{frame}");
    assert!(error.message.starts_with(field), "{}", error.message);
}

#[test]
fn a_refusal_names_the_field_at_fault() {
    let long = "x".repeat(65);
    let join = |room: &str, sender: &str| json!({ "type": "join", "room": room, "sender": sender });
    for (frame, field) in [
        (json!({ "type": "leave", "sender": "me" }), "room"),
        (json!({ "type": "leave", "room": "r" }), "sender"),
        (join("no room", "me"), "room"),
        (join("r", ""), "sender"),
        (join("r", &long), "sender"),
        (join("r", "a\nb"), "sender"),
        (frame("kick", json!({})), "recipient"),
        (frame("host-change", json!({ "recipient": 1 })), "recipient"),
        (json!({ "type": "resume" }), "resumeToken"),
        (json!({ "type": "auth" }), "token"),
    ] {
        assert_at_fault(&frame, field);
    }
}

#[test]
fn so_does_one_of_a_payload() {
    for (name, more, field) in [
        ("join", json!({ "payload": 1 }), "payload"),
        (
            "join",
            json!({ "payload": { "resumeToken": 1 } }),
            "payload.resumeToken",
        ),
        ("offer", json!({}), "payload"),
        ("offer", json!({ "payload": null }), "payload"),
        ("ice", json!({ "payload": 1 }), "payload"),
        (
            "offer",
            json!({ "payload": {}, "recipient": 1 }),
            "recipient",
        ),
        (
            "offer",
            json!({ "payload": {}, "recipient": "" }),
            "recipient",
        ),
        ("chat", json!({}), "payload"),
        ("chat", json!({ "payload": [] }), "payload"),
        ("chat", json!({ "payload": {} }), "payload.content"),
        (
            "chat",
            json!({ "payload": "x", "recipient": "you" }),
            "recipient",
        ),
        (
            "kick",
            json!({ "recipient": "you", "payload": { "reason": 1 } }),
            "payload.reason",
        ),
        (
            "kick",
            json!({ "recipient": "you", "payload": "a\u{7}" }),
            "payload",
        ),
    ] {
        assert_at_fault(&frame(name, more), field);
    }
}

#[test]
fn an_unknown_type_is_told_from_a_bad_one() {
    assert_eq!(
        refusal(&json!({ "type": "dance" })).code,
        ErrorCode::UnknownEvent
    );
    assert_eq!(
        refusal(&json!({ "type": null })).code,
        ErrorCode::InvalidPayload
    );
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({ "content": "x", "reason": "x", "resumeToken": "x" })),
        Just(json!({ "content": 1, "reason": 1, "resumeToken": 1, "clientMessageId": 1 })),
    ]
}

const TYPES: [&str; 12] = [
    "join",
    "leave",
    "offer",
    "answer",
    "ice-candidate",
    "candidate",
    "ice",
    "chat",
    "kick",
    "host-change",
    "resume",
    "auth",
];

const FIELDS: [&str; 7] = [
    "room",
    "sender",
    "recipient",
    "payload",
    "resumeToken",
    "token",
    "extra",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = Incoming::read(&text);
    }

    #[test]
    fn whatever_is_in_a_frame_a_refusal_names_a_field(
        name in prop::sample::select(&TYPES[..]),
        values in prop::collection::vec((prop::sample::select(&FIELDS[..]), junk()), 0..7),
    ) {
        let mut frame: Map<String, Value> =
            values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        frame.insert("type".to_owned(), json!(name));
        let text = Value::Object(frame).to_string();
        if let Err((about, error)) = Incoming::read(&text) {
            prop_assert_eq!(about.as_deref(), Some(name));
            prop_assert_eq!(error.code, ErrorCode::InvalidPayload);
            let field = error.field.unwrap_or_default();
            let outer = field.split('.').next().unwrap_or_default();
            prop_assert!(FIELDS.contains(&outer), "{} in {}", field, text);
            prop_assert!(error.message.starts_with(&*field), "{}", error.message);
        }
    }
}
