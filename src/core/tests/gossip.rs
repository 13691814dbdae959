use serde_json::{from_value, json, to_value};
use uuid::Uuid;

use super::*;
use crate::core::{Direction, MediaKind, Member, PeerMedia, Transport};

fn record() -> PeerRecord {
    PeerRecord {
        id: PeerId::new(Uuid::from_u128(7)),
        member: Arc::new(Member {
            user: "u1".into(),
            username: "Ann".into(),
            alias: None,
        }),
        secret: ResumeSecret::new([1; 16]),
        former: None,
        joined: 1_700_000_000_000,
        media: None,
    }
}

/// Other services may read the records: their fields are a promise.
#[test]
fn a_record_is_flat_json_with_names_that_speak_for_themselves() {
    let json = json!({
        "id": "00000000-0000-0000-0000-000000000007",
        "userId": "u1",
        "username": "Ann",
        "resumeSecret": "AQEBAQEBAQEBAQEBAQEBAQ",
        "joinedAt": 1_700_000_000_000_u64,
    });
    assert_eq!(to_value(record()).unwrap(), json);
    let back: PeerRecord = from_value(json).unwrap();
    assert!(back.secret.matches(&record().secret) && back.former.is_none());
    assert_eq!((back.id, back.joined), (record().id, record().joined));
    assert_eq!(back.member, record().member);
}

#[test]
fn a_name_that_a_peer_chose_is_kept_in_the_record() {
    let mut named = record();
    Arc::make_mut(&mut named.member).alias = Some("\"Änn/".into());
    let json = to_value(&named).unwrap();
    assert_eq!(json["alias"], "\"Änn/");
    let back: PeerRecord = from_value(json).unwrap();
    assert_eq!(back.member, named.member);
}

#[test]
fn a_former_secret_is_kept_in_the_record() {
    let former = ResumeSecret::new([2; 16]);
    let mut renewed = record();
    renewed.former = Some(former);
    let text = serde_json::to_string(&renewed).unwrap();
    let back: PeerRecord = serde_json::from_str(&text).unwrap();
    assert!(back.former.unwrap().matches(&former));
}

/// Scripts in Redis take records apart and put them together: an empty list would come back as
/// an object.
#[test]
fn what_a_peer_has_in_the_media_server_is_kept_in_the_record_without_empty_lists() {
    let mut entered = record();
    entered.media = Some(Arc::new(PeerMedia::new(3)));
    assert_eq!(
        to_value(&entered).unwrap()["media"],
        json!({ "epoch": 3, "revision": 0 })
    );

    let media = Arc::make_mut(entered.media.as_mut().unwrap());
    media.transports.push(Transport {
        id: "t".into(),
        direction: Direction::Send,
    });
    let app_data = r#"{ "b":1, "a" : 2.50 }"#;
    media.producers.push(Arc::new(Producer {
        id: "p".into(),
        kind: MediaKind::Video,
        app_data: app_data.into(),
        paused: false,
    }));
    let json = json!({
        "epoch": 3,
        "revision": 0,
        "transports": [{ "id": "t", "direction": "send" }],
        "producers": [{ "id": "p", "kind": "video", "appData": app_data }],
    });
    let kept = to_value(&entered).unwrap();
    assert_eq!(kept["media"], json);
    let back: PeerRecord = from_value(kept).unwrap();
    assert_eq!(back.media, entered.media);
}

#[test]
fn what_waits_for_a_peer_survives_the_way_to_another_node_byte_for_byte() {
    let (from, to) = (record().id, PeerId::new(Uuid::from_u128(8)));
    let body = RawValue::from_string(r#"{ "b":1, "a" : 2.50 }"#.into()).unwrap();
    let relay = Event::Relay {
        kind: RelayKind::Offer,
        from,
        sender: None,
        to,
        body: Cow::Owned(body),
    };
    let text = serde_json::to_string(&Gossip::Handover {
        to: "n2".into(),
        peer: to,
        missed: Waiting::of(relay).into_iter().collect(),
        known: vec![from, to],
        host: Some(to),
        consumers: Vec::new(),
        said: None,
    })
    .unwrap();
    let Ok(Gossip::Handover {
        missed,
        host: Some(host),
        ..
    }) = serde_json::from_str(&text)
    else {
        panic!("not what was said: {text}");
    };
    assert_eq!(host, to);
    let events: Vec<Event<'_>> = missed.into_iter().map(Event::from).collect();
    let [Event::Relay { body, .. }] = &*events else {
        panic!("not what waited: {events:?}");
    };
    assert_eq!(body.get(), r#"{ "b":1, "a" : 2.50 }"#);
}
