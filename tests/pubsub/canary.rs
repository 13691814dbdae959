//! Whether Redis delivers.

use switchboard::cluster::canary::Canary;
use switchboard::cluster::pubsub::Channel;

use crate::support::redis::{Cluster, Options, Redis, wait_until};
use crate::{node, up, up_after, wait_for_listeners};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_tells_whether_redis_delivers() {
    let mut redis = Redis::prepare(Options::default());
    let a = node(&redis.url());
    let canary = Canary::start(&a);
    assert!(!canary.delivers());
    assert_eq!(canary.round_trip(), None);
    redis.restart();
    wait_until("delivers", || canary.delivers());
    assert!(canary.round_trip().is_some());
    redis.stall();
    wait_until("a stalled server does not", || !canary.delivers());
    redis.wake();
    wait_until("one that goes on does", || canary.delivers());
    redis.kill();
    wait_until("one that was killed does not", || !canary.delivers());
    redis.restart();
    wait_until("one that was restarted does", || canary.delivers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_answers_and_does_not_deliver_is_noticed() {
    let redis = Redis::with_lines(&["user gate on >p allkeys allchannels allcommands"]);
    let a = node(&format!("redis://gate:p@127.0.0.1:{}", redis.port));
    let canary = Canary::start(&a);
    wait_until("delivers", || canary.delivers());
    // Redis ends the connections of a user that may not listen any more; they come back.
    let before = up(&a).await;
    redis.cli(&["ACL", "SETUSER", "gate", "resetchannels"]);
    up_after(&a, before).await;
    wait_until("deaf", || !canary.delivers());
    assert!(a.health().link.up);
    redis.cli(&["ACL", "SETUSER", "gate", "allchannels"]);
    wait_until("hears again", || canary.delivers());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_canaries_do_not_hear_each_other() {
    let cluster = Cluster::start(0);
    let (a, b) = (node(&cluster.url()), node(&cluster.url()));
    let (at_a, at_b) = (Canary::start(&a), Canary::start(&b));
    wait_until("both deliver", || at_a.delivers() && at_b.delivers());
    assert_eq!(a.subscriber_stats().total.handler_errors, 0);
    drop(at_a);
    let channel = Channel::internal(&format!("canary:{}", a.server_id()));
    wait_for_listeners(&b, &channel, 0).await;
    wait_until("the other goes on", || at_b.delivers());
}
