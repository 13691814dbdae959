use std::time::Duration;

use parking_lot::Mutex;
use serde_json::value::to_raw_value;

use super::*;
use crate::{
    core::{CutReason, Event, Limits, Member, RoomCode, RoomId, Sent, channels::Channels},
    hub::{
        ChatSettings, ClientLimits, CloseReason, Ending, Joining, Link, Neighbours, Outgoing,
        Session,
    },
    protocol::IceServers,
};

/// What a client was told, and why it was closed.
#[derive(Debug, Default)]
struct Ear {
    told: Mutex<Vec<String>>,
    closed: Mutex<Vec<CloseReason>>,
}

impl Link for Ear {
    fn send(&self, _: &Outgoing<'_>) -> Sent {
        Sent::Queued
    }
    fn reclaim(&self) -> Vec<Event<'static>> {
        Vec::new()
    }
    fn forget(&self) {}
    fn cut(&self, _: CutReason) {}
    fn announce_drain(&self, _: Duration) {}
    fn notify(&self, notice: &Notice<'_>) {
        assert!(notice.about.is_none());
        self.told
            .lock()
            .push(format!("{} {}", notice.name, notice.data));
    }
    fn announce_expiry(&self, _: u64) {}
    fn announce_ice_servers(&self, _: &IceServers) {}
    fn close(&self, reason: CloseReason) {
        self.closed.lock().push(reason);
    }
}

fn hub() -> Arc<Hub> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let chat = ChatSettings {
        service: None,
        buffer_max: 10,
    };
    Hub::new(
        limits,
        Neighbours::default(),
        chat,
        Channels::default(),
        ClientLimits::default(),
    )
}

fn open(hub: &Arc<Hub>, user: &str) -> (Arc<Session>, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let member = Arc::new(Member {
        user: UserId::from(user),
        username: user.into(),
        alias: None,
    });
    let (session, _) = hub.open(Arc::clone(&ear) as Arc<dyn Link>, member, u64::MAX, None);
    (session, ear)
}

fn join(session: &Arc<Session>, code: &str) {
    let code: RoomCode = code.parse().unwrap();
    assert!(matches!(session.join(&code), Joining::Done(Ok(()))));
}

#[tokio::test]
async fn a_room_is_told_by_id_and_by_code_and_nobody_else_is() {
    let hub = hub();
    let (ann, at_ann) = open(&hub, "ann");
    let (ben, at_ben) = open(&hub, "ben");
    let (_cat, at_cat) = open(&hub, "cat");
    join(&ann, "Blue");
    join(&ben, "blue");
    let data = to_raw_value(&1).unwrap();
    for name in ["room_blue", "Blue", "BLUE"] {
        assert_eq!(hub.tell(Whom::Room(name), "score", &data).await, Ok(2));
    }
    for nobody in ["red", "room_Blue", "", "no code at all"] {
        assert_eq!(hub.tell(Whom::Room(nobody), "score", &data).await, Ok(0));
    }
    assert_eq!(*at_ann.told.lock(), ["score 1"; 3]);
    assert_eq!(*at_ben.told.lock(), ["score 1"; 3]);
    assert!(at_cat.told.lock().is_empty());
}

#[tokio::test]
async fn who_has_left_or_is_lost_is_not_told() {
    let hub = hub();
    let (ann, at_ann) = open(&hub, "ann");
    let (ben, at_ben) = open(&hub, "ben");
    join(&ann, "blue");
    join(&ben, "blue");
    ann.leave();
    ben.close(Ending::Lost);
    let data = to_raw_value(&1).unwrap();
    assert_eq!(hub.tell(Whom::Room("blue"), "score", &data).await, Ok(0));
    assert!(at_ann.told.lock().is_empty() && at_ben.told.lock().is_empty());
}

#[tokio::test]
async fn all_connections_of_a_user_are_told_and_ended() {
    let hub = hub();
    let (_one, at_one) = open(&hub, "ann");
    let (_two, at_two) = open(&hub, "ann");
    let (_ben, at_ben) = open(&hub, "ben");
    let data = to_raw_value("hi").unwrap();
    assert_eq!(hub.tell(Whom::User("ann"), "note", &data).await, Ok(2));
    assert_eq!(hub.disconnect_user("ann").await, Ok(2));
    assert_eq!(hub.disconnect_user("nobody").await, Ok(0));
    for ear in [at_one, at_two] {
        assert_eq!(*ear.told.lock(), [r#"note "hi""#]);
        assert_eq!(*ear.closed.lock(), [CloseReason::Dismissed { whole: true }]);
    }
    assert!(at_ben.told.lock().is_empty() && at_ben.closed.lock().is_empty());
}

#[tokio::test]
async fn a_user_that_is_sent_away_is_not_waited_for() {
    let hub = hub();
    let (ben, _at_ben) = open(&hub, "ben");
    join(&ben, "blue");
    let (ann, _at_ann) = open(&hub, "ann");
    join(&ann, "blue");
    let token = ann.view().unwrap().resume.to_string();
    let lost = ann.peer();
    ann.close(Ending::Lost);
    assert_eq!(ben.others().unwrap().first().copied(), lost);
    assert_eq!(hub.disconnect_user("ann").await, Ok(0));
    assert!(ben.others().unwrap().is_empty());
    for token in [Some(&*token), None] {
        let link = Arc::new(Ear::default()) as Arc<dyn Link>;
        let member = Arc::new(ann.member().clone());
        let (again, returning) = hub.open(link, member, u64::MAX, token);
        assert!(returning.is_none() && again.peer().is_none());
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_as_it_is_sent_away_opens_no_window() {
    let hub = hub();
    let (ben, _at_ben) = open(&hub, "ben");
    join(&ben, "blue");
    let (ann, _at_ann) = open(&hub, "ann");
    join(&ann, "blue");
    assert_eq!(hub.disconnect_user("ann").await, Ok(1));
    ann.close(Ending::Lost);
    assert!(ben.others().unwrap().is_empty());
}

#[tokio::test]
async fn what_operators_see_of_a_room_is_who_is_in_it() {
    let hub = hub();
    let (ann, _ear) = open(&hub, "ann");
    join(&ann, "Blue");
    let rooms = hub.all_rooms().await.unwrap();
    let [(id, code)] = &*rooms.into_iter().collect::<Vec<_>>() else {
        panic!("not one room");
    };
    assert_eq!((id.as_str(), code.as_str()), ("room_blue", "Blue"));
    let brief = hub.brief(id, "n1").await.unwrap().unwrap();
    assert_eq!(brief.nodes, [("n1".to_owned(), 1)].into());
    let view = hub.view("blue", "n1").await.unwrap().unwrap();
    assert_eq!((view.id.as_str(), view.peers.len()), ("room_blue", 1));
    assert_eq!(view.host, Some(view.peers[0].0.id));
    assert!(hub.view("ro/om", "n1").await.unwrap().is_none());
    ann.leave();
    assert!(hub.view("blue", "n1").await.unwrap().is_none());
    assert_eq!(hub.brief(&RoomId::new("room_blue"), "n1").await, Ok(None));
}
