//! Scripts that change keys and publish in one step.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use redis::Value;
use switchboard::cluster::KeyPrefix;
use switchboard::cluster::pubsub::{Channel, Failure, PubSub, PublishError, Script};

use crate::support::redis::{Cluster, Redis, wait_until};
use crate::{Inbox, down, node, node_with, text, up, wait_for_listeners};

/// Sets a key to a value and tells, if that is news.
const SET_AND_TELL: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[4] then return false end
    redis.call('SET', KEYS[1], ARGV[4])
    redis.call(ARGV[1], ARGV[2], ARGV[3])
    return {KEYS[1], ARGV[4], 7}";

fn set_and_tell(node: &PubSub, key: &str, value: &'static str) -> Script {
    Script {
        body: SET_AND_TELL,
        keys: vec![node.prefix().apply(key)],
        args: vec![Bytes::from_static(value.as_bytes())],
    }
}

fn script(body: &'static str) -> Script {
    Script {
        body,
        keys: Vec::new(),
        args: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_changes_keys_and_publishes_in_one_step() {
    let redis = Redis::start();
    let prefixed = |s: &mut switchboard::cluster::pubsub::Settings| s.prefix = KeyPrefix::new("p:");
    let a = node_with(&redis.url(), prefixed);
    let b = node_with(&redis.url(), prefixed);
    let room = Channel::internal("channel:room:{1}");
    let (inbox, _subscription) = Inbox::subscribed(&a, &room).await;
    up(&b).await;
    let answer = b
        .execute_and_wait(&room, text("told"), set_and_tell(&b, "k", "v"))
        .await;
    let bulk = |text: &str| Value::BulkString(text.into());
    let expected = Value::Array(vec![bulk("p:k"), bulk("v"), Value::Int(7)]);
    assert_eq!(answer, Ok(expected));
    assert_eq!(redis.cli(&["GET", "p:k"]), "v");
    inbox.wait_for(&["told"]);
    assert_eq!(inbox.0.lock()[0].from, Some(b.server_id()));
    // What has been done already need not be told.
    let again = b.execute_and_wait(&room, text("not told"), set_and_tell(&b, "k", "v"));
    assert_eq!(again.await, Ok(Value::Nil));
    b.publish(&room, text("last")).unwrap();
    inbox.wait_for(&["told", "last"]);
    let total = b.publisher_stats().total;
    assert_eq!((total.published, total.lost, total.retried), (3, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_and_messages_keep_their_order() {
    let redis = Redis::start();
    let (a, b) = (node(&redis.url()), node(&redis.url()));
    let room = Channel::internal("room");
    let (inbox, _subscription) = Inbox::subscribed(&a, &room).await;
    let tell = script("return redis.call(ARGV[1], ARGV[2], ARGV[3])");
    for number in 0..2_000 {
        let message = text(number.to_string());
        if number % 2 == 0 {
            b.publish(&room, message).unwrap();
        } else {
            b.execute(&room, message, tell.clone()).unwrap();
        }
    }
    wait_until("all of them", || inbox.len() >= 2_000);
    let expected: Vec<_> = (0..2_000).map(|number| number.to_string()).collect();
    assert_eq!(inbox.texts(), expected);
    assert_eq!(a.subscriber_stats().total.repeated, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_fails_is_lost_at_once_and_holds_up_nothing() {
    let redis = Redis::start();
    let lost = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&lost);
    let a = node_with(&redis.url(), |settings| {
        settings.on_lost = Some(Arc::new(move |lost| {
            let script = lost.script.map(|script| script.body);
            noted.lock().push((script, lost.cause));
        }));
    });
    up(&a).await;
    let channel = Channel::internal("c");
    redis.cli(&["SET", "text", "no list"]);
    let bodies = [
        "no lua",
        "return redis.call('LPUSH', 'text', '1')",
        "return redis.error_reply('MINE is an error')",
    ];
    for body in bodies {
        let answer = a.execute_and_wait(&channel, text("x"), script(body)).await;
        assert_eq!(answer, Err(PublishError::Failed(Failure::Server)), "{body}");
    }
    assert_eq!(
        *lost.lock(),
        bodies.map(|body| (Some(body), Failure::Server))
    );
    let total = a.publisher_stats().total;
    assert_eq!((total.lost, total.retried, total.published), (3, 0, 0));
    // An answer that is no error is none, whatever it holds.
    for (body, answer) in [
        ("return nil", Value::Nil),
        ("return {}", Value::Array(Vec::new())),
        ("return {ok = 'fine'}", Value::SimpleString("fine".into())),
    ] {
        let answered = a.execute_and_wait(&channel, text("x"), script(body)).await;
        assert_eq!(answered, Ok(answer), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_outlives_a_restart() {
    let mut redis = Redis::start();
    let patient = |s: &mut switchboard::cluster::pubsub::Settings| {
        s.retry_pauses = [100, 1_000, 10_000].map(Duration::from_millis);
    };
    let (a, b) = (node(&redis.url()), node_with(&redis.url(), patient));
    let channel = Channel::internal("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    up(&b).await;
    redis.kill();
    down(&a).await;
    let waiting = tokio::spawn({
        let (b, channel) = (b.clone(), channel.clone());
        async move {
            let script = set_and_tell(&b, "k", "v");
            b.execute_and_wait(&channel, text("told"), script).await
        }
    });
    wait_until("retried", || b.publisher_stats().total.retried > 0);
    redis.restart();
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(redis.cli(&["GET", "k"]), "v");
    subscription.confirmed().await;
    b.execute(&channel, text("again"), set_and_tell(&b, "k", "w"))
        .unwrap();
    wait_until("heard", || {
        inbox.texts().last().is_some_and(|last| last == "again")
    });
    assert_eq!(b.publisher_stats().total.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_accept_writes_yet_is_asked_again() {
    let redis = Redis::start();
    let a = node_with(&redis.url(), |settings| {
        settings.retry_pauses = [100, 1_000, 10_000].map(Duration::from_millis);
    });
    up(&a).await;
    // A replica until a Sentinel makes it the master.
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    a.execute(
        &Channel::internal("c"),
        text("x"),
        set_and_tell(&a, "k", "v"),
    )
    .unwrap();
    wait_until("asked again", || a.publisher_stats().total.retried > 0);
    redis.cli(&["REPLICAOF", "NO", "ONE"]);
    wait_until("written", || a.publisher_stats().total.published == 1);
    assert_eq!(redis.cli(&["GET", "k"]), "v");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_arguments_count_towards_the_bound() {
    let redis = Redis::prepare(crate::support::redis::Options::default());
    let a = node_with(&redis.url(), |settings| {
        settings.queue_bytes = 1_000;
        settings.retry_pauses = [60_000; 3].map(Duration::from_millis);
    });
    let channel = Channel::internal("c");
    let mut large = set_and_tell(&a, "key", "v");
    large.args = vec![Bytes::from(vec![0; 900])];
    let fits = a.execute(&channel, text("x".repeat(97)), large.clone());
    assert_eq!(fits, Ok(()));
    assert_eq!(a.queue_depth(), (1, 1_000));
    let over = a.execute(&channel, text("x".repeat(98)), large);
    assert_eq!(over, Err(PublishError::TooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_scripts_go_to_the_node_of_their_channel() {
    let cluster = Cluster::start(0);
    let prefixed = |s: &mut switchboard::cluster::pubsub::Settings| s.prefix = KeyPrefix::new("p:");
    let (a, b) = (
        node_with(&cluster.url(), prefixed),
        node_with(&cluster.url(), prefixed),
    );
    up(&a).await;
    up(&b).await;
    for number in 0..20 {
        let room = Channel::internal(&format!("channel:room:{{{number}}}"));
        let (inbox, _subscription) = Inbox::subscribed(&a, &room).await;
        assert_eq!(b.listeners(&room).await, Ok(1));
        let key = format!("room:{{{number}}}:peers");
        let script = set_and_tell(&b, &key, "v");
        let answer = b.execute_and_wait(&room, text("told"), script).await;
        assert!(answer.is_ok(), "{answer:?}");
        inbox.wait_for(&["told"]);
        let value: String = redis::cmd("GET")
            .arg(b.prefix().apply(&key))
            .query_async(&mut a.commands())
            .await
            .unwrap();
        assert_eq!(value, "v");
        drop(_subscription);
        wait_for_listeners(&b, &room, 0).await;
    }
    let events = Channel::raw("events");
    let (_, _subscription) = Inbox::subscribed(&a, &events).await;
    assert_eq!(b.listeners(&events).await, Ok(1));
}
