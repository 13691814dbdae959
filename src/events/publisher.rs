//! The way for backends in Rust to publish events, and to hear those of others.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use switchboard::events::publisher::{Event, Publisher};
//!
//! let publisher = Publisher::connect("redis://127.0.0.1:6379", "match-service")?;
//! let started = Event::new("match_started", &serde_json::json!({ "matchId": 42 }))?;
//! publisher.publish("match:events", &started).await?;
//! # Ok(()) }
//! ```
//!
//! `examples/backend.rs` is a whole program.

use std::{fmt, sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;

use super::kept;
use crate::{
    cluster::{
        KeyPrefix, RedisFailure, RedisTarget, SubscribeError,
        pubsub::{
            self, Channel, Health, Message, PubSub, PublisherCounts, Stats, SubscriberCounts,
            Subscription,
        },
    },
    core::channels::{ChannelRule, Channels, InvalidEvent},
    hub::unix_millis,
};

/// How long is tried to publish on a channel that keeps events, while Redis is away. Others have
/// a second: what is told late to those who happen to be there is of little use.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// How long what is queued may take at the end.
const FLUSH: Duration = Duration::from_secs(5);

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    kind: Box<str>,
    data: Box<RawValue>,
    ttl: Option<Duration>,
}

impl Event {
    /// An event of a type, with what is to be known of it.
    ///
    /// # Errors
    /// If `data` cannot be written as JSON.
    pub fn new(kind: &str, data: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: kind.into(),
            data: to_raw_value(data)?,
            ttl: None,
        })
    }

    /// It is of no use to anybody after that time.
    #[must_use]
    pub const fn lasting(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

/// Why something was not published.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// There is no such channel.
    #[error("there is no channel {0:?}")]
    NoChannel(String),
    /// It is none that the channel has.
    #[error("the event {0}")]
    Invalid(#[from] InvalidEvent),
    /// Redis did not take it.
    #[error("the event was not published")]
    Lost(#[from] pubsub::PublishError),
}

/// Why there is no way to Redis.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The URL is wrong.
    #[error("not a URL of a Redis")]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What it says of TLS cannot be used.
    #[error("the way to Redis cannot be set up")]
    SetUp(#[from] RedisFailure),
}

/// Publishes events and hears them. One for each process; cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    pubsub: PubSub,
    channels: Channels,
    server: Arc<str>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Publisher");
        debug.field("server", &self.server).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Connects to Redis, which need not be there yet, for a backend called `server`. With the
    /// channels of every gateway and no key prefix; else see [`Self::with`].
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub fn connect(redis: &str, server: &str) -> Result<Self, ConnectError> {
        Self::with(redis, server, KeyPrefix::default(), Channels::default())
    }

    /// The same with the `REDIS_KEY_PREFIX` and the channels (`EVENT_CHANNELS`) of the gateways.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub fn with(
        redis: &str,
        server: &str,
        prefix: KeyPrefix,
        channels: Channels,
    ) -> Result<Self, ConnectError> {
        let target = RedisTarget::parse(redis).map_err(|error| ConnectError::Url(error.into()))?;
        let settings = pubsub::Settings {
            prefix,
            ..pubsub::Settings::default()
        };
        Ok(Self::over(
            PubSub::start(target, settings)?,
            channels,
            server,
        ))
    }

    /// Over a link that is there.
    pub(super) fn over(pubsub: PubSub, channels: Channels, server: &str) -> Self {
        Self {
            pubsub,
            channels,
            server: server.into(),
        }
    }

    /// Publishes an event. Returns how many gateways (and other subscribers) were told; in a
    /// Redis Cluster those of one of its nodes.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn publish(&self, channel: &str, event: &Event) -> Result<u64, Error> {
        let rule = self.channels.get(channel);
        let rule = rule.ok_or_else(|| Error::NoChannel(channel.to_owned()))?;
        let ttl = event.ttl.map(|ttl| ttl.as_millis());
        let Event { kind, data, .. } = event;
        let envelope = envelope(kind, data, &self.server, unix_millis(), ttl);
        rule.read(&envelope)?;
        Ok(self.publish_envelope(rule, envelope).await?)
    }

    pub(super) async fn publish_envelope(
        &self,
        rule: &ChannelRule,
        envelope: Bytes,
    ) -> Result<u64, pubsub::PublishError> {
        let channel = Channel::raw(&rule.name);
        if rule.replay == 0 {
            return self.pubsub.publish_and_wait(&channel, envelope).await;
        }
        // Safe to repeat: what is in the stream already is not written there again.
        let key = kept::key_of(self.pubsub.prefix(), &rule.name);
        let attempt = || async {
            let script = kept::script(&key, rule.replay);
            let done = self
                .pubsub
                .execute_and_wait(&channel, envelope.clone(), script);
            done.await
        };
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LAST_PAUSE)
            .with_total_delay(Some(PATIENCE))
            .without_max_times()
            .with_jitter();
        let answer = attempt
            .retry(pauses)
            .when(|error| error.is_temporary())
            .await?;
        Ok(kept::receivers(&answer))
    }

    /// Hears what is published on a channel, until the subscription ends. The handler gets the
    /// type and the data of valid events, one after the other; it must not block.
    ///
    /// # Errors
    /// When the publisher was shut down.
    pub async fn subscribe<H>(&self, channel: &str, hear: H) -> Result<Subscription, SubscribeError>
    where
        H: Fn(&str, &RawValue) + Send + Sync + 'static,
    {
        let rule = self.channels.get(channel).cloned();
        let handler = move |message: &Message| {
            if let Some(rule) = &rule {
                let event = rule.read(&message.payload)?;
                hear(&event.kind, event.data);
            }
            Ok(())
        };
        self.pubsub.subscribe(&Channel::raw(channel), handler).await
    }

    /// Ends a subscription, which dropping it does too.
    pub fn unsubscribe(&self, subscription: Subscription) {
        self.pubsub.unsubscribe(subscription);
    }

    /// How the link to Redis is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.pubsub.health()
    }

    /// What became of what was published, and what was heard.
    #[must_use]
    pub fn statistics(&self) -> (Stats<PublisherCounts>, Stats<SubscriberCounts>) {
        (
            self.pubsub.publisher_stats(),
            self.pubsub.subscriber_stats(),
        )
    }

    /// Counts from nothing again.
    pub fn reset_statistics(&self) {
        self.pubsub.reset_stats();
    }

    /// Publishes what is queued, for at most five seconds, and ends.
    pub async fn shutdown(&self) {
        self.pubsub.shutdown(FLUSH).await;
    }
}

/// An event as it is published.
pub(super) fn envelope(
    kind: &str,
    data: &RawValue,
    server: &str,
    timestamp: u64,
    ttl_ms: Option<u128>,
) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        data: &'a RawValue,
        server_id: &'a str,
        timestamp: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<u128>,
    }
    let envelope = Envelope {
        kind,
        data,
        server_id: server,
        timestamp,
        ttl_ms,
    };
    // Plain data can always be written.
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}
