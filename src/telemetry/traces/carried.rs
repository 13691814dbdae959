//! The place in a trace, as nodes tell it each other.
//!
//! ```text
//! +----------+---------+-------+
//! | trace id | span id | flags |   16, 8 and 1 bytes, as in W3C Trace Context
//! +----------+---------+-------+
//! ```

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The bytes of a place.
const CARRIED_BYTES: usize = 16 + 8 + 1;

/// A place in a trace that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

impl Carried {
    /// How many bytes it has.
    pub const BYTES: usize = CARRIED_BYTES;

    pub(super) fn of(place: &SpanContext) -> Self {
        Self {
            trace: place.trace_id(),
            span: place.span_id(),
            flags: place.trace_flags(),
        }
    }

    pub(super) fn place(self) -> SpanContext {
        SpanContext::new(self.trace, self.span, self.flags, true, TraceState::NONE)
    }

    /// It as bytes.
    pub fn encode(self) -> [u8; CARRIED_BYTES] {
        let mut bytes = [0; CARRIED_BYTES];
        bytes[..16].copy_from_slice(&self.trace.to_bytes());
        bytes[16..24].copy_from_slice(&self.span.to_bytes());
        bytes[24] = self.flags.to_u8();
        bytes
    }

    /// Reads it; nothing if it is none. What follows is for later versions.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (trace, rest) = bytes.split_first_chunk::<16>()?;
        let (span, rest) = rest.split_first_chunk::<8>()?;
        let carried = Self {
            trace: TraceId::from_bytes(*trace),
            span: SpanId::from_bytes(*span),
            flags: TraceFlags::new(*rest.first()?),
        };
        carried.place().is_valid().then_some(carried)
    }
}

#[cfg(test)]
#[path = "../tests/carried.rs"]
mod tests;
