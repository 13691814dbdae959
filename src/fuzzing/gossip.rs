//! Messages between nodes, as a room hears them.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{
    cluster::fuzzing::hear,
    core::{
        CutReason, Event, Gossip, Limits, Member, Mode, Newcomer, Outbox, PeerId, ResumeSecret,
        Room, RoomId, Seat, Sent,
    },
};

/// The most messages that one input holds, and the most bytes of it.
const MAX_MESSAGES: usize = 32;

/// Ends a message of an input.
const END: u8 = b'\n';

/// What a room with two peers tells them.
#[derive(Default)]
struct Ears {
    told: usize,
    /// To whom relays went that were for somebody else.
    strays: usize,
}

impl Outbox<u32> for Ears {
    type Prepared<'e> = Option<PeerId>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> Self::Prepared<'e> {
        match event {
            Event::Relay { to, .. } => Some(*to),
            _ => None,
        }
    }

    fn send(&mut self, to: &u32, event: &Self::Prepared<'_>) -> Sent {
        self.told += 1;
        self.strays += usize::from(event.is_some_and(|peer| peer != local(*to)));
        Sent::Queued
    }

    fn reclaim(&mut self, _: &u32) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, _: &u32, _: CutReason) {}

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, _: Gossip<'_>) {}
}

fn local(number: u32) -> PeerId {
    PeerId::new(Uuid::from_u128(number.into()))
}

/// Whatever is heard, a peer that is connected here is who it was, or gone; and what is for one
/// peer does not get to another.
pub(super) fn gossip(data: &[u8]) {
    let code = "r".parse().expect("a code");
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 100,
        reconnect_window: Duration::from_secs(5),
    };
    let mut room = Room::new(
        RoomId::new("room_r"),
        code,
        Mode::P2p,
        limits,
        "me/1".into(),
    );
    let mut ears = Ears::default();
    for number in [1, 2] {
        let newcomer = Newcomer {
            peer: local(number),
            secret: ResumeSecret::new([0; 16]),
            member: member(number),
            conn: number,
            now: number.into(),
        };
        room.join(newcomer, &mut ears).expect("there is room");
    }
    let mut now = Duration::ZERO;
    for message in data.split(|byte| *byte == END).take(MAX_MESSAGES) {
        now += Duration::from_secs(1);
        if let Some((from, said)) = hear(message) {
            for (peer, until) in room.hear(&from, said.clone(), now, &mut ears) {
                assert!(until >= now);
                let _ = room.expire(peer, until, &mut ears);
            }
        }
        speak(&mut room, &mut ears);
        check(&room);
    }
    assert_eq!(ears.strays, 0, "a relay got to somebody else");
}

fn member(number: u32) -> Arc<Member> {
    Arc::new(Member {
        user: format!("user {number}").as_str().into(),
        username: "name".into(),
        alias: None,
    })
}

/// What those who are here do makes new states out of those that were heard.
fn speak(room: &mut Room<u32>, ears: &mut Ears) {
    let (one, two) = (local(1), local(2));
    let seat = Seat {
        peer: one,
        conn: &1,
    };
    let _ = room.appoint(seat, two, ears);
    let _ = room.appoint(
        Seat {
            peer: two,
            conn: &2,
        },
        one,
        ears,
    );
    let proposal = room.proposal(
        Mode::Sfu,
        Some("media".into()),
        crate::core::ModeReason::Capacity,
    );
    room.change_mode(proposal, ears);
    let _ = room.media_seat(seat);
    let _ = room.next_chat_id(Uuid::nil());
    let _ = room.view(one);
}

fn check(room: &Room<u32>) {
    for number in [1, 2] {
        let seat = Seat {
            peer: local(number),
            conn: &number,
        };
        if room.holds(seat) {
            assert_eq!(room.member(local(number)), Some(&member(number)));
        }
    }
    if let Some(host) = room.host() {
        assert!(room.member(host).is_some());
    }
}
