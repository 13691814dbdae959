//! A server that is killed, restarted empty, stalled, or not there yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use switchboard::cluster::pubsub::{Channel, Failure, Message, PublishError};

use crate::support::redis::{Options, Redis, wait_until};
use crate::{Inbox, down, node, node_with, text, up, up_after};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_everything_is_subscribed_again() {
    let mut redis = Redis::start();
    let (a, b) = (node(&redis.url()), node(&redis.url()));
    let channel = Channel::internal("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    let patterned = Inbox::default();
    let pattern = Channel::internal("c*");
    let _pattern = a.psubscribe(&pattern, patterned.handler()).await.unwrap();
    let (first_a, first_b) = (up(&a).await, up(&b).await);
    b.publish_and_wait(&channel, text("before")).await.unwrap();
    // Redis answers the sender before it tells the others, and may be killed in between.
    inbox.wait_for(&["before"]);
    patterned.wait_for(&["before"]);
    redis.kill();
    down(&a).await;
    down(&b).await;
    wait_until("unconfirmed", || !subscription.is_confirmed());
    let refused = b.publish_and_wait(&channel, text("during")).await;
    assert!(
        matches!(refused, Err(PublishError::Failed(_))),
        "{refused:?}"
    );
    wait_until("attempts are counted", || a.health().attempts > 3);
    redis.restart();
    let (second_a, second_b) = (up_after(&a, first_a).await, up_after(&b, first_b).await);
    assert_eq!((second_a, second_b), (first_a + 1, first_b + 1));
    assert!(subscription.is_confirmed());
    b.publish_and_wait(&channel, text("after")).await.unwrap();
    inbox.wait_for(&["before", "after"]);
    patterned.wait_for(&["before", "after"]);
    let health = a.health();
    assert_eq!(health.attempts, 0);
    assert!(health.total_attempts > 3, "{health:?}");
    wait_until("checked", || a.health().round_trip.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_during_an_outage_is_retried_then_lost_and_counted() {
    let mut redis = Redis::start();
    let reported = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&reported);
    let a = node_with(&redis.url(), |settings| {
        settings.on_lost = Some(Arc::new(move |lost| {
            assert_eq!(lost.channel.name(), "c");
            counted.fetch_add(1, Ordering::Relaxed);
        }));
    });
    up(&a).await;
    redis.kill();
    down(&a).await;
    let channel = Channel::internal("c");
    for _ in 0..9 {
        a.publish(&channel, text("x")).unwrap();
    }
    let last = a.publish_and_wait(&channel, text("x")).await;
    assert_eq!(last, Err(PublishError::Failed(Failure::Closed)));
    let stats = a.publisher_stats();
    assert_eq!(
        (stats.total.lost, stats.total.retried, stats.total.published),
        (10, 30, 0)
    );
    assert_eq!(stats.channels["c"], stats.total);
    assert_eq!(reported.load(Ordering::Relaxed), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_outage_loses_nothing_and_repeats_nothing() {
    let mut redis = Redis::start();
    // Its first retry comes when the other has long subscribed again.
    let slow = |s: &mut switchboard::cluster::pubsub::Settings| {
        s.retry_pauses = [5_000; 3].map(Duration::from_millis);
    };
    let (a, b) = (node(&redis.url()), node_with(&redis.url(), slow));
    let channel = Channel::internal("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    up(&b).await;
    redis.kill();
    down(&a).await;
    for number in 0..100 {
        b.publish(&channel, text(number.to_string())).unwrap();
    }
    redis.restart();
    subscription.confirmed().await;
    b.publish(&channel, text("100")).unwrap();
    wait_until("all of them", || inbox.len() > 100);
    let expected: Vec<_> = (0..=100).map(|number| number.to_string()).collect();
    assert_eq!(inbox.texts(), expected);
    assert_eq!(b.publisher_stats().total.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_come_later_than_the_gateway() {
    let mut redis = Redis::prepare(Options::default());
    let a = node_with(&redis.url(), |s| {
        s.subscribe_wait = Duration::from_millis(50);
    });
    let inbox = Inbox::default();
    let channel = Channel::raw("c");
    let subscription = a.subscribe(&channel, inbox.handler()).await.unwrap();
    assert!(!subscription.is_confirmed());
    assert!(!a.commands().is_connected());
    let ping = redis::cmd("PING").exec_async(&mut a.commands()).await;
    assert!(ping.unwrap_err().is_io_error());
    wait_until("refused", || {
        a.health().last_failure == Some(Failure::Refused)
    });
    assert!(!a.health().link.up);
    redis.restart();
    subscription.confirmed().await;
    up(&a).await;
    redis.cli(&["PUBLISH", "c", "at last"]);
    inbox.wait_for(&["at last"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_server_is_noticed_and_taken_back() {
    let mut redis = Redis::start();
    let patient = |s: &mut switchboard::cluster::pubsub::Settings| {
        s.retry_pauses = [100, 1_000, 10_000].map(Duration::from_millis);
    };
    let (a, b) = (node(&redis.url()), node_with(&redis.url(), patient));
    let channel = Channel::internal("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    let (first_a, first_b) = (up(&a).await, up(&b).await);
    redis.stall();
    // Commands do not hang on it, neither before this has been noticed nor after.
    for _ in 0..2 {
        let ping = redis::cmd("PING").exec_async(&mut a.commands()).await;
        assert!(ping.is_err());
        down(&a).await;
    }
    assert!(!a.commands().is_connected());
    down(&b).await;
    // What is published now arrives when the server goes on.
    for number in 0..100 {
        b.publish(&channel, text(number.to_string())).unwrap();
    }
    wait_until("tried in vain", || b.publisher_stats().total.retried > 0);
    redis.wake();
    up_after(&a, first_a).await;
    up_after(&b, first_b).await;
    subscription.confirmed().await;
    b.publish_and_wait(&channel, text("after")).await.unwrap();
    let mut expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    expected.push("after".to_owned());
    assert_eq!(b.publisher_stats().total.lost, 0);
    wait_until("the last", || {
        inbox.texts().last().is_some_and(|last| last == "after")
    });
    assert_eq!(inbox.texts(), expected, "{:?}", a.subscriber_stats().total);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stalled_server_answers_too_late_is_not_handled_twice() {
    let mut redis = Redis::start();
    let (a, b) = (
        node(&redis.url()),
        node_with(&redis.url(), |settings| {
            // Its connection is not given up, only its publish.
            settings.response_timeout = Duration::from_millis(500);
            settings.ping_interval = Duration::from_secs(60);
            settings.retry_pauses = [3_000; 3].map(Duration::from_millis);
        }),
    );
    let channel = Channel::internal("c");
    let (inbox, _subscription) = Inbox::subscribed(&a, &channel).await;
    let own = Inbox::default();
    let _own = b.subscribe_hearing_own(&channel, own.handler()).await;
    up(&b).await;
    redis.stall();
    b.publish(&channel, text("1")).unwrap();
    b.publish(&channel, text("2")).unwrap();
    wait_until("the answer is late", || {
        b.publisher_stats().total.retried > 0
    });
    redis.wake();
    b.publish_and_wait(&channel, text("3")).await.unwrap();
    inbox.wait_for(&["1", "2", "3"]);
    own.wait_for(&["1", "2", "3"]);
    assert!(a.subscriber_stats().total.repeated > 0);
    assert!(b.subscriber_stats().total.repeated > 0);
    assert_eq!(b.publisher_stats().total.lost, 0);
}

/// What a node wrote to a connection that it gave up may come to Redis after what it wrote to the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_connection_that_was_given_up_brings_late_is_not_handled_after_what_followed() {
    let redis = Redis::start();
    let (a, b, network) = (node(&redis.url()), node(&redis.url()), node(&redis.url()));
    let channel = Channel::internal("c");
    let (inbox, _subscription) = Inbox::subscribed(&a, &channel).await;
    // The bytes as they are written, without their coming where they are meant to.
    let (written, _written) = Inbox::subscribed(&network, &Channel::raw("d")).await;
    up(&b).await;
    let held = Channel::internal("d");
    b.publish_and_wait(&held, text("late")).await.unwrap();
    b.publish_and_wait(&channel, text("next")).await.unwrap();
    wait_until("it is written", || written.len() == 1);
    let late = written.0.lock()[0].payload.clone();
    let raw = Channel::raw("c");
    network.publish_and_wait(&raw, late).await.unwrap();
    b.publish_and_wait(&channel, text("last")).await.unwrap();
    inbox.wait_for(&["next", "last"]);
    assert_eq!(a.subscriber_stats().total.repeated, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_counts() {
    let redis = Redis::prepare(Options::default());
    let a = node_with(&redis.url(), |settings| {
        settings.queue_messages = 10;
        settings.queue_bytes = 1_000;
        settings.retry_pauses = [60_000; 3].map(Duration::from_millis);
    });
    let channel = Channel::internal("c");
    for _ in 0..10 {
        a.publish(&channel, text("x")).unwrap();
    }
    assert_eq!(a.publish(&channel, text("x")), Err(PublishError::Full));
    let large = text("x".repeat(1_001));
    assert_eq!(a.publish(&channel, large), Err(PublishError::TooLarge));
    assert_eq!(a.queue_depth(), (10, 10));
    assert_eq!(a.publisher_stats().total.refused, 2);
    // What cannot be sent within the bound is given up, and says so.
    a.shutdown(Duration::from_millis(100)).await;
    assert_eq!(a.publisher_stats().total.lost, 10);
    assert_eq!(a.queue_depth(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_counts_bytes() {
    let redis = Redis::prepare(Options::default());
    let a = node_with(&redis.url(), |settings| settings.queue_bytes = 1_000);
    let channel = Channel::internal("c");
    a.publish(&channel, text("x".repeat(600))).unwrap();
    let second = a.publish(&channel, text("x".repeat(600)));
    assert_eq!(second, Err(PublishError::Full));
    a.publish(&channel, text("x".repeat(400))).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_by_the_server_comes_back() {
    let redis = Redis::start();
    let a = node(&redis.url());
    let channel = Channel::raw("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    for kind in ["pubsub", "normal"] {
        let before = up(&a).await;
        redis.cli(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]);
        up_after(&a, before).await;
    }
    subscription.confirmed().await;
    redis.cli(&["PUBLISH", "c", "x"]);
    inbox.wait_for(&["x"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_link_is_not_up_while_a_lost_connection_has_not_been_noticed() {
    let mut redis = Redis::start();
    let a = node(&redis.url());
    // A handler that takes its time: what comes after this message, the end of the connection
    // too, is read when it returns.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let entered = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&entered);
    let slow = move |_: &Message| {
        noted.store(true, Ordering::Relaxed);
        let _ = wait.lock().recv();
        Ok(())
    };
    let _slow = a.subscribe(&Channel::raw("c"), slow).await.unwrap();
    let first = up(&a).await;
    redis.cli(&["PUBLISH", "c", "x"]);
    wait_until("handled", || entered.load(Ordering::Relaxed));
    // The thread that is now held up was the one to watch the sockets: wake another.
    tokio::spawn(async {}).await.unwrap();
    redis.kill();
    down(&a).await;
    redis.restart();
    wait_until("commands are back", || a.health().commands_up);
    assert!(!a.health().link.up);
    drop(go_on);
    up_after(&a, first).await;
    assert_eq!(redis.subscribers("c"), 1);
}
