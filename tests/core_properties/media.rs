//! Rooms that go through a media server: how that begins and ends, what peers have there, and
//! what the others are told, on two nodes.

use std::{sync::Arc, time::Duration};

use switchboard::core::{
    ChatMessage, Consumer, Direction, Gossip, HistoryQuery, MAX_CONSUMERS, MediaKind, Mode,
    ModeReason, ModeState, PeerId, PeerRecord, Producer, Refusal, Room, Seat, Transport,
};

use uuid::Uuid;

use crate::pair::{A, B, Conn, Nodes, id, peer, room, secret};

const SERVER: &str = "http://one";

/// Two nodes whose room goes through a media server; Ann (1) is on A, Bob (2) on B.
struct Sfu {
    nodes: Nodes,
}

impl Sfu {
    fn new() -> Self {
        let mut sfu = Self {
            nodes: Nodes::new(),
        };
        sfu.change(Mode::Sfu, Some(SERVER), ModeReason::Capacity);
        sfu.nodes.forget();
        sfu
    }

    fn proposal(&self, mode: Mode, server: Option<&str>, reason: ModeReason) -> ModeState {
        self.nodes.rooms[A].proposal(mode, server.map(Into::into), reason)
    }

    /// What A says once the records have taken it.
    fn change(&mut self, mode: Mode, server: Option<&str>, reason: ModeReason) {
        let state = self.proposal(mode, server, reason);
        self.nodes.said[A].gossip.push(Gossip::Mode(state));
        self.nodes.pass_on();
    }

    fn epoch(&self, node: usize) -> u64 {
        self.nodes.rooms[node].mode().epoch
    }

