//! What is to be closed on media servers, for all nodes to see.
//!
//! | key | what |
//! |---|---|
//! | `media:releases` | sorted set: server, room and peer, as JSON → until when somebody sees to it, in milliseconds |
//!
//! A node closes what its peers leave behind, again and again if the server cannot be reached. Should it die of
//! something else meanwhile, the time lapses and another one takes over.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use redis::{FromRedisValue as _, cmd};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tracing::debug;

use super::{Cluster, records::Unavailable, users::millis};
use crate::{
    core::ModeState,
    services::media::{LEASE, Ledger, Release},
};

/// The most that is written down. Beyond that it dies with its node.
const MAX_RELEASES: usize = 10_000;

/// How long it outlives the last node: nobody tries longer than a quarter of an hour.
const RELEASES_TTL: Duration = Duration::from_secs(60 * 60);

/// Notes that somebody sees to something. `ARGV`: what, for how many milliseconds, the most of it, how long
/// all of it is kept in milliseconds.
const NOTE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full = redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3])
if full and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1";

/// Takes over what nobody sees to. `ARGV`: for how many milliseconds, the most of it.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, release in ipairs(due) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), release)
end
return due";

/// As much of a peer's record as says whether it has something on a media server.
#[derive(Deserialize)]
struct HasMedia {
    #[serde(default)]
    media: Option<IgnoredAny>,
}

impl Cluster {
    fn releases_key(&self) -> String {
        self.named("media:releases")
    }

    async fn note_release(&self, release: &Release) -> Result<(), Unavailable> {
        let mut note = cmd("EVAL");
        note.arg(NOTE)
            .arg(1)
            .arg(self.releases_key())
            .arg(written(release))
            .arg(millis(LEASE))
            .arg(MAX_RELEASES)
            .arg(millis(RELEASES_TTL));
        self.patient_command(&note).await.map(drop)
    }

    async fn strike_release(&self, release: &Release) -> Result<(), Unavailable> {
        let mut strike = cmd("ZREM");
        strike.arg(self.releases_key()).arg(written(release));
        self.patient_command(&strike).await.map(drop)
    }

    async fn take_releases(&self, most: usize) -> Result<Vec<Release>, Unavailable> {
        let mut take = cmd("EVAL");
        take.arg(TAKE)
            .arg(1)
            .arg(self.releases_key())
            .arg(millis(LEASE))
            .arg(most);
        let due = Vec::<Vec<u8>>::from_redis_value(self.patient_command(&take).await?);
        let due = due.map_err(|_| Unavailable)?;
        let mut taken = Vec::with_capacity(due.len());
        for release in due.iter().filter_map(|due| read(due)) {
            if self.is_at_home(&release).await? {
                debug!(room = %release.room, peer = %release.peer, "a peer is on a media server again");
                self.strike_release(&release).await?;
            } else {
                taken.push(release);
            }
        }
        Ok(taken)
    }

    /// Whether the peer is in the room and has something there by rights: it went and came back meanwhile.
    async fn is_at_home(
        &self,
        Release { server, room, peer }: &Release,
    ) -> Result<bool, Unavailable> {
        let mut record = cmd("HGET");
        record
            .arg(self.named(&format!("room:{{{room}}}:peers")))
            .arg(peer.to_string());
        let mut mode = cmd("GET");
        mode.arg(self.named(&format!("room:{{{room}}}:mode")));
        let record = Option::<Vec<u8>>::from_redis_value(self.patient_command(&record).await?);
        let mode = Option::<Vec<u8>>::from_redis_value(self.patient_command(&mode).await?);
        let record = record.ok().flatten();
        let record = record.and_then(|json| serde_json::from_slice::<HasMedia>(&json).ok());
        let mode = mode.ok().flatten();
        let mode = mode.and_then(|json| serde_json::from_slice::<ModeState>(&json).ok());
        let has_media = record.is_some_and(|record| record.media.is_some());
        Ok(has_media && mode.is_some_and(|mode| mode.media.as_ref() == Some(server)))
    }
}

/// As it is kept. It is plain data: it can always be written.
pub(super) fn written(release: &Release) -> Vec<u8> {
    let Release { server, room, peer } = release;
    serde_json::to_vec(&(server, room, peer)).unwrap_or_default()
}

/// What is kept, unless it is none of ours.
pub(super) fn read(kept: &[u8]) -> Option<Release> {
    let (server, room, peer) = serde_json::from_slice(kept).ok()?;
    Some(Release { server, room, peer })
}

/// The list in Redis. Without Redis there is none, for as long.
#[derive(Debug)]
pub struct SharedReleases(pub Arc<Cluster>);

impl Ledger for SharedReleases {
    fn note<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // It is noted again with the next attempt.
            let _ = self.0.note_release(release).await;
        })
    }

    fn strike<'a>(&'a self, release: &'a Release) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // Then another closes it once more, which does nothing.
            let _ = self.0.strike_release(release).await;
        })
    }

    fn take(&self, most: usize) -> BoxFuture<'_, Vec<Release>> {
        Box::pin(async move { self.0.take_releases(most).await.unwrap_or_default() })
    }
}
