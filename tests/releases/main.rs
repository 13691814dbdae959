//! What is to be closed on media servers, in a real Redis: who sees to it, and who takes over.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use support::redis::{PATIENCE, Redis};
use switchboard::{
    cluster::{
        Cluster, ClusterSettings, KeyPrefix, RedisTarget, SharedReleases, chat::ChatKeeping,
    },
    core::{PeerId, RoomId},
    services::media::{Ledger as _, Release},
};
use uuid::Uuid;

const KEY: &str = "media:releases";
const SERVER: &str = "http://media.example";

async fn ledger(redis: &Redis, name: &str) -> SharedReleases {
    let settings = ClusterSettings {
        redis: RedisTarget::parse(&redis.url()).unwrap(),
        prefix: KeyPrefix::default(),
        node: name.to_owned(),
        presence_ttl: Duration::from_secs(30),
        chat: ChatKeeping::Queue,
    };
    let cluster = Cluster::start(settings).await.unwrap();
    let mut link = cluster.link();
    let up = link.wait_for(|link| link.up);
    tokio::time::timeout(PATIENCE, up).await.unwrap().unwrap();
    SharedReleases(cluster)
}

fn release(number: u128) -> Release {
    Release {
        server: Arc::from(SERVER),
        room: RoomId::new("r"),
        peer: PeerId::new(Uuid::from_u128(number)),
    }
}

/// Lets the time of all that is written down lapse.
fn lapse(redis: &Redis) {
    for release in redis.cli(&["ZRANGE", KEY, "0", "-1"]).lines() {
        redis.cli(&["ZADD", KEY, "1", release]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_sees_to_any_more_is_taken_over_by_one() {
    let redis = Redis::start();
    let (a, b, c) = tokio::join!(
        ledger(&redis, "a"),
        ledger(&redis, "b"),
        ledger(&redis, "c")
    );
    for number in 1..=3 {
        a.note(&release(number)).await;
    }
    assert_eq!(b.take(10).await, [], "its node sees to it");
    let ttl: u64 = redis.cli(&["TTL", KEY]).parse().unwrap();
    assert!((3_000..=3_600).contains(&ttl), "{ttl} s");
    lapse(&redis);
    a.note(&release(2)).await;
    assert_eq!(b.take(1).await, [release(1)], "no more than is asked for");
    assert_eq!(c.take(10).await, [release(3)]);
    assert_eq!(b.take(10).await, [], "who takes it sees to it");
    for number in 1..=3 {
        c.strike(&release(number)).await;
    }
    assert_eq!(redis.cli(&["EXISTS", KEY]), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_peer_has_by_rights_is_not_taken_from_it() {
    let redis = Redis::start();
    let a = ledger(&redis, "a").await;
    let peer = release(1).peer.to_string();
    let mode = |server: &str| {
        format!(r#"{{"epoch":1,"mode":"sfu","media":"{server}","reason":"configured"}}"#)
    };
    for (record, mode, taken) in [
        (r#"{"media":{}}"#, mode(SERVER), false),
        (r#"{"media":{}}"#, mode("http://another.example"), true),
        ("{}", mode(SERVER), true),
        ("nonsense", "nonsense".to_owned(), true),
    ] {
        redis.cli(&["HSET", "room:{r}:peers", &peer, record]);
        redis.cli(&["SET", "room:{r}:mode", &mode]);
        a.note(&release(1)).await;
        lapse(&redis);
        let due: Vec<Release> = taken.then(|| release(1)).into_iter().collect();
        assert_eq!(a.take(10).await, due, "{record} {mode}");
        assert_eq!(redis.cli(&["EXISTS", KEY]) == "1", taken, "{record} {mode}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_none_of_ours_and_an_absent_redis_do_no_harm() {
    let mut redis = Redis::start();
    let a = ledger(&redis, "a").await;
    redis.cli(&["ZADD", KEY, "1", "nonsense"]);
    a.note(&release(1)).await;
    lapse(&redis);
    assert_eq!(a.take(10).await, [release(1)]);
    redis.kill();
    assert_eq!(a.take(10).await, []);
    a.note(&release(1)).await;
    a.strike(&release(1)).await;
}
