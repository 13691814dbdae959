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