    fn on<T>(
        &mut self,
        node: usize,
        number: u32,
        act: impl FnOnce(&mut Room<Conn>, Seat<'_, Conn>, u64, &mut crate::pair::Said) -> T,
    ) -> T {
        let epoch = self.epoch(node);
        let (peer, conn) = (peer(number), &number);
        let (room, said) = (&mut self.nodes.rooms[node], &mut self.nodes.said[node]);
        act(room, Seat { peer, conn }, epoch, said)
    }

    fn send(&mut self, node: usize, number: u32, producer: &str) -> Result<(), Refusal> {
        let producer = Producer {
            id: producer.into(),
            kind: MediaKind::Video,
            app_data: "{}".into(),
            paused: false,
        };
        self.on(node, number, |room, seat, epoch, out| {
            room.enter_media(seat, epoch, out)?;
            let id = format!("t-{}", producer.id).into();
            let direction = Direction::Send;
            room.add_transport(seat, epoch, Transport { id, direction }, out)?;
            room.add_producer(seat, epoch, producer, out)
        })
    }

    fn receive(&mut self, node: usize, number: u32, consumer: &str, producer: &str) {
        let (id, of) = (consumer.into(), producer.into());
        let consumer = Consumer { id, producer: of };
        self.on(node, number, |room, seat, epoch, _| {
            room.reserve_consumer(seat, producer).unwrap();
            room.add_consumer(seat, epoch, consumer).unwrap();
        });
    }

    fn receives(&mut self, node: usize, number: u32, consumer: &str) -> bool {
        self.on(node, number, |room, seat, _, _| {
            room.own_consumer(seat, consumer).is_ok()
        })
    }

    fn owns(&mut self, node: usize, number: u32, producer: &str) -> bool {
        self.on(node, number, |room, seat, _, _| {
            room.own_producer(seat, producer).is_ok()
        })
    }

    fn released(&self, node: usize) -> Vec<PeerId> {
        let released = self.nodes.said[node].released.iter();
        released
            .map(|(server, peer)| {
                assert_eq!(server, SERVER);
                *peer
            })
            .collect()
    }

    fn record(&self, node: usize, number: u32) -> PeerRecord {
        let records = self.nodes.rooms[node].own_records();
        let mut own = records.into_iter().filter(|own| own.id == peer(number));
        own.next().unwrap()
    }
}

#[test]
fn all_are_told_once_that_media_flows_otherwise() {
    let mut sfu = Sfu::new();
    assert_eq!(sfu.nodes.rooms[B].mode().media.as_deref(), Some(SERVER));
    sfu.change(Mode::P2p, None, ModeReason::MediaUnavailable);
    let told = ["P2p MediaUnavailable"];
    assert_eq!(sfu.nodes.told(A, 1), told);
    assert_eq!(sfu.nodes.told(B, 2), told);
    // It comes once more, and what came before it.
    let again = sfu.nodes.rooms[A].mode().clone();
    let before = ModeState {
        epoch: again.epoch - 1,
        mode: Mode::Sfu,
        ..again.clone()
    };
    for state in [again, before] {
        sfu.nodes.hear(B, A, Gossip::Mode(state));
    }
    assert_eq!(sfu.nodes.told(B, 2), told);
}

#[test]
fn of_two_states_of_one_epoch_that_of_the_records_counts_and_of_two_epochs_the_later() {
    let mut sfu = Sfu::new();
    let here = sfu.nodes.rooms[A].mode().clone();
    let other = ModeState {
        media: Some("http://two".into()),
        reason: ModeReason::MediaMoved,
        ..here
    };
    let earlier = ModeState {
        epoch: here.epoch - 1,
        ..other.clone()
    };
    let (room, said) = (&mut sfu.nodes.rooms[A], &mut sfu.nodes.said[A]);
    room.refresh_mode(Some(earlier), said);
    room.refresh_mode(None, said);
    assert_ne!(*room.mode(), other);
    room.refresh_mode(Some(other.clone()), said);
    assert_eq!(*room.mode(), other);
    assert_eq!(sfu.nodes.told(A, 1), ["Sfu MediaMoved"]);
}

#[test]
fn what_one_sends_the_others_are_told_of_on_every_node_and_it_is_not() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    assert_eq!(sfu.nodes.told(B, 2), ["+producer cam"]);
    assert_eq!(sfu.nodes.told(A, 1), Vec::<&str>::new());
    sfu.on(A, 1, |room, seat, epoch, out| {
        room.pause_producer(seat, epoch, "cam", true, out).unwrap();
    });
    sfu.nodes.pass_on();
    let seen = sfu.nodes.rooms[B].view(peer(2)).unwrap().producers;
    assert!(seen[0].peer == peer(1) && seen[0].producer.paused);
    sfu.on(A, 1, |room, seat, epoch, out| {
        room.close_producer(seat, epoch, "cam", out).unwrap();
    });
    sfu.nodes.pass_on();
    assert_eq!(sfu.nodes.told(B, 2), ["+producer cam", "-producer cam"]);
    assert!(
        sfu.nodes.rooms[B]
            .view(peer(2))
            .unwrap()
            .producers
            .is_empty()
    );
}

#[test]
fn whoever_comes_later_is_given_the_list() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    sfu.nodes.join(B, 3);
    let seen = sfu.nodes.rooms[B].view(peer(3)).unwrap().producers;
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].peer, &*seen[0].producer.id), (peer(1), "cam"));
}

#[test]
fn only_the_owner_may_use_what_it_has_and_only_in_the_right_direction() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    let wanted = [
        (A, 1, Direction::Send, Ok(())),
        (A, 1, Direction::Recv, Err(Refusal::WrongDirection)),
        (B, 2, Direction::Send, Err(Refusal::NotOwner)),
    ];
    for (node, number, direction, answer) in wanted {
        let may = sfu.on(node, number, |room, seat, _, _| {
            room.own_transport(seat, "t-cam", Some(direction))
        });
        assert_eq!(may, answer);
    }
    assert!(sfu.owns(A, 1, "cam") && !sfu.owns(B, 2, "cam"));
    sfu.receive(B, 2, "c", "cam");
    assert!(sfu.receives(B, 2, "c") && !sfu.receives(A, 1, "c"));
    let consume = |sfu: &mut Sfu, producer: &str| {
        sfu.on(B, 2, |room, seat, _, _| {
            room.reserve_consumer(seat, producer)
        })
    };
    assert_eq!(consume(&mut sfu, "cam"), Ok(()));
    assert_eq!(consume(&mut sfu, "mic"), Err(Refusal::NoProducer));
}

