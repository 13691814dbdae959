use super::*;

#[test]
fn messages_are_counted_in_every_encoding() {
    let cases: [(&[u8], u64); 9] = [
        (b"", 0),
        (b"6", 0),
        (b"42[\"a\",1]", 1),
        ("40{\"sid\":\"x\"}\u{1e}2\u{1e}4312[\"é\"]".as_bytes(), 1),
        (b"bAAEC\x1e2", 1),
        (b"2:402:421:3", 1),
        ("5:42é\u{1F600}2:43".as_bytes(), 2),
        (b"\x00\x05\xff42[1]\x00\x01\xff2\x01\x02\xff\x04z", 2),
        (b"\x00\x09", 0),
    ];
    for (payload, messages) in cases {
        assert_eq!(messages_in(payload), messages, "{}", payload.escape_ascii());
    }
}
