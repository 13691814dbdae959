use uuid::Uuid;

use super::*;
use crate::{
    core::{PeerId, RelayKind},
    hub::{MAX_QUEUED_BYTES, MESSAGE_OVERHEAD},
};

fn event(n: u128) -> Event<'static> {
    Event::HostChanged {
        host: PeerId::new(Uuid::from_u128(n)),
        member: None,
    }
}

fn answer(bytes: usize) -> Charge {
    Charge::of(None, bytes)
}

#[test]
fn a_relay_comes_back_with_its_body_out_of_the_packet() {
    let body = RawValue::from_string(r#"{"type": "offer"}"#.to_owned()).expect("it is JSON");
    let relay = Event::Relay {
        kind: RelayKind::Offer,
        from: PeerId::new(Uuid::from_u128(1)),
        sender: None,
        to: PeerId::new(Uuid::from_u128(2)),
        body: Cow::Borrowed(&body),
    };
    let packet = Bytes::from(format!("2[{body}]"));
    let kept = Kept::relay(&relay, packet.slice(2..packet.len() - 1));
    let mut ledger = Ledger::default();
    ledger.push(Some(kept), Charge::of(Some(&relay), 0));
    assert_eq!(ledger.weight(0), relay.weight());
    let back = ledger.reclaim(0);
    assert_eq!(format!("{back:?}"), format!("{:?}", [&relay]));
    let bodies = back.iter().map(|event| match event {
        Event::Relay { body, .. } => body.get(),
        _ => "",
    });
    assert_eq!(bodies.collect::<Vec<_>>(), [body.get()]);
}

#[test]
fn what_has_not_left_comes_back_in_order() {
    let mut ledger = Ledger::default();
    ledger.push(None, answer(10));
    for event in (1..=4).map(event) {
        let charge = Charge::of(Some(&event), 10);
        ledger.push(Some(Kept::Event(event)), charge);
    }
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
    while ledger.has_room(0, answer(100_000)) {
        ledger.push(None, answer(100_000));
        handed += 1;
    }
    assert_eq!(handed, MAX_QUEUED_BYTES / (100_000 + MESSAGE_OVERHEAD));
    assert!(ledger.has_room(1, answer(100_000)));
    let most = MAX_QUEUED_BYTES - MESSAGE_OVERHEAD;
    assert!(ledger.has_room(handed as u64, answer(most)));
}
