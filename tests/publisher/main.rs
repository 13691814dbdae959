//! A backend in Rust that publishes to a real Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::json;
use support::redis::{Redis, wait_until};
use switchboard::cluster::KeyPrefix;
use switchboard::core::channels::{Channels, InvalidEvent};
use switchboard::events::publisher::{Error, Event, Publisher};

fn publisher(redis: &Redis) -> Publisher {
    let kept = r#"[{"name":"feed","types":["post"],"audience":"subscribers","replay":10}]"#;
    let channels = Channels::with(serde_json::from_str(kept).unwrap()).unwrap();
    let prefix = KeyPrefix::default();
    let publisher = Publisher::with(&redis.url(), "backend", prefix, channels).unwrap();
    wait_until("the link is up", || publisher.health().link.up);
    publisher
}

fn post(number: u32) -> Event {
    Event::new("post", &json!({ "number": number })).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_publishes_another_hears_until_it_unsubscribes() {
    let redis = Redis::start();
    let (one, other) = (publisher(&redis), publisher(&redis));
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&heard);
    let hear = move |kind: &str, data: &_| notes.lock().push(format!("{kind} {data}"));
    let subscription = other.subscribe("match:events", hear).await.unwrap();
    let started = Event::new("match_started", &json!({ "matchId": 1 })).unwrap();
    let lasting = started.clone().lasting(Duration::from_secs(9));
    assert_eq!(one.publish("match:events", &lasting).await.unwrap(), 1);
    wait_until("it is heard", || heard.lock().len() == 1);
    assert_eq!(*heard.lock(), [r#"match_started {"matchId":1}"#]);
    other.unsubscribe(subscription);
    wait_until("nobody listens", || {
        redis
            .cli(&["PUBSUB", "NUMSUB", "match:events"])
            .ends_with('0')
    });
    assert_eq!(one.publish("match:events", &started).await.unwrap(), 0);
    let (published, _) = one.statistics();
    assert_eq!(published.total.published, 2);
    one.reset_statistics();
    assert_eq!(one.statistics().0.total.published, 0);
    one.shutdown().await;
    assert!(one.publish("match:events", &started).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_gateway_would_hand_on_is_not_published() {
    let redis = Redis::start();
    let publisher = publisher(&redis);
    let refused = async |channel, kind, data| {
        let event = Event::new(kind, &data).unwrap();
        publisher.publish(channel, &event).await.unwrap_err()
    };
    let nowhere = refused("nowhere", "post", json!({})).await;
    assert!(matches!(nowhere, Error::NoChannel(name) if name == "nowhere"));
    let reasons = [
        (refused("feed", "x", json!({})).await, InvalidEvent::Type),
        (
            refused("match:events", "match_started", json!({})).await,
            InvalidEvent::Audience,
        ),
    ];
    for (error, reason) in reasons {
        assert!(
            matches!(error, Error::Invalid(why) if why == reason),
            "{error}"
        );
    }
    assert_eq!(publisher.statistics().0.total.published, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_waits_for_redis_and_is_in_the_stream_once() {
    let mut redis = Redis::start();
    let publisher = publisher(&redis);
    publisher.publish("feed", &post(1)).await.unwrap();
    redis.kill();
    wait_until("that is noticed", || !publisher.health().link.up);
    let waiting = {
        let publisher = publisher.clone();
        tokio::spawn(async move { publisher.publish("feed", &post(2)).await })
    };
    let other = Event::new("health_check", &json!({})).unwrap();
    let lost = publisher.publish("system:events", &other).await;
    assert!(matches!(lost, Err(Error::Lost(_))), "{lost:?}");
    redis.restart();
    waiting.await.unwrap().unwrap();
    let length: u32 = redis.cli(&["XLEN", "events:{feed}"]).parse().unwrap();
    assert!(
        (1..=2).contains(&length),
        "{length}: Redis may have lost the first"
    );
    let stream = redis.cli(&["XRANGE", "events:{feed}", "-", "+"]);
    assert_eq!(stream.matches(r#""number":2"#).count(), 1, "{stream}");
}
