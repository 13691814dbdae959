//! A cached JSON Web Key Set (RFC 7517).
//!
//! A key set is a small document which changes some times a year and is needed at every handshake.
//! So it is kept, and asked for again
//! - when it is older than [`MAX_AGE`], behind the back of the one whose token noticed;
//! - when it is older than [`MAX_IDLE_AGE`], before that token is verified;
//! - when a token names a key that is not in it, as happens after a rotation.
//!
//! There is one fetch at a time and at most one per [`MIN_REFRESH_INTERVAL`], whoever asks for it
//! and whether it succeeds: tokens with invented key ids cannot be used to flood the issuer. While
//! the issuer is down the last set serves on. A fetched set replaces the former as a whole, so a
//! key that was withdrawn is refused from then on.

pub(super) mod document;
mod fetch;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use parking_lot::RwLock;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;
use url::Url;

use self::document::KeySet;
pub use self::fetch::FetchError;
use self::fetch::Fetcher;
pub(super) use self::fetch::chain;
use super::AuthError;

/// Age from which a key set is fetched again, in the background: the time within which a busy
/// gateway notices that a key was withdrawn.
pub const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// Age from which a token waits for the fetch: after an idle night the old set is not trusted
/// unseen. (It still is when the fetch fails.)
pub const MAX_IDLE_AGE: Duration = Duration::from_secs(60 * 60);

/// Shortest time between two fetches, and so the longest for which the tokens of a new key are
/// refused after somebody asked for an invented one.
pub const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

/// The time of the last fetch, successful or not. Whoever holds the lock may fetch.
type LastFetch = Option<SystemTime>;

/// A key set and its way of renewal. Cheap to clone; clones share the set.
#[derive(Clone)]
pub(super) struct JwksCache {
    fetcher: Arc<Fetcher>,
    current: Arc<RwLock<Snapshot>>,
    flight: Arc<Mutex<LastFetch>>,
}

#[derive(Default)]
struct Snapshot {
    keys: KeySet,
    /// When the set was fetched; `None` before the first success.
    fetched_at: Option<SystemTime>,
}

impl JwksCache {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        Ok(Self {
            fetcher: Arc::new(Fetcher::new(url)?),
            current: Arc::default(),
            flight: Arc::default(),
        })
    }

    /// The key with an id, or the only one there is for a token that names none.
    pub(super) async fn key(
        &self,
        kid: Option<&str>,
        now: SystemTime,
    ) -> Result<Arc<DecodingKey>, AuthError> {
        let (key, age) = self.known(kid, now);
        let Some(key) = key else {
            // A failure is logged where it happens.
            let _ = self.refresh(now).await;
            return self.find(kid);
        };
        if age < MAX_AGE {
            return Ok(key);
        }
        // With the lock taken somebody fetches already; this token need not wait for that.
        let fetch = Arc::clone(&self.flight).try_lock_owned().ok();
        let fetch = fetch.and_then(|permit| self.start_fetch(permit, now));
        match fetch {
            Some(fetch) if age >= MAX_IDLE_AGE => {
                // Whether it failed or not: what is in the cache afterwards counts.
                let _ = fetch.await;
                self.find(kid)
            }
            _ => Ok(key),
        }
    }

    /// Fetches the set unless that was just done; waits for a fetch under way.
    pub(super) async fn refresh(&self, now: SystemTime) -> Result<(), FetchError> {
        let permit = Arc::clone(&self.flight).lock_owned().await;
        match self.start_fetch(permit, now) {
            Some(fetch) => fetch.await.unwrap_or(Err(FetchError::Interrupted)),
            None => Ok(()),
        }
    }

    /// The key if it is known, and the age of the set.
    fn known(&self, kid: Option<&str>, now: SystemTime) -> (Option<Arc<DecodingKey>>, Duration) {
        let snapshot = self.current.read();
        let age = snapshot
            .fetched_at
            .map_or(Duration::MAX, |then| distance(now, then));
        (snapshot.keys.find(kid), age)
    }

    fn find(&self, kid: Option<&str>) -> Result<Arc<DecodingKey>, AuthError> {
        let snapshot = self.current.read();
        let missing = match snapshot.fetched_at {
            Some(_) => AuthError::UnknownKey,
            None => AuthError::KeysUnavailable,
        };
        snapshot.keys.find(kid).ok_or(missing)
    }

    /// Starts a fetch if it is due. It runs in a task of its own: a client that hangs up must not
    /// be able to cancel a fetch it has used up the interval for.
    fn start_fetch(
        &self,
        mut permit: OwnedMutexGuard<LastFetch>,
        now: SystemTime,
    ) -> Option<JoinHandle<Result<(), FetchError>>> {
        if permit.is_some_and(|last| distance(now, last) < MIN_REFRESH_INTERVAL) {
            return None;
        }
        *permit = Some(now);
        let cache = self.clone();
        Some(tokio::spawn(async move {
            let outcome = cache.fetch(now).await;
            drop(permit);
            outcome
        }))
    }

    async fn fetch(&self, now: SystemTime) -> Result<(), FetchError> {
        match self.fetcher.fetch().await {
            Ok(keys) if keys.len() == 0 => {
                tracing::warn!("the key set holds no usable key: all its tokens are refused");
                self.replace(keys, now);
            }
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "fetched the key set");
                self.replace(keys, now);
            }
            Err(error) => {
                let known = self.current.read().keys.len();
                tracing::warn!(%error, known, "cannot fetch the key set; the known keys serve on");
                return Err(error);
            }
        }
        Ok(())
    }

    fn replace(&self, keys: KeySet, now: SystemTime) {
        *self.current.write() = Snapshot {
            keys,
            fetched_at: Some(now),
        };
    }
}

/// The time between two moments in whichever order: concurrent callers may have read the clock
/// the other way round, and a clock set back must not stop the refresh until it has caught up.
fn distance(a: SystemTime, b: SystemTime) -> Duration {
    a.duration_since(b).unwrap_or_else(|error| error.duration())
}
