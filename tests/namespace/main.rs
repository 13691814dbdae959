//! What concerns a user or everybody, through whole gateways that share a Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod client;
#[path = "../support/mod.rs"]
mod support;

use client::Client;
use serde_json::value::RawValue;
use support::redis::{PATIENCE, Redis};
use switchboard::{
    app::Gateway,
    config::{Config, Environment},
    core::UserId,
    socketio::Namespace,
};
use tokio::sync::oneshot;

/// A gateway that serves until it is dropped.
struct Node {
    url: String,
    namespace: Namespace,
    _stop: oneshot::Sender<()>,
}

impl Node {
    async fn start(redis: Option<&Redis>) -> Self {
        let mut vars = vec![("DEV", "true".to_owned()), ("PORT", "0".into())];
        vars.push(("HOST", "127.0.0.1".into()));
        vars.push(("SHUTDOWN_GRACE_MS", "0".into()));
        vars.extend(redis.map(|redis| ("REDIS_URL", redis.url())));
        let environment = Environment::new(vars, false);
        let config = Config::load(["switchboard".into()], &environment).unwrap();
        let gateway = Gateway::bind(config).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let node = Self {
            url: format!("http://{}", gateway.address()),
            namespace: gateway.namespace().clone(),
            _stop: stop,
        };
        tokio::spawn(gateway.run(async {
            let _ = stopped.await;
        }));
        node
    }

    async fn client(&self, user: &str) -> Client {
        Client::connect(&self.url, user).await
    }

    /// Waits until the user is known to have so many connections.
    async fn counts(&self, user: &str, connections: usize) {
        let counted = async {
            while self.namespace.connections_of(&user.into()).await.unwrap() != connections {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, counted).await.unwrap();
    }
}

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_found_and_sent_away_on_every_node() {
    let redis = Redis::start();
    let (one, two) = tokio::join!(Node::start(Some(&redis)), Node::start(Some(&redis)));
    let mut anna = [one.client("anna").await, two.client("anna").await];
    let mut bert = two.client("bert").await;
    for node in [&one, &two] {
        node.counts("anna", 2).await;
        node.counts("bert", 1).await;
        node.counts("nobody", 0).await;
    }
    one.namespace
        .disconnect(&UserId::from("anna"))
        .await
        .unwrap();
    for anna in &mut anna {
        anna.expect("41").await;
    }
    two.counts("anna", 0).await;
    two.namespace.broadcast("still", &json("1"));
    bert.expect(r#"42["still",1]"#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broadcast_reaches_everybody_once() {
    let redis = Redis::start();
    let (one, two) = tokio::join!(Node::start(Some(&redis)), Node::start(Some(&redis)));
    let mut clients = [one.client("anna").await, two.client("bert").await];
    // They have found each other.
    one.counts("bert", 1).await;
    two.counts("anna", 1).await;
    for number in ["1", "2", "3"] {
        one.namespace.broadcast("news", &json(number));
    }
    for client in &mut clients {
        for number in 1..=3 {
            client.expect(&format!(r#"42["news",{number}]"#)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_alone_needs_no_redis_for_any_of_it() {
    let node = Node::start(None).await;
    let mut anna = node.client("anna").await;
    node.counts("anna", 1).await;
    node.namespace.broadcast("news", &json("{}"));
    anna.expect(r#"42["news",{}]"#).await;
    node.namespace.disconnect(&"anna".into()).await.unwrap();
    anna.expect("41").await;
    node.counts("anna", 0).await;
}
