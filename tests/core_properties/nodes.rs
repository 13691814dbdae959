//! Rooms that span nodes: what each case alone comes to. `tests/simulation` has all at once.

use std::time::Duration;

use serde_json::value::to_raw_value;
use switchboard::core::{Gossip, HistoryQuery, LeaveReason, RelayKind, Seat, Waiting};

use crate::pair::{A, B, Nodes, WINDOW, id, peer, record, room, secret};

#[test]
fn a_peer_that_moves_gets_all_it_missed_in_order_and_a_new_secret() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.chat(A, 1, "one");
    nodes.pass_on();
    nodes.claim(A, 2, secret(2), 3);
    nodes.chat(A, 1, "two");
    nodes.pass_on();
    assert!(nodes.holds(A, 2, 3) && !nodes.rooms[A].is_arriving(peer(2)));
    assert_eq!(nodes.told(A, 3), ["resumed 2", "one", "two"]);
    assert!(
        nodes.resume(A, 2, secret(2), 4),
        "it may not know the newest"
    );
    assert!(!nodes.resume(A, 2, secret(5), 5), "one that never was");
    assert!(nodes.resume(A, 2, secret(4), 5), "the newest");
}

#[test]
fn what_a_peer_heard_before_it_moved_and_others_hear_later_comes_once() {
    let mut nodes = Nodes::new();
    nodes.join(B, 3);
    nodes.pass_on();
    nodes.chat(B, 2, "one");
    nodes.lose(B, 3);
    nodes.chat(B, 2, "two");
    let waiting = nodes.lose_gossip(B);
    nodes.claim(A, 3, secret(3), 4);
    nodes.pass_on();
    nodes.chat(A, 1, "meanwhile");
    nodes.pass_on();
    for said in waiting {
        nodes.hear(A, B, said);
    }
    nodes.chat(B, 2, "three");
    nodes.pass_on();
    assert_eq!(nodes.told(B, 3), ["joined", "one"]);
    let told = nodes.told(A, 4);
    assert_eq!(told, ["resumed 1", "two", "meanwhile", "three"]);
    let told = nodes.told(A, 1);
    assert_eq!(told, ["+3", "meanwhile", "one", "two", "three"]);
}

#[test]
fn whom_a_node_waits_for_that_ends_another_waits_for_with_all_they_missed() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.chat(A, 1, "one");
    nodes.pass_on();
    nodes.relay(A, 1, 2, "before it is asked for").unwrap();
    nodes.claim_all(A);
    nodes.relay(A, 1, 2, "before it has come").unwrap();
    nodes.pass_on();
    nodes.chat(A, 1, "after that");
    nodes.pass_on();
    assert!(!nodes.rooms[B].has_own() && !nodes.rooms[A].is_arriving(peer(2)));
    assert!(nodes.resume(A, 2, secret(2), 3));
    assert_eq!(
        nodes.told(A, 3),
        [
            "resumed 4",
            "one",
            "\"before it is asked for\"",
            "\"before it has come\"",
            "after that"
        ]
    );
    assert_eq!(nodes.told(A, 1), ["one", "after that"]);
}

#[test]
fn who_is_connected_to_a_node_that_ends_stays_until_that_is_lost() {
    let mut nodes = Nodes::new();
    nodes.claim_all(A);
    nodes.pass_on();
    assert!(nodes.holds(B, 2, 2) && nodes.said[B].cuts.is_empty());
    nodes.lose(B, 2);
    nodes.claim_all(A);
    nodes.pass_on();
    assert!(!nodes.rooms[B].has_own());
    assert!(nodes.rooms[A].awaits(peer(2)));
}

#[test]
fn who_comes_back_while_it_is_handed_on_is_seated() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.chat(A, 1, "one");
    nodes.pass_on();
    nodes.claim_all(A);
    nodes.claim(A, 2, secret(2), 3);
    nodes.pass_on();
    assert!(nodes.holds(A, 2, 3));
    assert_eq!(nodes.told(A, 3), ["resumed 1", "one"]);
}

#[test]
fn who_is_not_waited_for_any_more_leaves_where_it_was_handed_on() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.claim_all(A);
    nodes.pass_on();
    assert!(nodes.rooms[A].expire(peer(2), WINDOW, &mut nodes.said[A]));
    assert_eq!(nodes.told(A, 1), ["-2 Disconnected"]);
}

#[test]
fn only_the_node_that_has_a_peer_says_whether_a_secret_is_right() {
    let mut nodes = Nodes::new();
    assert!(nodes.resume(B, 2, secret(2), 6));
    nodes.lose_gossip(B);
    nodes.claim(A, 2, secret(6), 3);
    nodes.pass_on();
    assert!(
        nodes.holds(A, 2, 3),
        "the other node has not heard of the secret"
    );

    let mut nodes = Nodes::new();
    nodes.claim(A, 2, secret(9), 3);
    nodes.pass_on();
    assert!(!nodes.holds(A, 2, 3) && !nodes.rooms[A].is_arriving(peer(2)));
    assert!(nodes.holds(B, 2, 2) && nodes.said[B].cuts.is_empty());
}

