//! The part of a channel that keeps its events.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use tracing::info;

use super::{
    kept::{Entry, PAGE, Stream},
    line::Line,
};
use crate::{
    cluster::{Cluster, Unavailable},
    core::channels::ChannelRule,
};

/// The most publications of one channel which wait to be written down. If more come at once they
/// are lost, and counted.
const MAX_WAITING: usize = 4_096;

/// How many are written down at once.
const BATCH: usize = 128;

/// The time between two attempts to write down or to read what is kept.
const PAUSE: Duration = Duration::from_millis(250);

/// What was published and is to be written down, and where.
#[derive(Debug)]
pub(super) struct Keeper {
    queue: mpsc::Sender<Bytes>,
    waiting: Mutex<mpsc::Receiver<Bytes>>,
    stream: Stream,
}

impl Keeper {
    pub(super) fn new(cluster: &Arc<Cluster>, rule: &ChannelRule) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        Self {
            queue,
            waiting: Mutex::new(waiting),
            stream: Stream::new(cluster, rule),
        }
    }

    /// Something was published: it is told when it is written down. Returns whether there is room
    /// for it.
    pub(super) fn take(&self, payload: &Bytes) -> bool {
        self.queue.try_send(payload.clone()).is_ok()
    }
}

impl Line {
    /// Writes down what is published and tells what is new in the stream. Runs until it is dropped.
    pub(super) async fn keep_up(&self, keeper: &Keeper, cluster: &Arc<Cluster>) {
        let mut waiting = keeper.waiting.lock().await;
        let mut link = cluster.link();
        self.begin(keeper, cluster).await;
        let mut batch = Vec::new();
        loop {
            link.mark_unchanged();
            while self.advance(keeper, &mut batch).await.is_err() {
                tokio::time::sleep(PAUSE).await;
                let _ = link.wait_for(|link| link.up).await;
            }
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
}
