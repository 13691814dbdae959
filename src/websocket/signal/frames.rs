//! What clients of `/signal` send.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    core::RelayKind,
    protocol::{
        ErrorCode, Fields, Secret, WireError, check_body, check_label, client_message_id,
        decode_object,
    },
    websocket::{mapping::kind_of_sdp, subscription::Subscription},
};

/// A frame, checked. Texts are borrowed from it.
#[derive(Debug)]
pub(in crate::websocket) struct Incoming<'a> {
    /// Its type.
    pub(in crate::websocket) name: Cow<'a, str>,
    /// Who says that it is from it.
    pub(in crate::websocket) sender: Option<Cow<'a, str>>,
    pub(in crate::websocket) request: Request<'a>,
}

/// What a client wants.
#[derive(Debug)]
pub(in crate::websocket) enum Request<'a> {
    /// `sdp`, `ice`.
    Relay {
        kind: RelayKind,
        /// To whom; nothing for all others.
        target: Option<Cow<'a, str>>,
        body: &'a RawValue,
    },
    /// `host-change`.
    Appoint { host: Cow<'a, str> },
    /// `kick`.
    Kick {
        target: Cow<'a, str>,
        reason: Cow<'a, str>,
    },
    /// `chat`.
    Chat {
        content: Cow<'a, str>,
        client_id: Option<Cow<'a, str>>,
    },
    /// `resume`.
    Resume { token: Secret<'a> },
    /// `auth`.
    Auth { token: Secret<'a> },
    /// `leave`.
    Leave,
    /// `subscribe`, `unsubscribe`.
    Subscription(Subscription<'a>),
}

impl Request<'_> {
    /// Whether it is known only later what comes of it, and counted then.
    pub(super) const fn is_done_later(&self) -> bool {
        matches!(self, Self::Chat { .. } | Self::Auth { .. })
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
        match Self::parts(&name, &fields) {
            Ok((sender, request)) => Ok(Self {
                name,
                sender,
                request,
            }),
            Err(error) => Err((Some(name), error)),
        }
    }

    fn parts(
        name: &str,
        fields: &Fields<'a>,
    ) -> Result<(Option<Cow<'a, str>>, Request<'a>), WireError> {
        let sender = || fields.required_text("senderId").map(Some);
        // Those that are about the connection need not say whose it is.
        let maybe_sender = || fields.optional_text("senderId");
        Ok(match name {
            "sdp" => (sender()?, sdp(fields)?),
            "ice" => (sender()?, ice(fields)?),
            "host-change" => (
                sender()?,
                Request::Appoint {
                    host: id(fields, "hostId")?,
                },
            ),
            "kick" => (sender()?, kick(fields)?),
            "chat" => (
                sender()?,
                Request::Chat {
                    content: fields.required_text("content")?,
                    client_id: client_message_id(fields)?,
                },
            ),
            "resume" => (
                maybe_sender()?,
                Request::Resume {
                    token: fields.required_secret("resumeToken")?,
                },
            ),
            "auth" => (
                maybe_sender()?,
                Request::Auth {
                    token: fields.required_secret("token")?,
                },
            ),
            "leave" => (maybe_sender()?, Request::Leave),
            _ => {
                if let Some(wish) = Subscription::read(name, fields) {
                    return Ok((maybe_sender()?, Request::Subscription(wish?)));
                }
                let unknown = "there is no such type of frame";
                return Err(WireError::new(ErrorCode::UnknownEvent, unknown).at("type"));
            }
        })
    }
}

fn sdp<'a>(fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    let body = fields.required("sdp")?;
    Ok(Request::Relay {
        kind: kind_of_sdp(body)?,
        target: optional_id(fields, "targetId")?,
        body,
    })
}

fn ice<'a>(fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    let body = fields.required("candidate")?;
    check_body(RelayKind::Ice, "candidate", body)?;
    Ok(Request::Relay {
        kind: RelayKind::Ice,
        target: optional_id(fields, "targetId")?,
        body,
    })
}

fn kick<'a>(fields: &Fields<'a>) -> Result<Request<'a>, WireError> {
    let target = id(fields, "targetId")?;
    let reason = fields.optional_text("reason")?.unwrap_or_default();
    check_label("reason", &reason)?;
    Ok(Request::Kick { target, reason })
}

fn id<'a>(fields: &Fields<'a>, name: &str) -> Result<Cow<'a, str>, WireError> {
    filled(name, fields.required_text(name)?)
}

fn optional_id<'a>(fields: &Fields<'a>, name: &str) -> Result<Option<Cow<'a, str>>, WireError> {
    let id = fields.optional_text(name)?;
    id.map(|id| filled(name, id)).transpose()
}

fn filled<'a>(name: &str, id: Cow<'a, str>) -> Result<Cow<'a, str>, WireError> {
    if id.is_empty() {
        return Err(WireError::invalid(name, "must not be empty"));
    }
    Ok(id)
}

#[cfg(test)]
#[path = "../tests/signal_frames.rs"]
mod tests;