#[test]
fn secrets_are_told_so_that_any_node_can_take_over() {
    let mut nodes = Nodes::new();
    assert!(nodes.resume(B, 2, secret(2), 6));
    nodes.pass_on();
    nodes.hear(A, A, Gossip::Adopted(vec![peer(2)]));
    assert!(!nodes.resume(A, 2, secret(7), 3));
    assert!(nodes.resume(A, 2, secret(6), 3));
}

#[test]
fn a_peer_of_a_node_that_is_gone_is_waited_for_and_then_leaves_for_that_reason() {
    let mut nodes = Nodes::new();
    assert_eq!(nodes.hear(A, A, Gossip::Adopted(vec![peer(2)])), 1);
    nodes.chat(A, 1, "still there?");
    assert!(!nodes.rooms[A].expire(peer(2), WINDOW / 2, &mut nodes.said[A]));
    assert!(nodes.rooms[A].expire(peer(2), WINDOW, &mut nodes.said[A]));
    assert_eq!(nodes.told(A, 1), ["still there?", "-2 NodeLost"]);
}

#[test]
fn what_is_said_again_to_an_adopted_peer_comes_before_what_was_said_since() {
    let mut nodes = Nodes::new();
    nodes.hear(A, A, Gossip::Adopted(vec![peer(2)]));
    nodes.relay(A, 1, 2, "three").unwrap();
    for missed in [vec![relay("one")], vec![relay("two")]] {
        let (peer, gone) = (peer(2), true);
        nodes.hear(A, A, Gossip::Again { peer, gone, missed });
    }
    assert!(nodes.resume(A, 2, secret(2), 3));
    let told = nodes.told(A, 3);
    assert_eq!(told, ["resumed 3", "\"one\"", "\"two\"", "\"three\""]);
}

/// A candidate from the first peer for the second, as it waits.
fn relay(candidate: &str) -> Waiting {
    let body = to_raw_value(candidate).unwrap();
    Waiting::Relay(RelayKind::Ice, peer(1), None, peer(2), body)
}

#[test]
fn an_adopted_peer_that_the_room_does_not_know_loses_its_record() {
    let mut nodes = Nodes::new();
    nodes.hear(A, A, Gossip::Adopted(vec![peer(7)]));
    let said = nodes.lose_gossip(A);
    assert!(matches!(&*said, [Gossip::Left { peer: gone, .. }] if *gone == peer(7)));
}

#[test]
fn a_room_made_for_an_adoption_keeps_the_peers_until_it_is_heard() {
    let mut nodes = Nodes::new();
    nodes.rooms[A] = room(A);
    let records = nodes.records([A, A]);
    nodes.refresh(A, records);
    assert!(!nodes.rooms[A].is_served_here());
    let adopted = Gossip::Adopted(vec![peer(1), peer(2)]);
    assert_eq!(nodes.hear(A, A, adopted), 2);
    assert!(nodes.lose_gossip(A).is_empty());
    assert!(nodes.resume(A, 2, secret(2), 3));
}

#[test]
fn a_connected_peer_that_was_taken_over_is_asked_back_as_if_nothing_had_been() {
    let mut nodes = Nodes::new();
    nodes.chat(B, 2, "before");
    nodes.pass_on();
    nodes.forget();
    nodes.hear(B, B, Gossip::Adopted(vec![peer(1)]));
    nodes.chat(B, 2, "meanwhile");
    let meanwhile = nodes.lose_gossip(B);
    nodes.hear(A, B, Gossip::Adopted(vec![peer(1)]));
    nodes.relay(A, 1, 2, "it goes on speaking").unwrap();
    for said in meanwhile {
        nodes.hear(A, B, said);
    }
    nodes.pass_on();
    assert!(nodes.holds(A, 1, 1) && nodes.said[A].cuts.is_empty());
    assert_eq!(nodes.told(A, 1), ["meanwhile"]);
    assert_eq!(nodes.told(B, 2), ["meanwhile", "\"it goes on speaking\""]);
    assert!(nodes.rooms[A].own_records().iter().any(|r| r.id == peer(1)));
}

#[test]
fn a_connection_gives_way_if_its_peer_is_connected_where_it_was_taken_over() {
    let mut nodes = Nodes::new();
    nodes.hear(B, B, Gossip::Adopted(vec![peer(1)]));
    assert!(nodes.resume(B, 1, secret(1), 3));
    nodes.refresh(A, nodes.records([B, B]));
    nodes.pass_on();
    assert_eq!(nodes.said[A].cuts, [1]);
    assert!(nodes.holds(B, 1, 3) && !nodes.holds(A, 1, 1));
}

