use uuid::Uuid;

use super::*;
use crate::{
    core::PeerId,
    hub::{MAX_QUEUED_BYTES, MESSAGE_OVERHEAD},
};

fn event(n: u128) -> Event<'static> {
    Event::HostChanged {
        host: PeerId::new(Uuid::from_u128(n)),
        member: None,
    }
}

#[test]
fn what_has_not_left_comes_back_in_order() {
    let mut ledger = Ledger::default();
    ledger.push(None, 10);
    (1..=4).for_each(|n| ledger.push(Some(event(n)), 10));
    let back: Vec<_> = ledger
        .reclaim(3)
        .iter()
        .map(|event| format!("{event:?}"))
        .collect();
    assert_eq!(back, [format!("{:?}", event(3)), format!("{:?}", event(4))]);
    assert!(ledger.reclaim(3).is_empty());
}

#[test]
fn the_queue_is_bounded_and_drains() {
    let mut ledger = Ledger::default();
    let mut handed = 0;
    while ledger.has_room(0, None, 100_000) {
        ledger.push(None, 100_000);
        handed += 1;
    }
    assert_eq!(handed, MAX_QUEUED_BYTES / (100_000 + MESSAGE_OVERHEAD));
    assert!(ledger.has_room(1, None, 100_000));
    let most = MAX_QUEUED_BYTES - MESSAGE_OVERHEAD;
    assert!(ledger.has_room(handed as u64, None, most));
}
