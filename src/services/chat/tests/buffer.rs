use super::*;

fn message(number: u128) -> Bytes {
    format!(r#"{{"id":"{}","content":"x"}}"#, Uuid::from_u128(number)).into()
}

fn batch(numbers: &[u128]) -> Batch {
    Batch::new(numbers.iter().map(|number| message(*number)))
}

#[test]
fn the_body_holds_the_messages_as_they_are() {
    let body = batch(&[1, 2]).body();
    let first = String::from_utf8(message(1).to_vec()).unwrap();
    let second = String::from_utf8(message(2).to_vec()).unwrap();
    assert_eq!(
        body,
        format!(r#"{{"messages":[{first},{second}]}}"#).as_bytes()
    );
    assert_eq!(batch(&[1, 2]).ids(), [1, 2].map(Uuid::from_u128));
}

#[test]
fn the_key_is_that_of_the_room_and_the_messages_in_their_order() {
    let room = RoomId::new("r");
    let key = |numbers: &[u128]| batch(numbers).key(&room);
    assert_eq!(key(&[1, 2]), key(&[1, 2]));
    for other in [&[1][..], &[2, 1], &[1, 2, 3]] {
        assert_ne!(key(&[1, 2]), key(other));
    }
    assert_ne!(batch(&[1, 2]).key(&RoomId::new("s")), key(&[1, 2]));
    assert!(key(&[1]).len() == 32 && key(&[1]).bytes().all(|byte| byte.is_ascii_hexdigit()));
}
