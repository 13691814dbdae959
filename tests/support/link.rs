//! Managers of the link to Redis, and waiting for it.

use switchboard::cluster::RedisTarget;
use switchboard::cluster::pubsub::{PubSub, Settings};

use super::redis::PATIENCE;

/// A manager with default settings.
pub fn node(url: &str) -> PubSub {
    node_with(url, |_| {})
}

/// A manager with changed settings.
pub fn node_with(url: &str, change: impl FnOnce(&mut Settings)) -> PubSub {
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
pub async fn up_after(node: &PubSub, generation: u64) -> u64 {
    let mut link = node.link();
    let up = link.wait_for(|link| link.up && link.generation > generation);
    tokio::time::timeout(PATIENCE, up)
        .await
        .unwrap()
        .unwrap()
        .generation
}

/// Waits until the link is up.
pub async fn up(node: &PubSub) -> u64 {
    up_after(node, 0).await
}

/// Waits until the link is down.
pub async fn down(node: &PubSub) {
    let mut link = node.link();
    let down = link.wait_for(|link| !link.up);
    tokio::time::timeout(PATIENCE, down).await.unwrap().unwrap();
}
