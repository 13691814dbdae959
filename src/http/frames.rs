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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

    fn frame(opcode: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => bytes.push(masked | u8::try_from(short).unwrap()),
            medium @ 126..=0xffff => {
                bytes.push(masked | 126);
                bytes.extend(u16::try_from(medium).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(masked | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(mask.iter().flatten());
        let key = mask.unwrap_or_default();
        bytes.extend(
            payload
                .iter()
                .zip(key.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        bytes
    }

    fn messages(reader: &mut FrameReader, bytes: &[u8]) -> usize {
        let mut count = 0;
        reader.read(bytes, |frame| count += usize::from(frame.is_message()));
        count
    }

    #[test]
    fn only_whole_messages_count() {
        let mut reader = FrameReader::before_upgrade();
        let mut count = |bytes: &[u8]| messages(&mut reader, bytes);
        assert_eq!(count(ACCEPTED), 0);
        assert_eq!(count(&frame(1, b"0{}", None)), 0, "an open packet");
        assert_eq!(count(&frame(1, b"2", None)), 0, "a ping");
        assert_eq!(count(&frame(9, b"4", None)), 0, "a control frame");
        assert_eq!(count(&frame(1, b"", None)), 0, "an empty frame");
        assert_eq!(count(&frame(1, b"40{}", None)), 0, "a connect packet");
        let message = frame(1, &[b"42".as_slice(), &[b'x'; 70_000]].concat(), None);
        let (most, last) = message.split_at(message.len() - 1);
        assert_eq!(count(most), 0);
        assert_eq!(count(last), 1);
        assert_eq!(count(&frame(2, &[0; 300], None)), 1, "a msgpack packet");
    }

    #[test]
    fn a_normal_closure_is_a_goodbye_and_others_are_not() {
        let goodbye = |payload: &[u8]| {
            let mut said = false;
            let bytes = [
                frame(1, b"3", Some([1; 4])),
                frame(8, payload, Some([7, 8, 9, 1])),
            ];
            FrameReader::at_first_frame().read(&bytes.concat(), |frame| said |= frame.is_goodbye());
            said
        };
        assert!(goodbye(&1000_u16.to_be_bytes()));
        assert!(goodbye(b"\x03\xe8done"));
        assert!(!goodbye(b""), "no code");
        assert!(!goodbye(&1001_u16.to_be_bytes()), "going away");
    }

    proptest! {
        #[test]
        fn what_is_seen_does_not_depend_on_how_the_bytes_are_cut(
            payloads in prop::collection::vec((0u8..3, 0usize..400, any::<Option<[u8; 4]>>()), 0..20),
            cuts in prop::collection::vec(1usize..64, 1..400),
        ) {
            let mut bytes = ACCEPTED.to_vec();
            for (kind, size, mask) in &payloads {
                let mut payload = vec![b'x'; *size];
                if *kind == 1 { payload.splice(..0, *b"43"); }
                bytes.extend(frame(if *kind == 2 { 2 } else { 1 }, &payload, *mask));
            }
            let expected = payloads.iter().filter(|(kind, ..)| *kind > 0).count();
            let mut reader = FrameReader::before_upgrade();
            let (mut total, mut rest, mut cuts) = (0, bytes.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (part, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                total += messages(&mut reader, part);
                rest = later;
            }
            prop_assert_eq!(total, expected);
        }
    }
}
