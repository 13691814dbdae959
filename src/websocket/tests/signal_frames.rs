use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn refusal(frame: &Value) -> WireError {
    let text = frame.to_string();
    Incoming::read(&text).unwrap_err().1
}

#[test]
fn each_type_is_read() {
    for frame in [
        json!({ "type": "sdp", "senderId": "u", "sdp": { "type": "offer", "sdp": "v=0" } }),
        json!({ "type": "sdp", "senderId": "u", "sdp": { "type": "rollback" }, "targetId": "t" }),
        json!({ "type": "ice", "senderId": "u", "candidate": null }),
        json!({ "type": "ice", "senderId": "u", "candidate": {}, "targetId": null }),
        json!({ "type": "host-change", "senderId": "u", "hostId": "h" }),
        json!({ "type": "kick", "senderId": "u", "targetId": "t" }),
        json!({ "type": "chat", "senderId": "u", "content": "hi", "clientMessageId": "1" }),
        json!({ "type": "resume", "resumeToken": "x" }),
        json!({ "type": "auth", "token": "x" }),
        json!({ "type": "leave", "extra": [1] }),
    ] {
        let text = frame.to_string();
        let read = Incoming::read(&text).unwrap();
        assert_eq!(read.name, frame["type"].as_str().unwrap());
    }
}

#[test]
fn what_is_relayed_is_the_text_that_was_sent() {
    let text = r#"{"type":"ice","senderId":"u","candidate":{ "b" : 1.50, "a":"\u0041" }}"#;
    let read = Incoming::read(text).unwrap();
    let Request::Relay { kind, target, body } = read.request else {
        panic!("no relay: {read:?}");
    };
    assert_eq!((kind, target), (RelayKind::Ice, None));
    assert_eq!(body.get(), r#"{ "b" : 1.50, "a":"\u0041" }"#);
}

#[test]
fn a_refusal_names_the_field_at_fault() {
    for (frame, field) in [
        (json!({}), "type"),
        (json!({ "type": 1 }), "type"),
        (json!({ "type": "ice", "candidate": null }), "senderId"),
        (json!({ "type": "ice", "senderId": "u" }), "candidate"),
        (
            json!({ "type": "ice", "senderId": "u", "candidate": 1 }),
            "candidate",
        ),
        (
            json!({ "type": "ice", "senderId": "u", "candidate": null, "targetId": "" }),
            "targetId",
        ),
        (json!({ "type": "sdp", "senderId": "u" }), "sdp"),
        (json!({ "type": "kick", "senderId": "u" }), "targetId"),
        (
            json!({ "type": "kick", "senderId": "u", "targetId": "t", "reason": "a\u{7}" }),
            "reason",
        ),
        (
            json!({ "type": "host-change", "senderId": "u", "hostId": 7 }),
            "hostId",
        ),
        (json!({ "type": "chat", "senderId": "u" }), "content"),
        (json!({ "type": "resume" }), "resumeToken"),
        (json!({ "type": "auth", "token": {} }), "token"),
    ] {
        let error = refusal(&frame);
        assert_eq!(error.code, ErrorCode::InvalidPayload, "{frame}");
        assert_eq!(error.field.as_deref(), Some(field), "{frame}");
        assert!(error.message.starts_with(field), "{}", error.message);
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    for text in [
        "",
        "{",
        "nul",
        "[]",
        "1",
        "\"x\"",
        "null",
        "{}{}",
        "{\"type\":\"leave\"} x",
    ] {
        let (name, error) = Incoming::read(text).unwrap_err();
        assert_eq!(
            (name, error.code),
            (None, ErrorCode::InvalidPayload),
            "{text}"
        );
    }
    let unknown = refusal(&json!({ "type": "dance" }));
    assert_eq!(unknown.code, ErrorCode::UnknownEvent);
}

fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!({ "type": "offer" })),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

const TYPES: [&str; 8] = [
    "sdp",
    "ice",
    "host-change",
    "kick",
    "chat",
    "resume",
    "auth",
    "leave",
];

const FIELDS: [&str; 11] = [
    "senderId",
    "targetId",
    "sdp",
    "candidate",
    "hostId",
    "reason",
    "content",
    "clientMessageId",
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
        values in prop::collection::vec((prop::sample::select(&FIELDS[..]), junk()), 0..8),
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
