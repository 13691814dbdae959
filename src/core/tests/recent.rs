use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::core::{Member, PeerId};

const KEPT: Duration = Duration::from_secs(600);

fn said(number: u128, room: &str, user: &str, client_id: Option<&str>) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(number),
        room: RoomId::new(room),
        peer: PeerId::new(Uuid::nil()),
        author: Arc::new(Member {
            user: user.into(),
            username: user.into(),
            alias: None,
        }),
        content: "x".into(),
        timestamp: 0,
        client_id: client_id.map(Into::into),
    })
}

fn found(recent: &mut Recent, room: &str, user: &str, id: &str, now: Duration) -> Option<u128> {
    let found = recent.find(&RoomId::new(room), &user.into(), id, now);
    found.map(|message| message.id.as_u128())
}

#[test]
fn a_message_is_found_by_room_user_and_id_for_ten_minutes() {
    let mut recent = Recent::new(KEPT, 100);
    recent.note(&said(1, "r", "anna", Some("c")), Duration::ZERO);
    recent.note(&said(2, "r", "bert", Some("c")), Duration::ZERO);
    recent.note(&said(3, "s", "anna", Some("c")), Duration::ZERO);
    recent.note(&said(4, "r", "anna", None), Duration::ZERO);
    let late = KEPT - Duration::from_millis(1);
    assert_eq!(found(&mut recent, "r", "anna", "c", late), Some(1));
    assert_eq!(found(&mut recent, "r", "bert", "c", late), Some(2));
    assert_eq!(found(&mut recent, "s", "anna", "c", late), Some(3));
    assert_eq!(found(&mut recent, "r", "anna", "d", late), None);
    assert_eq!(found(&mut recent, "r", "anna", "c", KEPT), None);
}

#[test]
fn the_first_message_with_an_id_counts() {
    let mut recent = Recent::new(KEPT, 100);
    recent.note(&said(1, "r", "anna", Some("c")), Duration::ZERO);
    recent.note(&said(2, "r", "anna", Some("c")), Duration::from_secs(1));
    assert_eq!(
        found(&mut recent, "r", "anna", "c", Duration::from_secs(2)),
        Some(1)
    );
}

#[test]
fn a_message_that_turns_out_to_be_another_is_found_as_that() {
    let mut recent = Recent::new(KEPT, 100);
    recent.note(&said(1, "r", "anna", Some("c")), Duration::ZERO);
    recent.note(&said(2, "r", "bert", Some("c")), Duration::ZERO);
    recent.rename(Uuid::from_u128(1), Uuid::from_u128(9), 7);
    recent.rename(Uuid::from_u128(3), Uuid::from_u128(8), 7);
    let now = Duration::ZERO;
    assert_eq!(found(&mut recent, "r", "anna", "c", now), Some(9));
    assert_eq!(found(&mut recent, "r", "bert", "c", now), Some(2));
}

proptest! {
    #[test]
    fn never_more_than_the_bound_and_always_the_newest(
        most in 1_usize..20,
        steps in prop::collection::vec((0_u64..300, 0_u8..40), 1..100),
    ) {
        let mut recent = Recent::new(KEPT, most);
        let (mut now, mut expected) = (Duration::ZERO, Vec::<(Duration, u8)>::new());
        for (pause, id) in steps {
            now += Duration::from_secs(pause);
            recent.note(&said(u128::from(id), "r", "u", Some(&id.to_string())), now);
            expected.retain(|(at, _)| now - *at < KEPT);
            if expected.iter().all(|(_, known)| *known != id) {
                expected.push((now, id));
            }
            if expected.len() > most {
                expected.remove(0);
            }
            prop_assert!(recent.messages.len() <= most);
            prop_assert_eq!(recent.messages.len(), recent.order.len());
            for id in 0..40 {
                let wanted = expected.iter().find(|(_, known)| *known == id);
                let wanted = wanted.map(|(_, id)| u128::from(*id));
                prop_assert_eq!(found(&mut recent, "r", "u", &id.to_string(), now), wanted);
            }
        }
    }
}
