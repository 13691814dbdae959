use super::*;

#[test]
fn an_envelope_survives_the_way() {
    let envelope = Envelope {
        from: ServerId::random(),
        number: 0x0102_0304_0506_0708,
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
