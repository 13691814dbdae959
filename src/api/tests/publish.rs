use serde_json::json;

use super::*;

fn read(body: &serde_json::Value) -> Result<PublishRequest, String> {
    serde_json::from_slice(body.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn exactly_one_target_is_needed() {
    let event = |targets: &[&str]| {
        let mut body = json!({ "event": "e", "data": null });
        for target in targets {
            body[target] = "x".into();
        }
        read(&body)
    };
    for kind in ["room", "user", "channel"] {
        assert_eq!(event(&[kind]).unwrap().parts().kind, kind);
    }
    assert!(event(&[]).is_err());
    assert!(event(&["room", "user"]).is_err());
    assert!(event(&["room", "user", "channel"]).is_err());
}

#[test]
fn what_is_too_long_missing_or_unknown_is_refused() {
    let good = json!({ "room": "r", "event": "e", "data": [1], "idempotencyKey": "k" });
    assert!(read(&good).is_ok());
    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        read(&body)
    };
    for (field, most) in [
        ("room", MAX_NAME),
        ("event", MAX_EVENT),
        ("idempotencyKey", MAX_KEY),
    ] {
        assert!(with(field, "é".repeat(most).into()).is_ok(), "{field}");
        assert!(with(field, "é".repeat(most + 1).into()).is_err(), "{field}");
        assert!(with(field, "".into()).is_err(), "{field}");
        assert!(with(field, 1.into()).is_err(), "{field}");
    }
    assert!(with("room", json!(null)).is_err());
    assert!(with("other", 1.into()).is_err());
    for field in ["room", "event", "data"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        assert!(read(&body).is_err(), "{field}");
    }
}

#[test]
fn data_is_kept_as_it_was_sent_unless_somebody_could_not_read_it() {
    let parse = |data: &str| {
        let body = format!(r#"{{"room":"r","event":"e","data":{data}}}"#);
        serde_json::from_str::<PublishRequest>(&body)
    };
    let exact = r#"{"b":1.50,"a":12345678901234567890}"#;
    assert_eq!(parse(exact).unwrap().parts().data.get(), exact);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for bad in [&*deep, r#""\ud800""#, "1e999"] {
        assert!(parse(bad).is_err());
    }
}

#[test]
fn the_key_of_the_header_and_that_of_the_body_are_one() {
    let request = |key: Option<&str>| {
        let mut body = json!({ "user": "u", "event": "e", "data": 1 });
        if let Some(key) = key {
            body["idempotencyKey"] = key.into();
        }
        read(&body).unwrap()
    };
    let key = |header: Option<&str>, body| {
        let headers = header.map(|value| (KEY, value.parse().unwrap()));
        request(body).key(&headers.into_iter().collect())
    };
    assert_eq!(key(None, None), Ok(None));
    assert_eq!(key(None, Some("k")), Ok(Some("k".into())));
    assert_eq!(key(Some("k"), None), Ok(Some("k".into())));
    assert_eq!(key(Some("\"k\""), Some("k")), Ok(Some("k".into())));
    assert_eq!(key(Some("k"), Some("other")), Err(ApiError::KeysDiffer));
    assert!(key(Some(""), None).is_err());
    assert!(key(Some(&"x".repeat(256)), None).is_err());
}
