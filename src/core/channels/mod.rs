//! Backend channels: which there are, what is said on them, and who hears it.

mod event;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::Deserialize;
use thiserror::Error;

pub use self::event::{Audience, BackendEvent, InvalidEvent};

/// The longest name of a channel, a topic or an event type, in bytes.
pub const MAX_NAME: usize = 128;

/// The most channels.
pub const MAX_CHANNELS: usize = 256;

/// The most event types of one channel.
const MAX_TYPES: usize = 256;

/// The most events of one channel that are kept for replay.
pub const MAX_REPLAY: usize = 10_000;

/// Names that a Socket.IO client library keeps for itself, and the gateway's own prefixes.
const RESERVED: [&str; 7] = [
    "chat_message",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "error",
    "newListener",
];
const OWN_PREFIXES: [&str; 8] = [
    "room:", "peer:", "host:", "webrtc:", "auth:", "server:", "ice:", "sfu_",
];

/// Whether an event of that name is one of Socket.IO or of the gateway, which nobody else sends.
pub fn is_reserved(event: &str) -> bool {
    RESERVED.contains(&event) || OWN_PREFIXES.iter().any(|own| event.starts_with(own))
}

/// What clients subscribe to: a channel, or a part of one, such as `match:42`.
pub type Topic = Arc<str>;

/// Who hears the events of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AudienceRule {
    /// Whoever subscribes to the channel.
    Subscribers,
    /// The user that this field of the event's data names, wherever connected, unasked.
    User(Box<str>),
    /// Whoever subscribes to the topic that the event belongs to, or to the channel, which means
    /// all of them. `match:{matchId}`: a text, and the field of the event's data that ends it.
    Topic(Template),
}

/// A topic's name with a field of the event's data at its end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    prefix: Box<str>,
    field: Box<str>,
}

/// A template that is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a topic is a text and a field in braces, such as match:{{matchId}}")]
pub struct BadTemplate;

impl TryFrom<String> for Template {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, BadTemplate> {
        let parts = text
            .strip_suffix('}')
            .and_then(|text| text.split_once('{'))
            .filter(|(prefix, field)| !prefix.is_empty() && !field.is_empty());
        let (prefix, field) = parts.ok_or(BadTemplate)?;
        if field.contains(['{', '}']) {
            return Err(BadTemplate);
        }
        Ok(Self {
            prefix: prefix.into(),
            field: field.into(),
        })
    }
}

impl Template {
    /// The field of the event's data that ends the name.
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// One channel, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelRule {
    /// The name in Redis, after the key prefix.
    pub name: Arc<str>,
    /// The event types that may be said; each is the name of the event that clients get.
    pub types: Vec<Box<str>>,
    /// Who hears them.
    pub audience: AudienceRule,
    /// Whether any client may subscribe. Else only a backend can subscribe it.
    #[serde(default = "yes")]
    pub public: bool,
    /// How many events are kept, for clients that come back.
    #[serde(default)]
    pub replay: usize,
    /// How many events each second are handed on. 0: all.
    #[serde(default)]
    pub rate_per_second: u32,
}

const fn yes() -> bool {
    true
}

/// Why channels cannot be as they are configured.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChannelError {
    /// More than [`MAX_CHANNELS`].
    #[error("there may be at most {MAX_CHANNELS} channels")]
    TooMany,
    /// The name of a channel.
    #[error(
        "channel {0:?}: a name has 1 to {MAX_NAME} characters without spaces, control characters, braces and *"
    )]
    Name(Arc<str>),
    /// A name that is used twice.
    #[error("channel {0:?} is there twice")]
    Twice(Arc<str>),
    /// A topic that could be taken for another channel's.
    #[error("channel {0:?}: its topics could be taken for those of another channel")]
    Overlap(Arc<str>),
    /// No types, too many of them, or one that clients cannot get.
    #[error(
        "channel {0:?}: event types are 1 to {MAX_TYPES} names that Socket.IO and the gateway do not use themselves"
    )]
    Types(Arc<str>),
    /// More than [`MAX_REPLAY`], or for those who do not subscribe, or at a rate.
    #[error(
        "channel {0:?}: at most {MAX_REPLAY} events can be kept, none that are for users, and not beside ratePerSecond"
    )]
    Replay(Arc<str>),
}

/// All channels.
#[derive(Clone, Debug)]
pub struct Channels {
    rules: Vec<Arc<ChannelRule>>,
    by_name: HashMap<Arc<str>, Arc<ChannelRule>>,
}

/// Where the events of the gateway itself are said.
pub const SYSTEM_CHANNEL: &str = "system:events";

