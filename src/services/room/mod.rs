//! The Room Service: which rooms there are, and how they are to be.
//!
//! Its answers are read through a cache, so that a join seldom waits for it, and goes on when it
//! is away:
//!
//! 1. what was asked a moment ago, whoever asked: one question per room at a time;
//! 2. Redis, where all nodes and other services find it for an hour; without a Redis the memory
//!    of this node does that;
//! 3. the Room Service itself;
//! 4. if that fails, what this node knew within a day.

mod profile;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use http::StatusCode;
use metrics::counter;
use moka::{Expiry, future::Cache};
use reqwest::Method;
use thiserror::Error;
use tracing::warn;

use super::{
    ServiceUrl, SetupError,
    http::{Call, CallError, Service},
};
use crate::{
    cluster::Cluster,
    core::RoomCode,
    protocol::{ErrorCode, WireError},
    telemetry::traces,
};

pub use profile::{InvalidProfile, RoomProfile};

/// How long one attempt to ask may take. Somebody is waiting to join.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A question is asked once more if it was not answered, after about this time.
const SECOND_TRY: Duration = Duration::from_millis(100);

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How long an answer is remembered in case that the service is away.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long nobody asks again. For a room that is there it only joins questions asked together.
const RECENT: Duration = Duration::from_secs(1);
const RECENT_ABSENCE: Duration = Duration::from_secs(5);

/// How many rooms are remembered.
const MAX_KNOWN: u64 = 10_000;

/// Why it is not known how a room is to be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RoomError {
    /// There is no such room.
    #[error("there is no such room")]
    NotFound,
    /// The Room Service cannot be asked, or its answer makes no sense.
    #[error("rooms cannot be looked up at the moment")]
    Unavailable,
}

impl From<RoomError> for WireError {
    fn from(error: RoomError) -> Self {
        let code = match error {
            RoomError::NotFound => ErrorCode::RoomNotFound,
            RoomError::Unavailable => ErrorCode::ServiceUnavailable,
        };
        Self::new(code, error.to_string())
    }
}

/// A room, or that there is none.
type Found = Option<Arc<RoomProfile>>;

/// The Room Service and what is remembered of its answers.
#[derive(Debug)]
pub struct RoomService {
    service: Service,
    cluster: Option<Arc<Cluster>>,
    recent: Cache<RoomCode, Found>,
    known: Cache<RoomCode, (Arc<RoomProfile>, Instant)>,
}

/// How long an answer is recent.
struct Recency;

impl Expiry<RoomCode, Found> for Recency {
    fn expire_after_create(&self, _: &RoomCode, found: &Found, _: Instant) -> Option<Duration> {
        Some(if found.is_some() {
            RECENT
        } else {
            RECENT_ABSENCE
        })
    }
}

impl RoomService {
    /// The Room Service at `url`, whose answers are shared with the other nodes of the `cluster`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(url: ServiceUrl, cluster: Option<Arc<Cluster>>) -> Result<Arc<Self>, SetupError> {
        Ok(Arc::new(Self {
            service: Service::new(url)?,
            cluster,
            recent: Cache::builder()
                .max_capacity(MAX_KNOWN)
                .expire_after(Recency)
                .build(),
            known: Cache::builder()
                .max_capacity(MAX_KNOWN)
                .time_to_live(STALE)
                .build(),
        }))
    }

    /// How the room behind a code is to be.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn find(&self, code: &RoomCode) -> Result<Arc<RoomProfile>, RoomError> {
        let asked = self.recent.try_get_with_by_ref(code, self.look_up(code));
        let found = asked.await.map_err(|error| *error)?;
        found.ok_or(RoomError::NotFound)
    }

    async fn look_up(&self, code: &RoomCode) -> Result<Found, RoomError> {
        if let Some(profile) = self.remembered(code).await {
            count("hit");
            return Ok(Some(profile));
        }
        match self.ask(code).await {
            Ok(profile) => {
                count("miss");
                let profile = Arc::new(profile);
                self.remember(code, &profile).await;
                Ok(Some(profile))
            }
            Err(RoomError::NotFound) => {
                count("absent");
                self.known.invalidate(code).await;
                Ok(None)
            }
            Err(RoomError::Unavailable) => {
                let (profile, _) = self.known.get(code).await.ok_or_else(|| {
                    count("unavailable");
                    RoomError::Unavailable
                })?;
                count("stale");
                Ok(Some(profile))
            }
        }
    }

    /// What an earlier answer says, on whatever node it came.
    async fn remembered(&self, code: &RoomCode) -> Found {
        if let Some(cluster) = self.cluster.as_ref()
            && let Ok(cached) = cluster.cached_room(code.as_str()).await
        {
            let profile = RoomProfile::read(cached?.as_bytes(), code)
                .ok()
                .map(Arc::new)?;
            let known = (Arc::clone(&profile), Instant::now());
            self.known.insert(code.clone(), known).await;
            return Some(profile);
        }
        let (profile, since) = self.known.get(code).await?;
        (since.elapsed() < FRESH).then_some(profile)
    }

    async fn remember(&self, code: &RoomCode, profile: &Arc<RoomProfile>) {
        let known = (Arc::clone(profile), Instant::now());
        self.known.insert(code.clone(), known).await;
        if let Some(cluster) = &self.cluster {
            let json = profile.to_json();
            cluster.cache_room(code.as_str(), &json, FRESH).await;
            if profile.id.as_str() != code.as_str() {
                cluster.cache_room(profile.id.as_str(), &json, FRESH).await;
            }
        }
    }

    async fn ask(&self, code: &RoomCode) -> Result<RoomProfile, RoomError> {
        let once = ExponentialBuilder::new()
            .with_min_delay(SECOND_TRY)
            .with_max_times(1)
            .with_jitter();
        let question = || self.ask_once(code);
        let answer = question
            .retry(once)
            .when(|error| !matches!(error, CallError::Refused { .. }));
        match answer.await {
            Ok(body) => RoomProfile::read(&body, code).map_err(|error| {
                warn!(%code, %error, "the Room Service's answer makes no sense");
                RoomError::Unavailable
            }),
            Err(CallError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                Err(RoomError::NotFound)
            }
            Err(error) => {
                warn!(%code, %error, "the Room Service cannot be asked");
                Err(RoomError::Unavailable)
            }
        }
    }

    async fn ask_once(&self, code: &RoomCode) -> Result<Bytes, CallError> {
        let call = Call {
            method: Method::GET,
            path: &["internal", "rooms", code.as_str()],
            query: None,
            body: None,
            timeout: TIMEOUT,
        };
        let span = traces::calling("GET", "/internal/rooms/{id}");
        let answer = span.run(self.service.call(call)).await;
        let status = answer
            .as_ref()
            .err()
            .map_or(Some(StatusCode::OK), CallError::status);
        span.answered(status.map(|status| status.as_u16()));
        answer
    }
}

fn count(outcome: &'static str) {
    counter!("switchboard_room_lookups_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
#[path = "../tests/room.rs"]
mod tests;
