//! Histories that random steps reach too seldom, or that deserve a name.

use switchboard::core::{LeaveReason, PeerId, RelayKind};

use crate::{
    model::{Claim, WINDOW},
    ops::SplitMix,
    outbox::Health,
    world::{World, member},
};

const MIDDLE: usize = 1;

/// A room of so many.
fn meeting(people: usize) -> (World, Vec<Claim>) {
    let mut world = World::new();
    for actor in 0..people {
        let conn = world.out.open(Health::Open);
        world.join(actor, MIDDLE, conn);
    }
    let claims = (0..people).filter_map(|actor| world.claim(actor)).collect();
    (world, claims)
}

fn is_in(world: &World, peer: PeerId) -> bool {
    world.places[MIDDLE].find(peer).is_some()
}

#[test]
fn a_peer_that_cannot_take_its_welcome_leaves_no_ghost() {
    let (mut world, _) = meeting(2);
    let conn = world.out.open(Health::Clogging(0));
    let peer = world.join(2, MIDDLE, conn);
    assert!(!is_in(&world, peer));
}

#[test]
fn a_peer_to_whom_too_much_waits_is_dropped_whole_and_cannot_come_back() {
    for bytes in [0, 480_000] {
        let (mut world, people) = meeting(3);
        world.lose(people[2]);
        let sent = (0..6_000).take_while(|_| {
            world.relay(people[1], people[2].peer, RelayKind::Ice, bytes);
            is_in(&world, people[2].peer)
        });
        let kept = sent.count();
        assert!((3..6_000).contains(&kept), "{kept} events were kept");
        let conn = world.out.open(Health::Open);
        let peer = (MIDDLE, people[2].peer);
        world.resume(peer, &member(2).user, None, conn);
        assert!(!world.expire(MIDDLE, people[2].peer, WINDOW * 2));
    }
}

#[test]
fn all_that_the_bounds_allow_is_replayed_in_order() {
    let (mut world, people) = meeting(3);
    world.out.ail(people[2].conn, Health::Dying(0));
    for n in 0..500 {
        let by = people[n % 2];
        match n % 3 {
            0 => world.relay(by, people[2].peer, RelayKind::Offer, 50),
            1 => world.chat(by, "Are you there?", None),
            _ => world.relay(by, people[2].peer, RelayKind::Ice, 50),
        }
    }
    world.lose(people[2]);
    assert!(world.recover(people[2]).is_some());
}

#[test]
fn a_replay_that_breaks_off_goes_on_at_the_next_resumption() {
    let (mut world, people) = meeting(3);
    world.lose(people[2]);
    for _ in 0..10 {
        world.chat(people[0], "Wait for me.", None);
    }
    world.leave(people[1]);
    for taken in [0, 1, 4] {
        let conn = world.out.open(Health::Dying(taken));
        let peer = (MIDDLE, people[2].peer);
        world.resume(peer, &member(2).user, None, conn);
        world.chat(people[0], "And another thing.", None);
    }
    assert!(world.recover(people[2]).is_some());
}

#[test]
fn a_whole_room_that_stops_reading_goes_at_once() {
    let (mut world, people) = meeting(6);
    for by in &people[..5] {
        world.out.ail(by.conn, Health::Clogging(0));
    }
    world.chat(people[0], "Anybody?", None);
    assert_eq!(world.places[MIDDLE].host, Some(people[5].peer));
    assert_eq!(world.places[MIDDLE].room.len(), 1);
}

/// Guards the guards: histories that never get to the point would pass whatever happens.
#[test]
fn random_histories_get_to_the_point() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..100 {
        let mut random = SplitMix(seed);
        let mut world = World::new();
        (0..150).for_each(|_| world.apply(&random.op()));
        for (what, times) in world.seen {
            *seen.entry(what).or_insert(0) += times;
        }
    }
    let expected = [
        "a full room",
        "a name that is taken",
        "a live takeover",
        "a re-sent message",
        "a refused resumption",
        "a replay",
        "a slow reader or an overflow",
        "another host",
    ];
    for what in expected {
        assert!(seen.get(what).is_some_and(|n| *n >= 30), "{what}: {seen:?}");
    }
    for reason in [
        LeaveReason::Left,
        LeaveReason::Kicked,
        LeaveReason::Disconnected,
    ] {
        let what = format!("{reason:?}");
        assert!(
            seen.get(&*what).is_some_and(|n| *n >= 30),
            "{what}: {seen:?}"
        );
    }
}
