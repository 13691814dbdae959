//! What cannot be handed on, kept for its authors to look at.
//!
//! | key | what |
//! |---|---|
//! | `events:dead:{channel}` | list, newest first: `{reason, payload, at}` |

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use redis::cmd;
use serde::Serialize;
use tokio::sync::Semaphore;
use tracing::debug;

use crate::{cluster::Cluster, core::channels::InvalidEvent};

/// How many are kept of each channel, and for how long after the last.
const MAX_LETTERS: usize = 1_000;
const LETTERS_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How much of each is kept, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// All nodes hear the same: what one of them has put there so shortly before is not put there
/// again.
const ONCE: Duration = Duration::from_secs(10);

/// How many are written at once. A backend that says nothing else must not keep Redis busy:
/// beyond that they are only counted.
const AT_ONCE: usize = 16;

/// `KEYS`: the list. `ARGV`: the letter, its payload, the most letters, for how many milliseconds
/// it is known, and for how many the list is kept.
const PUT: &str = r"
local known = KEYS[1] .. ':' .. redis.sha1hex(ARGV[2])
if not redis.call('SET', known, '1', 'NX', 'PX', ARGV[4]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[3] - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1";

#[derive(Serialize)]
struct Letter<'l> {
    reason: &'static str,
    payload: &'l str,
    at: u64,
}

/// Where they are put.
#[derive(Debug)]
pub(super) struct DeadLetters {
    cluster: Arc<Cluster>,
    slots: Arc<Semaphore>,
}

impl DeadLetters {
    pub(super) fn new(cluster: &Arc<Cluster>) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Puts one there, on a task of its own.
    pub(super) fn put(&self, channel: &str, payload: &Bytes, reason: InvalidEvent, at: u64) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return;
        };
        let beginning = &payload[..payload.len().min(MAX_BYTES)];
        let letter = Letter {
            reason: reason.code(),
            payload: &String::from_utf8_lossy(beginning),
            at,
        };
        // Plain data can always be written.
        let letter = serde_json::to_vec(&letter).unwrap_or_default();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut put = cmd("EVAL");
        put.arg(PUT)
            .arg(1)
            .arg(self.cluster.named(&format!("events:dead:{{{channel}}}")))
            .arg(letter)
            .arg(beginning)
            .arg(MAX_LETTERS)
            .arg(millis(ONCE))
            .arg(millis(LETTERS_TTL));
        let cluster = Arc::clone(&self.cluster);
        tokio::spawn(async move {
            if let Err(error) = cluster.patient_command(&put).await {
                debug!(%error, "an invalid event cannot be put aside");
            }
            drop(slot);
        });
    }
}
