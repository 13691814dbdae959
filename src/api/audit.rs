//! Who did what: one line in the log for each request that is to change something. It never holds
//! what was sent.

use tracing::info;

use super::{ApiError, door::Visitor};

/// What was to be done, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<'d> {
    /// `publish`, `disconnect`, …
    pub(super) action: &'static str,
    /// `room`, `user`, `channel`, or nothing.
    pub(super) kind: &'static str,
    /// Which room, user or channel.
    pub(super) whom: &'d str,
    /// The name of the event, if it is one.
    pub(super) event: &'d str,
}

/// Writes down what came of it. `replayed`: it had been done before, under the same idempotency
/// key.
pub(super) fn record(visitor: &Visitor, deed: Deed<'_>, outcome: Result<bool, &ApiError>) {
    let Deed {
        action,
        kind,
        whom,
        event,
    } = deed;
    info!(
        target: "switchboard::audit",
        by = &*visitor.backend.name,
        action,
        kind,
        whom,
        event,
        outcome = outcome.map_or_else(|error| error.kind().1, |_| "OK"),
        replayed = outcome == Ok(true),
        "server API"
    );
}
