//! The part of a channel that keeps its events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{Mutex, Notify, mpsc},
    time::Instant,
};
use tracing::info;

use super::{
    kept::{Entry, KNOWN, PAGE, Stream},
    line::Line,
};
use crate::{
    cluster::{Cluster, Unavailable},
    core::{channels::ChannelRule, replayed::Offset},
    hub::unix_millis,
};

/// The most publications of one channel which wait to be written down, and the most bytes. If more
/// come at once they are lost, and counted.
const MAX_WAITING: usize = 4_096;
const MAX_WAITING_BYTES: usize = 16 * 1024 * 1024;

/// What waits for Redis for so long is not written down any more: it may be there, and would not
/// be known to be.
const LATEST: Duration = Duration::from_secs(KNOWN.as_secs() - 30);

/// How many are written down at once.
const BATCH: usize = 128;

/// The time between two attempts to write down or to read what is kept.
const PAUSE: Duration = Duration::from_millis(250);

/// What was published and is to be written down, and where.
#[derive(Debug)]
pub(super) struct Keeper {
    queue: mpsc::Sender<Published>,
    waiting: Mutex<mpsc::Receiver<Published>>,
    waiting_bytes: AtomicUsize,
    /// Something was published that is not in the queue: it may be in the stream.
    nudge: Notify,
    stream: Stream,
    /// When this node began to listen, in milliseconds since the Unix epoch.
    since: u64,
}

/// An envelope, and when it was heard.
type Published = (Instant, Bytes);

impl Keeper {
    pub(super) fn new(cluster: &Arc<Cluster>, rule: &ChannelRule) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        Self {
            queue,
            waiting: Mutex::new(waiting),
            waiting_bytes: AtomicUsize::new(0),
            nudge: Notify::new(),
            stream: Stream::new(cluster, rule),
            since: unix_millis(),
        }
    }

    /// Something was published: it is told when it is written down. Returns whether there is room
    /// for it.
    pub(super) fn take(&self, payload: &Bytes) -> bool {
        let bytes = payload.len();
        let waiting = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting + bytes <= MAX_WAITING_BYTES
            && (self.queue.try_send((Instant::now(), payload.clone()))).is_ok();
        if !fits {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.nudge.notify_one();
        }
        fits
    }
}

impl Line {
    /// Writes down what is published and tells what is new in the stream. Runs until it is dropped.
    pub(super) async fn keep_up(&self, keeper: &Keeper, cluster: &Arc<Cluster>) {
        let mut waiting = keeper.waiting.lock().await;
        let mut link = cluster.link();
        self.begin(keeper, cluster).await;
        let mut batch: Vec<Published> = Vec::new();
        loop {
            let bytes = batch.iter().map(|(_, envelope)| envelope.len()).sum();
            keeper.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            link.mark_unchanged();
            while self.advance(keeper, &mut batch).await.is_err() {
                tokio::time::sleep(PAUSE).await;
                let _ = link.wait_for(|link| link.up).await;
                let heard = batch.len();
                batch.retain(|(heard_at, _)| heard_at.elapsed() < LATEST);
                self.counts.lost.increment((heard - batch.len()) as u64);
            }
            tokio::select! {
                count = waiting.recv_many(&mut batch, BATCH) => if count == 0 { return },
                () = keeper.nudge.notified() => {}
                // What was published meanwhile was not heard, but may be in the stream.
                changed = link.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Gets to know what is kept already. Nobody here waits for it, unless it was said since this
    /// node listens.
    async fn begin(&self, keeper: &Keeper, cluster: &Arc<Cluster>) {
        let mut link = cluster.link();
        let (entries, more) = loop {
            let _ = link.wait_for(|link| link.up).await;
            match keeper.stream.newest().await {
                Ok(kept) => break kept,
                Err(Unavailable) => tokio::time::sleep(PAUSE).await,
            }
        };
        let mut entries = entries.into_iter();
        if more && let Some((oldest, _)) = entries.next() {
            self.hub.begin_after(&self.rule.name, oldest);
        }
        let (known, since) = (entries.len(), Offset::at(keeper.since));
        for entry in entries {
            let tell = entry.0 >= since;
            self.tell_entry(entry, tell);
        }
        self.hub.knows_kept(&self.rule.name);
        info!(channel = %self.rule.name, events = known, "events that are kept are known");
    }

    /// Writes a batch down, and tells all that is new in the stream.
    async fn advance(
        &self,
        keeper: &Keeper,
        batch: &mut Vec<Published>,
    ) -> Result<(), Unavailable> {
        loop {
            let last = self.hub.last_offset(&self.rule.name);
            let envelopes: Vec<Bytes> = batch.iter().map(|(_, said)| said.clone()).collect();
            let entries = keeper.stream.record(&envelopes, last).await?;
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
        // What is none is somebody else's doing.
        let payload = payload.unwrap_or_default();
        match self.rule.read(&payload) {
            Ok(event) => self.tell_kept(offset, &event, tell),
            Err(reason) => {
                self.hub.pass_over(&self.rule.name, offset);
                self.refuse(&payload, reason);
            }
        }
    }
}
