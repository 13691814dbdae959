//! What is called how: one table for all ways in and out.
//!
//! | Socket.IO | core | `/signal` | `/ws` |
//! |---|---|---|---|
//! | `webrtc:offer` `{offer}` | [`RelayKind::Offer`] | `sdp` whose `sdp.type` is `offer` | `offer` `{payload}` |
//! | `webrtc:answer` `{answer}` | [`RelayKind::Answer`] | `sdp` whose `sdp.type` is `answer`, `pranswer` or `rollback` | `answer` `{payload}` |
//! | `webrtc:ice` `{candidate}` | [`RelayKind::Ice`] | `ice` `{candidate}` | `ice-candidate` (also `candidate`, `ice`) `{payload}` |
//! | `chat_message` | [`Event::Chat`](crate::core::Event::Chat) | `chat` | `chat` |
//! | `peer:kick`, `room:kicked` | [`Event::Kicked`](crate::core::Event::Kicked) | `kick` | `kick`, `kicked` |
//! | `host:change`, `host:changed` | [`Event::HostChanged`](crate::core::Event::HostChanged) | `host-change` | `host-change` |
//! | `room:joined` | [`Event::Joined`](crate::core::Event::Joined) | `joined` | `joined` |
//! | `room:resumed` | [`Event::Resumed`](crate::core::Event::Resumed) | `resumed` | `resumed` |
//! | `peer:joined`, `peer:left` | [`Event::PeerJoined`](crate::core::Event::PeerJoined), [`Event::PeerLeft`](crate::core::Event::PeerLeft) | `peer-joined`, `peer-left` | `peer-joined`, `peer-left` |
//! | `room:mode` | [`Event::ModeChanged`](crate::core::Event::ModeChanged) | `room-mode` | `room-mode` |
//! | `sfu_*` | | – | – |
//!
//! What is relayed stays the JSON text that was sent. There is one exception: `/signal` calls for
//! an object, and gets one made of a description that was sent as a bare string.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    core::RelayKind,
    limits::Class,
    protocol::{Fields, WireError, check_body, decode_object},
};

/// The types of a session description (RFC 8829 §4.1.8), and what each is relayed as.
const DESCRIPTIONS: [(&str, RelayKind); 4] = [
    ("offer", RelayKind::Offer),
    ("answer", RelayKind::Answer),
    ("pranswer", RelayKind::Answer),
    ("rollback", RelayKind::Answer),
];

/// The types of `/ws` frames that are relayed. The first of a kind is the one that is sent.
const WS_TYPES: [(&str, RelayKind); 5] = [
    ("offer", RelayKind::Offer),
    ("answer", RelayKind::Answer),
    ("ice-candidate", RelayKind::Ice),
    ("candidate", RelayKind::Ice),
    ("ice", RelayKind::Ice),
];

/// What kind of event a frame of that type is, in both protocols, read or not.
pub(super) fn class_of(name: &str) -> Class {
    match name {
        "sdp" => Class::Relay,
        "chat" => Class::Chat,
        "join" | "leave" => Class::Join,
        _ if kind_of_ws(name).is_some() => Class::Relay,
        _ => Class::Other,
    }
}

/// What the field `sdp` of a `/signal` frame is relayed as.
///
/// # Errors
/// `INVALID_PAYLOAD` if it is no session description.
pub(super) fn kind_of_sdp(sdp: &RawValue) -> Result<RelayKind, WireError> {
    if !sdp.get().starts_with('{') {
        return Err(WireError::invalid("sdp", "must be an object"));
    }
    let description = decode_object(sdp.get())
        .map_err(|_| WireError::invalid("sdp", "must be a session description"))?;
    let kind = description
        .required_text("type")
        .map_err(|error| inside("sdp", error))?;
    description
        .optional_text("sdp")
        .map_err(|error| inside("sdp", error))?;
    let known = DESCRIPTIONS.iter().find(|(name, _)| *name == kind);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        WireError::invalid(
            "sdp.type",
            "must be one of offer, answer, pranswer, rollback",
        )
    })
}

/// An error about a field of the object in `outer`.
fn inside(outer: &str, error: WireError) -> WireError {
    let field = error.field.as_deref().unwrap_or_default();
    let field = format!("{outer}.{field}");
    WireError {
        message: format!("{outer}.{}", error.message).into(),
        ..error
    }
    .at(&field)
}

/// The description in a relay as `/signal` has it: an object.
pub(super) fn sdp_of(kind: RelayKind, body: &RawValue) -> Cow<'_, RawValue> {
    #[derive(Serialize)]
    struct Description<'a> {
        r#type: &'static str,
        sdp: &'a RawValue,
    }

    if !body.get().starts_with('"') {
        return Cow::Borrowed(body);
    }
    let described = Description {
        r#type: if kind == RelayKind::Offer {
            "offer"
        } else {
            "answer"
        },
        sdp: body,
    };
    to_raw_value(&described).map_or(Cow::Borrowed(body), Cow::Owned)
}

/// What a `/ws` frame of the type `name` is relayed as, if it is.
pub(super) fn kind_of_ws(name: &str) -> Option<RelayKind> {
    let known = WS_TYPES.iter().find(|(known, _)| *known == name);
    known.map(|(_, kind)| *kind)
}

/// The type of the `/ws` frame that carries such a relay.
pub(super) const fn ws_type(kind: RelayKind) -> &'static str {
    match kind {
        RelayKind::Offer => WS_TYPES[0].0,
        RelayKind::Answer => WS_TYPES[1].0,
        RelayKind::Ice => WS_TYPES[2].0,
    }
}

/// The candidate in the field called `name`; without one it is the end of candidates (RFC 8838
/// §13), if the field may be `missing`.
///
/// # Errors
/// `INVALID_PAYLOAD` if something else is in it.
pub(super) fn body_of<'a>(
    kind: RelayKind,
    fields: &Fields<'a>,
    name: &str,
) -> Result<&'a RawValue, WireError> {
    let body = if fields.has(name) || kind != RelayKind::Ice {
        fields.required(name)?
    } else {
        RawValue::NULL
    };
    check_body(kind, name, body)?;
    Ok(body)
}

#[cfg(test)]
#[path = "tests/mapping.rs"]
mod tests;
