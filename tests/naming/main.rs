//! The names by which peers are reached, across nodes with a real Redis: no two peers of a room
//! have the same.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod node;
#[path = "../support/mod.rs"]
mod support;

use futures_util::future::join_all;
use node::{Node, alias_of, join, join_room, peer_of};
use support::redis::{Redis, wait_until};
use switchboard::hub::{Arrival, Ending};
use switchboard::protocol::ErrorCode;

const NAMES: &str = "room:{room_r}:names";
const PLACES: &str = "room:{room_r}:places";
const PEERS: &str = "room:{room_r}:peers";

/// Nodes that find each other through a Redis.
async fn nodes<const N: usize>(redis: &Redis) -> [Node; N] {
    let url = redis.url();
    let started = (0..N).map(|number| Node::start(&url, number));
    let nodes = join_all(started).await;
    nodes.try_into().unwrap_or_else(|_| panic!("{N} nodes"))
}

/// What Redis has of the names, `name` and peer id by turns.
fn names(redis: &Redis) -> String {
    redis.try_cli(&["HGETALL", NAMES]).unwrap_or_default()
}

#[track_caller]
fn assert_taken(joined: Result<(), switchboard::protocol::WireError>) {
    let refused = joined.expect_err("the name is taken");
    assert_eq!(refused.code, ErrorCode::Forbidden);
    assert_eq!(refused.message, "this name is taken in the room");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let redis = Redis::start();
    let nodes = nodes::<3>(&redis).await;
    for round in 0..10 {
        let room = format!("room-{round}");
        let sessions: Vec<_> = (0..9)
            .map(|number| nodes[number % 3].open(&format!("user {number}")))
            .collect();
        let wishes = sessions
            .iter()
            .map(|session| join_room(session, &room, Some("camera")));
        let outcomes = join_all(wishes).await;
        let (got, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(got.len(), 1, "in round {round}");
        refused.into_iter().for_each(assert_taken);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_to_its_peer_on_every_node_and_is_free_when_that_leaves() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben, cleo) = (one.open("anna"), other.open("ben"), other.open("cleo"));
    join(&anna, Some("camera")).await.unwrap();
    join(&ben, None).await.unwrap();
    assert_eq!(ben.find("camera").to_vec(), [peer_of(&anna)]);
    assert_eq!(ben.find("anna").to_vec(), [peer_of(&anna)]);
    wait_until("the other is known", || !anna.find("ben").is_empty());
    assert_taken(join(&cleo, Some("camera")).await);
    assert_taken(join(&cleo, Some("anna")).await);
    assert_taken(join(&cleo, Some("ben")).await);
    anna.leave();
    wait_until("the name leads nowhere", || ben.find("camera").is_empty());
    join(&cleo, Some("camera")).await.unwrap();
    assert_eq!(ben.find("camera").to_vec(), [peer_of(&cleo)]);
    for session in [ben, cleo] {
        session.leave();
    }
    wait_until("nothing is left of names", || {
        redis.cli(&["EXISTS", NAMES, PLACES]) == "0"
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_name_already_through_another_connection_is_told_how_to_be_that_peer() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben) = (one.open("anna"), other.open("ben"));
    join(&anna, Some("camera")).await.unwrap();
    for node in [&one, &other] {
        let refused = join(&node.open("anna"), Some("camera")).await;
        let refused = refused.expect_err("the name is taken");
        assert_eq!(refused.code, ErrorCode::Forbidden);
        assert!(refused.message.contains("resumeToken"), "{refused:?}");
    }
    assert_taken(join(&ben, Some("camera")).await);
    assert_taken(join(&one.open("anna"), Some("anna")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_kept_for_a_peer_that_is_away_as_long_as_it_is_waited_for() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben) = (one.open("anna"), other.open("ben"));
    join(&anna, Some("camera")).await.unwrap();
    anna.close(Ending::Lost);
    assert_taken(join(&ben, Some("camera")).await);
    wait_until("the name is free", || !names(&redis).contains("camera"));
    join(&ben, Some("camera")).await.unwrap();
}

/// Scripts in Redis take the records apart and put them together on the way.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_moves_to_another_node_keeps_its_name_whatever_it_is() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    for name in ["camera", "\"/\\ü\u{1F600}", "\"alias\":", "anna"] {
        let anna = one.open("anna");
        join(&anna, Some(name)).await.unwrap();
        let peer = peer_of(&anna);
        let token = anna.view().unwrap().resume.to_string();
        let back = other.come_back("anna", &token).await;
        assert_eq!(peer_of(&back), peer, "{name}");
        let ben = one.open("ben");
        join(&ben, None).await.unwrap();
        assert_eq!(alias_of(&ben, peer).as_deref(), Some(name));
        assert_eq!(ben.find(name).to_vec(), [peer]);
        let cleo = one.open("cleo");
        assert_taken(join(&cleo, Some(name)).await);
        back.leave();
        wait_until("the name is free", || names(&redis).is_empty());
        wait_until("it is gone", || ben.view().unwrap().peers.is_empty());
        ben.leave();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_again_by_the_same_name_is_welcomed_and_by_another_is_somebody_else() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben) = (one.open("anna"), other.open("ben"));
    join(&ben, None).await.unwrap();
    join(&anna, Some("camera")).await.unwrap();
    let peer = peer_of(&anna);
    join(&anna, Some("camera")).await.unwrap();
    join(&anna, None).await.unwrap();
    assert_eq!(peer_of(&anna), peer);
    join(&anna, Some("screen")).await.unwrap();
    assert_ne!(peer_of(&anna), peer);
    wait_until("the new name leads to it", || {
        ben.find("screen").to_vec() == [peer_of(&anna)]
    });
    assert!(ben.find("camera").is_empty(), "the former name is no more");
    wait_until("it is free", || !names(&redis).contains("camera"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_join_takes_no_name() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let sessions: Vec<_> = (0..node::PLACES)
        .map(|number| one.open(&format!("user {number}")))
        .collect();
    for session in &sessions {
        join(session, None).await.unwrap();
    }
    let (late, later) = (other.open("late"), other.open("later"));
    let full = join(&late, Some("camera")).await.expect_err("it is full");
    assert_eq!(full.code, ErrorCode::RoomFull);
    assert_eq!(names(&redis), "");
    sessions[0].leave();
    let others = (node::PLACES - 1).to_string();
    wait_until("its place is free", || {
        redis.cli(&["HLEN", PEERS]) == others
    });
    // It is gone before it is let in.
    late.close(Ending::Intended);
    join(&late, Some("camera")).await.unwrap();
    assert!(late.view().is_none());
    wait_until("the place is given back", || {
        redis.cli(&["EXISTS", NAMES, PLACES]) == "0"
    });
    join(&later, Some("camera")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_is_told_the_names_again() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben, cleo) = (one.open("anna"), other.open("ben"), other.open("cleo"));
    join(&anna, Some("camera")).await.unwrap();
    join(&ben, Some("screen")).await.unwrap();
    redis.cli(&["FLUSHALL"]);
    wait_until("both are known again", || {
        let names = names(&redis);
        names.contains("camera") && names.contains("screen")
    });
    assert_taken(join(&cleo, Some("camera")).await);
    assert_taken(join(&cleo, Some("screen")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_node_gives_no_name_twice() {
    let mut redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let (anna, ben) = (one.open("anna"), other.open("ben"));
    join(&anna, Some("camera")).await.unwrap();
    join(&ben, Some("screen")).await.unwrap();
    wait_until("the other is known", || !anna.find("screen").is_empty());
    redis.kill();
    let (cleo, dora) = (one.open("cleo"), one.open("dora"));
    assert_taken(join(&cleo, Some("camera")).await);
    assert_taken(join(&cleo, Some("screen")).await);
    join(&cleo, Some("door")).await.unwrap();
    assert_taken(join(&dora, Some("door")).await);
    redis.restart();
    wait_until("it is told of the name", || names(&redis).contains("door"));
    wait_until("and so is the other node", || !ben.find("door").is_empty());
    let emil = other.open("emil");
    assert_taken(join(&emil, Some("door")).await);
}

/// How often Redis was asked for a channel.
fn subscriptions(redis: &Redis) -> usize {
    let stats = redis.cli(&["INFO", "commandstats"]);
    let asked = stats.lines().filter_map(|line| {
        let (command, stats) = line.split_once(":calls=")?;
        let counts = ["cmdstat_subscribe", "cmdstat_ssubscribe"].contains(&command);
        counts.then(|| stats.split(',').next()?.parse::<usize>().ok())?
    });
    asked.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_opened_once_for_who_looks_who_is_there_and_joins_and_let_go_if_it_does_not() {
    let redis = Redis::start();
    let [one, other] = nodes(&redis).await;
    let code = "r".parse().unwrap();
    let before = subscriptions(&redis);
    let anna = one.admit("anna");
    assert_eq!(anna.arrive(&code, None).await.unwrap(), Arrival::New);
    join(&anna, None).await.unwrap();
    assert_eq!(subscriptions(&redis), before + 1);
    let again = other.admit("anna");
    assert_eq!(again.arrive(&code, None).await.unwrap(), Arrival::Beside);
    assert_eq!(subscriptions(&redis), before + 2);
    assert_eq!((one.rooms(), other.rooms()), (1, 1));
    again.close(Ending::Lost);
    // Whoever compares the room with Redis just now keeps it for that long.
    wait_until("it is let go", || (one.rooms(), other.rooms()) == (1, 0));
    anna.leave();
    wait_until("so it is here", || one.rooms() == 0);
}
