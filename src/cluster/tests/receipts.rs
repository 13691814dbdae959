use uuid::Uuid;

use super::*;

fn peer(number: u128) -> PeerId {
    PeerId::new(Uuid::from_u128(number))
}

fn missed(receipts: &Receipts, peers: &[PeerId]) -> Vec<Bytes> {
    let missed = receipts.missed_by(peers).into_iter();
    missed.map(|(payload, _)| payload).collect()
}

#[test]
fn what_all_got_is_not_kept() {
    let receipts = Receipts::default();
    receipts.expect(3);
    receipts.heard(9, true);
    receipts.published(1, 3, &"all".into());
    receipts.published(2, 2, &"some".into());
    receipts.published(3, 4, &"more".into());
    assert_eq!(missed(&receipts, &[peer(1)]), ["some"]);
}

#[test]
fn what_was_missed_is_given_out_in_order_and_once_for_each_peer() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.heard(9, true);
    for number in [3, 2, 1] {
        receipts.published(number, 1, &number.to_string().into());
    }
    assert_eq!(missed(&receipts, &[peer(1)]), ["1", "2", "3"]);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
    assert_eq!(missed(&receipts, &[peer(1), peer(2)]).len(), 3);
}

#[test]
fn what_comes_after_on_the_channel_is_not_given_out() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.published(5, 1, &"late".into());
    receipts.heard(4, true);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn the_oldest_go_beyond_the_bound() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.heard(u64::MAX, true);
    for number in 0..MAX_MESSAGES as u64 + 5 {
        receipts.published(number, 1, &number.to_string().into());
    }
    let left = missed(&receipts, &[peer(1)]);
    assert_eq!((left.len(), &*left[0]), (MAX_MESSAGES, &b"5"[..]));
}

#[test]
fn what_is_said_after_a_claim_is_for_the_claimer_to_keep() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    receipts.claimed(&[peer(1)], &"n2/a".into(), false);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    assert_eq!(missed(&receipts, &[peer(2)]).len(), 2);
}

#[test]
fn what_was_missed_is_known_once_redis_has_answered_all_that_came_back() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.published(1, 1, &"first".into());
    receipts.heard(1, true);
    receipts.heard(2, true);
    receipts.heard(3, false);
    let last = receipts.claimed(&[peer(1)], &"n2/a".into(), false);
    assert!(!receipts.is_answered(last));
    receipts.published(2, 1, &"second".into());
    assert!(receipts.is_answered(last));
    assert_eq!(missed(&receipts, &[peer(1)]), ["first", "second"]);
}

#[test]
fn who_takes_over_what_it_had_asked_for_has_kept_the_rest() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    receipts.claimed(&[peer(1)], &"n2/a".into(), false);
    assert!(!receipts.is_gone(peer(1)));
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    receipts.claimed(&[peer(1)], &"n2/a".into(), true);
    assert!(receipts.is_gone(peer(1)));
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn who_takes_over_what_another_had_asked_for_is_told_all() {
    let receipts = Receipts::default();
    receipts.expect(2);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    receipts.claimed(&[peer(1)], &"n2/a".into(), false);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    receipts.claimed(&[peer(1)], &"n3/b".into(), true);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before", "after"]);
}
