//! Short texts that clients keep for the gateway.

use super::is_part_of;
use crate::{
    cluster::chat::Stamp,
    config::Origin,
    core::{PeerId, ResumeToken, RoomCode, RoomId, replayed::Offset},
};

/// Reads one text as everything that a client may hand back. Whatever is read is written as it was,
/// so that there is one text for each.
pub(super) fn resume(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(token) = text.parse::<ResumeToken>() {
        assert_eq!(token.to_string(), text);
        assert!(!token.room.as_str().is_empty() && token.room.as_str().len() <= 256);
        assert!(format!("{:?}", token.secret).ends_with("(redacted)"));
    }
    if let Ok(code) = text.parse::<RoomCode>() {
        assert_eq!(code.as_str(), text);
        assert!(RoomId::is_derived(RoomId::from_code(&code).as_str()));
    }
    if let Ok(peer) = text.parse::<PeerId>() {
        assert_eq!(peer.to_string().parse::<PeerId>().ok(), Some(peer));
    }
    if let Ok(stamp) = text.parse::<Stamp>() {
        assert_eq!(stamp.to_string().parse::<Stamp>().ok(), Some(stamp));
    }
    if let Ok(offset) = text.parse::<Offset>() {
        check_offset(offset);
    }
    if let Ok(origin) = Origin::parse(text) {
        let again = Origin::parse(origin.as_str());
        assert_eq!(again.as_ref(), Ok(&origin));
        assert!(is_part_of(origin.scheme(), origin.as_str()));
        assert!(!origin.as_str().contains(['@', '\\', '?', '#', ' ']));
    }
}

/// The next offset comes after, at whatever time.
fn check_offset(offset: Offset) {
    assert_eq!(offset.to_string().parse::<Offset>(), Ok(offset));
    for now in [0, 1_700_000_000_000, u64::MAX] {
        let next = offset.next(now);
        let last = "18446744073709551615-18446744073709551615".parse();
        assert!(offset < next || Ok(offset) == last, "{offset} {next}");
    }
}
