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
        "type": "joined", "roomId": "room_code", "roomCode": "Code", "peerId": peer(1),
        "senderId": "me", "userId": "me", "username": "name of me",
        "peers": [{ "senderId": "you", "userId": "you", "peerId": peer(2), "username": "name of you" }],
        "hostId": "you", "hostPeerId": peer(2), "mode": "p2p", "resumeToken": token(),
    });
    assert_eq!(say(&Event::Joined(welcome())), joined);
    joined["type"] = json!("resumed");
    joined["missed"] = json!(3);
    let (welcome, missed) = (welcome(), 3);
    assert_eq!(say(&Event::Resumed { welcome, missed }), joined);
}

#[test]
fn peers_come_and_go_by_all_their_ids() {
    let info = PeerInfo {
        id: peer(2),
        member: member("you", Some("zoe")),
    };
    assert_eq!(
        say(&Event::PeerJoined(info)),
        json!({ "type": "peer-joined", "senderId": "you", "userId": "you", "peerId": peer(2), "username": "name of you", "alias": "zoe" })
    );
    assert_eq!(
        say(&left(Some(member("you", None)))),
        json!({ "type": "peer-left", "senderId": "you", "userId": "you", "peerId": peer(2), "reason": "node-lost" })
    );
    assert_eq!(
        say(&left(None))["senderId"],
        json!(peer(2)),
        "its user is not known any more"
    );
}

#[test]
fn relays_are_descriptions_and_candidates() {
    let you = Some(member("you", None));
    assert_eq!(
        say(&relay(
            RelayKind::Offer,
            you.clone(),
            r#"{"type":"offer","sdp":"v=0"}"#
        )),
        json!({ "type": "sdp", "senderId": "you", "senderPeerId": peer(2), "targetId": "me", "sdp": { "type": "offer", "sdp": "v=0" } })
    );
    assert_eq!(
        say(&relay(RelayKind::Answer, you.clone(), r#""v=0""#))["sdp"],
        json!({ "type": "answer", "sdp": "v=0" })
    );
    assert_eq!(
        say(&relay(RelayKind::Ice, you, "null")),
        json!({ "type": "ice", "senderId": "you", "senderPeerId": peer(2), "targetId": "me", "candidate": null })
    );
}

#[test]
fn the_rest_is_told_too() {
    let (host, you) = (peer(2), Some(member("you", None)));
    assert_eq!(
        say(&Event::HostChanged { host, member: you }),
        json!({ "type": "host-change", "hostId": "you", "hostPeerId": peer(2) })
    );
    let (room, reason) = (RoomId::new("room_code"), "go".into());
    assert_eq!(
        say(&Event::Kicked { room, reason }),
        json!({ "type": "kick", "targetId": "me", "reason": "go" })
    );
    assert_eq!(
        say(&chat(Some("zoe"))),
        json!({ "type": "chat", "id": "00000000-0000-0000-0000-000000000009", "roomId": "room_code", "senderId": "you", "peerId": peer(2), "username": "name of you", "alias": "zoe", "content": "hi", "timestamp": 5 })
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
