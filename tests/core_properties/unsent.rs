//! What a connection was handed and did not pass on is not lost with it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use proptest::prelude::*;
use serde_json::value::RawValue;
use switchboard::core::{
    Claim, CutReason, Event, Gossip, Limits, Member, Mode, Newcomer, Outbox, PeerId, RelayKind,
    ResumeSecret, Room, RoomCode, RoomId, Seat, Sent, UserId,
};
use uuid::Uuid;

type Conn = usize;

/// Connections that queue, and pass on only when told to.
#[derive(Default)]
struct SlowOutbox {
    queued: HashMap<Conn, Vec<Event<'static>>>,
    arrived: HashMap<Conn, Vec<String>>,
    gone: Vec<Conn>,
}

impl SlowOutbox {
    /// Lets the first `count` queued events arrive.
    fn pass_on(&mut self, conn: Conn, count: usize) {
        let queue = self.queued.entry(conn).or_default();
        for event in queue.drain(..count.min(queue.len())) {
            self.arrived
                .entry(conn)
                .or_default()
                .extend(relayed(&event));
        }
    }

    fn arrived(&self, conn: Conn) -> Vec<String> {
        self.arrived.get(&conn).cloned().unwrap_or_default()
    }
}

fn relayed(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Relay { body, .. } => Some(body.get().to_owned()),
        _ => None,
    }
}

impl Outbox<Conn> for SlowOutbox {
    type Prepared<'e> = &'e Event<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> Self::Prepared<'e> {
        event
    }

    fn send(&mut self, to: &Conn, event: &Self::Prepared<'_>) -> Sent {
        if self.gone.contains(to) {
            return Sent::Gone;
        }
        self.queued
            .entry(*to)
            .or_default()
            .push((*event).clone().into_owned());
        Sent::Queued
    }

    fn reclaim(&mut self, conn: &Conn) -> Vec<Event<'static>> {
        let queue = self.queued.remove(conn).unwrap_or_default();
        queue
            .into_iter()
            .filter(|event| relayed(event).is_some())
            .collect()
    }

    fn cut(&mut self, conn: &Conn, _: CutReason) {
        self.gone.push(*conn);
    }

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, _: Gossip<'_>) {}
}

/// How the target's first connection comes to its end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The loss is reported, and the peer comes back.
    Lost,
    /// The peer comes back before anybody noticed.
    Replaced,
    /// A send fails, and the peer comes back before the loss is reported.
    Gone,
    /// A send fails, then the loss is reported, and the peer comes back.
    GoneThenLost,
}

const ANN: Conn = 1;
const BOB: Conn = 2;
const BOB_AGAIN: Conn = 3;

struct Pair {
    room: Room<Conn>,
    out: SlowOutbox,
    next: usize,
}

impl Pair {
    fn new() -> Self {
        let limits = Limits {
            max_p2p_peers: 2,
            max_sfu_peers: 1_000,
            reconnect_window: Duration::from_secs(5),
        };
        let code: RoomCode = "pair".parse().unwrap();
        let mut pair = Self {
            room: Room::new(
                RoomId::from_code(&code),
                code,
                Mode::P2p,
                limits,
                "here".into(),
            ),
            out: SlowOutbox::default(),
            next: 0,
        };
        for conn in [ANN, BOB] {
            let newcomer = Newcomer {
                peer: peer(conn),
                secret: secret(),
                member: member(conn),
                conn,
                now: 0,
            };
            pair.room.join(newcomer, &mut pair.out).unwrap();
            pair.out.pass_on(conn, usize::MAX);
        }
        pair
    }

    fn relay(&mut self, count: usize) {
        for _ in 0..count {
            let body = RawValue::from_string(self.next.to_string()).unwrap();
            let seat = Seat {
                peer: peer(ANN),
                conn: &ANN,
            };
            self.room
                .relay(seat, peer(BOB), RelayKind::Ice, &body, &mut self.out)
                .unwrap();
            self.next += 1;
        }
    }

    fn lose_bob(&mut self) {
        let seat = Seat {
            peer: peer(BOB),
            conn: &BOB,
        };
        assert!(
            self.room
                .lose(seat, Duration::ZERO, &mut self.out)
                .is_some()
        );
    }
}

fn peer(conn: Conn) -> PeerId {
    PeerId::new(Uuid::from_u128(conn as u128))
}

fn secret() -> ResumeSecret {
    ResumeSecret::new([7; 16])
}

