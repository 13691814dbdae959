//! One server that behaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use switchboard::cluster::KeyPrefix;
use switchboard::cluster::pubsub::{Channel, Failure, PublishError};

use crate::support::redis::{Certificates, Options, Redis, wait_until};
use crate::{Inbox, node, node_with, text, up, wait_for_listeners};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_arrive_in_order_and_once() {
    const MESSAGES: usize = 20_000;
    let redis = Redis::start();
    let (a, b) = (
        node(&redis.url()),
        node_with(&redis.url(), |s| s.queue_messages = MESSAGES),
    );
    let room = Channel::internal("channel:room:{1}");
    let (inbox, _subscription) = Inbox::subscribed(&a, &room).await;
    up(&b).await;
    for number in 0..MESSAGES {
        b.publish(&room, text(number.to_string())).unwrap();
    }
    wait_until("all messages", || inbox.len() >= MESSAGES);
    let expected: Vec<_> = (0..MESSAGES).map(|number| number.to_string()).collect();
    assert_eq!(inbox.texts(), expected);
    assert_eq!(inbox.0.lock()[0].from, Some(b.server_id()));
    let sent = b.publisher_stats();
    let calls = redis.cli(&["INFO", "commandstats"]);
    assert!(
        calls.contains(&format!("cmdstat_publish:calls={MESSAGES},")),
        "{calls}"
    );
    wait_until("all counted", || {
        b.publisher_stats().total.published == MESSAGES as u64
    });
    assert_eq!(sent.total.retried + sent.total.lost + sent.total.refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_messages_are_not_handled_and_those_of_others_are() {
    let redis = Redis::start();
    let (a, b) = (node(&redis.url()), node(&redis.url()));
    let room = Channel::internal("room");
    let (at_a, _a) = Inbox::subscribed(&a, &room).await;
    let (at_b, _b) = Inbox::subscribed(&b, &room).await;
    assert_eq!(a.publish_and_wait(&room, text("from a")).await, Ok(2));
    assert_eq!(b.publish_and_wait(&room, text("from b")).await, Ok(2));
    at_a.wait_for(&["from b"]);
    at_b.wait_for(&["from a"]);
    wait_until("counted", || a.subscriber_stats().total.own_skipped == 1);
    let stats = a.subscriber_stats();
    assert_eq!(stats.total.received, 1);
    assert_eq!(stats.total.bytes, 6);
    assert_eq!(stats.channels["room"], stats.total);
    a.reset_stats();
    assert_eq!(a.subscriber_stats(), Default::default());
    assert_eq!(a.publisher_stats(), Default::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wants_to_hear_own_messages_does() {
    let redis = Redis::start();
    let (a, b) = (node(&redis.url()), node(&redis.url()));
    let room = Channel::internal("room");
    let all = Inbox::default();
    let _all = a.subscribe_hearing_own(&room, all.handler()).await.unwrap();
    let (others, _others) = Inbox::subscribed(&a, &room).await;
    a.publish_and_wait(&room, text("own")).await.unwrap();
    b.publish_and_wait(&room, text("foreign")).await.unwrap();
    all.wait_for(&["own", "foreign"]);
    others.wait_for(&["foreign"]);
    let from: Vec<_> = all.0.lock().iter().map(|message| message.from).collect();
    assert_eq!(from, [Some(a.server_id()), Some(b.server_id())]);
    assert_eq!(a.subscriber_stats().total.received, 2);
    assert_eq!(a.subscriber_stats().total.own_skipped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_are_the_connections_of_living_processes() {
    let redis = Redis::start();
    let prefixed = |s: &mut switchboard::cluster::pubsub::Settings| s.prefix = KeyPrefix::new("p:");
    let a = node_with(&redis.url(), prefixed);
    let b = node_with(&redis.url(), prefixed);
    let room = Channel::internal("room");
    up(&a).await;
    assert_eq!(a.listeners(&room).await, Ok(0));
    let (_, _a) = Inbox::subscribed(&a, &room).await;
    let (_, _b) = Inbox::subscribed(&b, &room).await;
    assert_eq!(a.listeners(&room).await, Ok(2));
    b.shutdown(Duration::ZERO).await;
    wait_for_listeners(&a, &room, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_channels_carry_what_others_publish_and_what_is_no_envelope_is_skipped() {
    let redis = Redis::start();
    let a = node_with(&redis.url(), |s| s.prefix = KeyPrefix::new("p:"));
    let (raw, internal) = (Channel::raw("events"), Channel::internal("events"));
    let (at_raw, _raw) = Inbox::subscribed(&a, &raw).await;
    let (at_internal, _internal) = Inbox::subscribed(&a, &internal).await;
    redis.cli(&["PUBLISH", "p:events", "from a backend"]);
    at_raw.wait_for(&["from a backend"]);
    a.publish(&raw, text("own")).unwrap();
    at_raw.wait_for(&["from a backend", "own"]);
    assert_eq!(&*at_raw.0.lock()[0].channel, "events");
    assert_eq!(at_raw.0.lock()[0].from, None);
    assert_eq!(at_internal.len(), 0);
    assert_eq!(a.subscriber_stats().total.malformed, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_panics_or_fails_does_not_stop_the_stream() {
    let redis = Redis::start();
    let a = node(&redis.url());
    let channel = Channel::raw("c");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let bad = a.subscribe(&channel, move |message| {
        counted.fetch_add(1, Ordering::Relaxed);
        match &*message.payload {
            b"panic" => panic!("as the test wants"),
            b"fail" => Err("as the test wants".into()),
            _ => Ok(()),
        }
    });
    let _bad = bad.await.unwrap();
    let (inbox, _good) = Inbox::subscribed(&a, &channel).await;
    for message in ["panic", "fail", "fine"] {
        redis.cli(&["PUBLISH", "c", message]);
    }
    inbox.wait_for(&["panic", "fail", "fine"]);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    let total = a.subscriber_stats().total;
    assert_eq!(
        (total.received, total.handler_panics, total.handler_errors),
        (3, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_one_out_unsubscribes() {
    let redis = Redis::start();
    let a = node(&redis.url());
    let channel = Channel::internal("c");
    let (_, first) = Inbox::subscribed(&a, &channel).await;
    let (_, second) = Inbox::subscribed(&a, &channel).await;
    assert_eq!(redis.subscribers("c"), 1);
    a.unsubscribe(first);
    let (_, _other) = Inbox::subscribed(&a, &Channel::internal("d")).await;
    assert_eq!(redis.subscribers("c"), 1);
    drop(second);
    wait_until("unsubscribed", || redis.subscribers("c") == 0);
    // Leaving and coming back in one breath ends subscribed.
    for _ in 0..50 {
        let (_, again) = Inbox::subscribed(&a, &channel).await;
        drop(again);
        let (_, _again) = Inbox::subscribed(&a, &channel).await;
        assert_eq!(redis.subscribers("c"), 1);
    }
    wait_until("unsubscribed", || redis.subscribers("c") == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_subscriptions_take_few_commands() {
    let redis = Redis::start();
    let a = node(&redis.url());
    up(&a).await;
    let all = (0..2_000).map(|number| {
        let a = a.clone();
        tokio::spawn(async move {
            let channel = Channel::internal(&format!("room {number}"));
            a.subscribe(&channel, |_| Ok(())).await.unwrap()
        })
    });
    let mut subscriptions = Vec::new();
    for one in all.collect::<Vec<_>>() {
        subscriptions.push(one.await.unwrap());
    }
    assert!(subscriptions.iter().all(|one| one.is_confirmed()));
    let channels = redis.cli(&["PUBSUB", "CHANNELS", "room *"]);
    assert_eq!(channels.lines().count(), 2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patterns_hear_all_channels_that_fit() {
    let redis = Redis::start();
    let a = node_with(&redis.url(), |s| s.prefix = KeyPrefix::new("a[b]*:"));
    let b = node_with(&redis.url(), |s| s.prefix = KeyPrefix::new("a[b]*:"));
    let inbox = Inbox::default();
    let pattern = Channel::internal("user:*");
    let subscription = a.psubscribe(&pattern, inbox.handler()).await.unwrap();
    for channel in ["user:1", "room:1", "user:2"] {
        b.publish_and_wait(&Channel::internal(channel), text(channel))
            .await
            .unwrap();
    }
    inbox.wait_for(&["user:1", "user:2"]);
    let message = inbox.0.lock()[1].clone();
    assert_eq!(&*message.channel, "user:2");
    assert_eq!(message.pattern.as_deref(), Some("user:*"));
    drop(subscription);
    wait_until("unsubscribed", || redis.cli(&["PUBSUB", "NUMPAT"]) == "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_and_scripts_use_the_user_and_the_database() {
    let redis = Redis::with_lines(&[
        "user default off",
        "user gate on >pa@ss allkeys allchannels allcommands",
    ]);
    let url = |password| format!("redis://gate:{password}@127.0.0.1:{}/3", redis.port);
    let a = node(&url("pa%40ss"));
    up(&a).await;
    let mut commands = a.commands();
    let set = redis::cmd("SET")
        .arg("k")
        .arg("v")
        .exec_async(&mut commands)
        .await;
    set.unwrap();
    let info: String = redis::cmd("CLIENT")
        .arg("INFO")
        .query_async(&mut commands)
        .await
        .unwrap();
    assert!(
        info.contains(" db=3 ") && info.contains(" user=gate "),
        "{info}"
    );
    let script = redis::Script::new("return redis.call('GET', KEYS[1]) .. ARGV[1]");
    let answer: String = script
        .key("k")
        .arg("!")
        .invoke_async(&mut commands)
        .await
        .unwrap();
    assert_eq!(answer, "v!");
    let wrong = node(&url("wrong"));
    wait_until("refused", || wrong.health().attempts > 2);
    assert_eq!(wrong.health().last_failure, Some(Failure::Authentication));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_alone_is_enough() {
    let redis = Redis::with_lines(&["requirepass secret"]);
    let a = node(&format!("redis://:secret@127.0.0.1:{}", redis.port));
    up(&a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_without_permission_keeps_no_other_out() {
    let redis = Redis::with_lines(&["user gate on >p allkeys resetchannels &ok* allcommands"]);
    let a = node_with(
        &format!("redis://gate:p@127.0.0.1:{}", redis.port),
        |settings| {
            settings.subscribe_wait = Duration::from_millis(1);
            settings.ping_interval = Duration::from_millis(100);
        },
    );
    let denied = a
        .subscribe(&Channel::internal("denied"), |_| Ok(()))
        .await
        .unwrap();
    let ok = a
        .subscribe(&Channel::internal("ok"), |_| Ok(()))
        .await
        .unwrap();
    tokio::time::timeout(crate::PATIENCE, ok.confirmed())
        .await
        .unwrap();
    assert!(!denied.is_confirmed());
    let publish = a
        .publish_and_wait(&Channel::internal("denied"), text("x"))
        .await;
    assert_eq!(publish, Err(PublishError::Failed(Failure::Permission)));
    let total = a.publisher_stats().total;
    assert_eq!((total.lost, total.retried), (1, 0), "a refusal is final");
    redis.cli(&["ACL", "SETUSER", "gate", "allchannels"]);
    tokio::time::timeout(crate::PATIENCE, denied.confirmed())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_an_authority_of_ones_own() {
    let directory = tempfile::TempDir::new().unwrap();
    let certificates = Certificates::make(directory.path());
    let ca_pem = std::fs::read(&certificates.ca).unwrap();
    let redis = Redis::with(Options {
        tls: Some(certificates),
        ..Options::default()
    });
    let url = format!("rediss://127.0.0.1:{}", redis.port);
    let target = switchboard::cluster::RedisTarget::parse(&url).unwrap();
    let trusting = target.clone().with_tls(switchboard::cluster::target::Tls {
        ca_pem: Some(ca_pem),
        client_pem: None,
    });
    let start = |target| switchboard::cluster::PubSub::start(target, Default::default()).unwrap();
    let a = start(trusting);
    let channel = Channel::raw("c");
    let (inbox, _subscription) = Inbox::subscribed(&a, &channel).await;
    a.publish(&channel, text("sealed")).unwrap();
    inbox.wait_for(&["sealed"]);
    let distrustful = start(target);
    wait_until("refused", || distrustful.health().attempts > 1);
    assert_eq!(distrustful.health().last_failure, Some(Failure::Tls));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_sends_what_is_queued_and_ends() {
    let redis = Redis::start();
    let (a, b) = (node(&redis.url()), node(&redis.url()));
    let channel = Channel::internal("c");
    let (inbox, _subscription) = Inbox::subscribed(&a, &channel).await;
    up(&b).await;
    for number in 0..5_000 {
        b.publish(&channel, text(number.to_string())).unwrap();
    }
    b.shutdown(crate::PATIENCE).await;
    assert_eq!(b.queue_depth(), (0, 0));
    assert_eq!(b.publisher_stats().total.published, 5_000);
    wait_until("all of them", || inbox.len() == 5_000);
    assert_eq!(b.publish(&channel, text("late")), Err(PublishError::Closed));
    assert!(b.subscribe(&channel, |_| Ok(())).await.is_err());
    wait_until("only a's connections are left", || {
        let clients = redis.cli(&["CLIENT", "LIST"]);
        clients
            .lines()
            .filter(|line| !line.contains("cmd=client"))
            .count()
            == 2
    });
}
