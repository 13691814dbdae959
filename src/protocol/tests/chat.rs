use serde_json::json;

use super::*;

fn message() -> ChatMessage {
    ChatMessage {
        id: Uuid::from_u128(7),
        room: RoomId::new("r"),
        peer: PeerId::new(Uuid::from_u128(8)),
        author: Arc::new(Member {
            user: "u".into(),
            username: "\"U\"".into(),
            alias: None,
        }),
        content: "line\nnext \u{1F600}".into(),
        timestamp: 9,
        client_id: Some("c".into()),
    }
}

#[test]
fn what_is_written_can_be_read() {
    let json = serde_json::to_string(&ChatPayload::from(&message())).unwrap();
    let read: ChatPayload<'_> = serde_json::from_str(&json).unwrap();
    assert_eq!(ChatMessage::from(read), message());
}

#[test]
fn the_id_is_where_scripts_look_for_it() {
    let json = serde_json::to_string(&ChatPayload::from(&message())).unwrap();
    assert_eq!(&json[7..43], message().id.to_string());
}

#[test]
fn a_history_may_know_less() {
    let known = json!({
        "id": Uuid::from_u128(7), "roomId": "r", "senderId": "u", "content": "x", "timestamp": 9,
        "storedAt": "2026-01-01",
    });
    let known = known.to_string();
    let read: ChatPayload<'_> = serde_json::from_str(&known).unwrap();
    let read = ChatMessage::from(read);
    assert_eq!((&*read.content, read.client_id), ("x", None));
}
