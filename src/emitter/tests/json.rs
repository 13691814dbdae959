use super::*;

fn json(value: &ValueRef<'_>) -> String {
    let written = write_all(std::slice::from_ref(value), 1_000).unwrap();
    written[0].get().to_owned()
}

fn text(text: &'static str) -> ValueRef<'static> {
    ValueRef::from(text)
}

#[test]
fn values_are_written_as_json_with_their_fields_in_order() {
    let value = ValueRef::Map(vec![
        (text("z"), ValueRef::from(1_u64)),
        (
            text("a"),
            ValueRef::Array(vec![ValueRef::Nil, ValueRef::Boolean(true)]),
        ),
        (text("m"), ValueRef::from(-5_i64)),
        (text("f"), ValueRef::F64(0.5)),
        (text("nan"), ValueRef::F64(f64::NAN)),
        (ValueRef::from(7_u64), text("\"é\u{2028}")),
    ]);
    let expected =
        "{\"z\":1,\"a\":[null,true],\"m\":-5,\"f\":0.5,\"nan\":null,\"7\":\"\\\"é\u{2028}\"}";
    assert_eq!(json(&value), expected);
}

#[test]
fn dates_become_what_javascript_makes_of_them() {
    let cases: [(i8, &[u8], &str); 6] = [
        (TIMESTAMP, &[0, 0, 0, 0], "1970-01-01T00:00:00.000Z"),
        // new Date('2024-02-29T23:59:59.000Z')
        (
            TIMESTAMP,
            &1_709_251_199_u32.to_be_bytes(),
            "2024-02-29T23:59:59.000Z",
        ),
        // new Date('2024-12-31T12:34:56.789Z')
        (
            TIMESTAMP,
            &((789_000_000_u64 << 34) | 1_735_648_496).to_be_bytes(),
            "2024-12-31T12:34:56.789Z",
        ),
        // new Date('1969-12-31T23:59:59.999Z')
        (
            TIMESTAMP,
            &[
                0x3b, 0x8b, 0x87, 0xc0, 255, 255, 255, 255, 255, 255, 255, 255,
            ],
            "1969-12-31T23:59:59.999Z",
        ),
        (
            NOTEPACK,
            &MAX_TIME.to_be_bytes(),
            "+275760-09-13T00:00:00.000Z",
        ),
        (
            NOTEPACK,
            &(-MAX_TIME).to_be_bytes(),
            "-271821-04-20T00:00:00.000Z",
        ),
    ];
    for (kind, bytes, expected) in cases {
        assert_eq!(json(&ValueRef::Ext(kind, bytes)), format!("\"{expected}\""));
    }
}

#[test]
fn undefined_is_null_in_a_list_and_absent_in_an_object() {
    let undefined = || ValueRef::Ext(NOTEPACK, &[0]);
    assert_eq!(json(&undefined()), "null");
    let object = vec![(text("a"), undefined()), (text("b"), text("c"))];
    let value = ValueRef::Array(vec![undefined(), ValueRef::Map(object)]);
    assert_eq!(json(&value), r#"[null,{"b":"c"}]"#);
}

#[test]
fn binary_data_is_refused_however_deep_it_is() {
    let refused = |value| write_all(&[value], 1_000).unwrap_err();
    let deep = ValueRef::Map(vec![(
        text("a"),
        ValueRef::Array(vec![ValueRef::Binary(b"x")]),
    )]);
    assert_eq!(refused(deep), Unusable::Binary);
    assert_eq!(refused(ValueRef::Ext(42, b"?")), Unusable::Binary);
    let too_late = ValueRef::Ext(NOTEPACK, &[0x7f, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(refused(too_late), Unusable::Binary);
}

#[test]
fn all_values_together_are_bounded() {
    let values = [text("12345"), text("12345")];
    assert!(write_all(&values, 14).is_ok());
    assert_eq!(write_all(&values, 13).unwrap_err(), Unusable::TooLong);
}

#[test]
fn a_text_that_is_not_utf_8_is_refused() {
    let mut bytes: &[u8] = &[0x91, 0xa2, 0xff, 0xfe];
    let value = rmpv::decode::read_value_ref(&mut bytes).unwrap();
    assert_eq!(write_all(&[value], 1_000).unwrap_err(), Unusable::Malformed);
}
