//! What clients of `/ws` send.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    core::{RelayKind, RoomCode},
    protocol::{
        ErrorCode, Fields, Secret, WireError, check_label, client_message_id, decode_object,
        text_of,
    },
    websocket::{
        mapping::{body_of, kind_of_ws},
        subscription::Subscription,
    },
};

/// The longest name of a connection, in characters.
pub(super) const MAX_NAME_CHARS: usize = 64;

/// A frame, checked. Texts are borrowed from it.
#[derive(Debug)]
pub(in crate::websocket) struct Incoming<'a> {
    /// Its type.
    pub(in crate::websocket) name: Cow<'a, str>,
    pub(in crate::websocket) request: Request<'a>,
}

/// What a client wants.
#[derive(Debug)]
pub(in crate::websocket) enum Request<'a> {
    /// `join`.
    Join {
        code: RoomCode,
        sender: Cow<'a, str>,
        /// Which peer it was.
        resume: Option<Cow<'a, str>>,
    },
    /// What only a peer of a room may want.
    Act {
        room: Cow<'a, str>,
        sender: Cow<'a, str>,
        action: Action<'a>,
    },
    /// `resume`.
    Resume { token: Secret<'a> },
    /// `auth`.
    Auth { token: Secret<'a> },
    /// `subscribe`, `unsubscribe`.
    Subscription(Subscription<'a>),
}

/// What a peer of a room wants.
#[derive(Debug)]
pub(in crate::websocket) enum Action<'a> {
    /// `leave`.
    Leave,
    /// `offer`, `answer`, `ice-candidate`.
    Relay {
        kind: RelayKind,
        /// To whom; nothing for all others.
        recipient: Option<Cow<'a, str>>,
        body: &'a RawValue,
    },
    /// `chat`.
    Chat {
        content: Cow<'a, str>,
        client_id: Option<Cow<'a, str>>,
    },
    /// `kick`.
    Kick {
        recipient: Cow<'a, str>,
        reason: Cow<'a, str>,
    },
    /// `host-change`.
    Appoint { recipient: Cow<'a, str> },
}

impl Request<'_> {
    /// Whether it is known only later what comes of it, and counted then.
    pub(super) const fn is_done_later(&self) -> bool {
        match self {
            Self::Join { .. } | Self::Resume { .. } | Self::Auth { .. } => true,
            Self::Act { action, .. } => matches!(action, Action::Chat { .. }),
            Self::Subscription(_) => false,
        }
    }
}

impl<'a> Incoming<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    /// The type of the frame, if it can be told, and what is wrong: `UNKNOWN_EVENT`, or
    /// `INVALID_PAYLOAD` with the field at fault.
    pub(in crate::websocket) fn read(
        text: &'a str,
    ) -> Result<Self, (Option<Cow<'a, str>>, WireError)> {
        let fields = decode_object(text).map_err(|error| (None, error))?;
        let name = fields
            .required_text("type")
            .map_err(|error| (None, error))?;
        match request(&name, &fields) {
            Ok(request) => Ok(Self { name, request }),
            Err(error) => Err((Some(name), error)),
        }
    }
}

fn request<'a>(name: &str, fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    match name {
        "join" => join(fields),
        "resume" => Ok(Request::Resume {
            token: token(fields, "resumeToken")?,
        }),
        "auth" => Ok(Request::Auth {
            token: token(fields, "token")?,
        }),
        _ => match Subscription::read(name, fields) {
            Some(wish) => Ok(Request::Subscription(wish?)),
            None => action(name, fields),
        },
    }
}

fn join<'a>(fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    let code = fields.required_text("room")?;
    let code = code
        .parse()
        .map_err(|error| WireError::invalid("room", error))?;
    let sender = fields.required_text("sender")?;
    check_name(&sender)?;
    let resume = match payload(fields)? {
        Some(payload) => payload.optional_text("resumeToken").map_err(in_payload)?,
        None => None,
    };
    Ok(Request::Join {
        code,
        sender,
        resume,
    })
}

