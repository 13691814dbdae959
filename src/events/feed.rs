//! Hears the channels of backends, and hands on what is said.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    line::Line,
    publisher::{self, Publisher},
};
use crate::{
    cluster::{
        SubscribeError, Subscription,
        pubsub::{Channel, Message},
    },
    core::channels::InvalidEvent,
    hub::{Hub, unix_millis},
};

/// How the feed is to be.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// The longest event that is handed on, in bytes.
    pub max_bytes: usize,
    /// By which the events of this node are known.
    pub server: Arc<str>,
}

/// Why something could not be published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublishError {
    /// There is no such channel.
    #[error("there is no such channel")]
    NoChannel,
    /// It is none that the channel has.
    #[error("the event {0}")]
    Invalid(#[from] InvalidEvent),
    /// Redis is away, and there are other nodes to be told.
    #[error("it cannot be published at this moment")]
    Unavailable,
}

/// The ears of one node.
#[derive(Debug)]
pub struct Feed {
    hub: Arc<Hub>,
    lines: HashMap<Arc<str>, Arc<Line>>,
    publisher: Option<Publisher>,
    pub(super) settings: FeedSettings,
    /// Ends when the feed is dropped.
    _subscriptions: Vec<Subscription>,
}

impl Feed {
    /// Begins to listen to all channels. Redis need not be there.
    ///
    /// # Errors
    /// When the link to Redis is shut down.
    pub fn start(hub: &Arc<Hub>, settings: FeedSettings) -> Result<Arc<Self>, SubscribeError> {
        let cluster = hub.cluster();
        let lines: HashMap<_, _> = hub
            .channels()
            .all()
            .iter()
            .map(|rule| {
                (
                    Arc::clone(&rule.name),
                    Arc::new(Line::new(rule, hub, &settings)),
                )
            })
            .collect();
        let mut subscriptions = Vec::new();
        for line in lines.values() {
            if let Some(cluster) = cluster {
                let line = Arc::clone(line);
                let channel = Channel::raw(&line.rule.name);
                let hear = move |message: &Message| {
                    line.hear(&message.payload);
                    Ok(())
                };
                subscriptions.push(cluster.pubsub().subscribe_soon(&channel, hear)?);
            }
        }
        let publisher = cluster.map(|cluster| {
            let channels = hub.channels().clone();
            Publisher::over(cluster.pubsub().clone(), channels, &settings.server)
        });
        Ok(Arc::new(Self {
            hub: Arc::clone(hub),
            lines,
            publisher,
            settings,
            _subscriptions: subscriptions,
        }))
    }

    /// Keeps up with the channels that keep events. Runs until it is dropped.
    pub async fn keep_up(self: Arc<Self>) {
        let Some(cluster) = self.hub.cluster() else {
            return std::future::pending::<()>().await;
        };
        let kept = self.lines.values().filter_map(|line| {
            let keeper = line.kept.as_ref()?;
            Some(line.keep_up(keeper, cluster))
        });
        futures_util::future::join_all(kept).await;
        std::future::pending::<()>().await;
    }

    /// The hub whose clients are told.
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Publishes an envelope for the clients of all nodes.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self, channel: &str, envelope: Bytes) -> Result<(), PublishError> {
        let line = self.lines.get(channel).ok_or(PublishError::NoChannel)?;
        if envelope.len() > self.settings.max_bytes {
            return Err(InvalidEvent::TooLong.into());
        }
        line.rule.read(&envelope)?;
        match &self.publisher {
            Some(publisher) => {
                let told = publisher.publish_envelope(&line.rule, envelope).await;
                told.map(drop).map_err(|_| PublishError::Unavailable)
            }
            None => {
                line.hear(&envelope);
                Ok(())
            }
        }
    }

    /// Publishes something that happened here and now. See [`Self::publish`].
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn say(
        &self,
        channel: &str,
        kind: &str,
        data: &RawValue,
    ) -> Result<(), PublishError> {
        let envelope = publisher::envelope(kind, data, &self.settings.server, unix_millis(), None);
        self.publish(channel, envelope).await
    }
}
