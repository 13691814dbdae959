//! The Socket.IO adapter: several servers with one Redis, which comes and goes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod client;
#[path = "../support/mod.rs"]
mod support;

use axum::Router;
use client::Client;
use futures_util::StreamExt as _;
use socketioxide::SocketIo;
use socketioxide::adapter::Emitter;
use socketioxide::extract::SocketRef;
use socketioxide_redis::drivers::Driver as _;
use support::link::{down, node, node_with, up, up_after};
use support::redis::{Cluster, Options, Redis, wait_until};
use switchboard::cluster::driver::{Adapter, PubSubDriver, adapter};
use switchboard::cluster::{KeyPrefix, PubSub};

/// A server whose clients are all in the room `room`.
struct Server {
    pubsub: PubSub,
    driver: PubSubDriver,
    io: SocketIo<Adapter<Emitter>>,
    app: Router,
}

impl Server {
    async fn start(url: &str) -> Self {
        Self::with_queue(url, 1_000).await
    }

    async fn with_queue(url: &str, messages: usize) -> Self {
        let pubsub = node_with(url, |settings| {
            settings.prefix = KeyPrefix::new("p:");
            settings.queue_messages = messages;
        });
        let driver = PubSubDriver::new(pubsub.clone());
        let builder = SocketIo::builder().with_adapter::<Adapter<_>>(adapter(driver.clone()));
        let (layer, io) = builder.build_layer();
        let connected = async |socket: SocketRef<Adapter<Emitter>>| socket.join("room");
        io.ns("/", connected).await.unwrap();
        Self {
            pubsub,
            driver,
            io,
            app: Router::new().layer(layer),
        }
    }

    /// Waits until this server hears the others.
    async fn ready(&self) -> u64 {
        let generation = up(&self.pubsub).await;
        wait_until("subscribed", || self.driver.is_confirmed());
        generation
    }

    async fn client(&self) -> Client {
        let client = Client::connect(&self.app).await;
        // The answer to the client goes out before the handler is called.
        wait_until("the client is in the room", || {
            let sockets = self.io.of("/").unwrap().sockets();
            sockets.iter().all(|socket| socket.rooms().len() == 1)
        });
        client
    }

    async fn tell(&self, text: &str) {
        self.io.to("room").emit("news", text).await.unwrap();
    }

    /// Who acknowledges, with what.
    async fn ask(&self) -> Vec<String> {
        let answers = self.io.to("room").emit_with_ack::<_, String>("ask", "?");
        let mut answers: Vec<_> = answers
            .await
            .unwrap()
            .map(|(_, answer)| answer.unwrap())
            .collect()
            .await;
        answers.sort_unstable();
        answers
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_says_reaches_the_clients_of_all() {
    let redis = Redis::start();
    let (a, b) = (
        Server::start(&redis.url()).await,
        Server::start(&redis.url()).await,
    );
    a.ready().await;
    b.ready().await;
    let (mut at_a, mut at_b) = (a.client().await, b.client().await);
    for number in 0..50 {
        a.tell(&number.to_string()).await;
    }
    for number in 0..50 {
        at_a.expect("news", &number.to_string()).await;
        at_b.expect("news", &number.to_string()).await;
    }
    let (answers, (), ()) = tokio::join!(a.ask(), at_a.acknowledge("a"), at_b.acknowledge("b"));
    assert_eq!(answers, ["a", "b"]);
    assert_eq!(b.io.fetch_sockets().await.unwrap().len(), 2);
    // Other servers on the same Redis are left alone.
    let channels = redis.cli(&["PUBSUB", "CHANNELS"]);
    let ours = |name: &str| name.starts_with("p:switchboard:sio-");
    assert!(channels.lines().all(ours), "{channels}");
    assert_eq!(channels.lines().count(), 5, "{channels}");
    b.io.to("room").disconnect().await.unwrap();
    at_a.expect_disconnect().await;
    at_b.expect_disconnect().await;
    assert_eq!((a.driver.dropped(), b.driver.dropped()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_clients_are_served_while_redis_is_away_and_all_when_it_is_back() {
    let mut redis = Redis::start();
    let (a, b) = (
        Server::start(&redis.url()).await,
        Server::start(&redis.url()).await,
    );
    let (first_a, first_b) = (a.ready().await, b.ready().await);
    let (mut at_a, mut at_b) = (a.client().await, b.client().await);
    redis.kill();
    down(&a.pubsub).await;
    down(&b.pubsub).await;
    a.tell("alone").await;
    at_a.expect("news", "alone").await;
    let (answers, ()) = tokio::join!(a.ask(), at_a.acknowledge("a"));
    assert_eq!(answers, ["a"]);
    assert_eq!(a.io.fetch_sockets().await.unwrap().len(), 1);
    wait_until("given up", || a.pubsub.queue_depth().0 == 0);
    redis.restart();
    up_after(&a.pubsub, first_a).await;
    up_after(&b.pubsub, first_b).await;
    a.tell("together").await;
    at_a.expect("news", "together").await;
    at_b.expect("news", "together").await;
    let (answers, (), ()) = tokio::join!(b.ask(), at_a.acknowledge("a"), at_b.acknowledge("b"));
    assert_eq!(answers, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_without_redis() {
    let mut redis = Redis::prepare(Options::default());
    let (a, b) = (
        Server::start(&redis.url()).await,
        Server::start(&redis.url()).await,
    );
    let (mut at_a, mut at_b) = (a.client().await, b.client().await);
    a.tell("alone").await;
    at_a.expect("news", "alone").await;
    wait_until("given up", || a.pubsub.queue_depth().0 == 0);
    redis.restart();
    a.ready().await;
    b.ready().await;
    a.tell("together").await;
    at_a.expect("news", "together").await;
    at_b.expect("news", "together").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_too() {
    let cluster = Cluster::start(0);
    let (a, b) = (
        Server::start(&cluster.url()).await,
        Server::start(&cluster.url()).await,
    );
    a.ready().await;
    b.ready().await;
    let (mut at_a, mut at_b) = (a.client().await, b.client().await);
    a.tell("together").await;
    at_a.expect("news", "together").await;
    at_b.expect("news", "together").await;
    let (answers, (), ()) = tokio::join!(b.ask(), at_a.acknowledge("a"), at_b.acknowledge("b"));
    assert_eq!(answers, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_does_not_keep_news_from_own_clients() {
    let redis = Redis::prepare(Options::default());
    let a = Server::with_queue(&redis.url(), 10).await;
    let mut at_a = a.client().await;
    for number in 0..50 {
        a.tell(&number.to_string()).await;
        at_a.expect("news", &number.to_string()).await;
    }
    assert!(a.pubsub.publisher_stats().total.refused > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_that_is_too_slow_loses_and_counts_and_holds_up_nobody() {
    let redis = Redis::start();
    let slow = PubSubDriver::new(node(&redis.url()));
    let other = PubSubDriver::new(node(&redis.url()));
    let mut unread = slow.subscribe("c".to_owned(), 2).await.unwrap();
    wait_until("subscribed", || slow.is_confirmed());
    for number in 0..5 {
        other.publish("c".to_owned(), vec![number]).await.unwrap();
    }
    wait_until("too many", || slow.dropped() == 3);
    for number in 0..2 {
        assert_eq!(unread.next().await, Some(("c".to_owned(), vec![number])));
    }
    slow.unsubscribe("c".to_owned()).await.unwrap();
    assert_eq!(unread.next().await, None);
    wait_until("unsubscribed", || redis.subscribers("c") == 0);
}
