use super::{
    super::clients::{Client, hub},
    *,
};
use crate::hub::Ending;

fn to(rooms: &[&str], except: &[&str]) -> Selection {
    let names = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
    Selection {
        rooms: names(rooms),
        except: names(except),
    }
}

fn tell(hub: &Hub, rooms: &[&str], except: &[&str]) -> usize {
    hub.emit(&to(rooms, except), &Emission::new("hi", &[], false))
}

#[tokio::test]
async fn a_name_is_a_room_a_user_a_group_a_peer_or_a_socket() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("Team-1");
    let bert = Client::enter(&hub, "bert").join("Team-1");
    anna.session.known_as("AAAAAAAAAAAAAAAA");
    anna.session.follow("vip".into()).unwrap();
    let peer = anna.session.peer().unwrap().to_string();
    for name in ["user:anna", "vip", &*peer, "AAAAAAAAAAAAAAAA"] {
        assert_eq!(tell(&hub, &[name], &[]), 1, "{name}");
        assert_eq!((anna.heard().len(), bert.heard().len()), (1, 0), "{name}");
    }
    for name in ["Team-1", "room_team-1"] {
        assert_eq!(tell(&hub, &[name], &[]), 2, "{name}");
    }
    for name in [
        "",
        "nobody",
        "user:",
        "user:carl",
        "Team-2",
        "00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(tell(&hub, &[name], &[]), 0, "{name}");
        assert!(!hub.knows(name), "{name}");
    }
}

#[tokio::test]
async fn whoever_is_meant_several_times_hears_it_once_and_exceptions_win() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("a");
    let bert = Client::enter(&hub, "bert").join("a");
    let carl = Client::enter(&hub, "carl");
    assert_eq!(tell(&hub, &["a", "user:anna", "room_a"], &[]), 2);
    assert_eq!(tell(&hub, &[], &[]), 3);
    assert_eq!(tell(&hub, &[], &["a"]), 1);
    assert_eq!(tell(&hub, &["a", "user:carl"], &["user:bert", "nobody"]), 2);
    let heard = [anna.heard(), bert.heard(), carl.heard()].map(|heard| heard.len());
    assert_eq!(heard, [3, 2, 3]);
}

#[tokio::test]
async fn names_end_with_what_they_mean() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("a");
    anna.session.known_as("AAAAAAAAAAAAAAAA");
    anna.session.follow("vip".into()).unwrap();
    let peer = anna.session.peer().unwrap().to_string();
    let anna = anna.join("b");
    let newer = anna.session.peer().unwrap().to_string();
    let gone = |name: &str| !hub.knows(name);
    assert!(gone("a") && gone(&peer) && !gone("b") && !gone(&newer));
    anna.session.leave();
    assert!(gone("b") && gone(&newer) && !gone("vip"));
    anna.session.unfollow("vip");
    assert!(gone("vip"));
    anna.session.close(Ending::Intended);
    assert!(gone("AAAAAAAAAAAAAAAA") && gone("user:anna"));
    assert_eq!(tell(&hub, &[], &[]), 0);
    let audiences = &hub.audiences;
    assert!(audiences.peers.is_empty() && audiences.addresses.is_empty());
}

#[tokio::test]
async fn a_peer_that_was_removed_is_not_found_by_its_id() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("a");
    let bert = Client::enter(&hub, "bert").join("a");
    let peer = bert.session.peer();
    anna.session.kick(peer, "").unwrap();
    assert!(!hub.knows(&peer.unwrap().to_string()));
    assert!(hub.knows("user:bert"));
}

#[tokio::test]
async fn who_is_waited_for_is_not_told_by_backends() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("a");
    let bert = Client::enter(&hub, "bert").join("a");
    bert.session.close(Ending::Lost);
    assert_eq!(tell(&hub, &["a"], &[]), 1);
    assert_eq!(anna.heard(), ["hi"]);
}

#[tokio::test]
async fn a_session_knows_what_it_may_be_called_and_can_be_dismissed() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("Team-1");
    anna.session.known_as("AAAAAAAAAAAAAAAA");
    anna.session.follow("vip".into()).unwrap();
    let names = anna.session.names();
    let names: Vec<_> = names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["AAAAAAAAAAAAAAAA", "user:anna", "Team-1", "vip"]);
    let [session] = &*hub.select(&to(&["vip"], &[])) else {
        panic!("one session is in the group");
    };
    session.dismiss(true);
    assert_eq!(*anna.ears.dismissed.lock(), Some(true));
}

#[tokio::test]
async fn nobody_hears_what_is_for_others_by_choosing_the_code_of_a_room() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna").join("team");
    let peer = anna.session.peer().unwrap().to_string();
    let mallory = Client::enter(&hub, "mallory").join(&peer);
    let eve = Client::enter(&hub, "eve").join("room_team");
    for name in [&*peer, "room_team"] {
        assert_eq!(tell(&hub, &[name], &[]), 1, "{name}");
    }
    assert_eq!(anna.heard().len(), 2);
    assert_eq!((mallory.heard().len(), eve.heard().len()), (0, 0));
}
