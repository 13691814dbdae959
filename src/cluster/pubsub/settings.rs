//! What can be set about the manager, with defaults fit for production.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::envelope::ServerId;
use super::message::Channel;
use super::script::Script;
use crate::cluster::KeyPrefix;
use crate::cluster::connect::Failure;

/// A message that was given up after its last retry.
#[derive(Debug)]
pub struct Lost<'m> {
    /// Where it should have gone.
    pub channel: &'m Channel,
    /// What it was.
    pub payload: &'m Bytes,
    /// The script that should have published it, if there was one.
    pub script: Option<&'m Script>,
    /// Why the last attempt failed.
    pub cause: Failure,
}

/// Gets to know of messages that were given up. Called on the publishing task: it must not block.
pub type OnLost = Arc<dyn Fn(&Lost<'_>) + Send + Sync>;

/// Settings of a [`PubSub`](super::PubSub) manager.
#[derive(Clone)]
pub struct Settings {
    /// By which this process recognises its own messages. A new one for each start.
    pub server_id: ServerId,
    /// Goes before every name.
    pub prefix: KeyPrefix,
    /// Longest time to connect, including TLS and authentication.
    pub connect_timeout: Duration,
    /// Longest time for the answer to a command.
    pub response_timeout: Duration,
    /// Time between two checks of each connection. A stalled Redis is noticed after at most this
    /// time plus [`response_timeout`](Self::response_timeout).
    pub ping_interval: Duration,
    /// Pause after the first failed attempt to connect; it doubles from then on.
    pub backoff_first: Duration,
    /// Longest pause between two attempts to connect.
    pub backoff_longest: Duration,
    /// Longest time that subscribing waits for the confirmation.
    pub subscribe_wait: Duration,
    /// Pauses before the retries of a failed publish.
    pub retry_pauses: [Duration; 3],
    /// Most messages that are queued or on their way.
    pub queue_messages: usize,
    /// Most bytes of payload that are queued or on their way.
    pub queue_bytes: usize,
    /// Most messages in one round trip.
    pub batch_messages: usize,
    /// Bytes of payload from which on a round trip takes no more messages.
    pub batch_bytes: usize,
    /// Most channels whose statistics are kept; those used longest ago are dropped first.
    pub tracked_channels: usize,
    /// Called for each message that was given up.
    pub on_lost: Option<OnLost>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            server_id: ServerId::random(),
            prefix: KeyPrefix::default(),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(2),
            ping_interval: Duration::from_secs(1),
            backoff_first: Duration::from_millis(50),
            backoff_longest: Duration::from_millis(500),
            subscribe_wait: Duration::from_secs(2),
            retry_pauses: [100, 200, 400].map(Duration::from_millis),
            queue_messages: 16_384,
            queue_bytes: 32 * 1024 * 1024,
            batch_messages: 512,
            batch_bytes: 1024 * 1024,
            tracked_channels: 1024,
            on_lost: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("server_id", &self.server_id)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
