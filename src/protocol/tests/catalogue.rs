//! What is said on the wire is what the schemas say.

use std::{collections::HashSet, sync::Arc};

use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{
    Value, json, to_value,
    value::{RawValue, to_raw_value},
};
use uuid::Uuid;

use super::*;
use crate::{
    core::{
        ChatMessage, Event, LeaveReason, MediaKind, Member, Mode, ModeReason, PeerId, PeerInfo,
        Producer, ProducerInfo, RelayKind, ResumeSecret, ResumeToken, RoomId, Welcome,
    },
    protocol::{
        Command, ErrorCode, IceServers, Payload, RefusedAck, SfuAnswer, TurnUris, WireError,
        decode, event_name,
    },
};

/// The validator of a schema, which takes no more than it describes.
fn validator(schema: SchemaOf) -> Validator {
    let mut generator = SchemaSettings::draft07().for_serialize().into_generator();
    let mut root = schema(&mut generator).to_value();
    root["definitions"] = generator.take_definitions(true).into();
    close(&mut root);
    jsonschema::draft7::new(&root).unwrap()
}

/// Refuses members that no schema names.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let closed = members.contains_key("properties");
            if closed && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn assert_described(what: &str, schema: SchemaOf, value: &impl Serialize) {
    let value = to_value(value).unwrap();
    let validator = validator(schema);
    let wrong: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{what}: {value}: {wrong:?}");
    let mut more = value;
    more["oneMore"] = 1.into();
    let closed = !validator.is_valid(&more);
    let open = matches!(what, "sfu_create_transport" | "sfu_consume");
    assert_ne!(closed, open, "{what}: whether more would be noticed");
}

fn member() -> Arc<Member> {
    Arc::new(Member {
        user: "ann".into(),
        username: "Ann".into(),
        alias: Some("a".into()),
    })
}

fn peer(number: u128) -> PeerId {
    PeerId::new(Uuid::from_u128(number))
}

fn producer(app_data: &str) -> ProducerInfo {
    ProducerInfo {
        peer: peer(2),
        producer: Arc::new(Producer {
            id: "producer".into(),
            kind: MediaKind::Video,
            app_data: app_data.into(),
            paused: true,
        }),
    }
}

fn welcome(mode: Mode) -> Box<Welcome> {
    let room = RoomId::new("room_x");
    Box::new(Welcome {
        room: room.clone(),
        code: "X".parse().unwrap(),
        peer: peer(1),
        member: member(),
        peers: vec![PeerInfo {
            id: peer(2),
            member: member(),
        }],
        mode,
        producers: vec![producer(r#"{"source":"cam"}"#)],
        host: peer(2),
        resume: ResumeToken {
            peer: peer(1),
            secret: ResumeSecret::new([7; 16]),
            room,
        },
    })
}

fn servers() -> IceServers {
    let text = |uri: &str| vec![uri.to_owned()];
    IceServers {
        uris: Arc::new(TurnUris {
            all: text("turn:t"),
            open: text("stun:s"),
            relays: text("turn:t"),
        }),
        username: "1:ann".to_owned(),
        password: "cGFzcw==".to_owned(),
        ttl: 60,
        expires_at: 1_700_000_000,
    }
}

fn relay(kind: RelayKind, body: &Value) -> Event<'static> {
    Event::Relay {
        kind,
        from: peer(1),
        sender: Some(member()),
        to: peer(2),
        body: std::borrow::Cow::Owned(to_raw_value(body).unwrap()),
    }
}

fn chat(client_id: Option<&str>) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(9),
        room: RoomId::new("room_x"),
        peer: peer(1),
        author: member(),
        content: "hello".into(),
        timestamp: 1_700_000_000_000,
        client_id: client_id.map(Into::into),
    })
}

fn departures() -> Vec<Event<'static>> {
    let left = |reason| Event::PeerLeft {
        peer: peer(1),
        member: None,
        reason,
    };
    use LeaveReason as Why;
    let reasons = [Why::Left, Why::Disconnected, Why::Kicked, Why::NodeLost];
    reasons.map(left).into()
}

fn relays() -> Vec<Event<'static>> {
    let offer = json!({"type": "offer", "sdp": "v=0"});
    let answer = json!({"type": "answer", "sdp": "v=0"});
    let candidate = json!({"candidate": "c", "sdpMid": "0"});
    vec![
        relay(RelayKind::Offer, &offer),
        relay(RelayKind::Offer, &json!("v=0")),
        relay(RelayKind::Answer, &answer),
        relay(RelayKind::Ice, &candidate),
        relay(RelayKind::Ice, &json!("candidate:1")),
        relay(RelayKind::Ice, &Value::Null),
    ]
}