#[test]
fn a_place_that_is_kept_for_a_consumer_counts_and_can_be_given_back() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    let reserve =
        |sfu: &mut Sfu| sfu.on(A, 1, |room, seat, _, _| room.reserve_consumer(seat, "cam"));
    let kept = (0..MAX_CONSUMERS).take_while(|_| reserve(&mut sfu).is_ok());
    assert_eq!(kept.count(), MAX_CONSUMERS);
    assert_eq!(reserve(&mut sfu), Err(Refusal::TooManyConsumers));
    // A place has no id that anybody could use.
    assert!(!sfu.receives(A, 1, ""));
    sfu.on(A, 1, |room, seat, _, _| room.release_consumer(seat, "cam"));
    assert_eq!(reserve(&mut sfu), Ok(()));
}

#[test]
fn leaving_ends_what_one_sends_and_whoever_had_the_peer_closes_it() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    sfu.receive(B, 2, "c", "cam");
    sfu.on(A, 1, |room, seat, _, out| assert!(room.leave(seat, out)));
    sfu.nodes.pass_on();
    let told = ["+producer cam", "-producer cam", "-1 Left", "host 2"];
    assert_eq!(sfu.nodes.told(B, 2), told);
    assert!(!sfu.receives(B, 2, "c"));
    assert_eq!(sfu.released(A), [peer(1)]);
    assert!(sfu.released(B).is_empty());
}

#[test]
fn a_peer_that_never_used_the_media_server_is_not_closed_there() {
    let mut sfu = Sfu::new();
    sfu.on(A, 1, |room, seat, _, out| assert!(room.leave(seat, out)));
    assert!(sfu.released(A).is_empty());
}

#[test]
fn a_peer_that_is_adopted_and_does_not_come_back_is_closed_by_its_heir() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    let adopted = Gossip::Adopted(vec![peer(1)]);
    assert_eq!(sfu.nodes.hear(B, B, adopted), 1);
    let late = sfu.nodes.now + Duration::from_secs(3_600);
    let (room, said) = (&mut sfu.nodes.rooms[B], &mut sfu.nodes.said[B]);
    assert!(room.expire(peer(1), late, said));
    assert_eq!(sfu.released(B), [peer(1)]);
    let told = ["+producer cam", "-producer cam", "-1 NodeLost", "host 2"];
    assert_eq!(sfu.nodes.told(B, 2), told);
}

#[test]
fn a_peer_that_moves_to_another_node_keeps_what_it_has() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.receive(A, 1, "c", "cam");
    sfu.nodes.pass_on();
    sfu.nodes.claim(B, 1, secret(1), 11);
    sfu.nodes.pass_on();
    let (peer, conn) = (peer(1), &11);
    let seat = Seat { peer, conn };
    let room = &mut sfu.nodes.rooms[B];
    assert_eq!(room.own_producer(seat, "cam"), Ok(()));
    assert_eq!(room.own_transport(seat, "t-cam", None), Ok(()));
    assert_eq!(room.own_consumer(seat, "c"), Ok(()));
    assert!(sfu.released(A).is_empty() && sfu.released(B).is_empty());
}

