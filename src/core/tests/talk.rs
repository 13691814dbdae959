use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::core::{CutReason, Limits, Member, Mode, Newcomer, Refusal, ResumeSecret, RoomId, Sent};

/// What each connection was told of chat, and what other nodes were.
#[derive(Default)]
struct Told {
    here: BTreeMap<u8, Vec<u128>>,
    elsewhere: Vec<u128>,
}

impl Outbox<u8> for Told {
    type Prepared<'e> = &'e Event<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> &'e Event<'e> {
        event
    }

    fn send(&mut self, to: &u8, event: &&Event<'_>) -> Sent {
        if let Event::Chat(message) = event {
            let told = self.here.entry(*to).or_default();
            told.push(message.id.as_u128());
        }
        Sent::Queued
    }

    fn reclaim(&mut self, _: &u8) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, _: &u8, _: CutReason) {}

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, message: Gossip<'_>) {
        if let Gossip::Chat(message) = message {
            self.elsewhere.push(message.id.as_u128());
        }
    }
}

fn seat(number: &u8) -> Seat<'_, u8> {
    Seat {
        peer: PeerId::new(Uuid::from_u128(u128::from(*number))),
        conn: number,
    }
}

/// A room with the peers 1 and 2.
fn room() -> Room<u8> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let (id, code) = (RoomId::new("r"), "r".parse().unwrap());
    let mut room = Room::new(id, code, Mode::P2p, limits, "n".into());
    for number in [1, 2] {
        let newcomer = Newcomer {
            peer: seat(&number).peer,
            secret: ResumeSecret::new([number; 16]),
            member: Arc::new(Member {
                user: format!("user {number}").as_str().into(),
                username: "U".into(),
                alias: None,
            }),
            conn: number,
            now: u64::from(number),
        };
        room.join(newcomer, &mut Told::default()).unwrap();
    }
    room
}

fn message(number: u128, timestamp: u64) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(number),
        room: RoomId::new("r"),
        peer: PeerId::new(Uuid::nil()),
        author: Arc::new(Member {
            user: "elsewhere".into(),
            username: "E".into(),
            alias: None,
        }),
        content: "x".into(),
        timestamp,
        client_id: Some(number.to_string().into()),
    })
}

#[test]
fn what_was_uttered_is_said_though_its_peer_has_left() {
    let (mut room, mut told) = (room(), Told::default());
    let utterance = room.utter(seat(&1), " goodbye ", Some("c")).unwrap();
    assert!(told.here.is_empty() && told.elsewhere.is_empty(), "not yet");
    room.leave(seat(&1), &mut told);
    let spoken = room.say(utterance, Uuid::from_u128(9), 5, &mut told);
    let Spoken::New(message) = spoken else {
        panic!("it is new");
    };
    assert_eq!((&*message.content, message.timestamp), ("goodbye", 5));
    assert_eq!(message.peer, seat(&1).peer);
    assert_eq!(told.here, BTreeMap::from([(2, vec![9])]));
    assert_eq!(told.elsewhere, [9]);
}

#[test]
fn the_same_utterance_is_said_once() {
    let (mut room, mut told) = (room(), Told::default());
    let utterances = [
        room.utter(seat(&1), "once", Some("c")).unwrap(),
        room.utter(seat(&1), "once", Some("c")).unwrap(),
        room.utter(seat(&2), "once", Some("c")).unwrap(),
    ];
    let [first, again, another] = utterances;
    let first = room.say(first, Uuid::from_u128(1), 5, &mut told);
    let again = room.say(again, Uuid::from_u128(2), 6, &mut told);
    assert_eq!(again, Spoken::Again(Arc::clone(first.message())));
    assert_eq!(
        room.said_before(&"user 1".into(), "c").as_ref(),
        Some(first.message())
    );
    assert_eq!(room.said_before(&"user 1".into(), "d"), None);
    let another = room.say(another, Uuid::from_u128(3), 7, &mut told);
    assert!(matches!(another, Spoken::New(_)), "it is another user's");
    assert_eq!(told.elsewhere, [1, 3]);
}

#[test]
fn only_peers_may_utter_and_only_text() {
    let mut room = room();
    let stranger = Seat {
        peer: seat(&1).peer,
        conn: &2,
    };
    assert_eq!(
        room.utter(stranger, "hi", None),
        Err(Refusal::NotInRoom),
        "another connection's peer"
    );
    assert!(matches!(
        room.utter(seat(&1), " ", None),
        Err(Refusal::Chat(_))
    ));
}

proptest! {
    #[test]
    fn what_comes_late_is_told_once_and_only_if_it_is_new(
        heard in prop::collection::btree_set(0_u128..60, 0..30),
        late in prop::collection::vec(prop::collection::btree_set(0_u128..60, 0..30), 1..4),
        since in 0_u64..60,
    ) {
        let (mut room, mut told) = (room(), Told::default());
        let said = |number: u128| message(number, u64::try_from(number).unwrap());
        for number in &heard {
            let gossip = Gossip::Chat(said(*number));
            room.hear(&"other".into(), gossip, Duration::ZERO, &mut told);
        }
        let mut known = heard.clone();
        let mut expected: Vec<u128> = heard.iter().copied().collect();
        for numbers in &late {
            let messages: Vec<_> = numbers.iter().map(|number| said(*number)).collect();
            room.hear_late(messages, since, (Duration::from_secs(9), 9_000), &mut told);
            let new = numbers.iter().filter(|number| !known.contains(number));
            expected.extend(new.filter(|number| **number >= u128::from(since)));
            known.extend(numbers);
        }
        for told in told.here.values() {
            prop_assert_eq!(told, &expected);
        }
        prop_assert!(told.elsewhere.is_empty());
        // All of it is history, in the order of the ids.
        let all = HistoryQuery { before: None, limit: 100 };
        let history = room.history(seat(&1), all).unwrap();
        let history: Vec<u128> = history.iter().map(|message| message.id.as_u128()).collect();
        prop_assert_eq!(history, known.into_iter().collect::<Vec<u128>>());
    }
}
