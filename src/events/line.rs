//! One channel: what is said on it is checked, and told to those who are to hear it.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use metrics::{Counter, counter};
use serde_json::value::{RawValue, to_raw_value};
use tracing::warn;

use super::{feed::FeedSettings, keeper::Keeper, refused::DeadLetters};
use crate::{
    core::{
        channels::{Audience, BackendEvent, ChannelRule, InvalidEvent},
        replayed::{KeptEvent, Offset},
    },
    hub::{Hub, Notice, unix_millis},
    protocol::EventSource,
};

/// One channel.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) rule: Arc<ChannelRule>,
    pub(super) hub: Arc<Hub>,
    max_bytes: usize,
    rate: Option<DefaultDirectRateLimiter>,
    dead: Option<DeadLetters>,
    pub(super) kept: Option<Keeper>,
    pub(super) counts: Counts,
    refused: AtomicU64,
}

/// What becomes of events, counted.
pub(super) struct Counts {
    accepted: Counter,
    expired: Counter,
    rate_limited: Counter,
    pub(super) lost: Counter,
    invalid: Counter,
    told: Counter,
}

impl Counts {
    fn of(channel: &str) -> Self {
        let count = |outcome: &'static str| counter!("switchboard_events_total", "channel" => channel.to_owned(), "outcome" => outcome);
        Self {
            accepted: count("accepted"),
            expired: count("expired"),
            rate_limited: count("rate_limited"),
            lost: count("lost"),
            invalid: count("invalid"),
            told: counter!("switchboard_events_told_total", "channel" => channel.to_owned()),
        }
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counts")
    }
}

impl Line {
    pub(super) fn new(rule: &Arc<ChannelRule>, hub: &Arc<Hub>, settings: &FeedSettings) -> Self {
        let cluster = hub.cluster();
        let rate = NonZeroU32::new(rule.rate_per_second);
        Self {
            rule: Arc::clone(rule),
            hub: Arc::clone(hub),
            max_bytes: settings.max_bytes,
            rate: rate.map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            dead: cluster.map(DeadLetters::new),
            kept: cluster
                .filter(|_| rule.replay > 0)
                .map(|cluster| Keeper::new(cluster, rule)),
            counts: Counts::of(&rule.name),
            refused: AtomicU64::new(0),
        }
    }

    /// Something was published.
    pub(super) fn hear(&self, payload: &Bytes) {
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
            return self.counts.expired.increment(1);
        }
        if self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            return self.counts.rate_limited.increment(1);
        }
        if let Some(keeper) = &self.kept {
            // It is told when it is written down.
            let Counts { accepted, lost, .. } = &self.counts;
            let counter = if keeper.take(payload) { accepted } else { lost };
            return counter.increment(1);
        }
        self.counts.accepted.increment(1);
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
            self.counts.told.increment(told as u64);
        }
    }

    pub(super) fn refuse(&self, payload: &Bytes, reason: InvalidEvent) {
        self.counts.invalid.increment(1);
        let (channel, code) = (&*self.rule.name, reason.code());
        counter!("switchboard_events_invalid_total", "channel" => channel.to_owned(), "reason" => code)
            .increment(1);
        // One that is broken says the same ten thousand times a second.
        let count = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            let bytes = payload.len();
            warn!(
                channel,
                reason = code,
                bytes,
                count,
                "an event was skipped: it {reason}"
            );
        }
        if let Some(dead) = &self.dead {
            dead.put(channel, payload, reason, unix_millis());
        }
    }

    /// Tells an event that is kept.
    pub(super) fn tell_kept(&self, offset: Offset, event: &BackendEvent<'_>, tell: bool) {
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
        self.counts.told.increment(told as u64);
    }

    fn about(&self, event: &BackendEvent<'_>, offset: Option<Offset>) -> Option<Box<RawValue>> {
        let source = EventSource::new(&self.rule.name, &event.server, event.timestamp, offset);
        // Plain data can always be written.
        to_raw_value(&source).ok()
    }
}
