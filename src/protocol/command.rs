//! What clients ask for: the events they may send, and how each payload is read.

use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::{ErrorCode, RtcState, Secret, SfuRequest, WireError, fields::Fields};
use crate::core::{HistoryQuery, PeerId, RelayKind, RoomCode, channels::MAX_REPLAY, replayed};

pub use super::fields::{Decoded, decode, decode_object};

/// The most messages that one `chat_history` returns.
pub(super) const MAX_HISTORY: usize = 100;

/// How many it returns without a wish.
const DEFAULT_HISTORY: usize = 50;

/// The longest `clientMessageId` and the longest reason of a kick, in characters.
pub(super) const MAX_LABEL_CHARS: usize = 200;

/// A client's event, checked. Texts are borrowed from the frame.
#[derive(Debug)]
pub enum Command<'a> {
    /// `join:room`.
    Join {
        /// Which room.
        code: RoomCode,
    },
    /// `leave:room`.
    Leave,
    /// `webrtc:offer`, `webrtc:answer`, `webrtc:ice`.
    Relay {
        /// Which of the three.
        kind: RelayKind,
        /// To whom; nothing if the text cannot be any peer's id.
        target: Option<PeerId>,
        /// The JSON value to hand on.
        body: &'a RawValue,
    },
    /// `chat_message`.
    Chat {
        /// The text as sent.
        content: Cow<'a, str>,
        /// The sender's own id for it.
        client_id: Option<Cow<'a, str>>,
    },
    /// `chat_history`.
    History(HistoryQuery),
    /// `heartbeat`.
    Heartbeat,
    /// `webrtc:state`.
    Report {
        /// How a peer connection of the client is.
        state: RtcState,
    },
    /// `peer:kick`.
    Kick {
        /// Whom; nothing if the text cannot be any peer's id.
        target: Option<PeerId>,
        /// What to tell it.
        reason: Cow<'a, str>,
    },
    /// `host:change`.
    Appoint {
        /// Whom; nothing if the text cannot be any peer's id.
        target: Option<PeerId>,
    },
    /// `auth:refresh`.
    Refresh {
        /// The new token.
        token: Secret<'a>,
    },
    /// Any `sfu_*` event of the contract. What is wrong with its payload does not matter where there
    /// is no media server.
    Sfu(Result<SfuRequest, WireError>),
    /// `subscribe` to a backend channel.
    Subscribe {
        /// Which.
        channel: Cow<'a, str>,
        /// From where the client wants to hear what it missed.
        from: Option<replayed::From>,
    },
    /// `unsubscribe`.
    Unsubscribe {
        /// From which channel.
        channel: Cow<'a, str>,
    },
}

impl<'a> Command<'a> {
    /// Reads the payload that came with the event called `name`.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownEvent`], or [`ErrorCode::InvalidPayload`] with a message that
    /// starts with the name of the field at fault.
    pub fn read(name: &str, payload: &Decoded<'a>) -> Result<Self, WireError> {
        match name {
            "webrtc:ice" | "webrtc_ice" => relay(RelayKind::Ice, payload),
            "webrtc:offer" | "webrtc_offer" => relay(RelayKind::Offer, payload),
            "webrtc:answer" | "webrtc_answer" => relay(RelayKind::Answer, payload),
            "chat_message" => chat(payload),
            "heartbeat" => Ok(Self::Heartbeat),
            "join:room" | "join_room" => join(payload),
            "leave:room" | "leave_room" => Ok(Self::Leave),
            "chat_history" => history(payload),
            "webrtc:state" => report(payload),
            "peer:kick" => kick(payload),
            "host:change" => Ok(Self::Appoint {
                target: peer(payload.fields()?)?,
            }),
            "auth:refresh" => Ok(Self::Refresh {
                token: payload.fields()?.required_secret("token")?,
            }),
            "subscribe" => {
                let (channel, from) = subscription(payload.fields()?)?;
                Ok(Self::Subscribe { channel, from })
            }
            "unsubscribe" => Ok(Self::Unsubscribe {
                channel: payload.fields()?.required_text("channel")?,
            }),
            _ => {
                let unknown = || WireError::new(ErrorCode::UnknownEvent, "there is no such event");
                match SfuRequest::read(name, payload).transpose() {
                    Some(request) => Ok(Self::Sfu(request)),
                    None => Err(unknown()),
                }
            }
        }
    }
}

fn join<'a>(payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let fields = payload.fields()?;
    let name = if fields.has("roomCode") || !fields.has("roomId") {
        "roomCode"
    } else {
        "roomId"
    };
    let code = fields.required_text(name)?;
    let code = code
        .parse()
        .map_err(|error| WireError::invalid(name, error))?;
    Ok(Command::Join { code })
}

fn relay<'a>(kind: RelayKind, payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let fields = payload.fields()?;
    let target = peer(fields)?;
    let name = match kind {
        RelayKind::Offer => "offer",
        RelayKind::Answer => "answer",
        RelayKind::Ice => "candidate",
    };
    let body = fields.required(name)?;
    check_body(kind, name, body)?;
    Ok(Command::Relay { kind, target, body })
}

