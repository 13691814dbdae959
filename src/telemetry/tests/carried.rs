use super::*;

#[test]
fn a_place_survives_the_way() {
    let bytes: Vec<u8> = (1..=25).collect();
    let carried = Carried::decode(&bytes).unwrap();
    assert_eq!(carried.encode()[..], bytes[..]);
    let place = carried.place();
    assert!(place.is_remote());
    assert_eq!(
        place.trace_id().to_string(),
        "0102030405060708090a0b0c0d0e0f10"
    );
    assert_eq!(place.span_id().to_string(), "1112131415161718");
}

#[test]
fn nothing_and_nobody_is_no_place() {
    assert_eq!(Carried::decode(&[]), None);
    assert_eq!(Carried::decode(&[1; 24]), None);
    assert_eq!(Carried::decode(&[0; 25]), None);
    let no_span = [[1; 16].as_slice(), &[0; 9]].concat();
    assert_eq!(Carried::decode(&no_span), None);
}
