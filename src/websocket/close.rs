//! How connections end, and what the client is told by the close code (RFC 6455 §7.4).

use bytes::Bytes;
use tokio_tungstenite::tungstenite::{
    Error,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::frame;
use crate::{
    hub::{CloseReason, Ending},
    protocol::{ErrorCode, WireError},
};

/// The end of a connection: the close frame that is sent last, and what it means to the room.
#[derive(Clone, Debug)]
pub(super) struct Close {
    pub(super) frame: Bytes,
    pub(super) ending: Ending,
    pub(super) code: u16,
}

impl Close {
    fn new(code: CloseCode, reason: &'static str, ending: Ending) -> Self {
        let content = CloseFrame {
            code,
            reason: reason.into(),
        };
        Self {
            frame: frame::close(Some(content)),
            ending,
            code: code.into(),
        }
    }

    /// The client said that it leaves: 1000.
    pub(super) fn left() -> Self {
        Self::new(CloseCode::Normal, "left", Ending::Intended)
    }

    /// The host removed the client: 1008.
    pub(super) fn kicked() -> Self {
        Self::new(CloseCode::Policy, "kicked", Ending::Intended)
    }

    /// Another connection speaks for the peer now: 1008.
    pub(super) fn replaced() -> Self {
        Self::new(CloseCode::Policy, "replaced", Ending::Lost)
    }

    /// The hub ends the connection: 1012 while the node stops, 1008 when the token has expired, when
    /// the client goes on sending more than it may, or a backend wishes it.
    pub(super) fn because(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Draining => Self::new(CloseCode::Restart, "draining", Ending::Lost),
            CloseReason::Expired => Self::new(CloseCode::Policy, "token expired", Ending::Lost),
            CloseReason::Abusive => {
                Self::new(CloseCode::Policy, "too much was sent", Ending::Intended)
            }
            CloseReason::Dismissed { .. } => {
                Self::new(CloseCode::Policy, "disconnected", Ending::Intended)
            }
        }
    }

    /// The room that the connection is for cannot be had: 1013 or 1012 if it may be later, 1011
    /// if it is the gateway's fault, else 1008.
    pub(super) fn refused(error: &WireError) -> Self {
        let (code, reason) = match error.code {
            ErrorCode::ServiceUnavailable => (CloseCode::Again, "service unavailable"),
            ErrorCode::RateLimited => (CloseCode::Again, "too many rooms"),
            ErrorCode::Draining => (CloseCode::Restart, "draining"),
            ErrorCode::Internal => (CloseCode::Error, "internal error"),
            ErrorCode::RoomNotFound => (CloseCode::Policy, "room not found"),
            ErrorCode::RoomFull => (CloseCode::Policy, "room full"),
            _ => (CloseCode::Policy, "refused"),
        };
        Self::new(code, reason, Ending::Lost)
    }

    /// The client sent a binary frame: 1003.
    pub(super) fn binary() -> Self {
        Self::new(CloseCode::Unsupported, "text frames only", Ending::Lost)
    }

    /// What the client sent is no WebSocket message that is taken: 1009 if it is too large, 1007
    /// if it is no UTF-8, 1002 if it breaks the protocol. Nothing if the connection is broken.
    pub(super) fn over(error: &Error) -> Option<Self> {
        let (code, reason) = match error {
            Error::Capacity(_) => (CloseCode::Size, "message too large"),
            Error::Utf8(_) => (CloseCode::Invalid, "not valid UTF-8"),
            Error::Protocol(error) if !is_end(error) => (CloseCode::Protocol, "protocol error"),
            _ => return None,
        };
        Some(Self::new(code, reason, Ending::Lost))
    }

    /// The client closes: it is answered with its own code. Only 1000 says that it is done
    /// (RFC 6455 §7.4.1); without a code it may be a page that is loaded again.
    pub(super) fn answer(content: Option<&CloseFrame>) -> Self {
        let code = content.map(|content| content.code);
        let ending = match code {
            Some(CloseCode::Normal) => Ending::Intended,
            _ => Ending::Lost,
        };
        let content = code.map(|code| CloseFrame {
            code,
            reason: "".into(),
        });
        Self {
            frame: frame::close(content),
            ending,
            code: code.map_or(1005, Into::into),
        }
    }
}

/// How a connection was closed as the label of a figure: codes that clients make up are one, and a
/// connection that was broken has that of RFC 6455 §7.1.5.
pub(super) fn label(close: Option<&Close>) -> String {
    match close.map_or(1006, |close| close.code) {
        code @ 1000..=1015 => code.to_string(),
        _ => "other".to_owned(),
    }
}

/// Whether the library calls it a violation that the connection just ended.
const fn is_end(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake)
}

#[cfg(test)]
#[path = "tests/close.rs"]
mod tests;
