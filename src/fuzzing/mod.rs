//! What has to be true of every decoder, whatever it is given: the fuzz targets (`fuzz/`, by
//! libFuzzer) and the tests that replay and mutate their corpora both call these functions.
//!
//! Each takes bytes as they could come from outside, decodes them, and panics if a promise is
//! broken. Not panicking is the least of the promises: what was decoded is what was sent, an error
//! has a code and repeats nothing of what was sent, a relayed value goes through byte for byte, and
//! what comes out is bounded by what went in.
//!
//! | target | what is decoded | who sends it |
//! |---|---|---|
//! | `event` | a Socket.IO event in JSON | a client |
//! | `packed` | the same in MessagePack | a client |
//! | `signal`, `ws` | frames of the raw protocols | a client |
//! | `request` | headers, cookies, origins, queries, `Forwarded` and `X-Forwarded-For` | a client, proxies |
//! | `token` | header and claims of a JSON Web Token, key sets | a client, the issuer |
//! | `resume` | resume tokens, offsets, ids, stamps | a client |
//! | `polling` | answers to polls, which are counted | the gateway for a client |
//! | `operator` | commands of the Admin UI | an operator |
//! | `bus` | envelopes and messages between nodes | whoever may publish in Redis |
//! | `gossip` | the same, heard by a room | whoever may publish in Redis |
//! | `records` | peers, rooms, chat, nodes and announcements as they are kept | whoever may write to Redis |
//! | `emitter` | packets and requests of `@socket.io/redis-emitter` | a backend |
//! | `backend` | envelopes on backend channels; `EVENT_CHANNELS`, `REDIS_URL` | a backend; who configures |
//!
//! It exists only in tests and fuzz builds (`cfg(fuzzing)`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a broken promise has to end the run"
)]

mod backend;
mod event;
mod gossip;
mod resume;

#[cfg(test)]
mod recipe;
#[cfg(test)]
mod tests;

pub(crate) use event::check_relay;

use crate::{
    auth, cluster, emitter,
    protocol::{ErrorCode, WireError},
    socketio, websocket,
};

/// A function that panics if a decoder breaks a promise.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Target); 14] = [
    ("event", event::event),
    ("packed", socketio::fuzzing::packed),
    ("signal", websocket::fuzzing::signal),
    ("ws", websocket::fuzzing::ws),
    ("request", auth::fuzzing::request),
    ("token", auth::fuzzing::token),
    ("resume", resume::resume),
    ("polling", socketio::fuzzing::polling),
    ("operator", socketio::fuzzing::operator),
    ("bus", cluster::fuzzing::bus),
    ("gossip", gossip::gossip),
    ("records", cluster::fuzzing::records),
    ("emitter", emitter::fuzzing::emitter),
    ("backend", backend::backend),
];

/// The longest text of an error. Field names and bounds go into it, and nothing that was sent.
const MAX_ERROR: usize = 256;

/// Runs the target called `name`.
///
/// # Panics
/// If there is none, or a decoder breaks a promise.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.expect("a target of that name").1(data);
}

/// An error for a client has a code that fits, and a text that is bounded.
pub(crate) fn check_error(error: &WireError) {
    assert!(
        matches!(
            error.code,
            ErrorCode::InvalidPayload | ErrorCode::UnknownEvent
        ),
        "{error:?}"
    );
    assert!(!error.message.is_empty() && error.message.len() <= MAX_ERROR);
    assert!(!error.message.chars().any(char::is_control), "{error:?}");
    if let Some(field) = &error.field {
        assert!(field.len() <= MAX_ERROR, "{error:?}");
    }
}

/// `part` is a piece of `whole`: not a copy, not changed.
pub(crate) fn is_part_of(part: &str, whole: &str) -> bool {
    let (part, whole) = (
        part.as_bytes().as_ptr_range(),
        whole.as_bytes().as_ptr_range(),
    );
    whole.start <= part.start && part.end <= whole.end
}
