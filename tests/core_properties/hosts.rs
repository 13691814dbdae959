//! Who hosts a room that spans nodes.

use proptest::prelude::*;
use switchboard::core::{Gossip, Refusal, Room};

use crate::pair::{A, B, Nodes, WINDOW, peer, room, secret};

impl Nodes {
    /// The node says all that it has, as when it finds other records than it should have.
    fn roster(&self, node: usize) -> Gossip<'static> {
        let room = &self.rooms[node];
        Gossip::Roster {
            peers: room.own_records(),
            deaf: false,
            mode: None,
            host: room.appointed(),
        }
    }

    fn hosts(&self) -> [u32; 2] {
        let host = |room: &Room<_>| room.host().unwrap().as_uuid().as_u128();
        [A, B].map(|node| u32::try_from(host(&self.rooms[node])).unwrap())
    }
}

#[test]
fn the_appointed_hosts_on_every_node_and_may_do_what_a_host_may() {
    let mut nodes = Nodes::new();
    assert_eq!(nodes.appoint(B, 2, 2), Err(Refusal::NotHost));
    nodes.appoint(A, 1, 2).unwrap();
    nodes.pass_on();
    assert_eq!(nodes.hosts(), [2, 2]);
    assert_eq!(nodes.told(A, 1), ["host 2"]);
    assert_eq!(nodes.told(B, 2), ["host 2"]);
    assert_eq!(nodes.appoint(A, 1, 2), Err(Refusal::NotHost));
    nodes.appoint(B, 2, 1).unwrap();
    nodes.pass_on();
    assert_eq!(nodes.hosts(), [1, 1]);
}

#[test]
fn of_two_hosts_that_nodes_appointed_apart_all_take_the_same() {
    let mut nodes = Nodes::new();
    nodes.join(A, 3);
    nodes.pass_on();
    nodes.appoint(A, 1, 2).unwrap();
    let unheard = nodes.lose_gossip(A);
    // Taken for gone, the first peer is removed on the other node, where the second hosts then.
    nodes.rooms[B].refresh(vec![], &[peer(1)], WINDOW, &mut nodes.said[B]);
    nodes.appoint(B, 2, 3).unwrap();
    nodes.pass_on();
    for said in unheard {
        nodes.hear(B, A, said);
    }
    assert_eq!(nodes.hosts(), [3, 3], "of one term the greater id");
}

#[test]
fn a_peer_that_moves_is_told_of_the_host_that_it_does_not_know() {
    let mut nodes = Nodes::new();
    nodes.lose(B, 2);
    nodes.claim(A, 2, secret(2), 3);
    nodes.appoint(A, 1, 2).unwrap();
    nodes.pass_on();
    assert_eq!(nodes.told(A, 3), ["resumed 1", "host 2"]);
}

#[test]
fn a_peer_that_moves_is_not_told_again_of_a_host_that_it_knows() {
    let mut nodes = Nodes::new();
    nodes.appoint(A, 1, 2).unwrap();
    nodes.pass_on();
    nodes.claim(A, 2, secret(2), 3);
    nodes.pass_on();
    assert_eq!(nodes.told(A, 3), ["resumed 0"]);
}

#[test]
fn a_node_that_begins_to_serve_a_room_reads_who_hosts_it() {
    let mut nodes = Nodes::new();
    nodes.appoint(A, 1, 2).unwrap();
    nodes.pass_on();
    let kept = nodes.rooms[B].appointed();
    nodes.rooms[A] = room(A);
    nodes.rooms[A].change_host(kept, &mut nodes.said[A]);
    let records = nodes.records([B, B]);
    nodes.refresh(A, records);
    assert_eq!(nodes.hosts(), [2, 2]);
}

/// What happens in a room of two nodes: either may appoint whom it takes for the host's choice,
/// what it says may be lost, or be passed on.
#[derive(Clone, Debug)]
enum Step {
    Appoint { node: usize, target: u32 },
    Lose { node: usize },
    PassOn,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..2_usize, 1..7_u32).prop_map(|(node, target)| Step::Appoint { node, target }),
        1 => (0..2_usize).prop_map(|node| Step::Lose { node }),
        2 => Just(Step::PassOn),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_lost_all_nodes_come_to_the_same_host(steps in steps()) {
        let mut nodes = Nodes::new();
        for number in 3..7 {
            nodes.join((number as usize + 1) % 2, number);
            nodes.pass_on();
        }
        for step in steps {
            match step {
                Step::Appoint { node, target } => {
                    let host = nodes.hosts()[node];
                    // Each node has those of its own number.
                    let here = host as usize % 2 == usize::from(node == A);
                    let done = if here { nodes.appoint(node, host, target).is_ok() } else { false };
                    prop_assert!(!here || done);
                    prop_assert!(!here || nodes.hosts()[node] == target);
                }
                Step::Lose { node } => drop(nodes.lose_gossip(node)),
                Step::PassOn => nodes.pass_on(),
            }
        }
        nodes.pass_on();
        for (node, other) in [(A, B), (B, A)] {
            let roster = nodes.roster(node);
            nodes.hear(other, node, roster);
        }
        prop_assert_eq!(nodes.hosts()[A], nodes.hosts()[B]);
        for (node, conn) in [(A, 1), (B, 2)] {
            let last = nodes.told(node, conn).into_iter().rfind(|told| told.starts_with("host"));
            let known = last.map_or(1, |told| told[5..].parse().unwrap());
            prop_assert_eq!(known, nodes.hosts()[node], "what {} was told", conn);
        }
    }
}
