use serde_json::value::to_raw_value;

use super::*;

#[test]
fn what_is_told_is_read_as_it_was_written() {
    let data = to_raw_value(&serde_json::json!({ "big": 9_007_199_254_740_993_u64 })).unwrap();
    let told = Told::Room {
        room: r#"a "b""#.into(),
        event: "línea\n".into(),
        data: &data,
    };
    let written = serde_json::to_vec(&told).unwrap();
    let Told::Room { room, event, data } = serde_json::from_slice(&written).unwrap() else {
        panic!("another kind");
    };
    assert_eq!((&*room, &*event), (r#"a "b""#, "línea\n"));
    assert_eq!(data.get(), r#"{"big":9007199254740993}"#);
}

#[test]
fn what_a_later_version_may_tell_is_an_error() {
    let told = serde_json::from_slice::<Told<'_>>(br#"{"planet":{"user":"u"}}"#);
    assert!(told.is_err());
}