#[test]
fn what_was_there_counts_no_more_once_the_room_has_moved() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    let epoch = sfu.epoch(A);
    sfu.change(Mode::Sfu, Some("http://two"), ModeReason::MediaMoved);
    assert!(!sfu.owns(A, 1, "cam"));
    assert_eq!(sfu.released(A), [peer(1)]);
    assert!(sfu.record(A, 1).media.is_none());
    assert!(
        sfu.nodes.rooms[B]
            .view(peer(2))
            .unwrap()
            .producers
            .is_empty()
    );
    // The answer to a request that was made before comes only now.
    let transport = Transport {
        id: "late".into(),
        direction: Direction::Recv,
    };
    let late = sfu.on(A, 1, |room, seat, _, out| {
        room.add_transport(seat, epoch, transport, out)
    });
    assert_eq!(late, Err(Refusal::MediaGone));
}

#[test]
fn what_was_there_is_closed_even_where_the_room_stays() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    sfu.nodes.forget();
    sfu.change(Mode::Sfu, Some(SERVER), ModeReason::MediaMoved);
    assert_eq!(sfu.nodes.told(B, 2), ["Sfu MediaMoved"]);
    assert_eq!(sfu.released(A), [peer(1)]);
}

#[test]
fn a_node_that_finds_nothing_and_begins_the_room_anew_does_not_disturb_those_inside() {
    let mut sfu = Sfu::new();
    sfu.change(Mode::Sfu, Some("http://two"), ModeReason::MediaMoved);
    sfu.nodes.forget();
    let begun = room(B).proposal(Mode::Sfu, Some(SERVER.into()), ModeReason::Configured);
    sfu.nodes.hear(A, B, Gossip::Mode(begun.clone()));
    let (room, said) = (&mut sfu.nodes.rooms[A], &mut sfu.nodes.said[A]);
    room.refresh_mode(Some(begun), said);
    assert_eq!(room.mode().media.as_deref(), Some("http://two"));
    assert!(sfu.nodes.told(A, 1).is_empty());
}

#[test]
fn a_node_that_missed_it_learns_from_the_records_what_is_sent() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.lose_gossip(A);
    let roster = vec![(sfu.record(A, 1), id(A)), (sfu.record(B, 2), id(B))];
    sfu.nodes.refresh(B, roster.clone());
    assert_eq!(sfu.nodes.told(B, 2), ["+producer cam"]);
    sfu.nodes.refresh(B, roster);
    assert_eq!(sfu.nodes.told(B, 2), ["+producer cam"]);
}

#[test]
fn what_was_said_before_the_records_were_read_and_comes_after_is_no_news() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "mic").unwrap();
    sfu.send(A, 1, "cam").unwrap();
    let said = sfu.nodes.lose_gossip(A);
    let roster = vec![(sfu.record(A, 1), id(A)), (sfu.record(B, 2), id(B))];
    sfu.nodes.refresh(B, roster);
    for said in said {
        sfu.nodes.hear(B, A, said);
    }
    assert_eq!(sfu.nodes.told(B, 2), ["+producer mic", "+producer cam"]);
}

#[test]
fn records_of_before_a_change_of_mode_do_not_bring_back_what_is_gone() {
    let mut sfu = Sfu::new();
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.pass_on();
    let stale = vec![(sfu.record(A, 1), id(A)), (sfu.record(B, 2), id(B))];
    sfu.change(Mode::Sfu, Some("http://two"), ModeReason::MediaMoved);
    sfu.nodes.forget();
    sfu.nodes.refresh(B, stale);
    assert!(sfu.nodes.told(B, 2).is_empty());
}

#[test]
fn a_mesh_holds_what_it_holds_and_a_room_never_more_than_its_capacity() {
    let mut room = room(A);
    assert_eq!((room.places(), room.would_grow()), (10, true));
    room.set_capacity(Some(10));
    assert_eq!((room.places(), room.would_grow()), (10, false));
    room.set_capacity(Some(5));
    assert_eq!(room.places(), 5);
    room.set_capacity(Some(20));
    assert!(room.would_grow());
    let sfu = room.proposal(Mode::Sfu, None, ModeReason::Capacity);
    room.change_mode(sfu, &mut crate::pair::Said::default());
    assert_eq!((room.places(), room.would_grow()), (20, false));
}

