//! Who may look.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::config::AdminUiConfig;

/// How long an operator who was let in need not give the password again.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// The length of the time in a session id, in bytes.
const TIME: usize = 8;

/// The one user, and what proves that somebody was let in.
///
/// A session id is a time and its HMAC under the password: all nodes know it, nothing is stored,
/// and it ends with the password.
pub(super) struct Credentials {
    /// Of user and password: compared in constant time, whatever their lengths.
    proof: digest::Digest,
    key: hmac::Key,
}

impl Credentials {
    pub(super) fn new(config: &AdminUiConfig) -> Self {
        let proof = proof(&config.user, config.password.expose_secret());
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, proof.as_ref()),
            proof,
        }
    }

    /// Whether user and password are right.
    pub(super) fn fit(&self, user: &str, password: &str) -> bool {
        let given = proof(user, password);
        given.as_ref().ct_eq(self.proof.as_ref()).into()
    }

    /// A session id from `now` on.
    pub(super) fn session(&self, now: SystemTime) -> String {
        let until = seconds(now).saturating_add(SESSION.as_secs()).to_be_bytes();
        let tag = hmac::sign(&self.key, &until);
        URL_SAFE_NO_PAD.encode([&until, tag.as_ref()].concat())
    }

    /// Whether a session id was given out, and is still good at `now`.
    pub(super) fn knows(&self, session: &str, now: SystemTime) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(session) else {
            return false;
        };
        let Some((until, tag)) = bytes.split_first_chunk::<TIME>() else {
            return false;
        };
        hmac::verify(&self.key, until, tag).is_ok() && u64::from_be_bytes(*until) > seconds(now)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

fn proof(user: &str, password: &str) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&(user.len() as u64).to_be_bytes());
    context.update(user.as_bytes());
    context.update(password.as_bytes());
    context.finish()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
#[path = "tests/credentials.rs"]
mod tests;
