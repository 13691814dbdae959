use proptest::prelude::*;

use super::*;

fn draft(content: &str) -> ChatDraft<'_> {
    ChatDraft {
        id: Uuid::nil(),
        timestamp: 0,
        content,
        client_id: None,
    }
}

fn message(n: u128, bytes: usize) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(n),
        room: RoomId::new("r"),
        peer: PeerId::new(Uuid::nil()),
        author: Arc::new(Member {
            user: "u".into(),
            username: "U".into(),
            alias: None,
        }),
        content: "x".repeat(bytes).into(),
        timestamp: 0,
        client_id: Some(n.to_string().into()),
    })
}

fn said(id: Uuid) -> Arc<ChatMessage> {
    let mut message = (*message(0, 1)).clone();
    message.id = id;
    Arc::new(message)
}

#[test]
fn text_is_trimmed_and_counted_in_characters() {
    assert_eq!(draft(" hi\n").text(), Ok("hi"));
    assert_eq!(draft("a\n\tb").text(), Ok("a\n\tb"));
    assert_eq!(
        draft(&"\u{1F600}".repeat(4_000)).text().map(str::len),
        Ok(16_000)
    );
    assert_eq!(draft(&"é".repeat(4_001)).text(), Err(ChatError::TooLong));
    assert_eq!(draft(" \n ").text(), Err(ChatError::Empty));
    for bad in ["a\u{0}b", "a\rb", "\u{1b}[2J", "a\u{85}b"] {
        assert_eq!(
            draft(bad).text(),
            Err(ChatError::ControlCharacter),
            "{bad:?}"
        );
    }
}

#[test]
fn the_log_forgets_the_oldest_in_number_and_in_bytes() {
    let mut log = ChatLog::default();
    (0..1_500).for_each(|n| log.push(&message(n, 10)));
    assert_eq!(log.messages.len(), MAX_CHAT_MESSAGES);
    assert_eq!(log.by_client_id.len(), MAX_CHAT_MESSAGES);
    assert!(log.find(&"u".into(), "499").is_none());
    assert!(log.find(&"u".into(), "500").is_some());

    let mut log = ChatLog::default();
    (0..100).for_each(|n| log.push(&message(n, 16_000)));
    assert!(log.bytes <= MAX_BYTES);
    assert_eq!(log.messages.len(), MAX_BYTES / 16_000);
}

#[test]
fn a_message_that_turns_out_to_be_another_is_remembered_as_that_and_once() {
    let ids = |log: &ChatLog| -> Vec<u128> {
        let all = HistoryQuery {
            before: None,
            limit: 9,
        };
        log.page(all).iter().map(|m| m.id.as_u128()).collect()
    };
    for known in [false, true] {
        let mut log = ChatLog::default();
        [1, 2, 3].iter().for_each(|n| log.push(&message(*n, 10)));
        if known {
            let mut other = ChatMessage::clone(&message(1, 10));
            other.id = Uuid::from_u128(9);
            log.push(&Arc::new(other));
        }
        log.rename(Uuid::from_u128(1), Uuid::from_u128(9), 7);
        log.rename(Uuid::from_u128(4), Uuid::from_u128(8), 7);
        assert_eq!(ids(&log), [2, 3, 9]);
        assert_eq!(log.bytes, 30);
        assert!(log.has(Uuid::from_u128(9)) && !log.has(Uuid::from_u128(1)));
        let found = log.find(&"u".into(), "1").map(|found| found.id.as_u128());
        assert_eq!(found, Some(9));
    }
}

#[test]
fn messages_of_several_nodes_are_listed_by_their_ids_however_they_come() {
    let mut log = ChatLog::default();
    [3, 1, 4, 2].iter().for_each(|n| log.push(&message(*n, 1)));
    let all = HistoryQuery {
        before: None,
        limit: 9,
    };
    let ids: Vec<u128> = log.page(all).iter().map(|m| m.id.as_u128()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert!(log.has(Uuid::from_u128(4)) && !log.has(Uuid::from_u128(5)));
}

#[test]
fn pages_run_backwards_without_gaps() {
    let mut log = ChatLog::default();
    (0..10).for_each(|n| log.push(&message(n, 1)));
    let ids = |query| {
        log.page(query)
            .iter()
            .map(|m| m.id.as_u128())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(HistoryQuery {
            before: None,
            limit: 3
        }),
        [7, 8, 9]
    );
    assert_eq!(
        ids(HistoryQuery {
            before: Some(Uuid::from_u128(7)),
            limit: 5
        }),
        [2, 3, 4, 5, 6]
    );
    assert_eq!(
        ids(HistoryQuery {
            before: Some(Uuid::from_u128(0)),
            limit: 5
        }),
        [] as [u128; 0]
    );
    assert_eq!(
        ids(HistoryQuery {
            before: Some(Uuid::from_u128(99)),
            limit: 2
        }),
        [8, 9]
    );
}

fn v7(millis: u128, counter: u128, random: u128) -> Uuid {
    Uuid::from_u128((millis << 80) | (0x7000 | counter) << 64 | (0b10 << 62) | random)
}

#[test]
fn what_is_drawn_later_keeps_its_id() {
    let mut log = ChatLog::default();
    assert_eq!(log.next_id(v7(5, 0, 0)), v7(5, 0, 0));
    log.push(&said(v7(5, 0, 7)));
    assert_eq!(log.next_id(v7(5, 0, 8)), v7(5, 0, 8));
    assert_eq!(log.next_id(v7(5, 0, 7)), v7(5, 1, 7));
}

#[test]
fn an_id_may_be_a_millisecond_ahead() {
    let mut log = ChatLog::default();
    log.push(&said(v7(5, 0xfff, 7)));
    assert_eq!(log.next_id(v7(5, 3, 9)), v7(6, 0, 9));
}

proptest! {
    #[test]
    fn what_is_said_later_has_a_later_id_of_its_own_whoever_says_it(
        last in (0_u128..1 << 48, 0_u128..1 << 12, 0_u128..1 << 62),
        drawn in prop::collection::btree_set((0_u128..1 << 48, 0_u128..1 << 12, 0_u128..1 << 62), 2..6),
    ) {
        let mut log = ChatLog::default();
        let last = v7(last.0, last.1, last.2);
        log.push(&said(last));
        let mut ids = HashSet::new();
        // Each of them on a node that has heard of the same last message.
        for (millis, counter, random) in &drawn {
            let id = log.next_id(v7(*millis, *counter, *random));
            prop_assert!(id > last);
            prop_assert_eq!(id.get_version_num(), 7);
            prop_assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            ids.insert(id);
        }
        let random: HashSet<u128> = drawn.iter().map(|(_, _, random)| *random).collect();
        prop_assert!(ids.len() >= random.len());
    }
}
