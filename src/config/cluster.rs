//! Which Redis, and what this node is called there.

use std::ops::RangeInclusive;

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{ClusterConfig, reader::Reader};
use crate::cluster::{KeyPrefix, RedisTarget};

/// Every TCP port but 0, which cannot be connected to.
const REDIS_PORT: RangeInclusive<u64> = 1..=65_535;
/// Redis itself has 16 unless told otherwise.
const REDIS_DB: RangeInclusive<u64> = 0..=65_535;
/// Names go before each message and key.
const MAX_NODE_ID: usize = 64;
const MAX_PREFIX: usize = 64;

/// What belongs to a single Redis, and has no meaning beside a URL.
const SINGLE: [&str; 5] = [
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_PASSWORD",
    "REDIS_PASSWORD_FILE",
    "REDIS_DB",
];

/// The other nodes; nothing if none are configured.
pub(super) fn cluster(reader: &mut Reader) -> Option<ClusterConfig> {
    // All of it is read even without a Redis, so that what is wrong is told all the same.
    let redis = redis(reader);
    let prefix = prefix(reader);
    let node = node(reader);
    let ready_without_redis = reader.switch("READY_WITHOUT_REDIS");
    Some(ClusterConfig {
        redis: redis?,
        prefix,
        node,
        ready_without_redis,
    })
}

fn redis(reader: &mut Reader) -> Option<RedisTarget> {
    if reader.is_given("REDIS_URL") || reader.is_given("REDIS_URL_FILE") {
        for name in SINGLE {
            if reader.is_given(name) {
                reader.mistake(name, "is given together with REDIS_URL; keep one");
            }
        }
        let url = reader.secret("REDIS_URL")?;
        return url_target(reader, &url);
    }
    let port = u16::try_from(reader.number("REDIS_PORT", REDIS_PORT)).unwrap_or_default();
    let db = u16::try_from(reader.number("REDIS_DB", REDIS_DB)).unwrap_or_default();
    let password = reader.secret("REDIS_PASSWORD");
    let Some(host) = reader.text("REDIS_HOST") else {
        for name in &SINGLE[1..] {
            if reader.is_given(name) {
                reader.mistake(name, "is given without REDIS_HOST");
            }
        }
        return None;
    };
    if host.is_empty() || host.chars().any(char::is_whitespace) {
        reader.mistake("REDIS_HOST", "must be a host name or an IP address");
        return None;
    }
    Some(RedisTarget::standalone(&host, port, password, db))
}

fn url_target(reader: &mut Reader, url: &SecretString) -> Option<RedisTarget> {
    let target = RedisTarget::parse(url.expose_secret().trim());
    // The URL is not quoted: it may hold a password.
    target
        .map_err(|error| reader.mistake("REDIS_URL", error.to_string()))
        .ok()
}

fn prefix(reader: &mut Reader) -> KeyPrefix {
    let text = reader.text("REDIS_KEY_PREFIX").unwrap_or_default();
    // Braces would take the place of those that keep a room's keys together in a Cluster.
    let wrong = |c: char| c == '{' || c == '}' || c.is_whitespace() || c.is_control();
    if text.len() > MAX_PREFIX || text.chars().any(wrong) {
        let problem = format!("must be at most {MAX_PREFIX} bytes without braces or spaces");
        reader.mistake("REDIS_KEY_PREFIX", problem);
    }
    KeyPrefix::new(&text)
}

fn node(reader: &mut Reader) -> String {
    let Some(name) = reader.text("NODE_ID") else {
        let id = Uuid::new_v4().simple().to_string();
        return format!("node-{}", id.get(..8).unwrap_or(&id));
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > MAX_NODE_ID || !name.chars().all(allowed) {
        let problem = format!("must be 1 to {MAX_NODE_ID} characters of A-Z a-z 0-9 . _ -");
        reader.mistake("NODE_ID", problem);
    }
    name
}
