use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

#[test]
fn descriptions_are_offers_or_answers() {
    for (name, kind) in [
        ("offer", RelayKind::Offer),
        ("answer", RelayKind::Answer),
        ("pranswer", RelayKind::Answer),
        ("rollback", RelayKind::Answer),
    ] {
        let sdp = raw(&json!({ "type": name, "sdp": "v=0" }));
        assert_eq!(kind_of_sdp(&sdp), Ok(kind));
    }
    assert_eq!(
        kind_of_sdp(&raw(&json!({ "type": "rollback" }))),
        Ok(RelayKind::Answer)
    );
}

#[test]
fn what_is_no_description_is_refused_by_the_field_at_fault() {
    for (sdp, field) in [
        (json!("v=0"), "sdp"),
        (json!(null), "sdp"),
        (json!([]), "sdp"),
        (json!({ "sdp": "v=0" }), "sdp.type"),
        (json!({ "type": 1, "sdp": "v=0" }), "sdp.type"),
        (json!({ "type": "Offer", "sdp": "v=0" }), "sdp.type"),
        (json!({ "type": "offer", "sdp": {} }), "sdp.sdp"),
    ] {
        let error = kind_of_sdp(&raw(&sdp)).unwrap_err();
        assert_eq!(error.field.as_deref(), Some(field), "{sdp}");
        assert!(error.message.starts_with(field), "{}", error.message);
    }
}

#[test]
fn a_bare_description_becomes_an_object_and_an_object_stays_as_it_was_sent() {
    let bare = raw(&json!("v=0\r\n"));
    for (kind, name) in [(RelayKind::Offer, "offer"), (RelayKind::Answer, "answer")] {
        let made: Value = serde_json::from_str(sdp_of(kind, &bare).get()).unwrap();
        assert_eq!(made, json!({ "type": name, "sdp": "v=0\r\n" }));
    }
    let odd =
        RawValue::from_string(r#"{ "sdp" :"x",  "type":"offer","n":1.50}"#.to_owned()).unwrap();
    assert_eq!(sdp_of(RelayKind::Offer, &odd).get(), odd.get());
}

#[test]
fn each_kind_of_relay_has_a_type_that_leads_back_to_it() {
    for kind in [RelayKind::Offer, RelayKind::Answer, RelayKind::Ice] {
        assert_eq!(kind_of_ws(ws_type(kind)), Some(kind));
    }
    assert_eq!(kind_of_ws("candidate"), Some(RelayKind::Ice));
    assert_eq!(kind_of_ws("ice"), Some(RelayKind::Ice));
    assert_eq!(kind_of_ws("Offer"), None);
}

proptest! {
    #[test]
    fn what_crosses_to_signal_can_be_sent_back_as_the_same(text in ".*", answer in any::<bool>()) {
        let kind = if answer { RelayKind::Answer } else { RelayKind::Offer };
        let body = to_raw_value(&text).unwrap();
        let sdp = sdp_of(kind, &body);
        prop_assert_eq!(kind_of_sdp(&sdp), Ok(kind));
        let back: Value = serde_json::from_str(sdp.get()).unwrap();
        prop_assert_eq!(&back["sdp"], &json!(text));
    }
}
