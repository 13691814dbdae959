use super::*;

fn message(number: u128, bytes: usize) -> (Uuid, Bytes) {
    let id = Uuid::from_u128(number);
    let text = "x".repeat(bytes);
    (id, format!(r#"{{"id":"{id}","content":"{text}"}}"#).into())
}

fn filled(room: &RoomId, count: u128, bytes: usize) -> MemoryBuffer {
    let buffer = MemoryBuffer::default();
    for number in 0..count {
        let (id, json) = message(number, bytes);
        buffer.push(room, id, json);
    }
    buffer
}

async fn next(buffer: &MemoryBuffer, room: &RoomId) -> Vec<u128> {
    match buffer.claim(room, "t").await {
        Ok(Claim::Batch(batch)) => batch.ids().iter().map(Uuid::as_u128).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_batch_is_the_same_until_it_is_done() {
    let room = RoomId::new("r");
    let buffer = filled(&room, 3, 10);
    assert_eq!(next(&buffer, &room).await, [0, 1, 2]);
    let (id, json) = message(3, 10);
    buffer.push(&room, id, json);
    assert_eq!(next(&buffer, &room).await, [0, 1, 2]);
    let Ok(Claim::Batch(batch)) = buffer.claim(&room, "t").await else {
        panic!("there is a batch");
    };
    let done = buffer.done(&room, "t", &batch).await;
    assert_eq!(done, Ok(Removal::Done { left: 1 }));
    assert_eq!(next(&buffer, &room).await, [3]);
}

#[tokio::test]
async fn batches_are_bounded_in_number_and_in_bytes_but_never_empty() {
    let room = RoomId::new("r");
    assert_eq!(next(&filled(&room, 150, 1), &room).await.len(), MAX_BATCH);
    let large = filled(&room, 10, MAX_BATCH_BYTES / 4);
    assert_eq!(next(&large, &room).await.len(), 3);
    let huge = filled(&room, 2, MAX_BATCH_BYTES * 2);
    assert_eq!(next(&huge, &room).await, [0]);
}

#[tokio::test]
async fn a_refused_batch_gets_smaller_until_the_message_is_found() {
    let room = RoomId::new("r");
    let buffer = filled(&room, 4, 10);
    buffer.shrink(&room, "t", 1).await.unwrap();
    let Ok(Claim::Batch(batch)) = buffer.claim(&room, "t").await else {
        panic!("there is a batch");
    };
    assert_eq!(batch.len(), 1);
    let buried = buffer.bury(&room, "t", &batch, b"{}", 10).await;
    assert_eq!(buried, Ok(Removal::Done { left: 3 }));
    assert_eq!(next(&buffer, &room).await, [1, 2, 3]);
}

#[tokio::test]
async fn rooms_are_bounded_each_and_their_pages_are_their_own() {
    let room = RoomId::new("r");
    let buffer = filled(&room, 5, 10);
    assert!(!buffer.has_place(&room, 5) && buffer.has_place(&room, 6));
    assert!(buffer.has_place(&RoomId::new("s"), 5));
    let page = buffer.page(&room, Some(Uuid::from_u128(3)), 2).await;
    assert_eq!(page.unwrap(), [message(2, 10).1, message(1, 10).1]);
    assert_eq!(buffer.page(&RoomId::new("s"), None, 2).await, Ok(vec![]));
}
