use super::{
    super::clients::{Client, hub},
    *,
};
use crate::hub::Ending;

fn users(seen: &[(ConnId, Seen)]) -> Vec<&str> {
    seen.iter().map(|(_, seen)| &*seen.user).collect()
}

#[tokio::test]
async fn of_many_connections_the_newest_are_seen_and_stay() {
    let hub = hub();
    let clients: Vec<_> = ["a", "b", "c", "d"]
        .map(|user| Client::enter(&hub, user))
        .into();
    let seen = hub.seen(&HashSet::new(), 2);
    assert_eq!(users(&seen), ["c", "d"]);
    let former = seen.iter().map(|(id, _)| *id).collect();
    let _newest = Client::enter(&hub, "e");
    assert_eq!(users(&hub.seen(&former, 2)), ["c", "d"]);
    clients[2].session.close(Ending::Intended);
    assert_eq!(users(&hub.seen(&former, 2)), ["d", "e"]);
    assert_eq!(users(&hub.seen(&former, 10)), ["a", "b", "d", "e"]);
}

#[tokio::test]
async fn a_connection_is_seen_with_all_its_names() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("Team-1");
    anna.session.known_as("AAAAAAAAAAAAAAAA");
    let _bert = Client::enter(&hub, "bert");
    let seen = hub.seen(&HashSet::new(), 10);
    let [(_, anna), (_, bert)] = &*seen else {
        panic!("two are seen");
    };
    assert_eq!(anna.id, "AAAAAAAAAAAAAAAA");
    assert_eq!(anna.names, ["AAAAAAAAAAAAAAAA", "user:anna", "Team-1"]);
    assert_eq!(bert.names, ["connection-2", "user:bert"]);
}

#[tokio::test]
async fn connections_are_counted() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna");
    let _bert = Client::enter(&hub, "bert");
    anna.session.close(Ending::Lost);
    let expected = Census {
        now: 1,
        polling: 0,
        ever: 2,
    };
    assert_eq!(hub.census(), expected);
}
