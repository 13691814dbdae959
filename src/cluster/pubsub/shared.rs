//! What a manager consists of, and how it starts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{Value, cmd};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::Board;
use super::commands::{Commands, Keeper};
use super::envelope::ServerId;
use super::error::PublishError;
use super::message::Channel;
use super::publisher::{Interest, Item, Outcome, Pump, Queue};
use super::script::Script;
use super::settings::Settings;
use super::stats::{Counters, PublisherCounts};
use super::subscriber::Subscriber;
use crate::cluster::KeyPrefix;
use crate::cluster::backoff::Backoff;
use crate::cluster::connect::{Connector, Failure, Timeouts, slot};
use crate::cluster::target::RedisTarget;
use crate::telemetry::traces;

/// What the clones of a manager share.
pub(super) struct Shared {
    pub(super) server_id: ServerId,
    pub(super) prefix: KeyPrefix,
    pub(super) cluster: bool,
    pub(super) subscribe_wait: Duration,
    pub(super) response_timeout: Duration,
    pub(super) board: Arc<Board>,
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) queue: Arc<Queue>,
    pub(super) published: Arc<Counters<PublisherCounts>>,
    pub(super) commands: Commands,
    pub(super) cancel: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    pub(super) fn start(target: RedisTarget, settings: Settings) -> Result<Self, Failure> {
        let timeouts = Timeouts {
            connect: settings.connect_timeout,
            response: settings.response_timeout,
        };
        let connector = Arc::new(Connector::new(target, timeouts)?);
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let board = Arc::new(Board::new());
        let subscriber = Subscriber::new(
            &settings,
            Arc::clone(&connector),
            Arc::clone(&board),
            cancel.clone(),
            tasks.clone(),
        );
        let shared = Shared {
            server_id: settings.server_id,
            prefix: settings.prefix.clone(),
            cluster: connector.target().is_cluster(),
            subscribe_wait: settings.subscribe_wait,
            response_timeout: settings.response_timeout,
            board,
            subscriber,
            queue: Arc::new(Queue::new(&settings)),
            published: Arc::new(Counters::new(settings.tracked_channels)),
            commands: Commands::new(connector.target().db),
            cancel,
            tasks,
        };
        shared.spawn(connector, settings);
        Ok(shared)
    }

    fn spawn(&self, connector: Arc<Connector>, settings: Settings) {
        let keeper = Keeper {
            commands: self.commands.clone(),
            connector,
            board: Arc::clone(&self.board),
            backoff: Backoff::new(settings.backoff_first, settings.backoff_longest),
            ping_interval: settings.ping_interval,
            cancel: self.cancel.clone(),
        };
        let pump = Pump {
            queue: Arc::clone(&self.queue),
            commands: self.commands.clone(),
            stats: Arc::clone(&self.published),
            server_id: self.server_id,
            prefix: self.prefix.clone(),
            cluster: self.cluster,
            retry_pauses: settings.retry_pauses,
            on_lost: settings.on_lost,
            cancel: self.cancel.clone(),
        };
        if keeper.connector.target().has_sentinels() {
            let (connector, cancel) = (Arc::clone(&keeper.connector), self.cancel.clone());
            let follow = async move { connector.follow_master().await };
            self.tasks.spawn(cancel.run_until_cancelled_owned(follow));
        }
        self.subscriber.start();
        self.tasks.spawn(keeper.run());
        self.tasks.spawn(pump.run());
    }

    /// Which messages go one after the other: all of them, or those of a slot.
    fn lane(&self, channel: &Channel) -> u16 {
        if self.cluster {
            slot(&self.prefix.apply(&channel.name))
        } else {
            0
        }
    }

    pub(super) fn enqueue(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Option<Script>,
        interest: Interest,
    ) -> Result<(), PublishError> {
        let trace = if channel.raw {
            None
        } else {
            traces::publishing(&channel.name, payload.len())
        };
        let item = Item {
            channel: channel.clone(),
            trace,
            payload,
            script: script.map(Box::new),
            interest,
        };
        let queued = self.queue.push(self.lane(channel), item);
        if let Err(PublishError::Full | PublishError::TooLarge) = queued {
            self.published
                .count(&channel.name, |counts| counts.refused += 1);
        }
        queued
    }

    pub(super) async fn send(
        &self,
        channel: &Channel,
        payload: Bytes,
        script: Option<Script>,
    ) -> Outcome {
        let (sender, outcome) = oneshot::channel();
        self.enqueue(channel, payload, script, Interest::Waiter(sender))?;
        outcome.await.unwrap_or(Err(PublishError::Closed))
    }

    pub(super) async fn listeners(&self, channel: &Channel) -> Result<u64, Failure> {
        let sharded = self.cluster && !channel.raw;
        let mut question = cmd("PUBSUB");
        question.arg(if sharded { "SHARDNUMSUB" } else { "NUMSUB" });
        question.arg(self.prefix.apply(&channel.name));
        let answer = self.commands.ask(self.lane(channel), question);
        let answer = timeout(self.response_timeout, answer).await??;
        // The name, and the number.
        let (_, listeners): (Value, u64) =
            redis::from_redis_value(answer).map_err(|_| Failure::Protocol)?;
        Ok(listeners)
    }
}

impl Drop for Shared {
    /// Tasks do not outlive the last clone.
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
