use super::*;
use crate::core::{Member, PeerId};

fn message(number: u128) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(number),
        room: RoomId::new("r"),
        peer: PeerId::new(Uuid::nil()),
        author: Arc::new(Member {
            user: "u".into(),
            username: "u".into(),
            alias: None,
        }),
        content: "x".into(),
        timestamp: 0,
        client_id: None,
    })
}

fn page(numbers: &[u128], before: Option<u128>, limit: usize) -> Vec<u128> {
    let query = HistoryQuery {
        before: before.map(Uuid::from_u128),
        limit,
    };
    let page = newest(numbers.iter().map(|number| message(*number)), query);
    page.iter().map(|message| message.id.as_u128()).collect()
}

#[test]
fn what_several_places_know_is_told_once_and_in_order() {
    assert_eq!(page(&[5, 1, 3, 3, 2, 5, 4], None, 10), [1, 2, 3, 4, 5]);
}

#[test]
fn the_newest_that_were_asked_for_are_told() {
    let all = [1, 2, 3, 4, 5, 6];
    assert_eq!(page(&all, None, 2), [5, 6]);
    assert_eq!(page(&all, Some(4), 2), [2, 3]);
    assert_eq!(page(&all, Some(1), 2), [] as [u128; 0]);
}
