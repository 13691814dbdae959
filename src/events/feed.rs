//! Hears the channels of backends, and hands on what is said.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use metrics::counter;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use thiserror::Error;
use tokio::sync::{Mutex, mpsc};
use tracing::{info, warn};

use super::{
    kept::{Entry, PAGE, Stream},
    publisher::{self, Publisher},
    refused::DeadLetters,
};
use crate::{
    cluster::{
        Cluster, SubscribeError, Subscription, Unavailable,
        pubsub::{Channel, Message},
    },
    core::{
        channels::{Audience, BackendEvent, ChannelRule, InvalidEvent},
        replayed::{KeptEvent, Offset},
    },
    hub::{Hub, Notice, unix_millis},
};

/// The most publications of one channel that keeps events which wait to be written down. If more
/// come at once they are lost, and counted.
const MAX_WAITING: usize = 4_096;

/// How many are written down at once.
const BATCH: usize = 128;

/// The time between two attempts to write down or to read what is kept.
const PAUSE: Duration = Duration::from_millis(250);

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

/// One channel.
#[derive(Debug)]
struct Line {
    rule: Arc<ChannelRule>,
    hub: Arc<Hub>,
    max_bytes: usize,
    rate: Option<DefaultDirectRateLimiter>,
    dead: Option<DeadLetters>,
    kept: Option<Keeper>,
}

/// The part of a channel that keeps its events.
#[derive(Debug)]
struct Keeper {
    queue: mpsc::Sender<Bytes>,
    waiting: Mutex<mpsc::Receiver<Bytes>>,
    stream: Stream,
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

impl Line {
    fn new(rule: &Arc<ChannelRule>, hub: &Arc<Hub>, settings: &FeedSettings) -> Self {
        let cluster = hub.cluster();
        let rate = NonZeroU32::new(rule.rate_per_second);
        let keeper = |cluster| {
            let (queue, waiting) = mpsc::channel(MAX_WAITING);
            Keeper {
                queue,
                waiting: Mutex::new(waiting),
                stream: Stream::new(cluster, rule),
            }
        };
        Self {
            rule: Arc::clone(rule),
            hub: Arc::clone(hub),
            max_bytes: settings.max_bytes,
            rate: rate.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            dead: cluster.map(DeadLetters::new),
            kept: cluster.filter(|_| rule.replay > 0).map(keeper),
        }
    }

    /// Something was published.
    fn hear(&self, payload: &Bytes) {
        let event = if payload.len() > self.max_bytes {
            Err(InvalidEvent::TooLong)
        } else {
            self.rule.read(payload)
        };
        match event {
            Ok(event) => self.hand_on(&event, payload),
            Err(reason) => self.refuse(payload, reason),
        }
    }

    fn hand_on(&self, event: &BackendEvent<'_>, payload: &Bytes) {
        let now = unix_millis();
        if event.until.is_some_and(|until| until <= now) {
            return self.count("expired");
        }
        if self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            return self.count("rate_limited");
        }
        if let Some(keeper) = &self.kept {
            // It is told when it is written down.
            let queued = keeper.queue.try_send(payload.clone());
            return self.count(if queued.is_ok() { "accepted" } else { "lost" });
        }
        self.count("accepted");
        if self.rule.replay > 0 {
            // There is only this node.
            let offset = self.hub.last_offset(&self.rule.name).next(now);
            self.tell_kept(offset, event, true);
        } else if let Some(about) = self.about(event, None) {
            let notice = Notice {
                name: &event.kind,
                data: event.data,
                about: Some(&about),
            };
            let told = match &event.audience {
                Audience::User(user) => self.hub.tell_user(user, &notice),
                Audience::Topics(topics) => self.hub.tell_topics(topics, &notice),
            };
            self.count_told(told);
        }
    }

    fn refuse(&self, payload: &Bytes, reason: InvalidEvent) {
        self.count("invalid");
        let (channel, code) = (&*self.rule.name, reason.code());
        counter!("switchboard_events_invalid_total", "channel" => channel.to_owned(), "reason" => code)
            .increment(1);
        warn!(
            channel,
            reason = code,
            bytes = payload.len(),
            "an event was skipped: it {reason}"
        );
        if let Some(dead) = &self.dead {
            dead.put(channel, payload, reason, unix_millis());
        }
    }

