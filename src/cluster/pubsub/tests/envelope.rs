use super::*;

#[test]
fn an_envelope_survives_the_way() {
    let envelope = Envelope {
        from: ServerId::random(),
        number: 0x0102_0304_0506_0708,
        trace: None,
    };
    let mut wire = envelope.encode().to_vec();
    wire.extend_from_slice(b"hello");
    let (opened, payload) = Envelope::open(&wire.into()).unwrap();
    assert_eq!(opened, envelope);
    assert_eq!(payload, "hello");
}

#[test]
fn what_is_no_envelope_is_not_opened() {
    let short = Bytes::from_static(&[VERSION; ENVELOPE_BYTES - 1]);
    assert_eq!(Envelope::open(&short), None);
    assert_eq!(Envelope::open(&Bytes::new()), None);
    let json = Bytes::from_static(b"{\"event\":\"user:updated\",\"userId\":\"1\"}");
    assert_eq!(Envelope::open(&json), None);
}

#[test]
fn a_trace_goes_with_the_message_and_may_be_longer_than_it_is_today() {
    let trace: Vec<u8> = (1..=25).collect();
    let envelope = Envelope {
        from: ServerId::random(),
        number: 7,
        trace: Carried::decode(&trace),
    };
    assert!(envelope.trace.is_some());
    let mut wire = envelope.encode().to_vec();
    let known = wire.len();
    wire.extend_from_slice(b"hello");
    let (opened, payload) = Envelope::open(&Bytes::from(wire.clone())).unwrap();
    assert_eq!((opened, &payload[..]), (envelope, &b"hello"[..]));

    wire.splice(known..known, *b"more");
    wire[ENVELOPE_BYTES] += 4;
    let (opened, payload) = Envelope::open(&wire.into()).unwrap();
    assert_eq!((opened, &payload[..]), (envelope, &b"hello"[..]));
}

#[test]
fn a_trace_that_is_none_is_passed_over_and_one_that_is_cut_off_is_no_envelope() {
    let envelope = |rest: &[u8]| {
        let mut wire = vec![2; ENVELOPE_BYTES];
        wire.extend_from_slice(rest);
        Envelope::open(&wire.into())
    };
    let (opened, payload) = envelope(b"\x03xyzhello").unwrap();
    assert_eq!((opened.trace, &payload[..]), (None, &b"hello"[..]));
    assert_eq!(envelope(b"\x19too short"), None);
    assert_eq!(envelope(b""), None);
}