fn fresh(conn: Conn) -> ResumeSecret {
    ResumeSecret::new([u8::try_from(conn).unwrap(); 16])
}

fn claim<'a>(user: &'a UserId, secret: &'a ResumeSecret) -> Claim<'a> {
    Claim {
        user,
        secret: Some(secret),
        fresh: fresh(BOB_AGAIN),
    }
}

fn member(conn: Conn) -> Arc<Member> {
    Arc::new(Member {
        user: user(conn),
        username: "name".into(),
        alias: None,
    })
}

fn user(conn: Conn) -> UserId {
    UserId::from(conn.to_string().as_str())
}

proptest! {
    #[test]
    fn every_relay_arrives_once_and_in_order_however_a_connection_ends(
        before in 0usize..30,
        passed in 0usize..40,
        between in 0usize..10,
        after in 0usize..10,
        end in prop::sample::select(&[End::Lost, End::Replaced, End::Gone, End::GoneThenLost]),
    ) {
        let mut pair = Pair::new();
        pair.relay(before);
        pair.out.pass_on(BOB, passed);
        match end {
            End::Replaced => {}
            End::Lost => pair.lose_bob(),
            End::Gone | End::GoneThenLost => pair.out.gone.push(BOB),
        }
        pair.relay(between);
        if matches!(end, End::GoneThenLost) {
            pair.lose_bob();
            pair.relay(between);
        }
        let resumed = pair
            .room
            .resume(peer(BOB), claim(&user(BOB), &secret()), &BOB_AGAIN, &mut pair.out)
            .unwrap();
        pair.relay(after);
        pair.out.pass_on(BOB_AGAIN, usize::MAX);

        let first = pair.out.arrived(BOB);
        let second = pair.out.arrived(BOB_AGAIN);
        prop_assert_eq!(first.len() + resumed.missed + after, pair.next);
        let all: Vec<String> = first.into_iter().chain(second).collect();
        let sent: Vec<String> = (0..pair.next).map(|n| n.to_string()).collect();
        prop_assert_eq!(all, sent);
    }
}

#[test]
fn a_peer_whose_backlog_is_beyond_the_bound_is_gone_and_not_served_with_a_gap() {
    let mut pair = Pair::new();
    pair.relay(5_000);
    let seat = Seat {
        peer: peer(BOB),
        conn: &BOB,
    };
    assert_eq!(pair.room.lose(seat, Duration::ZERO, &mut pair.out), None);
    assert_eq!(pair.room.len(), 1);
    let (user, secret) = (user(BOB), secret());
    let claim = claim(&user, &secret);
    let back = pair
        .room
        .resume(peer(BOB), claim, &BOB_AGAIN, &mut pair.out);
    assert!(back.is_err());
}

#[test]
fn of_two_tabs_with_one_token_the_second_takes_over_once() {
    let mut pair = Pair::new();
    let (bob, second_tab, first_tab_again) = (user(BOB), 4, 5);
    let resume = |pair: &mut Pair, secret: ResumeSecret, conn: Conn| {
        let claim = Claim {
            user: &bob,
            secret: Some(&secret),
            fresh: fresh(conn),
        };
        pair.room
            .resume(peer(BOB), claim, &conn, &mut pair.out)
            .is_ok()
    };
    assert!(resume(&mut pair, secret(), second_tab));
    let seat = Seat {
        peer: peer(BOB),
        conn: &second_tab,
    };
    pair.room.rejoin(seat, &mut pair.out).unwrap();
    assert!(
        !resume(&mut pair, secret(), first_tab_again),
        "the token is not the newest"
    );
    assert!(
        resume(&mut pair, fresh(second_tab), BOB_AGAIN),
        "this one is"
    );
}

#[test]
fn a_client_that_never_heard_of_its_newest_token_comes_back_with_the_one_before() {
    let mut pair = Pair::new();
    let (bob, secret) = (user(BOB), secret());
    pair.lose_bob();
    pair.room
        .resume(peer(BOB), claim(&bob, &secret), &BOB_AGAIN, &mut pair.out)
        .unwrap();
    let seat = Seat {
        peer: peer(BOB),
        conn: &BOB_AGAIN,
    };
    pair.room.lose(seat, Duration::ZERO, &mut pair.out).unwrap();
    assert!(
        pair.room
            .resume(peer(BOB), claim(&bob, &secret), &6, &mut pair.out)
            .is_ok()
    );
}