#[test]
fn a_room_that_all_have_left_begins_as_a_mesh_again() {
    let mut sfu = Sfu::new();
    for (node, number) in [(A, 1), (B, 2)] {
        sfu.on(node, number, |room, seat, _, out| room.leave(seat, out));
        sfu.nodes.pass_on();
    }
    for room in &sfu.nodes.rooms {
        assert_eq!((room.mode().mode, room.mode().epoch), (Mode::P2p, 0));
    }
}

#[test]
fn the_node_that_has_a_peer_closes_what_it_has_when_another_removes_it() {
    let mut sfu = Sfu::new();
    sfu.send(B, 2, "cam").unwrap();
    // What is under way to the server, the host's node cannot know.
    sfu.nodes.pass_on();
    sfu.on(A, 1, |room, seat, _, out| {
        room.kick(seat, peer(2), "", out).unwrap();
    });
    sfu.nodes.pass_on();
    assert_eq!(sfu.released(A), [peer(2)]);
    assert_eq!(sfu.released(B), [peer(2)]);
}

#[test]
fn a_roster_tells_how_media_flows_before_it_tells_who_is_there() {
    let mut sfu = Sfu::new();
    let moved = sfu.proposal(Mode::Sfu, Some("http://two"), ModeReason::MediaMoved);
    sfu.nodes.rooms[A].change_mode(moved.clone(), &mut sfu.nodes.said[A]);
    sfu.send(A, 1, "cam").unwrap();
    sfu.nodes.lose_gossip(A);
    let peers = vec![sfu.record(A, 1)];
    let mode = Some(moved);
    let deaf = true;
    sfu.nodes.hear(
        B,
        A,
        Gossip::Roster {
            peers,
            deaf,
            mode,
            host: None,
        },
    );
    assert_eq!(sfu.nodes.told(B, 2), ["Sfu MediaMoved", "+producer cam"]);
}

/// What peer 1 said on A and B has not heard; a minute later the peer has moved to B.
fn moved_before_it_was_heard() -> (Nodes, Vec<Arc<ChatMessage>>) {
    let mut nodes = Nodes::new();
    nodes.chat(A, 1, "before");
    let said = nodes.rooms[A].history(seat(&1), ALL).unwrap();
    nodes.lose_gossip(A);
    nodes.now = Duration::from_secs(60);
    nodes.claim(B, 1, secret(1), 11);
    nodes.pass_on();
    nodes.forget();
    (nodes, said)
}

#[test]
fn chat_that_is_heard_late_is_not_told_to_who_came_from_where_it_was_heard() {
    let (mut nodes, said) = moved_before_it_was_heard();
    let now = (nodes.now, 60_000);
    nodes.rooms[B].hear_late(said, 0, now, &mut nodes.said[B]);
    assert_eq!(nodes.told(B, 2), ["before"]);
    assert!(nodes.told(B, 11).is_empty());
}

#[test]
fn chat_that_is_heard_late_is_told_to_who_came_before_it_was_said() {
    let (mut nodes, said) = moved_before_it_was_heard();
    let after = said.iter().map(|message| {
        Arc::new(ChatMessage {
            id: Uuid::now_v7(),
            timestamp: 60_500,
            content: "after".into(),
            ..(**message).clone()
        })
    });
    let now = (Duration::from_secs(62), 62_000);
    nodes.rooms[B].hear_late(after, 0, now, &mut nodes.said[B]);
    assert_eq!(nodes.told(B, 2), ["after"]);
    assert_eq!(nodes.told(B, 11), ["after"]);
}

const ALL: HistoryQuery = HistoryQuery {
    before: None,
    limit: 10,
};

fn seat(number: &u32) -> Seat<'_, Conn> {
    Seat {
        peer: peer(*number),
        conn: number,
    }
}
