use std::sync::Arc;

use super::*;
use crate::core::{ChatMessage, HostState, LeaveReason, Member, PeerRecord, ResumeSecret, RoomId};

fn peer(n: u128) -> PeerId {
    PeerId::new(Uuid::from_u128(n))
}

fn body() -> Box<RawValue> {
    RawValue::from_string(r#"{"b":1.50,"a":"\u0041"}"#.into()).unwrap()
}

fn member() -> Arc<Member> {
    Arc::new(Member {
        user: "u".into(),
        username: "Ü".into(),
        alias: None,
    })
}

fn record() -> PeerRecord {
    PeerRecord {
        id: peer(1),
        member: member(),
        secret: ResumeSecret::new([3; 16]),
        former: None,
        joined: 7,
        media: None,
    }
}

fn chat() -> Gossip<'static> {
    Gossip::Chat(Arc::new(ChatMessage {
        id: Uuid::from_u128(9),
        room: RoomId::new("room_x"),
        peer: peer(1),
        author: member(),
        content: "hello".into(),
        timestamp: 5,
        client_id: Some("c".into()),
    }))
}

#[test]
fn everything_that_is_said_can_be_heard() {
    let all = [
        Gossip::Joined(record()),
        Gossip::Renewed(record()),
        Gossip::Left {
            peer: peer(1),
            reason: LeaveReason::Kicked,
            note: "no".into(),
        },
        Gossip::Relay {
            kind: RelayKind::Ice,
            from: peer(1),
            to: peer(2),
            body: Cow::Owned(body()),
        },
        chat(),
        Gossip::Host(HostState {
            term: 3,
            peer: peer(2),
        }),
        Gossip::Denied {
            to: "a".into(),
            peer: peer(1),
        },
    ];
    for said in all {
        let bytes = encode(&"node-1/ab".into(), &said).unwrap();
        let (from, heard) = decode(&bytes).unwrap();
        assert_eq!(from.as_str(), "node-1/ab");
        assert_eq!(format!("{heard:?}"), format!("{said:?}"));
    }
}

#[test]
fn a_relayed_body_goes_through_as_it_is() {
    let said = Gossip::Relay {
        kind: RelayKind::Offer,
        from: peer(1),
        to: peer(2),
        body: Cow::Owned(body()),
    };
    let bytes = encode(&"n".into(), &said).unwrap();
    assert!(bytes.ends_with(body().get().as_bytes()));
}

#[test]
fn what_a_script_completes_can_be_heard() {
    let adopted = format!(
        "{}{}",
        r#"{"adopted":"#,
        format_args!("[\"{}\"]}}", peer(4))
    );
    let bytes = open(&"n".into(), &adopted);
    let (_, said) = decode(&bytes).unwrap();
    assert!(matches!(said, Gossip::Adopted(peers) if peers == [peer(4)]));

    let record = serde_json::to_string(&record()).unwrap();
    let bytes = open(
        &"n".into(),
        &format!(r#"{{"roster":{{"peers":[{record}],"deaf":true}}}}"#),
    );
    let (_, said) = decode(&bytes).unwrap();
    assert!(
        matches!(said, Gossip::Roster { peers, deaf: true, mode: None, host: None } if peers.len() == 1)
    );

    let host = format!(r#"{{"term":3,"peer":"{}"}}"#, peer(2));
    let said = format!(r#"{{"roster":{{"peers":[],"deaf":false,"mode":null,"host":{host}}}}}"#);
    let bytes = open(&"n".into(), &said);
    let (_, said) = decode(&bytes).unwrap();
    let known = HostState {
        term: 3,
        peer: peer(2),
    };
    assert!(matches!(said, Gossip::Roster { host: Some(host), .. } if host == known));
}

#[test]
fn what_was_delivered_is_told_from_the_rest_unread() {
    let delivered = Delivered {
        ids: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
        left: 3,
    };
    let bytes = encode_delivered(&"n".into(), &delivered).unwrap();
    let read = decode_delivered(&bytes).unwrap().unwrap();
    assert_eq!((read.ids, read.left), (delivered.ids, 3));
    assert!(!is_about_roster(&bytes) && decode(&bytes).is_err());
    for other in [chat(), Gossip::Joined(record())] {
        let bytes = encode(&"n".into(), &other).unwrap();
        assert!(decode_delivered(&bytes).is_none());
    }
}

#[test]
fn noise_is_refused() {
    for noise in [
        &b""[..],
        b"\x05ab",
        b"\x01aX",
        b"\x01aR",
        b"\x01aJ{",
        b"\x01aRo",
        b"\x01\xffJ{}",
    ] {
        assert!(decode(noise).is_err(), "{noise:?}");
    }
}

#[test]
fn chat_that_is_said_again_can_be_told_from_the_rest() {
    let me = NodeId::from("n1/a");
    let first = encode(&me, &chat()).unwrap();
    let again = repeated(&first);
    assert!(!is_repeated(&first) && is_repeated(&again) && !is_about_roster(&again));
    let (from, said) = decode(&again).unwrap();
    assert_eq!(from, me);
    assert!(matches!(said, Gossip::Chat(message) if message.client_id.as_deref() == Some("c")));
    let left = Gossip::Denied {
        to: me.clone(),
        peer: peer(1),
    };
    let left = encode(&me, &left).unwrap();
    assert_eq!(repeated(&left), left);
}
