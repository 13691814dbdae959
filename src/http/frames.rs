//! Watching WebSocket frames go by (RFC 6455 §5.2).
//!
//! To know what a lost client has certainly not been sent, somebody has to count what was
//! written; to know whether a client left on purpose, somebody has to read the code of its
//! close frame. The WebSocket library keeps both to itself. So the bytes are watched on
//! their way: headers and the first two bytes of each payload, the rest is skipped.

/// The longest header: two bytes, a length of eight, a mask of four.
const MAX_HEADER: usize = 14;

/// What ends the head of an HTTP response.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// How Socket.IO events and acknowledgements begin: Engine.IO packet type 4, then 2 or 3.
const EVENTS: [&[u8; 2]; 2] = [b"42", b"43"];

/// Close code of a client that is done (RFC 6455 §7.4.1).
const NORMAL_CLOSURE: [u8; 2] = 1000_u16.to_be_bytes();

/// A frame that went by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    opcode: u8,
    /// The first bytes of the payload, and how many there are.
    start: [u8; 2],
    have: usize,
}

impl Frame {
    /// Whether it carries what the gateway sends: an event or an acknowledgement. Binary
    /// frames, which the msgpack parser makes, do not tell: all of them count.
    pub(super) fn is_message(&self) -> bool {
        match self.opcode {
            1 => self.have == 2 && EVENTS.contains(&&self.start),
            2 => true,
            _ => false,
        }
    }

    /// Whether it says that the client is done.
    pub(super) fn is_goodbye(&self) -> bool {
        self.opcode == 8 && self.have == 2 && self.start == NORMAL_CLOSURE
    }
}

/// Follows the frames of one direction of a connection.
#[derive(Debug)]
pub(super) struct FrameReader(State);

#[derive(Debug)]
enum State {
    /// In the response that accepts the upgrade, so many bytes into its end.
    Head { matched: usize },
    /// In a frame's header.
    Header {
        bytes: [u8; MAX_HEADER],
        have: usize,
    },
    /// In a frame's payload, of which so much is left.
    Payload {
        left: u64,
        mask: [u8; 4],
        frame: Frame,
    },
}

impl FrameReader {
    /// Starts before the response that accepts the upgrade.
    pub(super) const fn before_upgrade() -> Self {
        Self(State::Head { matched: 0 })
    }

    /// Starts with the first frame.
    pub(super) const fn at_first_frame() -> Self {
        Self(State::header())
    }

    /// Goes over bytes, and reports each frame that they complete.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut report: impl FnMut(Frame)) {
        while let Some((first, rest)) = bytes.split_first() {
            bytes = match &mut self.0 {
                State::Head { matched } => {
                    *matched = match HEAD_END.get(*matched) {
                        Some(expected) if expected == first => *matched + 1,
                        _ => usize::from(*first == b'\r'),
                    };
                    if *matched == HEAD_END.len() {
                        self.0 = State::header();
                    }
                    rest
                }
                State::Header {
                    bytes: header,
                    have,
                } => {
                    if let Some(slot) = header.get_mut(*have) {
                        *slot = *first;
                        *have += 1;
                    }
                    if let Some(payload) = header.get(..*have).and_then(State::payload) {
                        self.0 = payload;
                        self.end_of_frame(&mut report);
                    }
                    rest
                }
                State::Payload { left, mask, frame } => {
                    let here = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    let (payload, rest) = bytes.split_at_checked(here).unwrap_or((bytes, &[]));
                    let missing = frame.start.iter_mut().zip(mask).skip(frame.have);
                    for ((slot, mask), byte) in missing.zip(payload) {
                        *slot = byte ^ *mask;
                        frame.have += 1;
                    }
                    *left -= here as u64;
                    self.end_of_frame(&mut report);
                    rest
                }
            };
        }
    }

    /// Moves on if the frame is complete.
    fn end_of_frame(&mut self, report: &mut impl FnMut(Frame)) {
        if let State::Payload { left: 0, frame, .. } = self.0 {
            report(frame);
            self.0 = State::header();
        }
    }
}

impl State {
    const fn header() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER],
            have: 0,
        }
    }

    /// What follows a header, once all of it is there.
    fn payload(header: &[u8]) -> Option<Self> {
        let [first, second, rest @ ..] = header else {
            return None;
        };
        let (left, rest) = match second & 0x7f {
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            short => (u64::from(short), rest),
        };
        let mask = if second & 0x80 == 0 {
            [0; 4]
        } else {
            *rest.first_chunk()?
        };
        let frame = Frame {
            opcode: first & 0x0f,
            start: [0; 2],
            have: 0,
        };
        Some(Self::Payload { left, mask, frame })
    }
}

#[cfg(test)]
#[path = "tests/frames.rs"]
mod tests;
