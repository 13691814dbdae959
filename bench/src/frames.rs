//! WebSocket frames of a client (RFC 6455 §5.2), as cheap as they can be made: the generator must not
//! take the processors away from what it measures.

use std::ops::Range;

/// Masks what this client sends. A server has the same work with any mask.
const MASK: [u8; 4] = [0x5a, 0x13, 0xc7, 0x88];

/// A close frame with code 1000.
pub(crate) const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8];

/// How a message says which one it is: this sign, and so many digits.
pub(crate) const MARK: u8 = b'#';
const DIGITS: usize = 10;

/// Appends a text frame.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) -> usize {
    out.push(0x81);
    match text.len() {
        short @ ..126 => out.push(0x80 | u8::try_from(short).unwrap_or(0)),
        medium @ ..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&u16::try_from(medium).unwrap_or(0).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let start = out.len();
    let masked = text.bytes().zip(MASK.iter().cycle());
    out.extend(masked.map(|(byte, mask)| byte ^ mask));
    start
}

/// A message that is sent many times, with another number each time.
#[derive(Clone)]
pub(crate) struct Template {
    frame: Vec<u8>,
    /// Where its number is, and that place's first mask byte.
    at: usize,
    payload: usize,
}

impl Template {
    /// `text` has [`MARK`] and ten digits somewhere.
    pub(crate) fn new(text: &str) -> Self {
        let mut frame = Vec::new();
        let payload = encode(text, &mut frame);
        let at = payload + text.find(char::from(MARK)).map_or(0, |at| at + 1);
        Self { frame, at, payload }
    }

    /// Appends the message with this number.
    pub(crate) fn append(&mut self, number: u64, out: &mut Vec<u8>) {
        let mut rest = number;
        for index in (self.at..self.at + DIGITS).rev() {
            let digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            self.frame[index] = digit ^ MASK[(index - self.payload) % 4];
        }
        out.extend_from_slice(&self.frame);
    }
}

/// The number of a message that was made of a template.
pub(crate) fn number_in(text: &[u8]) -> Option<u64> {
    let at = memchr::memchr(MARK, text)?;
    let digits = text.get(at + 1..at + 1 + DIGITS)?;
    digits.iter().try_fold(0_u64, |number, digit| {
        digit
            .is_ascii_digit()
            .then(|| number * 10 + u64::from(digit - b'0'))
    })
}

/// A frame in a buffer.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Range<usize>,
}

/// The first frame in `bytes`, if all of it is there. Servers do not mask.
pub(crate) fn decode(bytes: &[u8]) -> Option<Frame> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let (start, length): (usize, usize) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?,
        ),
        short => (2, usize::from(short)),
    };
    let payload = start..start.checked_add(length)?;
    (bytes.len() >= payload.end).then_some(Frame {
        opcode: first & 0x0f,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::{Template, decode, encode, number_in};

    fn unmask(frame: &[u8]) -> Vec<u8> {
        let header = if frame[1] & 0x7f == 126 { 4 } else { 2 };
        let (mask, payload) = frame[header..].split_at(4);
        let bytes = payload.iter().zip(mask.iter().cycle());
        bytes.map(|(byte, mask)| byte ^ mask).collect()
    }

    #[test]
    fn a_template_carries_the_number_it_is_given() {
        for length in [1, 300] {
            let text = format!("{}#0000000000", "x".repeat(length));
            let mut template = Template::new(&text);
            let mut frame = Vec::new();
            template.append(1_234_567, &mut frame);
            assert_eq!(number_in(&unmask(&frame)), Some(1_234_567));
        }
    }

    #[test]
    fn what_is_incomplete_is_no_frame() {
        let whole = [0x81, 3, b'a', b'b', b'c', 0x81];
        assert_eq!(decode(&whole).map(|frame| frame.payload), Some(2..5));
        assert!(decode(&whole[..4]).is_none());
        assert!(decode(&whole[..1]).is_none());
        let mut frame = Vec::new();
        assert_eq!(encode("hello", &mut frame), 6);
    }
}
