use uuid::Uuid;

use super::*;

fn peer(number: u128) -> PeerId {
    PeerId::new(Uuid::from_u128(number))
}

/// Receipts in a room that so many other nodes serve.
fn among(others: usize) -> Receipts {
    let receipts = Receipts::default();
    receipts.expect((0..others).map(node).collect());
    receipts
}

fn node(number: usize) -> NodeId {
    NodeId::from(&*format!("n{number}/a"))
}

/// A node, which had the peers, is taken for dead; its connection was lost before all that was
/// published.
fn lose(receipts: &Receipts, of: usize, peers: &[PeerId]) {
    claim(receipts, of, peers, "heir", true);
    receipts.note_absent(u64::MAX, vec![node(of)]);
}

fn claim(receipts: &Receipts, of: usize, peers: &[PeerId], by: &str, gone: bool) -> u64 {
    let peers: Vec<_> = peers.iter().map(|peer| (*peer, node(of))).collect();
    receipts.claimed(&peers, &by.into(), gone)
}

fn missed(receipts: &Receipts, peers: &[PeerId]) -> Vec<Bytes> {
    let missed = receipts.missed_by(peers).into_iter();
    missed.map(|(payload, _)| payload).collect()
}

#[test]
fn what_all_got_is_not_kept() {
    let receipts = among(2);
    receipts.heard(9, true);
    receipts.published(1, 3, &"all".into());
    receipts.published(2, 2, &"some".into());
    receipts.published(3, 4, &"more".into());
    lose(&receipts, 0, &[peer(1)]);
    assert_eq!(missed(&receipts, &[peer(1)]), ["some"]);
}

#[test]
fn what_was_missed_is_given_out_in_order_and_once_for_each_peer() {
    let receipts = among(1);
    receipts.heard(9, true);
    for number in [3, 2, 1] {
        receipts.published(number, 1, &number.to_string().into());
    }
    lose(&receipts, 0, &[peer(1), peer(2)]);
    assert_eq!(missed(&receipts, &[peer(1)]), ["1", "2", "3"]);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
    assert_eq!(missed(&receipts, &[peer(1), peer(2)]).len(), 3);
}

#[test]
fn what_comes_after_on_the_channel_is_not_given_out() {
    let receipts = among(1);
    receipts.published(5, 1, &"late".into());
    receipts.heard(4, true);
    lose(&receipts, 0, &[peer(1)]);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn the_oldest_go_beyond_the_bound() {
    let receipts = among(1);
    receipts.heard(u64::MAX, true);
    for number in 0..MAX_MESSAGES as u64 + 5 {
        receipts.published(number, 1, &number.to_string().into());
    }
    lose(&receipts, 0, &[peer(1)]);
    let left = missed(&receipts, &[peer(1)]);
    assert_eq!((left.len(), &*left[0]), (MAX_MESSAGES, &b"5"[..]));
}

#[test]
fn what_is_said_after_a_claim_is_for_the_claimer_to_keep() {
    let receipts = among(1);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    claim(&receipts, 0, &[peer(1)], "n2/a", false);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    lose(&receipts, 0, &[peer(2)]);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    assert_eq!(missed(&receipts, &[peer(2)]).len(), 2);
}

#[test]
fn what_was_missed_is_known_once_redis_has_answered_all_that_came_back() {
    let receipts = among(1);
    receipts.published(1, 1, &"first".into());
    receipts.heard(1, true);
    receipts.heard(2, true);
    receipts.heard(3, false);
    let last = claim(&receipts, 0, &[peer(1)], "n2/a", false);
    assert!(!receipts.is_answered(last));
    receipts.published(2, 1, &"second".into());
    assert!(!receipts.is_answered(last), "nor who did not get it");
    receipts.note_absent(1, vec![node(0)]);
    assert!(!receipts.is_answered(last));
    receipts.note_absent(2, vec![node(0)]);
    assert!(receipts.is_answered(last));
    assert_eq!(missed(&receipts, &[peer(1)]), ["first", "second"]);
}

#[test]
fn who_takes_over_what_it_had_asked_for_has_kept_the_rest() {
    let receipts = among(1);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    claim(&receipts, 0, &[peer(1)], "n2/a", false);
    receipts.note_absent(1, vec![node(0)]);
    assert!(!receipts.is_gone(peer(1)));
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    claim(&receipts, 0, &[peer(1)], "n2/a", true);
    receipts.note_absent(2, vec![node(0)]);
    assert!(receipts.is_gone(peer(1)));
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn who_takes_over_what_another_had_asked_for_is_told_all() {
    let receipts = among(1);
    receipts.published(1, 1, &"before".into());
    receipts.heard(1, true);
    claim(&receipts, 0, &[peer(1)], "n2/a", false);
    receipts.note_absent(1, vec![node(0)]);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before"]);
    receipts.published(2, 1, &"after".into());
    receipts.heard(2, true);
    claim(&receipts, 0, &[peer(1)], "n3/b", true);
    receipts.note_absent(2, vec![node(0)]);
    assert_eq!(missed(&receipts, &[peer(1)]), ["before", "after"]);
}

#[test]
fn what_another_node_did_not_get_is_not_said_again_to_peers_that_heard_it() {
    let receipts = among(2);
    receipts.published(1, 2, &"not for the second".into());
    receipts.heard(1, true);
    receipts.note_absent(1, vec![node(1)]);
    claim(&receipts, 0, &[peer(1)], "heir", true);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
    claim(&receipts, 1, &[peer(2)], "heir", true);
    assert_eq!(missed(&receipts, &[peer(2)]), ["not for the second"]);
}

#[test]
fn what_a_node_did_not_get_that_is_there_again_is_not_said_again() {
    let receipts = among(1);
    receipts.published(1, 1, &"while it subscribed again".into());
    receipts.heard(1, true);
    receipts.note_absent(1, Vec::new());
    claim(&receipts, 0, &[peer(1)], "heir", true);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn what_was_said_again_is_not_once_more_when_the_heir_is_lost_too() {
    let receipts = among(2);
    receipts.published(1, 2, &"once".into());
    receipts.heard(1, true);
    receipts.note_absent(1, vec![node(0)]);
    claim(&receipts, 0, &[peer(1)], node(1).as_str(), true);
    assert_eq!(missed(&receipts, &[peer(1)]), ["once"]);
    claim(&receipts, 1, &[peer(1)], "third", true);
    assert_eq!(missed(&receipts, &[peer(1)]), Vec::<Bytes>::new());
}

#[test]
fn who_lost_the_connection_since_is_not_taken_for_one_that_did_not_get_it() {
    let receipts = among(2);
    receipts.published(1, 2, &"one did not get it".into());
    receipts.published(2, 1, &"nobody got it".into());
    receipts.heard(2, true);
    receipts.note_absent(2, vec![node(0), node(1)]);
    claim(&receipts, 0, &[peer(1)], "heir", true);
    assert_eq!(missed(&receipts, &[peer(1)]), ["nobody got it"]);
}