fn built_in() -> Vec<ChannelRule> {
    let rule = |name: &str, types: &[&str], audience| ChannelRule {
        name: name.into(),
        types: types.iter().map(|kind| (*kind).into()).collect(),
        audience,
        public: true,
        replay: 0,
        rate_per_second: 0,
    };
    let matches = Template {
        prefix: "match:".into(),
        field: "matchId".into(),
    };
    vec![
        rule(
            "leaderboard:updates",
            &["leaderboard_update"],
            AudienceRule::Subscribers,
        ),
        rule(
            "match:events",
            &[
                "match_created",
                "match_started",
                "match_completed",
                "match_updated",
            ],
            AudienceRule::Topic(matches),
        ),
        rule(
            "player:notifications",
            &[
                "rating_changed",
                "match_invite",
                "achievement_unlocked",
                "rank_changed",
            ],
            AudienceRule::User("userId".into()),
        ),
        rule(
            SYSTEM_CHANNEL,
            &["server_started", "server_stopped", "health_check"],
            AudienceRule::Subscribers,
        ),
    ]
}

impl Default for Channels {
    fn default() -> Self {
        Self::index(built_in())
    }
}

/// What a client wants to subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'c> {
    /// A topic of this channel.
    Topic(&'c Arc<ChannelRule>),
    /// What it gets unasked.
    Own(&'c Arc<ChannelRule>),
}

impl Channels {
    /// The channels of every gateway, and `more`. One with the name of a built-in channel takes its
    /// place.
    ///
    /// # Errors
    /// See [`ChannelError`].
    pub fn with(more: Vec<ChannelRule>) -> Result<Self, ChannelError> {
        let mut seen = HashSet::new();
        for rule in &more {
            rule.check()?;
            if !seen.insert(Arc::clone(&rule.name)) {
                return Err(ChannelError::Twice(Arc::clone(&rule.name)));
            }
        }
        let mut rules = built_in();
        rules.retain(|rule| !seen.contains(&rule.name));
        rules.extend(more);
        if rules.len() > MAX_CHANNELS {
            return Err(ChannelError::TooMany);
        }
        for rule in &rules {
            let mut others = rules.iter().filter(|other| other.name != rule.name);
            if others.any(|other| rule.overlaps(other)) {
                return Err(ChannelError::Overlap(Arc::clone(&rule.name)));
            }
        }
        Ok(Self::index(rules))
    }

    fn index(rules: Vec<ChannelRule>) -> Self {
        let rules: Vec<_> = rules.into_iter().map(Arc::new).collect();
        let by_name = rules
            .iter()
            .map(|rule| (Arc::clone(&rule.name), Arc::clone(rule)))
            .collect();
        Self { rules, by_name }
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<ChannelRule>] {
        &self.rules
    }

    /// The channel of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<ChannelRule>> {
        self.by_name.get(name)
    }

    /// What a client means that wants to subscribe to `name`: nothing if there is no such channel
    /// or topic, or only backends may subscribe clients to it.
    pub fn wanted(&self, name: &str) -> Option<Wanted<'_>> {
        let public = |rule: &&Arc<ChannelRule>| rule.public;
        if let Some(rule) = self.by_name.get(name) {
            return match rule.audience {
                AudienceRule::User(_) => Some(Wanted::Own(rule)),
                _ => Some(rule).filter(public).map(Wanted::Topic),
            };
        }
        if name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return None;
        }
        let topical = self.rules.iter().find(|rule| rule.has_topic(name));
        topical.filter(public).map(Wanted::Topic)
    }
}

impl ChannelRule {
    fn check(&self) -> Result<(), ChannelError> {
        let name = || Arc::clone(&self.name);
        let fits = |text: &str| !text.is_empty() && text.len() <= MAX_NAME;
        let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | '*');
        if !fits(&self.name) || self.name.contains(odd) {
            return Err(ChannelError::Name(name()));
        }
        let bad = |kind: &str| !fits(kind) || kind.contains(char::is_control) || is_reserved(kind);
        let mut types = self.types.iter();
        if !(1..=MAX_TYPES).contains(&types.len()) || types.any(|kind| bad(kind)) {
            return Err(ChannelError::Types(name()));
        }
        let for_users = matches!(self.audience, AudienceRule::User(_));
        let only_if_not_kept = for_users || self.rate_per_second > 0;
        if self.replay > MAX_REPLAY || (only_if_not_kept && self.replay > 0) {
            return Err(ChannelError::Replay(name()));
        }
        Ok(())
    }

    fn has_topic(&self, name: &str) -> bool {
        match &self.audience {
            AudienceRule::Topic(Template { prefix, .. }) => name
                .strip_prefix(&**prefix)
                .is_some_and(|rest| !rest.is_empty()),
            AudienceRule::Subscribers | AudienceRule::User(_) => false,
        }
    }

    /// Whether a topic of this channel could be taken for another channel, or a topic of it.
    fn overlaps(&self, other: &Self) -> bool {
        let AudienceRule::Topic(Template { prefix, .. }) = &self.audience else {
            return false;
        };
        let theirs = match &other.audience {
            AudienceRule::Topic(Template { prefix, .. }) => prefix,
            AudienceRule::Subscribers | AudienceRule::User(_) => "",
        };
        other.name.starts_with(&**prefix) || (!theirs.is_empty() && theirs.starts_with(&**prefix))
    }
}

#[cfg(test)]
#[path = "../tests/channels.rs"]
mod tests;
