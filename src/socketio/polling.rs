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
        Some(_) if text_packet(payload).is_some() => count(payload, text_packet),
        Some(_) => {
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
type Split<'a> = Option<(&'a [u8], &'a [u8])>;

fn count<'a>(mut payload: &'a [u8], first: fn(&'a [u8]) -> Split<'a>) -> u64 {
    let mut messages = 0;
    while let Some((packet, rest)) = first(payload) {
        messages += u64::from(is_message(packet));
        payload = rest;
    }
    messages
}

/// Length in UTF-16 units, a colon, the packet.
fn text_packet(payload: &[u8]) -> Split<'_> {
    let colon = payload.iter().position(|byte| !byte.is_ascii_digit())?;
    let (length, rest) = payload.split_at_checked(colon)?;
    let rest = rest.strip_prefix(b":")?;
    let units: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
    let text = std::str::from_utf8(rest).ok()?;
    let mut left = units;
    let end = text.char_indices().find_map(|(at, c)| {
        let done = left == 0;
        left = left.saturating_sub(c.len_utf16());
        done.then_some(at)
    });
    rest.split_at_checked(end.unwrap_or(rest.len()))
}

/// A marker, the length as digits of one byte each, 0xff, the packet.
fn binary_packet(payload: &[u8]) -> Split<'_> {
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
