//! Credentials for TURN servers (RFC 8656) that share a secret with the gateway.
//!
//! This is the scheme that coturn calls `use-auth-secret` (draft-uberti-behave-turn-rest-00 §2.2):
//! the username says until when it is good and whose it is, the password is its HMAC-SHA1 under
//! the secret. The servers compute the same; nothing is stored and nobody has to be asked.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret as _;
use tracing::warn;

use crate::{
    config::{TurnConfig, TurnUri},
    core::UserId,
    protocol::{IceServers, TurnUris},
};

/// What can be found by trying, in bytes: less than 128 bits, however it is chosen.
const SHORT_SECRET: usize = 16;

/// Makes credentials.
pub struct Issuer {
    uris: Arc<TurnUris>,
    key: hmac::Key,
    ttl: Duration,
}

impl Issuer {
    /// An issuer for the configured servers.
    #[must_use]
    pub fn new(config: &TurnConfig) -> Self {
        let texts = |wanted: fn(&TurnUri) -> bool| {
            let uris = config.uris.iter().filter(|uri| wanted(uri));
            uris.map(ToString::to_string).collect()
        };
        let secret = config.secret.expose_secret().as_bytes();
        if secret.len() < SHORT_SECRET {
            warn!("TURN_SECRET is short: any user can look for it, given one credential");
        }
        Self {
            uris: Arc::new(TurnUris {
                all: texts(|_| true),
                open: texts(|uri| !uri.is_relay()),
                relays: texts(TurnUri::is_relay),
            }),
            // SHA-1, since the servers use it here. Broken as a hash, it holds in HMAC (RFC 6194 §3.3).
            key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
            ttl: config.ttl,
        }
    }

    /// Credentials for a user, good from `now` for the configured time.
    #[must_use]
    pub fn issue(&self, user: &UserId, now: SystemTime) -> IceServers {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let ttl = self.ttl.as_secs();
        let expires_at = now.saturating_add(ttl);
        let username = format!("{expires_at}:{user}");
        let proof = hmac::sign(&self.key, username.as_bytes());
        IceServers {
            uris: Arc::clone(&self.uris),
            username,
            password: STANDARD.encode(proof),
            ttl,
            expires_at,
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("uris", &self.uris)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
