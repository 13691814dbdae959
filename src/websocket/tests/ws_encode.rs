use serde_json::{Value, json};

use super::encode;
use crate::{
    core::{Event, PeerInfo, RelayKind, RoomId},
    websocket::house::{chat, left, member, peer, relay, token, told, welcome},
};

fn say(event: &Event<'_>) -> Value {
    told(event, encode).unwrap()
}

#[test]
fn a_welcome_tells_of_the_room_and_of_all_in_it() {
    let mut joined = json!({
        "type": "joined", "room": "Code", "roomId": "room_code", "sender": "wendy",
        "peerId": peer(1), "userId": "me", "username": "name of me",
        "peers": [{ "sender": "you", "peerId": peer(2), "userId": "you", "username": "name of you" }],
        "host": "you", "hostId": peer(2), "mode": "p2p", "resumeToken": token(),
    });
    assert_eq!(say(&Event::Joined(welcome())), joined);
    joined["type"] = json!("resumed");
    joined["missed"] = json!(0);
    let (welcome, missed) = (welcome(), 0);
    assert_eq!(say(&Event::Resumed { welcome, missed }), joined);
}

#[test]
fn peers_come_and_go_by_name() {
    let info = PeerInfo {
        id: peer(2),
        member: member("you", Some("zoe")),
    };
    assert_eq!(
        say(&Event::PeerJoined(info)),
        json!({ "type": "peer-joined", "room": "Code", "sender": "zoe", "peerId": peer(2), "userId": "you", "username": "name of you" })
    );
    assert_eq!(
        say(&left(Some(member("you", Some("zoe"))))),
        json!({ "type": "peer-left", "room": "Code", "sender": "zoe", "peerId": peer(2), "reason": "node-lost" })
    );
    assert_eq!(
        say(&left(None))["sender"],
        json!(peer(2)),
        "its name is not known any more"
    );
}

#[test]
fn relays_are_payloads_as_they_were_sent() {
    let zoe = Some(member("you", Some("zoe")));
    for (kind, name, body) in [
        (RelayKind::Offer, "offer", json!("v=0")),
        (
            RelayKind::Answer,
            "answer",
            json!({ "type": "answer", "sdp": "v=0" }),
        ),
        (RelayKind::Ice, "ice-candidate", json!(null)),
    ] {
        assert_eq!(
            say(&relay(kind, zoe.clone(), &body.to_string())),
            json!({ "type": name, "room": "Code", "sender": "zoe", "senderPeerId": peer(2), "recipient": "wendy", "payload": body })
        );
    }
}

#[test]
fn the_rest_is_told_too() {
    let (host, you) = (peer(2), Some(member("you", None)));
    assert_eq!(
        say(&Event::HostChanged { host, member: you }),
        json!({ "type": "host-change", "room": "Code", "host": "you", "hostId": peer(2) })
    );
    let (room, reason) = (RoomId::new("room_code"), "go".into());
    assert_eq!(
        say(&Event::Kicked { room, reason }),
        json!({ "type": "kicked", "room": "Code", "reason": "go" })
    );
    assert_eq!(
        say(&chat(Some("zoe"))),
        json!({ "type": "chat", "room": "Code", "sender": "zoe", "peerId": peer(2), "payload": { "id": "00000000-0000-0000-0000-000000000009", "content": "hi", "timestamp": 5, "senderId": "you", "username": "name of you" } })
    );
}

#[test]
fn of_media_servers_it_says_nothing() {
    let (peer, producer) = (peer(2), "p".into());
    assert_eq!(
        told(&Event::ProducerClosed { peer, producer }, encode),
        None
    );
}
