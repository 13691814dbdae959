//! Counting the messages in the answer to a poll.

/// Separates the packets of an Engine.IO 4 payload.
const SEPARATOR: u8 = 0x1e;

/// Ends the length of a packet in a binary Engine.IO 3 payload.
const LENGTH_END: u8 = 0xff;

/// How many events and acknowledgements a payload holds. There are three encodings:
/// `4a␞4b` in protocol 4, `2:4a2:4b` in protocol 3, and a binary one there for clients that
/// take it. What cannot be read counts as nothing.
pub(super) fn messages_in(payload: &[u8]) -> u64 {
    match payload.first() {
        None => 0,
        Some(0 | 1) => count(payload, binary_packet),
        Some(_) => {
            // Looked at once: to do so from each packet on takes the square of its length.
            let text = std::str::from_utf8(payload).ok();
            if let Some(text) = text.filter(|text| text_packet(text).is_some()) {
                return count(text, text_packet);
            }
            let packets = payload.split(|byte| *byte == SEPARATOR);
            packets.filter(|packet| is_message(packet)).count() as u64
        }
    }
}

/// Whether a packet is an event or an acknowledgement, or a binary one, which does not tell.
fn is_message(packet: &[u8]) -> bool {
    matches!(packet, [b'4', b'2' | b'3', ..] | [b'b' | 4, ..])
}

/// The first packet of a payload and what follows it.
type Split<'a, T> = Option<(&'a T, &'a T)>;

fn count<'a, T>(mut payload: &'a T, first: fn(&'a T) -> Split<'a, T>) -> u64
where
    T: AsRef<[u8]> + ?Sized,
{
    let mut messages = 0;
    while let Some((packet, rest)) = first(payload) {
        messages += u64::from(is_message(packet.as_ref()));
        payload = rest;
    }
    messages
}

/// Length in UTF-16 units, a colon, the packet.
fn text_packet(payload: &str) -> Split<'_, str> {
    let (length, rest) = payload.split_once(':')?;
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut left: usize = length.parse().ok()?;
    let end = rest.char_indices().find_map(|(at, c)| {
        let done = left == 0;
        left = left.saturating_sub(c.len_utf16());
        done.then_some(at)
    });
    rest.split_at_checked(end.unwrap_or(rest.len()))
}

/// A marker, the length as digits of one byte each, 0xff, the packet.
fn binary_packet(payload: &[u8]) -> Split<'_, [u8]> {
    let (_, rest) = payload.split_first()?;
    let end = rest.iter().position(|byte| *byte == LENGTH_END)?;
    let (digits, rest) = rest.split_at_checked(end)?;
    let length = digits.iter().try_fold(0_usize, |length, digit| {
        length.checked_mul(10)?.checked_add(usize::from(*digit))
    })?;
    rest.get(1..)?.split_at_checked(length)
}

#[cfg(test)]
#[path = "tests/polling.rs"]
mod tests;
