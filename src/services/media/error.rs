//! What a media server could not do, and how clients are told.

use std::borrow::Cow;

use thiserror::Error;

use crate::protocol::{ErrorCode, WireError};

/// Why a request to a media server has no good answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MediaError {
    /// It cannot be reached, did not answer in time, failed, or answered nonsense.
    #[error("the media server cannot be used")]
    Unavailable,
    /// It knows no such room, peer, transport, producer or consumer.
    #[error("the media server knows no such thing")]
    NotFound(String),
    /// It has that already, or cannot do it as things are.
    #[error("the media server sees a conflict")]
    Conflict(String),
    /// It does not want to.
    #[error("the media server refused")]
    Rejected(String),
}

impl From<MediaError> for WireError {
    fn from(error: MediaError) -> Self {
        let message = match error {
            MediaError::Unavailable => return Self::media_unavailable(),
            MediaError::NotFound(message)
            | MediaError::Conflict(message)
            | MediaError::Rejected(message) => message,
        };
        let message = if message.is_empty() {
            Cow::Borrowed("the media server refused")
        } else {
            Cow::Owned(message)
        };
        Self::new(ErrorCode::MediaRejected, message)
    }
}
