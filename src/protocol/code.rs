//! The codes by which clients tell errors apart, and the one way an error reaches the wire.

use std::{borrow::Cow, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::Refusal;

/// A stable code. Clients branch on it; the message beside it is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The token of an `auth:refresh` is not valid.
    AuthRequired,
    /// The payload has not the shape that the event asks for.
    InvalidPayload,
    /// The payload is larger than the gateway takes.
    PayloadTooLarge,
    /// There is no such event.
    UnknownEvent,
    /// The Room Service knows no such room.
    RoomNotFound,
    /// There is no place left in the room.
    RoomFull,
    /// The event needs a room, and the client is in none.
    NotInRoom,
    /// There is no such peer in the client's room.
    PeerNotFound,
    /// The client may not do this.
    Forbidden,
    /// Too many events in too short a time.
    RateLimited,
    /// There is no Media Service, or it cannot be reached.
    MediaUnavailable,
    /// The Media Service refused.
    MediaRejected,
    /// Another service that this needs cannot be reached.
    ServiceUnavailable,
    /// The node is about to stop.
    Draining,
    /// The gateway failed.
    Internal,
}

impl ErrorCode {
    /// Whether the same event may succeed later, unchanged.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::MediaUnavailable
                | Self::ServiceUnavailable
                | Self::Draining
                | Self::Internal
        )
    }
}

/// An error as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// What kind.
    pub code: ErrorCode,
    /// What to tell a person. It never repeats what the client sent.
    pub message: Cow<'static, str>,
    /// The field at fault, if one is.
    pub field: Option<Box<str>>,
    /// When the same may succeed, from now on, if that is known.
    pub retry_after: Option<Duration>,
}

impl WireError {
    /// An error of `code` that says `message`.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    /// The same error, with `field` at fault.
    #[must_use]
    pub fn at(self, field: &str) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }

    /// In how many milliseconds the same may succeed, if that is known: rounded up, so that who waits
    /// as long has waited long enough.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some(u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }

    /// There is no Media Service that could do this.
    pub fn media_unavailable() -> Self {
        Self::new(ErrorCode::MediaUnavailable, "Media Server Unavailable")
    }

    /// The payload is wrong at `field`, which `must` be otherwise.
    pub fn invalid(field: &str, must: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidPayload, format!("{field} {must}")).at(field)
    }
}

impl From<Refusal> for WireError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotInRoom => ErrorCode::NotInRoom,
            Refusal::PeerNotFound => ErrorCode::PeerNotFound,
            Refusal::RoomFull => ErrorCode::RoomFull,
            Refusal::NameTaken
            | Refusal::NotHost
            | Refusal::SelfKick
            | Refusal::NotSfu
            | Refusal::NotOwner => ErrorCode::Forbidden,
            Refusal::NoProducer
            | Refusal::TooManyTransports
            | Refusal::TooManyProducers
            | Refusal::TooManyConsumers => ErrorCode::MediaRejected,
            Refusal::MediaGone => return Self::media_unavailable(),
            Refusal::Chat(_) | Refusal::WrongDirection => ErrorCode::InvalidPayload,
        };
        let error = Self::new(code, refusal.to_string());
        match refusal {
            Refusal::Chat(_) => error.at("content"),
            _ => error,
        }
    }
}
