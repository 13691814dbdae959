//! Who may use the API, and how often.

use std::{collections::HashMap, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use http::{HeaderMap, header::AUTHORIZATION};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::ApiError;
use crate::config::ApiKey;

/// How many requests a backend may make at once, and each second. What is more belongs on a
/// channel in Redis.
const BURST: u32 = 500;
const RATE: u32 = 200;

/// How many wrong keys are answered, and logged, of all callers together.
const WRONG_BURST: u32 = 50;
const WRONG_RATE: u32 = 10;

/// Who has a key.
pub(super) struct Backend {
    pub(super) name: Arc<str>,
    rate: Option<DefaultDirectRateLimiter>,
}

impl Backend {
    /// Counts a request.
    pub(super) fn count(&self) -> Result<(), ApiError> {
        check(self.rate.as_ref())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backend").field(&self.name).finish()
    }
}

/// All keys. What is kept of each is its SHA-256.
pub(super) struct KeyRing {
    keys: Vec<([u8; 32], Arc<Backend>)>,
    wrong: Option<DefaultDirectRateLimiter>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    pub(super) fn new(keys: &[ApiKey], limited: bool) -> Self {
        let limiter = |rate, burst| {
            let quota = Quota::per_second(NonZeroU32::new(rate)?);
            let quota = quota.allow_burst(NonZeroU32::new(burst)?);
            limited.then(|| RateLimiter::direct(quota))
        };
        let mut backends = HashMap::<Arc<str>, Arc<Backend>>::new();
        let keys = keys.iter().map(|key| {
            let backend = backends.entry(Arc::clone(&key.name)).or_insert_with(|| {
                Arc::new(Backend {
                    name: Arc::clone(&key.name),
                    rate: limiter(RATE, BURST),
                })
            });
            (hash(key.key.expose_secret()), Arc::clone(backend))
        });
        Self {
            keys: keys.collect(),
            wrong: limiter(WRONG_RATE, WRONG_BURST),
        }
    }

    /// Whether there is nobody: then there is no API.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Who makes a request, by its `Authorization`.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`], or [`ApiError::RateLimited`] if that happens too often.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<&Arc<Backend>, ApiError> {
        let found = bearer(headers).and_then(|key| self.find(key));
        found.ok_or_else(|| match check(self.wrong.as_ref()) {
            Ok(()) => ApiError::Unauthorized,
            Err(limited) => limited,
        })
    }

    /// Compares with all keys, in a time that does not depend on how much of one was right:
    /// digests of equal length are compared as a whole.
    fn find(&self, key: &str) -> Option<&Arc<Backend>> {
        let given = hash(key);
        let mut found = None;
        for (known, backend) in &self.keys {
            if bool::from(known.ct_eq(&given)) {
                found = Some(backend);
            }
        }
        found
    }
}

/// The one credential of the scheme `Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(one), None) = (given.next(), given.next()) else {
        return None;
    };
    let (scheme, key) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}

fn check(rate: Option<&DefaultDirectRateLimiter>) -> Result<(), ApiError> {
    let Some(rate) = rate else { return Ok(()) };
    rate.check().map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        ApiError::RateLimited(wait.max(Duration::from_millis(1)))
    })
}

#[cfg(test)]
#[path = "tests/keys.rs"]
mod tests;