#[test]
fn a_message_that_is_passed_on_again_is_heard_once() {
    let mut nodes = Nodes::new();
    nodes.chat(A, 1, "hello");
    for said in nodes.lose_gossip(A) {
        nodes.hear(B, A, said.clone());
        nodes.hear(B, A, said);
    }
    assert_eq!(nodes.told(B, 2), ["hello"]);
    let seat = Seat {
        peer: peer(2),
        conn: &2,
    };
    let query = HistoryQuery {
        before: None,
        limit: 9,
    };
    assert_eq!(nodes.rooms[B].history(seat, query).unwrap().len(), 1);
}

/// The node may have said that it has the peer just before it heard.
#[test]
fn a_node_whose_peer_was_removed_elsewhere_takes_it_back_too() {
    let mut nodes = Nodes::new();
    let (peer, reason, note) = (peer(2), LeaveReason::Kicked, "".into());
    nodes.hear(B, A, Gossip::Left { peer, reason, note });
    assert_eq!(nodes.told(B, 2), ["kicked"]);
    let said = nodes.lose_gossip(B);
    assert!(matches!(&*said, [Gossip::Left { peer: gone, .. }] if *gone == peer));
}

#[test]
fn the_records_of_a_room_bring_in_whom_nobody_told_of_and_take_out_the_doubtful() {
    let mut nodes = Nodes::new();
    let mut roster = nodes.records([A, B]);
    roster[1].0.id = peer(3);
    nodes.refresh(A, roster.clone());
    assert_eq!(nodes.told(A, 1), ["+3"], "and 2 is not yet doubtful");
    let (room, said) = (&mut nodes.rooms[A], &mut nodes.said[A]);
    room.refresh(roster, &[peer(2), peer(3)], WINDOW, said);
    assert_eq!(nodes.told(A, 1), ["+3", "-2 Disconnected"]);
    assert!(nodes.lose_gossip(A).is_empty(), "all find that themselves");
}

#[test]
fn a_peer_that_was_given_away_unheard_is_waited_for_where_the_records_have_it() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.claim(A, 2, secret(2), 3);
    let claim = nodes.lose_gossip(A).remove(0);
    nodes.hear(B, A, claim);
    assert_eq!(nodes.lose_gossip(B).len(), 1, "the handover is lost");
    assert_eq!(nodes.refresh(B, nodes.records([A, B])), 1);
    assert!(nodes.rooms[B].awaits(peer(2)));
}

#[test]
fn a_peer_that_came_unheard_is_seated_when_nothing_can_be_under_way_any_more() {
    let mut nodes = Nodes::new();
    nodes.claim(A, 2, secret(2), 3);
    nodes.lose_gossip(A);
    let ours = nodes.records([A, A]);
    nodes.refresh(A, ours.clone());
    nodes.now = WINDOW;
    nodes.refresh(A, ours.clone());
    assert!(nodes.rooms[A].is_arriving(peer(2)), "nothing was lost");
    nodes.rooms[A].lose_touch();
    nodes.refresh(A, ours.clone());
    assert!(nodes.rooms[A].is_arriving(peer(2)), "it may be under way");
    nodes.now += Duration::from_millis(1_500);
    nodes.refresh(A, ours);
    assert!(nodes.holds(A, 2, 3));
}

#[test]
fn a_handover_that_nobody_waits_for_any_more_opens_a_window() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.claim(A, 2, secret(2), 3);
    let claim = nodes.lose_gossip(A).remove(0);
    let denied = Gossip::Denied {
        to: id(A),
        peer: peer(2),
    };
    nodes.hear(A, B, denied);
    nodes.hear(B, A, claim);
    let handover = nodes.lose_gossip(B).remove(0);
    assert_eq!(nodes.hear(A, B, handover), 1);
    assert!(nodes.rooms[A].awaits(peer(2)));
}

/// It did not hear the claim, and kept what the claimer thinks that it has to keep.
#[test]
fn what_was_kept_for_a_peer_is_dropped_if_its_node_was_deaf() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.claim(A, 2, secret(2), 3);
    let claim = nodes.lose_gossip(A).remove(0);
    nodes.hear(A, A, claim);
    nodes.relay(A, 1, 2, "once").unwrap();
    nodes.pass_on();
    let roster = Gossip::Roster {
        peers: vec![record(2)],
        deaf: true,
        mode: None,
        host: None,
    };
    nodes.hear(A, B, roster);
    nodes.pass_on();
    assert_eq!(nodes.told(A, 3), ["resumed 1", "\"once\""]);
}
