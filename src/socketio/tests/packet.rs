use serde_json::{json, value::to_raw_value};

use super::*;

fn text(packet: Result<Bytes>) -> String {
    let bytes = packet.expect("plain data can be written");
    String::from_utf8(bytes.into()).expect("a packet is text")
}

#[test]
fn an_event_is_a_list_of_its_name_and_its_arguments() {
    let payload = json!({"content": "ünï \"quoted\"\n"});
    assert_eq!(
        text(event("chat:message", &payload, 0)),
        r#"2["chat:message",{"content":"ünï \"quoted\"\n"}]"#
    );
    // A list is one argument.
    assert_eq!(text(event("a", &json!([1, 2]), 5)), r#"2["a",[1,2]]"#);
}

#[test]
fn json_that_is_written_already_stays_as_it_is() {
    let raw = r#"{"z":1.0, "a":[  ]}"#;
    let raw = serde_json::value::RawValue::from_string(raw.to_owned()).expect("it is JSON");
    assert_eq!(text(event("a", &raw, 0)), r#"2["a",{"z":1.0, "a":[  ]}]"#);
    let args = [raw.clone(), raw];
    assert_eq!(
        text(event_with("a", &args, 40)),
        r#"2["a",{"z":1.0, "a":[  ]},{"z":1.0, "a":[  ]}]"#
    );
}

#[test]
fn an_event_may_have_no_argument_and_any_name() {
    let none: [u8; 0] = [];
    assert_eq!(text(event_with("a]\"[", &none, 0)), r#"2["a]\"["]"#);
}

#[test]
fn an_acknowledgement_has_the_number_of_the_event() {
    let answer = to_raw_value(&json!({"ok": true})).expect("it is JSON");
    assert_eq!(text(ack(7, &answer, 11)), r#"37[{"ok":true}]"#);
    assert_eq!(text(ack(0, &json!([]), 2)), "30[[]]");
}

#[test]
fn the_value_of_the_last_field_is_found_and_no_other() {
    let packet = event("a", &json!({"b": 1, "c": {"d": [2]}}), 0).expect("it can be written");
    let found = last_field(&packet, r#"{"d":[2]}"#).expect("it is the last");
    assert_eq!(found, r#"{"d":[2]}"#);
    for other in ["1", r#"{"d":[3]}"#, "", &"x".repeat(100)] {
        assert!(last_field(&packet, other).is_none_or(|found| found.is_empty()));
    }
    assert!(last_field(&Bytes::from_static(b"30[1]"), "1").is_none());
}
