//! What is said on a channel, and for whom it is.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::{SmallVec, smallvec};
use thiserror::Error;

use super::{AudienceRule, ChannelRule, MAX_NAME, Template, Topic};
use crate::core::UserId;

/// For whom an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever subscribed to any of these, once.
    Topics(SmallVec<[Topic; 2]>),
    /// A user.
    User(UserId),
}

/// Why an event is not handed on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidEvent {
    /// It is no envelope.
    #[error("is not an object with type, data, serverId and timestamp")]
    Envelope,
    /// Its type is none of the channel's.
    #[error("has a type that the channel does not have")]
    Type,
    /// Its data does not say for whom it is.
    #[error("has no field in its data that says for whom it is")]
    Audience,
    /// Its time is neither milliseconds nor a text, or a text where it has to be compared.
    #[error("has a timestamp that is not in milliseconds")]
    Timestamp,
    /// It is too long.
    #[error("is too long")]
    TooLong,
}

impl InvalidEvent {
    /// A stable code for logs and figures.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Type => "type",
            Self::Audience => "audience",
            Self::Timestamp => "timestamp",
            Self::TooLong => "too_long",
        }
    }
}

/// What a backend publishes, checked.
#[derive(Clone, Debug)]
pub struct BackendEvent<'e> {
    /// What happened: the name of the event that clients get.
    pub kind: Cow<'e, str>,
    /// What is to be known of it.
    pub data: &'e RawValue,
    /// Who says it.
    pub server: Cow<'e, str>,
    /// When it was said, as given.
    pub timestamp: &'e RawValue,
    /// When it is not to be handed on any more, in milliseconds since the Unix epoch.
    pub until: Option<u64>,
    /// Who hears it.
    pub audience: Audience,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'e> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'e, str>,
    #[serde(borrow)]
    data: &'e RawValue,
    #[serde(borrow)]
    server_id: Cow<'e, str>,
    #[serde(borrow)]
    timestamp: &'e RawValue,
    #[serde(default)]
    ttl_ms: Option<u64>,
}

impl ChannelRule {
    /// Reads what was published on the channel.
    ///
    /// # Errors
    /// See [`InvalidEvent`].
    pub fn read<'e>(&self, payload: &'e [u8]) -> Result<BackendEvent<'e>, InvalidEvent> {
        let envelope: Envelope<'e> =
            serde_json::from_slice(payload).map_err(|_| InvalidEvent::Envelope)?;
        let Envelope {
            kind,
            data,
            server_id,
            timestamp,
            ttl_ms,
        } = envelope;
        if !self.types.iter().any(|known| **known == *kind) {
            return Err(InvalidEvent::Type);
        }
        let is_text = timestamp.get().starts_with('"');
        let millis = serde_json::from_str::<u64>(timestamp.get()).ok();
        let until = match (ttl_ms, millis) {
            (None, None) if is_text => None,
            (None, Some(_)) => None,
            (Some(ttl), Some(said)) => Some(said.saturating_add(ttl)),
            (_, None) => return Err(InvalidEvent::Timestamp),
        };
        Ok(BackendEvent {
            audience: self.audience_of(data)?,
            kind,
            data,
            server: server_id,
            timestamp,
            until,
        })
    }

    fn audience_of(&self, data: &RawValue) -> Result<Audience, InvalidEvent> {
        match &self.audience {
            AudienceRule::Subscribers => Ok(Audience::Topics(smallvec![Arc::clone(&self.name)])),
            AudienceRule::User(name) => {
                let user = field(data, name).ok_or(InvalidEvent::Audience)?;
                Ok(Audience::User(UserId::from(&*user)))
            }
            AudienceRule::Topic(Template {
                prefix,
                field: name,
            }) => {
                let rest = field(data, name).ok_or(InvalidEvent::Audience)?;
                let topic: Topic = format!("{prefix}{rest}").into();
                if topic.len() > MAX_NAME {
                    return Err(InvalidEvent::Audience);
                }
                Ok(Audience::Topics(smallvec![topic, Arc::clone(&self.name)]))
            }
        }
    }
}

/// A field of an object that is a text or a number, as text.
fn field<'d>(data: &'d RawValue, name: &str) -> Option<Cow<'d, str>> {
    let fields: HashMap<Cow<'d, str>, &'d RawValue> = serde_json::from_str(data.get()).ok()?;
    let value = fields.get(name)?.get();
    let text = match value.as_bytes().first()? {
        b'"' => serde_json::from_str::<Cow<'d, str>>(value).ok()?,
        b'0'..=b'9' | b'-' => Cow::Borrowed(value),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}
