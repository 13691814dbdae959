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
use support::link::{down, node, node_with, up, up_after};
use support::redis::{PATIENCE, try_until};
use switchboard::cluster::pubsub::{Channel, HandlerError, Message, PubSub, Subscription};

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
        let confirmed = subscription.confirmed();
        tokio::time::timeout(PATIENCE, confirmed).await.unwrap();
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