/// The next kind of event after this one: a new kind does not compile without a place here.
fn next(event: Option<&Event<'_>>) -> Option<Vec<Event<'static>>> {
    let Some(event) = event else {
        return Some(vec![
            Event::Joined(welcome(Mode::P2p)),
            Event::Joined(welcome(Mode::Sfu)),
        ]);
    };
    Some(match event {
        Event::Joined(_) => vec![Event::Resumed {
            welcome: welcome(Mode::Sfu),
            missed: 3,
        }],
        Event::Resumed { .. } => vec![Event::PeerJoined(PeerInfo {
            id: peer(1),
            member: member(),
        })],
        Event::PeerJoined(_) => departures(),
        Event::PeerLeft { .. } => vec![Event::HostChanged {
            host: peer(1),
            member: None,
        }],
        Event::HostChanged { .. } => vec![Event::ModeChanged {
            room: RoomId::new("r"),
            mode: Mode::Sfu,
            reason: ModeReason::MediaMoved,
        }],
        Event::ModeChanged { .. } => vec![Event::NewProducer(producer("{}"))],
        Event::NewProducer(_) => vec![Event::ProducerClosed {
            peer: peer(1),
            producer: "p".into(),
        }],
        Event::ProducerClosed { .. } => vec![Event::Kicked {
            room: RoomId::new("r"),
            reason: "noise".into(),
        }],
        Event::Kicked { .. } => relays(),
        Event::Relay { .. } => vec![Event::Chat(chat(Some("mine"))), Event::Chat(chat(None))],
        Event::Chat(_) => return None,
    })
}

#[test]
fn every_event_of_a_room_is_described() {
    let servers = servers();
    let mut described = HashSet::new();
    let mut events = next(None);
    while let Some(kind) = events {
        for event in &kind {
            let name = event_name(event);
            let found = SERVER_EVENTS.iter().find(|known| known.name == name);
            let payload = found.unwrap_or_else(|| panic!("{name} is missing")).payload;
            for ice_servers in [None, Some(&servers)] {
                assert_described(name, payload, &Payload { event, ice_servers });
            }
            described.insert(name);
        }
        events = next(kind.last());
    }
    assert_eq!(described.len(), 13, "{described:?}");
}

#[test]
fn every_other_event_of_the_gateway_is_described() {
    let refused = WireError::invalid("content", "must be a string");
    let of = |name| {
        let found = SERVER_EVENTS.iter().find(|known| known.name == name);
        found.unwrap().payload
    };
    let error = ErrorEvent::about("chat_message", &refused);
    assert_described("error", of("error"), &error);
    let servers = servers();
    let renewed = IceServersPayload::from(&servers);
    assert_described("ice:servers", of("ice:servers"), &renewed);
    let expiring = ExpiringPayload { expires_at: 1 };
    assert_described("auth:expiring", of("auth:expiring"), &expiring);
    let draining = DrainingPayload {
        reconnect_after_ms: 1,
    };
    assert_described("server:draining", of("server:draining"), &draining);
    assert_described("refused", REFUSED, &RefusedAck::from(&refused));
}

fn answer_to(name: &str) -> SchemaOf {
    let found = CLIENT_EVENTS.iter().find(|known| known.name == name);
    found.unwrap().answer
}

#[test]
fn every_acknowledgement_is_described() {
    let (room, servers) = (welcome(Mode::Sfu), servers());
    let joined = RoomAck::new(Some(&room), Some(&servers));
    assert_described("join:room", answer_to("join:room"), &joined);
    let removed = RoomAck::new(None, None);
    assert_described("join:room", answer_to("join:room"), &removed);
    assert_described("leave:room", answer_to("leave:room"), &OkAck::default());
    let said = ChatAck::new(Uuid::nil(), 1);
    assert_described("chat_message", answer_to("chat_message"), &said);
    let messages = [chat(None), chat(Some("mine"))];
    for partial in [false, true] {
        let history = HistoryAck::new(&messages, partial);
        assert_described("chat_history", answer_to("chat_history"), &history);
    }
    let refreshed = RefreshAck::new(1);
    assert_described("auth:refresh", answer_to("auth:refresh"), &refreshed);
    let offset = Some("5-1".parse().unwrap());
    for (recovered, offset) in [(Some(true), offset), (None, None)] {
        let subscribed = SubscribeAck::new("news", recovered, offset);
        assert_described("subscribe", answer_to("subscribe"), &subscribed);
    }
}

#[test]
fn every_acknowledgement_of_the_media_server_is_described() {
    let raw = |value: Value| -> Box<RawValue> { to_raw_value(&value).unwrap() };
    let transport = json!({
        "id": "t", "iceParameters": {}, "iceCandidates": [], "dtlsParameters": {}, "more": 1,
    });
    let consumer = json!({
        "id": "c", "producerId": "p", "kind": "audio", "rtpParameters": {}, "type": "simple",
    });
    let cases = [
        ("sfu_connect_transport", SfuAnswer::Done),
        (
            "sfu_get_router_capabilities",
            SfuAnswer::Capabilities(raw(json!({}))),
        ),
        ("sfu_create_transport", SfuAnswer::Transport(raw(transport))),
        (
            "sfu_restart_ice",
            SfuAnswer::Ice(raw(json!({"usernameFragment": "u"}))),
        ),
        ("sfu_produce", SfuAnswer::Produced("p".into())),
        ("sfu_consume", SfuAnswer::Consumer(raw(consumer))),
        (
            "sfu_get_producers",
            SfuAnswer::Producers(vec![producer(r#"{"a":1}"#)]),
        ),
    ];
    for (name, answer) in cases {
        assert_described(name, answer_to(name), &answer);
    }
}

#[test]
fn every_event_of_a_client_is_known_under_each_of_its_names() {
    for event in CLIENT_EVENTS {
        for name in [Some(event.name), event.alias].into_iter().flatten() {
            let frame = json!([name, {}]).to_string();
            let (read, payload) = decode(&frame).unwrap();
            let unknown = |error: WireError| error.code == ErrorCode::UnknownEvent;
            let known = Command::read(&read, &payload)
                .err()
                .is_none_or(|error| !unknown(error));
            assert!(known, "{name}");
        }
    }
}
