use super::*;
use crate::protocol::MAX_DEPTH;

fn read(frame: &str) -> Result<String, WireError> {
    let (name, payload) = decode(frame)?;
    Command::read(&name, &payload).map(|command| format!("{command:?}"))
}

fn refused(frame: &str) -> (ErrorCode, String) {
    let error = read(frame).expect_err(frame);
    (error.code, error.message.into_owned())
}

#[test]
fn a_relay_borrows_its_body_as_it_was_sent() {
    let frame = r#"["webrtc:offer",{"x":1,"offer":{"sdp":"a\u0041" , "n":1.50,"type":"offer"},"targetPeerId":"00000000-0000-0000-0000-000000000007"}]"#;
    let (name, payload) = decode(frame).unwrap();
    let Command::Relay {
        target: Some(_),
        body,
        ..
    } = Command::read(&name, &payload).unwrap()
    else {
        panic!("not a relay to a peer");
    };
    assert_eq!(body.get(), r#"{"sdp":"a\u0041" , "n":1.50,"type":"offer"}"#);
}

#[test]
fn the_field_at_fault_is_named() {
    let cases = [
        (r#"["join:room"]"#, "payload"),
        (r#"["join:room",null]"#, "payload"),
        (r#"["join:room",[]]"#, "payload"),
        (r#"["join:room","lobby"]"#, "payload"),
        (r#"["join:room",{}]"#, "roomCode"),
        (r#"["join:room",{"roomCode":7}]"#, "roomCode"),
        (r#"["join:room",{"roomId":"a b"}]"#, "roomId"),
        (r#"["webrtc:ice",{"candidate":"c"}]"#, "targetPeerId"),
        (r#"["webrtc:ice",{"targetPeerId":"p"}]"#, "candidate"),
        (
            r#"["webrtc:ice",{"targetPeerId":"p","candidate":3}]"#,
            "candidate",
        ),
        (
            r#"["webrtc:offer",{"targetPeerId":"p","offer":null}]"#,
            "offer",
        ),
        (
            r#"["webrtc:answer",{"targetPeerId":"p","answer":[]}]"#,
            "answer",
        ),
        (r#"["chat_message",{"content":{}}]"#, "content"),
        (r#"["chat_message",{"content":"\ud800"}]"#, "content"),
        (
            r#"["chat_message",{"content":"x","clientMessageId":"\u0000"}]"#,
            "clientMessageId",
        ),
        (r#"["chat_history",{"limit":0}]"#, "limit"),
        (r#"["chat_history",{"limit":1.5}]"#, "limit"),
        (r#"["chat_history",{"before":"x"}]"#, "before"),
        (r#"["peer:kick",{"targetPeerId":"p","reason":1}]"#, "reason"),
        (r#"["host:change"]"#, "payload"),
        (r#"["host:change",{}]"#, "targetPeerId"),
        (r#"["host:change",{"targetPeerId":""}]"#, "targetPeerId"),
        (r#"["auth:refresh",{"token":null}]"#, "token"),
    ];
    for (frame, field) in cases {
        let (code, message) = refused(frame);
        assert_eq!(code, ErrorCode::InvalidPayload, "{frame}");
        assert!(message.starts_with(field), "{frame}: {message}");
    }
}

#[test]
fn accepted_spellings_mean_the_same() {
    for frame in [
        r#"["join:room",{"roomCode":"a"}]"#,
        r#"["join_room",{"roomId":"a"}]"#,
        r#"["join_room",{"roomCode":"a","roomId":5}, "more", 1]"#,
    ] {
        assert!(read(frame).unwrap().starts_with("Join"), "{frame}");
    }
    assert!(
        read(r#"["leave_room",[1,{"a":2}]]"#)
            .unwrap()
            .starts_with("Leave")
    );
}

#[test]
fn unknown_events_are_told_apart_from_bad_payloads() {
    assert_eq!(refused(r#"["nope",{}]"#).0, ErrorCode::UnknownEvent);
    assert_eq!(refused(r#"["sfu_nope"]"#).0, ErrorCode::UnknownEvent);
    // Whether it matters what is wrong is for others to say.
    let sfu = read(r#"["sfu_produce",7]"#).unwrap();
    assert!(sfu.contains("payload must be an object"), "{sfu}");
}

#[test]
fn nothing_shows_a_token_or_the_values_of_a_frame() {
    let frame = r#"["auth:refresh",{"token":"a.secret.token"}]"#;
    let (name, payload) = decode(frame).unwrap();
    let command = Command::read(&name, &payload).unwrap();
    assert!(matches!(&command, Command::Refresh { token } if &**token == "a.secret.token"));
    assert_eq!(
        format!("{command:?}"),
        "Refresh { token: Secret(redacted) }"
    );
    assert_eq!(format!("{payload:?}"), r#"Object({"token"})"#);
}

/// A relay whose body is nested so deep, with the two levels of the event itself.
fn nested(levels: usize) -> String {
    let (open, close) = ("[".repeat(levels - 3), "]".repeat(levels - 3));
    let body = format!("{{\"sdp\":\"}}]\\\"[[\",\"x\":{open}{close}}}");
    format!("[\"webrtc:offer\",{{\"targetPeerId\":\"x\",\"offer\":{body}}}]")
}

#[test]
fn values_are_nested_so_deep_and_no_deeper() {
    assert!(decode(&nested(MAX_DEPTH)).is_ok());
    let error = decode(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidPayload);
    assert!(error.message.contains("deeper than 128"), "{error:?}");
    let frame = format!("{{\"a\":{}", "[".repeat(90_000));
    assert!(decode_object(&frame).is_err());
}

#[test]
fn brackets_that_nest_nothing_may_be_as_many_as_fit() {
    let text = format!(
        "[\"chat_message\",{{\"content\":\"{}\"}}]",
        "{[\\\"".repeat(5_000)
    );
    assert!(decode(&text).is_ok());
    let flat = format!(
        "[\"chat_message\",{{\"content\":[{}[]]}}]",
        "[],{},".repeat(5_000)
    );
    assert!(decode(&flat).is_ok());
}
