use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::*;
use crate::core::{CutReason, Limits, Member, Mode, Newcomer, ResumeSecret, RoomId, Sent};

/// Who was told of which host, and what other nodes were told.
#[derive(Default)]
struct Told {
    here: Vec<(u8, PeerId)>,
    elsewhere: Vec<HostState>,
}

impl Outbox<u8> for Told {
    type Prepared<'e> = &'e Event<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> &'e Event<'e> {
        event
    }

    fn send(&mut self, to: &u8, event: &&Event<'_>) -> Sent {
        if let Event::HostChanged { host, .. } = event {
            self.here.push((*to, *host));
        }
        Sent::Queued
    }

    fn reclaim(&mut self, _: &u8) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, _: &u8, _: CutReason) {}

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, message: Gossip<'_>) {
        if let Gossip::Host(state) = message {
            self.elsewhere.push(state);
        }
    }
}

fn peer(number: u8) -> PeerId {
    PeerId::new(Uuid::from_u128(u128::from(number)))
}

fn seat(number: &u8) -> Seat<'_, u8> {
    Seat {
        peer: peer(*number),
        conn: number,
    }
}

const fn state(term: u64, number: u8) -> HostState {
    HostState {
        term,
        peer: PeerId::new(Uuid::from_u128(number as u128)),
    }
}

fn join(room: &mut Room<u8>, number: u8, out: &mut Told) {
    let newcomer = Newcomer {
        peer: peer(number),
        secret: ResumeSecret::new([number; 16]),
        member: Arc::new(Member {
            user: format!("user {number}").as_str().into(),
            username: "U".into(),
            alias: None,
        }),
        conn: number,
        now: u64::from(number),
    };
    room.join(newcomer, out).unwrap();
}

/// A room with the peers 1, 2 and 3.
fn room() -> Room<u8> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let (id, code) = (RoomId::new("r"), "r".parse().unwrap());
    let mut room = Room::new(id, code, Mode::P2p, limits, "n".into());
    for number in [1, 2, 3] {
        join(&mut room, number, &mut Told::default());
    }
    room
}

#[test]
fn all_are_told_once_of_the_host_that_was_appointed() {
    let (mut room, mut told) = (room(), Told::default());
    room.appoint(seat(&1), peer(3), &mut told).unwrap();
    assert_eq!(told.here, [1, 2, 3].map(|to| (to, peer(3))));
    assert_eq!(told.elsewhere, [state(1, 3)]);
    assert_eq!(room.host(), Some(peer(3)));
    assert_eq!(room.view(peer(2)).unwrap().host, peer(3));
    room.appoint(seat(&3), peer(1), &mut told).unwrap();
    assert_eq!(told.elsewhere, [state(1, 3), state(2, 1)]);
    assert_eq!(room.host(), Some(peer(1)));
}

#[test]
fn only_the_host_appoints_and_only_who_is_there() {
    let (mut room, mut told) = (room(), Told::default());
    let stranger = Seat {
        peer: peer(1),
        conn: &2,
    };
    let mut appoint = |seat, target| room.appoint(seat, target, &mut told);
    assert_eq!(appoint(stranger, peer(2)), Err(Refusal::NotInRoom));
    assert_eq!(appoint(seat(&2), peer(2)), Err(Refusal::NotHost));
    assert_eq!(appoint(seat(&2), peer(9)), Err(Refusal::NotHost));
    assert_eq!(appoint(seat(&1), peer(9)), Err(Refusal::PeerNotFound));
    assert_eq!(appoint(seat(&1), peer(1)), Ok(()), "it is already");
    assert!(told.here.is_empty() && told.elsewhere.is_empty());
    assert_eq!(room.appointed(), None);
}

#[test]
fn when_the_appointed_leaves_the_longest_present_hosts() {
    let (mut room, mut told) = (room(), Told::default());
    room.appoint(seat(&1), peer(3), &mut told).unwrap();
    told.here.clear();
    room.leave(seat(&2), &mut told);
    assert!(told.here.is_empty(), "nothing has changed");
    room.leave(seat(&3), &mut told);
    assert_eq!(told.here, [(1, peer(1))]);
    assert_eq!(room.host(), Some(peer(1)));
}

#[test]
fn a_room_that_all_have_left_forgets_who_was_appointed() {
    let (mut room, mut told) = (room(), Told::default());
    room.appoint(seat(&1), peer(3), &mut told).unwrap();
    for number in [3, 2, 1] {
        room.leave(seat(&number), &mut told);
    }
    assert_eq!((room.host(), room.appointed()), (None, None));
}

#[test]
fn of_two_states_the_later_counts_in_whatever_order_they_are_heard() {
    let states = [state(1, 2), state(1, 3), state(2, 1), state(2, 2)];
    for first in states {
        for second in states {
            let (mut room, mut told) = (room(), Told::default());
            for state in [first, second] {
                let from = "other".into();
                room.hear(&from, Gossip::Host(state), Duration::ZERO, &mut told);
            }
            assert_eq!(room.appointed(), Some(first.max(second)));
            assert!(told.elsewhere.is_empty(), "they know");
            room.change_host(None, &mut told);
            assert_eq!(room.appointed(), Some(first.max(second)));
        }
    }
}

#[test]
fn who_was_appointed_and_is_not_known_yet_hosts_when_it_comes() {
    let (mut room, mut told) = (room(), Told::default());
    room.change_host(Some(state(4, 9)), &mut told);
    assert_eq!(room.host(), Some(peer(1)));
    assert!(told.here.is_empty());
    let mut record = room.own_records().remove(0);
    (record.id, record.joined) = (peer(9), 9);
    let came = Gossip::Joined(record);
    room.hear(&"other".into(), came, Duration::ZERO, &mut told);
    assert_eq!(told.here, [1, 2, 3].map(|to| (to, peer(9))));
    assert_eq!(room.host(), Some(peer(9)));
}
