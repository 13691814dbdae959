use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::*;
use crate::core::{PeerId, RelayKind};

fn relay(bytes: usize) -> Event<'static> {
    let peer = PeerId::new(Uuid::nil());
    let body = RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap();
    Event::Relay {
        kind: RelayKind::Ice,
        from: peer,
        sender: None,
        to: peer,
        body: Cow::Owned(body),
    }
}

#[test]
fn many_small_events_reach_the_bound_in_number() {
    let mut replay = Replay::default();
    let kept = (0..).take_while(|_| replay.push(&relay(1)).is_ok()).count();
    assert!(kept <= MAX_EVENTS, "{kept}");
    assert_eq!(replay.len(), kept);
}

#[test]
fn a_few_large_events_reach_the_bound_in_bytes() {
    let mut replay = Replay::default();
    let kept = (0..)
        .take_while(|_| replay.push(&relay(100_000)).is_ok())
        .count();
    assert_eq!(kept, MAX_MISSED_BYTES / 100_000);
}

#[test]
fn taking_events_out_makes_room_again() {
    let mut replay = Replay::default();
    while replay.push(&relay(50_000)).is_ok() {}
    assert!(replay.pop().is_some());
    assert!(replay.push(&relay(50_000)).is_ok());
}

#[test]
fn what_is_put_before_keeps_its_own_order() {
    let mut replay = Replay::default();
    replay.push(&relay(3)).unwrap();
    replay.push_before(relay(1)).unwrap();
    replay.push_before(relay(2)).unwrap();
    assert_eq!(replay.pop().unwrap().weight(), relay(1).weight());
    replay.push(&relay(4)).unwrap();
    let left: Vec<usize> = replay.drain().map(|event| event.weight()).collect();
    assert_eq!(left, [2, 3, 4].map(|bytes| relay(bytes).weight()));
}
