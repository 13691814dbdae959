//! The link to Redis against real servers, which are killed, stalled and restarted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod canary;
mod outages;
mod scripts;
mod standalone;
#[path = "../support/mod.rs"]
mod support;
mod topologies;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use support::redis::{PATIENCE, try_until};
use switchboard::cluster::RedisTarget;
use switchboard::cluster::pubsub::{
    Channel, HandlerError, Message, PubSub, Settings, Subscription,
};

/// A manager with default settings.
fn node(url: &str) -> PubSub {
    node_with(url, |_| {})
}

/// A manager with changed settings.
fn node_with(url: &str, change: impl FnOnce(&mut Settings)) -> PubSub {
    // `RUST_LOG=switchboard=debug` shows what went on in a test that failed.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_test_writer()
        .try_init();
    let mut settings = Settings::default();
    change(&mut settings);
    PubSub::start(RedisTarget::parse(url).unwrap(), settings).unwrap()
}

/// Waits until the link has come up in a later generation than that given.
async fn up_after(node: &PubSub, generation: u64) -> u64 {
    let mut link = node.link();
    let up = link.wait_for(|link| link.up && link.generation > generation);
    tokio::time::timeout(PATIENCE, up)
        .await
        .unwrap()
        .unwrap()
        .generation
}

/// Waits until the link is up.
async fn up(node: &PubSub) -> u64 {
    up_after(node, 0).await
}

/// Waits until the link is down.
async fn down(node: &PubSub) {
    let mut link = node.link();
    let down = link.wait_for(|link| !link.up);
    tokio::time::timeout(PATIENCE, down).await.unwrap().unwrap();
}

/// What a handler got, in order.
#[derive(Clone, Default)]
struct Inbox(Arc<Mutex<Vec<Message>>>);

impl Inbox {
    fn handler(&self) -> impl Fn(&Message) -> Result<(), HandlerError> + Send + Sync + 'static {
        let inbox = Arc::clone(&self.0);
        move |message| {
            inbox.lock().push(message.clone());
            Ok(())
        }
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn texts(&self) -> Vec<String> {
        let text = |message: &Message| String::from_utf8(message.payload.to_vec()).unwrap();
        self.0.lock().iter().map(text).collect()
    }

    #[track_caller]
    fn wait_for(&self, texts: &[&str]) {
        // Which ones are missing says more than that some are.
        let _ = try_until(|| self.len() >= texts.len());
        assert_eq!(self.texts(), texts);
    }

    async fn subscribed(node: &PubSub, channel: &Channel) -> (Self, Subscription) {
        let inbox = Self::default();
        let subscription = node.subscribe(channel, inbox.handler()).await.unwrap();
        assert!(subscription.is_confirmed());
        (inbox, subscription)
    }
}

/// Waits until that many connections subscribe.
async fn wait_for_listeners(node: &PubSub, channel: &Channel, wanted: u64) {
    let reached = async {
        while node.listeners(channel).await != Ok(wanted) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.unwrap();
}

fn text(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}
