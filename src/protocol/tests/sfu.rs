use serde_json::{Value, json, to_value};

use super::*;
use crate::{
    core::Producer,
    protocol::{Command, ErrorCode, decode},
};

fn read(frame: &str) -> Result<SfuRequest, WireError> {
    let (name, payload) = decode(frame).unwrap();
    match Command::read(&name, &payload)? {
        Command::Sfu(request) => request,
        other => panic!("{frame} is read as {other:?}"),
    }
}

fn refused(frame: &str) -> String {
    let error = read(frame).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidPayload, "{frame}");
    error.message.into_owned()
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn ack(answer: &SfuAnswer) -> Value {
    // By way of the text, as clients read it.
    serde_json::from_str(&serde_json::to_string(answer).unwrap()).unwrap()
}

#[test]
fn what_only_the_media_server_understands_stays_as_it_was_written() {
    let frame = r#"["sfu_produce",{"transportId":"t","kind":"video","appData":{ "b":1,"a":2.50 },
        "rtpParameters":{"z":[1e3],  "a":"\u0041" } }]"#;
    let Ok(SfuRequest::Produce {
        transport,
        kind,
        rtp,
        app_data,
    }) = read(frame)
    else {
        panic!("not read");
    };
    assert_eq!((&*transport, kind), ("t", MediaKind::Video));
    assert_eq!(rtp.get(), r#"{"z":[1e3],  "a":"\u0041" }"#);
    assert_eq!(app_data.get(), r#"{ "b":1,"a":2.50 }"#);
}

#[test]
fn what_may_be_left_out_may_be_null() {
    for frame in [
        r#"["sfu_create_transport",{"direction":"recv"}]"#,
        r#"["sfu_create_transport",{"direction":"recv","sctpCapabilities":null}]"#,
    ] {
        let request = read(frame).unwrap();
        assert!(
            matches!(request, SfuRequest::CreateTransport { sctp: None, .. }),
            "{request:?}"
        );
    }
    let frame = r#"["sfu_produce",{"transportId":"t","kind":"audio","rtpParameters":{}}]"#;
    assert!(
        matches!(read(frame), Ok(SfuRequest::Produce { app_data, .. }) if app_data.get() == "{}")
    );
}

/// Event, payload and the field at fault.
const WRONG: &str = r#"
sfu_create_transport {} direction
sfu_create_transport {"direction":"both"} direction
sfu_create_transport {"direction":"send","sctpCapabilities":1} sctpCapabilities
sfu_connect_transport {"dtlsParameters":{}} transportId
sfu_connect_transport {"transportId":"t","dtlsParameters":[]} dtlsParameters
sfu_restart_ice {"transportId":""} transportId
sfu_restart_ice {"transportId":"a\nb"} transportId
sfu_restart_ice {"transportId":["t"]} transportId
sfu_pause_producer {"producerId":7} producerId
sfu_close_producer {} producerId
sfu_consume {"transportId":"t","producerId":"p"} rtpCapabilities
sfu_resume_consumer {"consumerId":null} consumerId
"#;

#[test]
fn refusals_name_the_field_at_fault() {
    for case in WRONG.trim().lines() {
        let [event, payload, field] = case.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not a case: {case}");
        };
        let message = refused(&format!(r#"["{event}",{payload}]"#));
        assert!(message.starts_with(field), "{case}: {message}");
    }
    let long = json!(["sfu_restart_ice", { "transportId": "x".repeat(129) }]);
    assert!(refused(&long.to_string()).starts_with("transportId"));
}

#[test]
fn what_is_wrong_with_a_producer_is_named() {
    let good = json!({ "transportId": "t", "kind": "audio", "rtpParameters": {} });
    let cases = [
        ("kind", json!("smell")),
        ("rtpParameters", json!("none")),
        ("appData", json!("mic")),
        ("appData", json!({ "a": "x".repeat(MAX_APP_DATA) })),
    ];
    for (field, value) in cases {
        let mut payload = good.clone();
        payload[field] = value;
        let message = refused(&json!(["sfu_produce", payload]).to_string());
        assert!(message.starts_with(field), "{field}: {message}");
    }
}

#[test]
fn what_changes_something_keeps_its_order_and_what_only_asks_does_not() {
    let ordered = |frame| read(frame).unwrap().is_ordered();
    assert!(ordered(r#"["sfu_pause_producer",{"producerId":"p"}]"#));
    assert!(ordered(r#"["sfu_create_transport",{"direction":"send"}]"#));
    assert!(!ordered(r#"["sfu_get_router_capabilities"]"#));
    assert!(!ordered(r#"["sfu_resume_consumer",{"consumerId":"c"}]"#));
}

#[test]
fn answers_say_that_it_is_done_beside_what_the_media_server_says() {
    assert_eq!(ack(&SfuAnswer::Done), json!({ "status": "ok" }));
    assert_eq!(
        ack(&SfuAnswer::Produced("p".into())),
        json!({ "status": "ok", "id": "p" })
    );
    assert_eq!(
        ack(&SfuAnswer::Transport(raw(
            r#" { "id": "t", "iceParameters": {} }"#
        ))),
        json!({ "status": "ok", "id": "t", "iceParameters": {} })
    );
    assert_eq!(
        ack(&SfuAnswer::Consumer(raw("{ }"))),
        json!({ "status": "ok" })
    );
    assert_eq!(
        ack(&SfuAnswer::Capabilities(raw(r#"{"codecs":[]}"#))),
        json!({ "status": "ok", "rtpCapabilities": { "codecs": [] } })
    );
    assert_eq!(
        ack(&SfuAnswer::Ice(raw(r#"{"usernameFragment":"u"}"#))),
        json!({ "status": "ok", "iceParameters": { "usernameFragment": "u" } })
    );
}

#[test]
fn a_producer_is_listed_with_whether_it_is_paused_and_told_without() {
    let info = ProducerInfo {
        peer: PeerId::new(uuid::Uuid::from_u128(7)),
        producer: std::sync::Arc::new(Producer {
            id: "p".into(),
            kind: MediaKind::Audio,
            app_data: r#"{"source":"mic"}"#.into(),
            paused: true,
        }),
    };
    let told = json!({
        "producerId": "p",
        "peerId": "00000000-0000-0000-0000-000000000007",
        "kind": "audio",
        "appData": { "source": "mic" },
    });
    let text = serde_json::to_string(&ProducerPayload::news(&info)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), told);
    let listed = ack(&SfuAnswer::Producers(vec![info]));
    let mut item = told;
    item["paused"] = json!(true);
    assert_eq!(listed, json!({ "status": "ok", "producers": [item] }));
    assert_eq!(to_value(Done::Ok).unwrap(), "ok");
}
