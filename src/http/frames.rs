//! Counting WebSocket frames as they leave.
//!
//! To know what a lost client has certainly not been sent, somebody has to count what was
//! written, and the WebSocket library does not say. So the bytes are watched on their way
//! out: frame headers only (RFC 6455 §5.2), server to client, hence unmasked.

/// The longest header of an unmasked frame.
const MAX_HEADER: usize = 10;

/// What ends the head of an HTTP response.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// The first byte of an Engine.IO text message: packet type 4.
const MESSAGE: u8 = b'4';

/// Follows the outgoing bytes of one connection from its upgrade on.
#[derive(Debug)]
pub(super) struct FrameCounter(State);

#[derive(Debug)]
enum State {
    /// In the response that accepts the upgrade, so many bytes into its end.
    Head { matched: usize },
    /// In a frame's header.
    Header {
        bytes: [u8; MAX_HEADER],
        have: usize,
    },
    /// In a frame's payload.
    Payload { left: u64, kind: Kind },
}

/// What a frame is, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Message,
    Other,
}

impl FrameCounter {
    /// Starts before the response that accepts the upgrade.
    pub(super) fn before_upgrade() -> Self {
        Self(State::Head { matched: 0 })
    }

    /// Goes over bytes that were written, and returns how many messages they complete.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut messages = 0;
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.0 {
                State::Head { matched } => {
                    bytes = rest;
                    *matched = match HEAD_END.get(*matched) {
                        Some(expected) if expected == first => *matched + 1,
                        _ => usize::from(*first == b'\r'),
                    };
                    if *matched == HEAD_END.len() {
                        self.0 = State::header();
                    }
                }
                State::Header {
                    bytes: header,
                    have,
                } => {
                    bytes = rest;
                    if let Some(slot) = header.get_mut(*have) {
                        *slot = *first;
                        *have += 1;
                    }
                    if let Some((left, kind)) = read_header(header, *have) {
                        self.0 = State::Payload { left, kind };
                        messages += self.end_of_frame();
                    }
                }
                State::Payload { left, kind } => {
                    if *kind == Kind::Text {
                        *kind = if *first == MESSAGE {
                            Kind::Message
                        } else {
                            Kind::Other
                        };
                    }
                    let here = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    *left -= here as u64;
                    bytes = bytes.get(here..).unwrap_or_default();
                    messages += self.end_of_frame();
                }
            }
        }
        messages
    }

    /// Moves on if the frame is complete, and returns 1 if it was a message.
    fn end_of_frame(&mut self) -> u64 {
        let State::Payload { left: 0, kind } = self.0 else {
            return 0;
        };
        self.0 = State::header();
        u64::from(kind == Kind::Message)
    }
}

impl State {
    const fn header() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER],
            have: 0,
        }
    }
}

/// The payload's length and the frame's kind, once all of the header is there.
fn read_header(bytes: &[u8; MAX_HEADER], have: usize) -> Option<(u64, Kind)> {
    let header = bytes.get(..have)?;
    let [first, second, rest @ ..] = header else {
        return None;
    };
    let left = match (second & 0x7f, rest) {
        (126, [a, b]) => u64::from(u16::from_be_bytes([*a, *b])),
        (127, rest) => u64::from_be_bytes(rest.try_into().ok()?),
        (126, _) => return None,
        (short, _) => u64::from(short),
    };
    let kind = match first & 0x0f {
        1 => Kind::Text,
        // Binary messages are Socket.IO packets of the msgpack parser.
        2 => Kind::Message,
        _ => Kind::Other,
    };
    Some((left, kind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => bytes.push(u8::try_from(short).unwrap()),
            medium @ 126..=0xffff => {
                bytes.push(126);
                bytes.extend(u16::try_from(medium).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

    #[test]
    fn only_whole_messages_count() {
        let mut counter = FrameCounter::before_upgrade();
        assert_eq!(counter.count(ACCEPTED), 0);
        assert_eq!(counter.count(&frame(1, b"0{}")), 0, "an open packet");
        assert_eq!(counter.count(&frame(1, b"2")), 0, "a ping");
        assert_eq!(counter.count(&frame(9, b"4")), 0, "a control frame");
        assert_eq!(counter.count(&frame(1, b"")), 0, "an empty frame");
        let message = frame(1, &[b"4".as_slice(), &[b'x'; 70_000]].concat());
        let (most, last) = message.split_at(message.len() - 1);
        assert_eq!(counter.count(most), 0);
        assert_eq!(counter.count(last), 1);
        assert_eq!(counter.count(&frame(2, &[0; 300])), 1, "a msgpack packet");
    }

    proptest! {
        #[test]
        fn the_count_does_not_depend_on_how_the_bytes_are_cut(
            payloads in prop::collection::vec((0u8..3, 0usize..400), 0..20),
            cuts in prop::collection::vec(1usize..64, 1..400),
        ) {
            let mut bytes = ACCEPTED.to_vec();
            for (kind, size) in &payloads {
                let mut payload = vec![b'x'; *size];
                if *kind == 1 { payload.insert(0, MESSAGE); }
                bytes.extend(frame(if *kind == 2 { 2 } else { 1 }, &payload));
            }
            let expected = payloads.iter().filter(|(kind, _)| *kind > 0).count() as u64;
            let mut counter = FrameCounter::before_upgrade();
            let (mut total, mut rest, mut cuts) = (0, bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (part, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                total += counter.count(part);
                rest = later;
            }
            prop_assert_eq!(total, expected);
        }
    }
}
