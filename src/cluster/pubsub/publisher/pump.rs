//! The task that publishes what is queued.

use std::collections::HashSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::{Cmd, Pipeline, RedisError, RedisWrite, ToRedisArgs, ToSingleRedisArg, Value};
use smallvec::SmallVec;
use tokio_util::sync::CancellationToken;

use super::super::commands::Commands;
use super::super::envelope::{Envelope, MAX_ENVELOPE_BYTES, ServerId};
use super::super::error::PublishError;
use super::super::settings::{Lost, OnLost};
use super::super::stats::{Counters, PublisherCounts};
use super::queue::{Item, Queue, Queued};
use crate::cluster::KeyPrefix;
use crate::cluster::connect::Failure;

/// Empties the queue.
pub(in super::super) struct Pump {
    pub(in super::super) queue: Arc<Queue>,
    pub(in super::super) commands: Commands,
    pub(in super::super) stats: Arc<Counters<PublisherCounts>>,
    pub(in super::super) server_id: ServerId,
    pub(in super::super) prefix: KeyPrefix,
    pub(in super::super) cluster: bool,
    pub(in super::super) retry_pauses: [Duration; 3],
    pub(in super::super) on_lost: Option<OnLost>,
    pub(in super::super) cancel: CancellationToken,
}

/// What became of a message in one attempt.
enum Verdict {
    Published(Value),
    /// For good.
    Lost(Failure),
    /// It is worth another attempt.
    Failed(Failure),
}

/// A message whose last attempt failed.
type Failed = (Queued, Failure);

impl Pump {
    pub(in super::super) async fn run(self) {
        {
            let mut on_their_way = FuturesUnordered::new();
            loop {
                while let Some((lane, batch)) = self.queue.take() {
                    on_their_way.push(self.send(lane, batch));
                }
                tokio::select! {
                    () = self.cancel.cancelled() => break,
                    () = self.queue.wake.notified() => {}
                    Some(lane) = on_their_way.next() => self.queue.release(lane),
                }
            }
            // Those under way have had their time; they are told by their drop guard.
        }
        for queued in self.queue.clear() {
            self.give_up(queued, Failure::Unavailable);
        }
    }

    /// Publishes a batch, with all retries.
    async fn send(&self, lane: u16, batch: Vec<Queued>) -> u16 {
        let batch = self.take_back(batch);
        if batch.is_empty() {
            return lane;
        }
        let mut waiting = UnderWay { pump: self, batch };
        let mut failed = self.attempt(lane, &mut waiting).await;
        for pause in self.retry_pauses {
            if failed.is_empty() {
                return lane;
            }
            waiting.batch = failed.into_iter().map(|(queued, _)| queued).collect();
            tokio::time::sleep(pause).await;
            waiting.batch = self.take_back(std::mem::take(&mut waiting.batch));
            for queued in &waiting.batch {
                let name = &queued.item.channel.name;
                self.stats.count(name, |counts| counts.retried += 1);
            }
            failed = self.attempt(lane, &mut waiting).await;
        }
        for (queued, failure) in failed {
            self.give_up(queued, failure);
        }
        lane
    }

    /// Takes out what is not to be published any more, since what is to go before it waits.
    fn take_back(&self, batch: Vec<Queued>) -> Vec<Queued> {
        let mut wanted = Vec::with_capacity(batch.len());
        for queued in batch {
            if queued.item.is_wanted() {
                wanted.push(queued);
            } else {
                let unsent = Err(PublishError::Failed(Failure::Unavailable));
                self.queue.settle(queued, unsent);
            }
        }
        wanted
    }

    /// Publishes once; returns what is worth another attempt, in order.
    async fn attempt(&self, lane: u16, waiting: &mut UnderWay<'_>) -> Vec<Failed> {
        let commands = self.pipeline(&waiting.batch);
        let answers = self.commands.pipeline(lane, commands).await;
        let batch = std::mem::take(&mut waiting.batch);
        match answers {
            Ok(answers) if answers.len() == batch.len() => self.judge(batch, answers),
            Ok(_) => all_failed(batch, Failure::Protocol),
            Err(error) => all_failed(batch, Failure::from(error)),
        }
    }

    fn pipeline(&self, batch: &[Queued]) -> Pipeline {
        let mut commands = redis::Pipeline::with_capacity(batch.len());
        for queued in batch {
            commands.add_command(self.command(queued));
        }
        commands
    }

    fn command(&self, Queued { item, number }: &Queued) -> Cmd {
        let sharded = self.cluster && !item.channel.raw;
        let publish = if sharded { "SPUBLISH" } else { "PUBLISH" };
        let envelope = Envelope {
            from: self.server_id,
            number: *number,
            trace: item.trace.as_ref().map(|trace| trace.carried()),
        };
        let message = Enveloped {
            envelope: (!item.channel.raw).then(|| envelope.encode()),
            payload: &item.payload,
        };
        let name = self.prefix.apply(&item.channel.name);
        let mut command = Cmd::new();
        if let Some(script) = &item.script {
            command.arg("EVAL");
            script.begin(&mut command);
            command.arg(publish).arg(name).arg(message);
            script.end(&mut command);
        } else {
            command.arg(publish).arg(name).arg(message);
        }
        command
    }

