//! What backends publish, and what who configures the gateway writes.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::is_part_of;
use crate::{
    cluster::RedisTarget,
    core::channels::{Audience, ChannelRule, Channels, MAX_CHANNELS, MAX_NAME},
    protocol::EventSource,
};

/// Reads an envelope as what was published on each of the built-in channels, and as the JSON that
/// configures channels.
pub(super) fn backend(data: &[u8]) {
    for rule in Channels::default().all() {
        envelope(rule, data);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        channels(text);
        redis_url(text);
    }
}

fn envelope(rule: &ChannelRule, data: &[u8]) {
    let event = match rule.read(data) {
        Ok(event) => event,
        Err(error) => {
            assert!(!error.code().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    let whole = std::str::from_utf8(data).expect("JSON is UTF-8");
    assert!(rule.types.iter().any(|kind| **kind == *event.kind));
    assert!(is_part_of(event.data.get(), whole) && is_part_of(event.timestamp.get(), whole));
    match &event.audience {
        Audience::User(user) => assert!((1..=data.len()).contains(&user.as_str().len())),
        Audience::Topics(topics) => {
            assert!(!topics.is_empty());
            let fits = |topic: &str| (1..=MAX_NAME).contains(&topic.len());
            assert!(topics.iter().all(|topic| fits(topic)));
        }
    }
    let source = EventSource::new(&rule.name, &event.server, event.timestamp, None);
    let about = serde_json::to_vec(&source).expect("it can be written");
    assert!(serde_json::from_slice::<Value>(&about).is_ok());
}

fn channels(text: &str) {
    let Ok(rules) = serde_json::from_str::<Vec<ChannelRule>>(text) else {
        return;
    };
    match Channels::with(rules.clone()) {
        Ok(channels) => {
            assert!(channels.all().len() <= MAX_CHANNELS);
            for rule in &rules {
                assert_eq!(channels.get(&rule.name).map(|known| &**known), Some(rule));
                let _ = channels.wanted(&format!("{}:42", rule.name));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn redis_url(text: &str) {
    let target = match RedisTarget::parse(text) {
        Ok(target) => target,
        Err(error) => {
            // It is shown at start, and what is wrong may be the password.
            assert!(error.to_string().len() <= super::MAX_ERROR);
            return;
        }
    };
    let (shown, debug) = (target.to_string(), format!("{target:?}"));
    let secret = target.credentials.password.as_ref();
    if let Some(secret) = secret.map(|secret| secret.expose_secret())
        // A short one may be a part of anything.
        && secret.len() > 16
        && text.matches(secret).count() == 1
    {
        assert!(!shown.contains(secret) && !debug.contains(secret));
    }
    // The name of a service may hold signs that mean something in a URL.
    if !target.has_sentinels() {
        let again = RedisTarget::parse(&shown).expect("what is shown is a URL");
        assert_eq!(again.to_string(), shown);
    }
}