/// Whether `body`, in the field called `name`, has the shape of what a relay carries.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if not.
pub fn check_body(kind: RelayKind, name: &str, body: &RawValue) -> Result<(), WireError> {
    let fits = match body.get().as_bytes().first() {
        Some(b'{' | b'"') => true,
        Some(b'n') => kind == RelayKind::Ice,
        _ => false,
    };
    let shape = match kind {
        RelayKind::Offer | RelayKind::Answer => "must be an object or a string",
        RelayKind::Ice => "must be an object, a string or null",
    };
    fits.then_some(())
        .ok_or_else(|| WireError::invalid(name, shape))
}

fn chat<'a>(payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let fields = payload.fields()?;
    let content = fields.required_text("content")?;
    let client_id = client_message_id(fields)?;
    Ok(Command::Chat { content, client_id })
}

/// The sender's own id for a message, in the field `clientMessageId`, if it gives one.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if it is no text, empty, too long, or has control characters.
pub fn client_message_id<'a>(fields: &Fields<'a>) -> Result<Option<Cow<'a, str>>, WireError> {
    let id = fields.optional_text("clientMessageId")?;
    if let Some(id) = &id {
        check_label("clientMessageId", id)?;
        if id.is_empty() {
            return Err(WireError::invalid("clientMessageId", "must not be empty"));
        }
    }
    Ok(id)
}

fn history<'a>(payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let (max, default) = (MAX_HISTORY, DEFAULT_HISTORY);
    let Some(fields) = payload.optional_fields()? else {
        return Ok(Command::History(HistoryQuery {
            before: None,
            limit: default,
        }));
    };
    let before = match fields.optional_text("before")? {
        None => None,
        Some(id) => Some(
            Uuid::try_parse(&id)
                .map_err(|_| WireError::invalid("before", "must be a message id"))?,
        ),
    };
    let limit = match fields.optional_integer("limit")? {
        None => default,
        Some(limit) if (1..=max).contains(&limit) => limit,
        Some(_) => return Err(WireError::invalid("limit", format!("must be 1 to {max}"))),
    };
    Ok(Command::History(HistoryQuery { before, limit }))
}

/// Which channel a client wants to hear, and from where on it wants to hear what it missed: in the
/// fields `channel`, and `since` or `last`.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`].
pub fn subscription<'a>(
    fields: &Fields<'a>,
) -> Result<(Cow<'a, str>, Option<replayed::From>), WireError> {
    let channel = fields.required_text("channel")?;
    let since = fields.optional_text("since")?;
    let last = fields.optional_integer("last")?;
    let from = match (since, last) {
        (Some(_), Some(_)) => {
            return Err(WireError::invalid("last", "cannot be given beside since"));
        }
        (Some(since), None) => {
            let offset = since.parse();
            let offset = offset.map_err(|error| WireError::invalid("since", error))?;
            Some(replayed::From::Since(offset))
        }
        (None, Some(last)) if last > MAX_REPLAY => {
            let most = format!("must be at most {MAX_REPLAY}");
            return Err(WireError::invalid("last", most));
        }
        (None, Some(last)) => Some(replayed::From::Last(last)),
        (None, None) => None,
    };
    Ok((channel, from))
}

fn kick<'a>(payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let fields = payload.fields()?;
    let target = peer(fields)?;
    let reason = fields.optional_text("reason")?.unwrap_or_default();
    check_label("reason", &reason)?;
    Ok(Command::Kick { target, reason })
}

fn report<'a>(payload: &Decoded<'a>) -> Result<Command<'a>, WireError> {
    let fields = payload.fields()?;
    let state = fields.required_text("state")?;
    let state = RtcState::named(&state).ok_or_else(|| {
        let names = RtcState::ALL.map(RtcState::name).join(", ");
        WireError::invalid("state", format!("must be one of {names}"))
    })?;
    // It only has to be readable: what counts is that there is one.
    fields.optional_text("targetPeerId")?;
    Ok(Command::Report { state })
}

/// Who is meant. A text that is no peer's id is treated like the id of a peer that is gone.
fn peer(fields: &Fields<'_>) -> Result<Option<PeerId>, WireError> {
    let id = fields.required_text("targetPeerId")?;
    if id.is_empty() {
        return Err(WireError::invalid("targetPeerId", "must not be empty"));
    }
    Ok(id.parse().ok())
}

/// A short text that others will see, or that is kept: bounded, on one line.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if it is longer, or has control characters.
pub fn check_label(name: &str, text: &str) -> Result<(), WireError> {
    if text.chars().any(char::is_control) {
        return Err(WireError::invalid(
            name,
            "must not contain control characters",
        ));
    }
    if text.chars().count() > MAX_LABEL_CHARS {
        return Err(WireError::invalid(
            name,
            format!("must be at most {MAX_LABEL_CHARS} characters"),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests/command.rs"]
mod tests;