fn action<'a>(name: &str, fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    let kind = kind_of_ws(name);
    if kind.is_none() && !matches!(name, "leave" | "chat" | "kick" | "host-change") {
        let unknown = "there is no such type of frame";
        return Err(WireError::new(ErrorCode::UnknownEvent, unknown).at("type"));
    }
    let room = fields.required_text("room")?;
    let sender = fields.required_text("sender")?;
    let action = match (kind, name) {
        (Some(kind), _) => Action::Relay {
            kind,
            recipient: recipient(fields)?,
            body: body_of(kind, fields, "payload")?,
        },
        (None, "leave") => Action::Leave,
        (None, "chat") => chat(fields)?,
        (None, "kick") => kick(fields)?,
        (None, _) => Action::Appoint {
            recipient: filled(fields.required_text("recipient")?)?,
        },
    };
    Ok(Request::Act {
        room,
        sender,
        action,
    })
}

fn chat<'a>(fields: &Fields<'a>) -> Result<Action<'a>, WireError> {
    if fields.optional("recipient").is_some() {
        let must = "must not be given: chat is for the whole room";
        return Err(WireError::invalid("recipient", must));
    }
    let payload = fields.required("payload")?;
    if payload.get().starts_with('{') {
        let inner = decode_object(payload.get())?;
        return Ok(Action::Chat {
            content: inner.required_text("content").map_err(in_payload)?,
            client_id: client_message_id(&inner).map_err(in_payload)?,
        });
    }
    let content = text_of("payload", payload)
        .map_err(|_| WireError::invalid("payload", "must be a string or an object"))?;
    Ok(Action::Chat {
        content,
        client_id: None,
    })
}

fn kick<'a>(fields: &Fields<'a>) -> Result<Action<'a>, WireError> {
    let recipient = filled(fields.required_text("recipient")?)?;
    let reason = match fields.optional("payload") {
        Some(reason) if reason.get().starts_with('"') => {
            let reason = text_of("payload", reason)?;
            check_label("payload", &reason)?;
            reason
        }
        _ => reason_of(fields)?,
    };
    Ok(Action::Kick { recipient, reason })
}

/// The reason in the payload, if there is one.
fn reason_of<'a>(fields: &Fields<'a>) -> Result<Cow<'a, str>, WireError> {
    let Some(payload) = payload(fields)? else {
        return Ok(Cow::default());
    };
    let reason = payload.optional_text("reason").map_err(in_payload)?;
    let reason = reason.unwrap_or_default();
    check_label("reason", &reason).map_err(in_payload)?;
    Ok(reason)
}

/// The fields of the payload, if there is one.
fn payload<'a>(fields: &Fields<'a>) -> Result<Option<Fields<'a>>, WireError> {
    let Some(payload) = fields.optional("payload") else {
        return Ok(None);
    };
    let inner = decode_object(payload.get());
    inner
        .map(Some)
        .map_err(|_| WireError::invalid("payload", "must be an object"))
}

/// The same error about a field of the payload.
fn in_payload(error: WireError) -> WireError {
    let field = format!("payload.{}", error.field.as_deref().unwrap_or_default());
    WireError {
        message: format!("payload.{}", error.message).into(),
        ..error
    }
    .at(&field)
}

fn recipient<'a>(fields: &Fields<'a>) -> Result<Option<Cow<'a, str>>, WireError> {
    let recipient = fields.optional_text("recipient")?;
    recipient.map(filled).transpose()
}

fn filled(recipient: Cow<'_, str>) -> Result<Cow<'_, str>, WireError> {
    if recipient.is_empty() {
        return Err(WireError::invalid("recipient", "must not be empty"));
    }
    Ok(recipient)
}

/// A token, at the top or in the payload as with `join`.
fn token<'a>(fields: &Fields<'a>, name: &str) -> Result<Secret<'a>, WireError> {
    if !fields.has(name)
        && let Some(payload) = payload(fields)?
        && let Some(token) = payload.optional_text(name).map_err(in_payload)?
    {
        return Ok(Secret(token));
    }
    fields.required_secret(name)
}

fn check_name(name: &str) -> Result<(), WireError> {
    let count = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&count) {
        let must = format!("must be 1 to {MAX_NAME_CHARS} characters");
        return Err(WireError::invalid("sender", must));
    }
    if name.chars().any(char::is_control) {
        let must = "must not contain control characters";
        return Err(WireError::invalid("sender", must));
    }
    Ok(())
}

#[cfg(test)]
#[path = "../tests/ws_frames.rs"]
mod tests;