    /// Settles what was published, in order; returns the rest.
    fn judge(&self, batch: Vec<Queued>, answers: Vec<Value>) -> Vec<Failed> {
        let mut overtaken = HashSet::new();
        let mut judged = Vec::with_capacity(batch.len());
        // Backwards: whether a message may be sent again depends on those after it.
        for (queued, answer) in batch.into_iter().zip(answers).rev() {
            let item = &queued.item;
            let verdict = match answer {
                Value::ServerError(error) => {
                    let failure = failure_of(item, &error.into());
                    // A refusal is final, and to wait for another would hold up everybody else.
                    // And one that was overtaken would come after those that were to come after it.
                    if is_refusal(failure) || overtaken.contains(&item.channel) {
                        Verdict::Lost(failure)
                    } else {
                        Verdict::Failed(failure)
                    }
                }
                // What a script answers is its own affair.
                answer if item.script.is_some() || matches!(answer, Value::Int(_)) => {
                    overtaken.insert(item.channel.clone());
                    Verdict::Published(answer)
                }
                _ if overtaken.contains(&item.channel) => Verdict::Lost(Failure::Protocol),
                _ => Verdict::Failed(Failure::Protocol),
            };
            judged.push((queued, verdict));
        }
        let mut failed = Vec::new();
        for (queued, verdict) in judged.into_iter().rev() {
            match verdict {
                Verdict::Published(answer) => self.published(queued, answer),
                Verdict::Lost(failure) => self.give_up(queued, failure),
                Verdict::Failed(failure) => failed.push((queued, failure)),
            }
        }
        failed
    }

    fn published(&self, queued: Queued, answer: Value) {
        let item = &queued.item;
        let bytes = u64::try_from(item.payload.len()).unwrap_or(u64::MAX);
        self.stats.count(&item.channel.name, |counts| {
            counts.published += 1;
            counts.bytes += bytes;
        });
        self.queue.settle(queued, Ok(answer));
    }

    fn give_up(&self, mut queued: Queued, cause: Failure) {
        if let Some(trace) = &mut queued.item.trace {
            trace.failed();
        }
        let item = &queued.item;
        self.stats
            .count(&item.channel.name, |counts| counts.lost += 1);
        tracing::debug!(channel = item.channel.name(), %cause, "a message was not published");
        if let Some(on_lost) = &self.on_lost {
            let lost = Lost {
                channel: &item.channel,
                payload: &item.payload,
                script: item.script.as_deref(),
                cause,
            };
            // The panic hook has said what and where; publishing goes on.
            let _ = catch_unwind(AssertUnwindSafe(|| on_lost(&lost)));
        }
        self.queue.settle(queued, Err(PublishError::Failed(cause)));
    }
}

/// Whether the server has answered that it will not do this.
const fn is_refusal(failure: Failure) -> bool {
    matches!(failure, Failure::Permission | Failure::Server)
}

/// Why Redis did not publish a message.
fn failure_of(item: &Item, error: &RedisError) -> Failure {
    let failure = Failure::from(error);
    if item.script.is_some() && is_refusal(failure) {
        // Most likely a mistake in the script, which nobody finds without the line it is in.
        tracing::warn!(channel = item.channel.name(), %error, "Redis refuses a script");
    }
    failure
}

fn all_failed(batch: Vec<Queued>, failure: Failure) -> Vec<Failed> {
    let failed = batch.into_iter().map(|queued| (queued, failure));
    failed.collect()
}

/// A batch on its way. If the task ends before it arrives, its messages count as lost.
struct UnderWay<'p> {
    pump: &'p Pump,
    batch: Vec<Queued>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        for queued in self.batch.drain(..) {
            self.pump.give_up(queued, Failure::Unavailable);
        }
    }
}

/// An argument in two pieces, written without putting them together before.
struct Enveloped<'i> {
    envelope: Option<SmallVec<[u8; MAX_ENVELOPE_BYTES]>>,
    payload: &'i [u8],
}

impl ToRedisArgs for Enveloped<'_> {
    fn write_redis_args<W>(&self, out: &mut W)
    where
        W: ?Sized + RedisWrite,
    {
        let mut argument = out.writer_for_next_arg();
        // Into memory: it cannot fail.
        if let Some(envelope) = &self.envelope {
            let _ = argument.write_all(envelope);
        }
        let _ = argument.write_all(self.payload);
    }
}

impl ToSingleRedisArg for Enveloped<'_> {}
