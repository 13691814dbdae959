//! A request that is repeated under the same idempotency key takes effect once, and gets the first
//! answer again (draft-ietf-httpapi-idempotency-key-header).
//!
//! A key is taken before anything is done, and the answer is put in its place when it is. Answers
//! are kept for a day: in Redis, for all nodes; without a Redis the last ones in memory. What fails
//! gives the key back. If a node dies in between, the key lapses after a minute: a repetition then
//! takes effect, whatever the first request had.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{Context, SHA256};
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use redis::{FromRedisValue as _, cmd};
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use super::ApiError;
use crate::cluster::Cluster;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a key may be taken without an answer: longer than anything that is done takes.
const TAKEN: Duration = Duration::from_secs(60);

/// How many answers are kept in memory.
const MAX_IN_MEMORY: u64 = 10_000;

/// Gives a key back, if it is still taken by the same request.
const GIVE_BACK: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";

/// What is remembered of a request: a digest of who made it and under which key, or of what it
/// was.
pub(super) type Digest = String;

/// A successful answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Whether a request is the first under its key.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is: what is to be done can be done.
    First(Ticket),
    /// It is not, and this was the answer.
    Again(Answer),
}

/// A key that is taken.
#[derive(Debug)]
pub(super) struct Ticket {
    key: Digest,
    note: Note,
}

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What was asked for.
    request: Digest,
    /// By which attempt.
    attempt: Uuid,
    /// The answer, when it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// The answers.
pub(super) struct Answers {
    cluster: Option<Arc<Cluster>>,
    memory: Cache<Digest, (Note, Instant)>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// A digest of texts, such that other texts have another one.
pub(super) fn digest(parts: &[&str]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let bytes = context.finish();
    bytes
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Answers {
    pub(super) fn new(cluster: Option<Arc<Cluster>>) -> Self {
        let memory = Cache::builder()
            .max_capacity(MAX_IN_MEMORY)
            .time_to_live(KEPT);
        Self {
            cluster,
            memory: memory.build(),
        }
    }

    /// Takes a key for what a request asks for.
    ///
    /// # Errors
    /// [`ApiError::InProgress`], [`ApiError::KeyReused`], [`ApiError::Unavailable`].
    pub(super) async fn begin(&self, key: Digest, request: Digest) -> Result<Begun, ApiError> {
        let note = Note {
            request,
            attempt: Uuid::new_v4(),
            answer: None,
        };
        let known = match &self.cluster {
            // Redis may have lost what this node then kept.
            Some(cluster) => match self.memory.get(&key).await {
                Some((known, _)) => Some(known),
                None => take(cluster, &key, &note).await?,
            },
            None => self.take_in_memory(&key, &note).await,
        };
        match known {
            None => Ok(Begun::First(Ticket { key, note })),
            Some(known) if known.request != note.request => Err(ApiError::KeyReused),
            Some(Note { answer: None, .. }) => Err(ApiError::InProgress),
            Some(Note {
                answer: Some(answer),
                ..
            }) => Ok(Begun::Again(answer)),
        }
    }

    /// Keeps the answer.
    pub(super) async fn finish(&self, ticket: Ticket, answer: Answer) {
        let Ticket { key, mut note } = ticket;
        note.answer = Some(answer);
        if let Some(cluster) = &self.cluster
            && put(cluster, &key, &note).await.is_ok()
        {
            return;
        }
        if self.cluster.is_some() {
            warn!("an answer is kept by this node alone, as Redis does not take it");
        }
        self.memory.insert(key, (note, Instant::now())).await;
    }

    /// Gives the key back: nothing was done.
    pub(super) async fn abandon(&self, ticket: Ticket) {
        let Ticket { key, note } = ticket;
        match &self.cluster {
            Some(cluster) => {
                let mut give = cmd("EVAL");
                give.arg(GIVE_BACK).arg(1).arg(name(cluster, &key));
                give.arg(written(&note));
                // Else it lapses.
                let _ = cluster.patient_command(&give).await;
            }
            None => self.memory.invalidate(&key).await,
        }
    }

    /// Takes a key, or says what is kept under it.
    async fn take_in_memory(&self, key: &Digest, note: &Note) -> Option<Note> {
        let taken = self.memory.entry_by_ref(key).and_compute_with(|known| {
            let known = known.map(moka::Entry::into_value);
            let stands = known
                .is_some_and(|(known, since)| known.answer.is_some() || since.elapsed() < TAKEN);
            let put = Op::Put((note.clone(), Instant::now()));
            std::future::ready(if stands { Op::Nop } else { put })
        });
        match taken.await {
            CompResult::Unchanged(known) => Some(known.into_value().0),
            _ => None,
        }
    }
}

/// Takes a key, or says what is kept under it.
async fn take(cluster: &Cluster, key: &Digest, note: &Note) -> Result<Option<Note>, ApiError> {
    let mut take = cmd("SET");
    take.arg(name(cluster, key)).arg(written(note));
    take.arg("NX").arg("GET").arg("PX").arg(millis(TAKEN));
    let known = cluster.patient_command(&take).await?;
    let known = Option::<Vec<u8>>::from_redis_value(known).map_err(|_| ApiError::Unavailable)?;
    let Some(known) = known else {
        return Ok(None);
    };
    // Nobody else writes there.
    let known = serde_json::from_slice(&known).map_err(|_| ApiError::Internal)?;
    Ok(Some(known))
}

async fn put(cluster: &Cluster, key: &Digest, note: &Note) -> Result<(), ApiError> {
    let mut put = cmd("SET");
    put.arg(name(cluster, key)).arg(written(note));
    put.arg("PX").arg(millis(KEPT));
    cluster.patient_command(&put).await?;
    Ok(())
}

fn name(cluster: &Cluster, key: &Digest) -> String {
    cluster.named(&format!("api:idempotency:{key}"))
}

/// Plain data, which can always be written.
fn written(note: &Note) -> String {
    serde_json::to_string(note).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "tests/idempotency.rs"]
mod tests;
