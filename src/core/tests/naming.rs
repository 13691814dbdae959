use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::*;
use crate::core::{
    CutReason, Event, Gossip, Limits, Member, Mode, Newcomer, Outbox, Refusal, ResumeSecret,
    RoomId, Sent,
};

struct Nobody;

impl Outbox<u8> for Nobody {
    type Prepared<'e> = ();

    fn prepare<'e>(&mut self, _: &'e Event<'e>, _: usize) {}

    fn send(&mut self, _: &u8, (): &()) -> Sent {
        Sent::Queued
    }

    fn reclaim(&mut self, _: &u8) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, _: &u8, _: CutReason) {}

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, _: Gossip<'_>) {}
}

fn peer(number: u8) -> PeerId {
    PeerId::new(Uuid::from_u128(u128::from(number)))
}

fn room() -> Room<u8> {
    let limits = Limits {
        max_p2p_peers: 9,
        max_sfu_peers: 9,
        reconnect_window: Duration::from_secs(5),
    };
    let (id, code) = (RoomId::new("r"), "r".parse().unwrap());
    Room::new(id, code, Mode::P2p, limits, "n".into())
}

fn join(room: &mut Room<u8>, number: u8, user: &str, alias: Option<&str>) -> Result<(), Refusal> {
    room.join(newcomer(number, user, alias), &mut Nobody)
}

fn newcomer(number: u8, user: &str, alias: Option<&str>) -> Newcomer<u8> {
    Newcomer {
        peer: peer(number),
        secret: ResumeSecret::new([number; 16]),
        member: Arc::new(Member {
            user: user.into(),
            username: "name".into(),
            alias: alias.map(Into::into),
        }),
        conn: number,
        now: 0,
    }
}

#[test]
fn a_place_that_was_reserved_is_had_in_a_room_that_looks_full_but_not_a_name() {
    let mut room = room();
    for number in 1..=9 {
        let alias = format!("name {number}");
        join(&mut room, number, "user", Some(&alias)).unwrap();
    }
    assert_eq!(join(&mut room, 10, "user", None), Err(Refusal::RoomFull));
    let taken = newcomer(10, "user", Some("name 1"));
    let refused = room.join_reserved(taken, &mut Nobody);
    assert_eq!(refused, Err(Refusal::NameTaken));
    let reserved = room.join_reserved(newcomer(10, "user", None), &mut Nobody);
    assert_eq!(reserved, Ok(()));
    assert_eq!(room.len(), 10);
}

fn find(room: &Room<u8>, by: u8, name: &str) -> Vec<PeerId> {
    let (peer, conn) = (peer(by), &by);
    room.find(Seat { peer, conn }, name).to_vec()
}

fn find_by_id(room: &Room<u8>, by: u8, id: &str) -> Vec<PeerId> {
    let (peer, conn) = (peer(by), &by);
    room.find_by_id(Seat { peer, conn }, id).to_vec()
}

#[test]
fn a_name_is_one_peers_as_long_as_it_is_there() {
    let mut room = room();
    join(&mut room, 1, "anna", Some("camera")).unwrap();
    join(&mut room, 2, "ben", None).unwrap();
    for taken in ["camera", "anna", "ben"] {
        assert_eq!(
            join(&mut room, 3, "cleo", Some(taken)),
            Err(Refusal::NameTaken),
            "{taken}"
        );
    }
    join(&mut room, 3, "cleo", Some("Camera")).unwrap();
    let (peer, conn) = (peer(1), &1);
    room.leave(Seat { peer, conn }, &mut Nobody);
    join(&mut room, 4, "cleo", Some("camera")).unwrap();
    join(&mut room, 5, "cleo", Some("anna")).unwrap();
    assert_eq!(room.len(), 4);
}

#[test]
fn a_name_leads_to_a_peer_by_its_id_then_to_a_user_then_to_whom_it_was_given() {
    let mut room = room();
    let id = peer(2).to_string();
    join(&mut room, 1, "anna", Some("camera")).unwrap();
    join(&mut room, 2, "anna", None).unwrap();
    let pretended = join(&mut room, 3, "ben", Some(&id));
    assert_eq!(pretended, Err(Refusal::NameTaken), "it is another's id");
    join(&mut room, 3, "ben", None).unwrap();
    assert_eq!(find(&room, 2, "camera"), [peer(1)]);
    join(&mut room, 4, "camera", None).unwrap();
    assert_eq!(find(&room, 2, "camera"), [peer(4)], "the user");
    assert_eq!(find(&room, 1, &id), [peer(2)]);
    assert_eq!(find(&room, 1, &peer(4).to_string()), [peer(4)]);
    assert_eq!(find(&room, 3, "anna"), [peer(1), peer(2)]);
    assert_eq!(find(&room, 3, "nobody"), []);
}

#[test]
fn a_name_that_was_taken_before_its_user_came_gets_nothing_that_is_meant_for_the_user() {
    let mut room = room();
    let id = peer(3).to_string();
    join(&mut room, 1, "mallory", Some("ben")).unwrap();
    join(&mut room, 2, "mallory", Some(&id)).unwrap();
    join(&mut room, 3, "ben", None).unwrap();
    join(&mut room, 4, "ben", None).unwrap();
    join(&mut room, 5, "anna", None).unwrap();
    for find in [find, find_by_id] {
        assert_eq!(find(&room, 5, "ben"), [peer(3), peer(4)]);
        assert_eq!(find(&room, 5, &id), [peer(3)]);
        assert_eq!(find(&room, 3, "ben"), [peer(4)]);
        assert_eq!(find(&room, 3, &id), [], "itself, and nobody in its place");
    }
}

#[test]
fn those_that_know_ids_only_do_not_find_names() {
    let mut room = room();
    join(&mut room, 1, "anna", Some("camera")).unwrap();
    join(&mut room, 2, "ben", None).unwrap();
    assert_eq!(find(&room, 2, "camera"), [peer(1)]);
    assert_eq!(find_by_id(&room, 2, "camera"), []);
    assert_eq!(find_by_id(&room, 2, "anna"), [peer(1)]);
}

#[test]
fn nobody_means_itself_and_an_outsider_nobody() {
    let mut room = room();
    join(&mut room, 1, "anna", Some("camera")).unwrap();
    join(&mut room, 2, "anna", None).unwrap();
    assert_eq!(find(&room, 1, "anna"), [peer(2)]);
    assert_eq!(find(&room, 1, "camera"), []);
    assert_eq!(find(&room, 1, &peer(1).to_string()), []);
    let (peer, conn) = (peer(1), &2);
    assert!(room.find(Seat { peer, conn }, "anna").is_empty());
}
