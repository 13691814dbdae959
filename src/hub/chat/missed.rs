//! What was said while the way to Redis was lost, and did not get here.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};
use tracing::{debug, warn};

use super::history::{Page, gather};
use crate::{
    cluster::Cluster,
    core::{ChatMessage, HistoryQuery},
    hub::{Hub, directory::RoomCell, session::unix_millis},
};

/// In how many pages of which size to look: as many messages as a room remembers.
const PAGES: usize = 10;
const PAGE: usize = 100;

/// How many rooms are looked at at once.
const ROOMS_AT_ONCE: usize = 16;

/// How often and when those are looked at again of which not everything could be learnt: while
/// the Chat Service is away. About ten minutes in all; then it is for the clients, who can ask for
/// the history at any time.
const ATTEMPTS: usize = 24;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// Since when something may have been missed.
#[derive(Debug, Default)]
pub(in crate::hub) struct Missed {
    gap: Mutex<Gap>,
    noted: Notify,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gap {
    /// In milliseconds since the Unix epoch.
    since: Option<u64>,
    /// How often something was noted.
    notes: u64,
}

impl Missed {
    /// Something said since then may have been missed.
    pub(in crate::hub) fn note(&self, since: u64) {
        let mut gap = self.gap.lock();
        gap.since = Some(gap.since.map_or(since, |known| known.min(since)));
        gap.notes += 1;
        self.noted.notify_one();
    }

    /// All that was noted until then is known.
    fn forget(&self, known: Gap) {
        let mut gap = self.gap.lock();
        if gap.notes == known.notes {
            gap.since = None;
        }
    }
}

impl Hub {
    /// Tells the peers of this node what they missed, each time that something is noted, and
    /// again until all is known. Runs until it is dropped.
    pub(in crate::hub) async fn hear_what_was_missed(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        missed: &Missed,
    ) {
        loop {
            missed.noted.notified().await;
            // The way may have been lost again before all was known: then it all counts.
            while tokio::select! {
                () = missed.noted.notified() => true,
                () = self.catch_up(cluster, missed) => false,
            } {}
        }
    }

    async fn catch_up(self: &Arc<Self>, cluster: &Arc<Cluster>, missed: &Missed) {
        let gap = *missed.gap.lock();
        let Some(since) = gap.since else { return };
        let mut rooms = self.rooms.all();
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LAST_PAUSE)
            .with_max_times(ATTEMPTS)
            .with_jitter();
        for pause in pauses.build() {
            rooms = self.rooms_with_gaps(cluster, rooms, since).await;
            if rooms.is_empty() {
                break;
            }
            debug!(rooms = rooms.len(), "not all is known of what was said");
            sleep(pause).await;
        }
        if !rooms.is_empty() {
            warn!(rooms = rooms.len(), "what was said may not be known to all");
        }
        missed.forget(gap);
    }

    /// Looks at rooms, and returns those of which not everything could be learnt.
    async fn rooms_with_gaps(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        rooms: Vec<Arc<RoomCell>>,
        since: u64,
    ) -> Vec<Arc<RoomCell>> {
        let looked = stream::iter(rooms).map(async |cell| {
            // One that was left has nobody who missed anything.
            let hold = self.hold_on(&cell)?;
            let whole = self.hear_late(cluster, hold.cell(), since).await;
            (!whole).then_some(cell)
        });
        let looked = looked.buffer_unordered(ROOMS_AT_ONCE);
        looked.filter_map(async |left| left).collect().await
    }

    /// Tells those in a room what they missed. Returns whether that is all there is.
    async fn hear_late(&self, cluster: &Cluster, cell: &Arc<RoomCell>, since: u64) -> bool {
        let since = since.max(cell.state().shared.learnt_at);
        let Page { messages, partial } = self.said_since(cluster, cell, since).await;
        let now = (self.now(), unix_millis());
        self.rooms
            .act(cell, |room, out| room.hear_late(messages, since, now, out));
        !partial
    }

    /// What others know of what was said, back to a time if they can.
    async fn said_since(&self, cluster: &Cluster, cell: &RoomCell, since: u64) -> Page {
        let (Some(flusher), room) = (&self.chat.flusher, cell.id()) else {
            return said_in_redis(cluster, cell).await;
        };
        let mut said: Vec<Arc<ChatMessage>> = Vec::new();
        let mut query = HistoryQuery {
            before: None,
            limit: PAGE,
        };
        for _ in 0..PAGES {
            let Page { messages, partial } = gather(flusher, room, query, Vec::new()).await;
            let oldest = messages.first().cloned();
            let count = messages.len();
            said.splice(0..0, messages);
            let whole = count < PAGE || oldest.as_ref().is_some_and(|m| m.timestamp < since);
            if partial || whole {
                let messages = said;
                return Page { messages, partial };
            }
            query.before = oldest.map(|oldest| oldest.id);
        }
        Page {
            messages: said,
            partial: false,
        }
    }
}

/// Without a Chat Service, Redis knows the last messages.
async fn said_in_redis(cluster: &Cluster, cell: &RoomCell) -> Page {
    let snapshot = match cell.keys() {
        Some(keys) => cluster.read(keys, true).await.ok(),
        None => None,
    };
    Page {
        partial: snapshot.is_none(),
        messages: snapshot.map(|snapshot| snapshot.chat).unwrap_or_default(),
    }
}