    /// Tells an event that is kept.
    fn tell_kept(&self, offset: Offset, event: &BackendEvent<'_>, tell: bool) {
        let Some(about) = self.about(event, Some(offset)) else {
            return;
        };
        let topics = match &event.audience {
            Audience::Topics(topics) => topics.clone(),
            Audience::User(_) => return,
        };
        let kept = KeptEvent {
            offset,
            kind: (&*event.kind).into(),
            data: event.data.to_owned(),
            about,
            topics,
            until: event.until,
        };
        let told = self.hub.tell_and_keep(&self.rule.name, kept, tell);
        self.count_told(told);
    }

    fn about(&self, event: &BackendEvent<'_>, offset: Option<Offset>) -> Option<Box<RawValue>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct About<'a> {
            channel: &'a str,
            server_id: &'a str,
            timestamp: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            offset: Option<String>,
        }
        // Plain data can always be written.
        to_raw_value(&About {
            channel: &self.rule.name,
            server_id: &event.server,
            timestamp: event.timestamp,
            offset: offset.map(|offset| offset.to_string()),
        })
        .ok()
    }

    /// Writes down what is published and tells what is new in the stream. Runs until it is dropped.
    async fn keep_up(&self, keeper: &Keeper, cluster: &Arc<Cluster>) {
        let mut waiting = keeper.waiting.lock().await;
        let mut link = cluster.link();
        self.begin(keeper, cluster).await;
        let mut batch = Vec::new();
        loop {
            while self.advance(keeper, &mut batch).await.is_err() {
                tokio::time::sleep(PAUSE).await;
                let _ = link.wait_for(|link| link.up).await;
            }
            link.mark_unchanged();
            tokio::select! {
                count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
                // What was published meanwhile was not heard, but may be in the stream.
                changed = link.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Gets to know what is kept already: nobody here waits for that.
    async fn begin(&self, keeper: &Keeper, cluster: &Arc<Cluster>) {
        let mut link = cluster.link();
        let entries = loop {
            let _ = link.wait_for(|link| link.up).await;
            match keeper.stream.newest().await {
                Ok(entries) => break entries,
                Err(Unavailable) => tokio::time::sleep(PAUSE).await,
            }
        };
        let mut entries = entries.into_iter();
        if entries.len() >= self.rule.replay
            && let Some((oldest, _)) = entries.next()
        {
            // There may have been more before it.
            self.hub.begin_after(&self.rule.name, oldest);
        }
        let known = entries.len();
        for (offset, payload) in entries {
            self.tell_entry((offset, payload), false);
        }
        info!(channel = %self.rule.name, events = known, "events that are kept are known");
    }

    /// Writes a batch down, and tells all that is new in the stream.
    async fn advance(&self, keeper: &Keeper, batch: &mut Vec<Bytes>) -> Result<(), Unavailable> {
        loop {
            let last = self.hub.last_offset(&self.rule.name);
            let entries = keeper.stream.record(batch, last).await?;
            batch.clear();
            let more = entries.len() >= PAGE;
            for entry in entries {
                self.tell_entry(entry, true);
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn tell_entry(&self, (offset, payload): Entry, tell: bool) {
        match self.rule.read(&payload) {
            Ok(event) => self.tell_kept(offset, &event, tell),
            // Somebody else wrote it there. It is passed over.
            Err(reason) => {
                self.hub.begin_after(&self.rule.name, offset);
                self.refuse(&payload, reason);
            }
        }
    }

    fn count(&self, outcome: &'static str) {
        let channel = self.rule.name.to_string();
        counter!("switchboard_events_total", "channel" => channel, "outcome" => outcome)
            .increment(1);
    }

    fn count_told(&self, told: usize) {
        let channel = self.rule.name.to_string();
        counter!("switchboard_events_told_total", "channel" => channel).increment(told as u64);
    }
}
