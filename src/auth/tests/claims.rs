use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;

fn check(claims: Value, expected: &Expectations) -> Result<Identity, AuthError> {
    serde_json::from_value::<Claims>(claims)
        .unwrap()
        .into_identity(expected, NOW, 5)
}

fn username(claims: &Value) -> String {
    let mut all = json!({"sub": "u1", "exp": NOW + 60});
    all.as_object_mut()
        .unwrap()
        .extend(claims.as_object().unwrap().clone());
    check(all, &Expectations::default())
        .unwrap()
        .username
        .to_string()
}

#[test]
fn the_expiry_is_required_and_checked_with_a_small_tolerance() {
    let at = |exp: &Value| check(json!({"sub": "u", "exp": exp}), &Expectations::default()).err();
    let invalid = Some(AuthError::InvalidClaim("exp"));
    for (exp, error) in [
        (json!(NOW + 60), None),
        (json!(NOW - 4), None),
        (json!(NOW - 5), Some(AuthError::Expired)),
        (json!(NOW - 30), Some(AuthError::Expired)),
        (json!(0), Some(AuthError::Expired)),
        (json!(NOW as f64 + 0.5), None),
        (json!(u64::MAX), None),
        (json!(1e300), None),
        (json!("never"), invalid),
        (json!(-1), invalid),
        (json!(true), invalid),
        (Value::Null, Some(AuthError::MissingClaim("exp"))),
    ] {
        assert_eq!(at(&exp), error, "{exp}");
    }
}

#[test]
fn a_token_is_refused_before_its_time() {
    let at = |nbf: &Value| {
        let claims = json!({"sub": "u", "exp": NOW + 60, "nbf": nbf});
        check(claims, &Expectations::default()).err()
    };
    for (nbf, error) in [
        (Value::Null, None),
        (json!(0), None),
        (json!(NOW + 5), None),
        (json!(NOW + 6), Some(AuthError::NotYetValid)),
        (json!(NOW + 30), Some(AuthError::NotYetValid)),
        (json!("soon"), Some(AuthError::InvalidClaim("nbf"))),
    ] {
        assert_eq!(at(&nbf), error, "{nbf}");
    }
}

#[test]
fn issuer_and_audience_are_checked_when_expected() {
    let expected = Expectations {
        issuer: Some("https://id".into()),
        audience: Some("calls".into()),
    };
    for (iss, aud, error) in [
        (json!("https://id"), json!("calls"), None),
        (json!("https://id"), json!(["web", "calls"]), None),
        (
            json!("https://id/"),
            json!("calls"),
            Some(AuthError::Issuer),
        ),
        (
            json!(["https://id"]),
            json!("calls"),
            Some(AuthError::Issuer),
        ),
        (
            Value::Null,
            json!("calls"),
            Some(AuthError::MissingClaim("iss")),
        ),
        (
            json!("https://id"),
            json!("call"),
            Some(AuthError::Audience),
        ),
        (json!("https://id"), json!([]), Some(AuthError::Audience)),
        (
            json!("https://id"),
            json!({"calls": 1}),
            Some(AuthError::Audience),
        ),
        (
            json!("https://id"),
            Value::Null,
            Some(AuthError::MissingClaim("aud")),
        ),
    ] {
        let claims = json!({"sub": "u", "exp": NOW + 60, "iss": iss, "aud": aud});
        assert_eq!(check(claims, &expected).err(), error, "{iss} {aud}");
        let claims = json!({"sub": "u", "exp": NOW + 60, "iss": iss, "aud": aud});
        assert!(
            check(claims, &Expectations::default()).is_ok(),
            "{iss} {aud} unasked"
        );
    }
}

#[test]
fn the_subject_must_be_usable_as_an_id() {
    for sub in [
        json!(""),
        json!("  "),
        json!(7),
        json!(["u"]),
        json!("a\nb"),
        json!("a\u{0}"),
    ] {
        let claims = json!({"sub": sub, "exp": NOW + 60});
        let error = check(claims, &Expectations::default()).unwrap_err();
        assert_eq!(error, AuthError::InvalidClaim("sub"), "{sub}");
    }
    let longest = "x".repeat(MAX_SUBJECT_BYTES);
    let check = |sub: &str| check(json!({"sub": sub, "exp": NOW + 60}), &Default::default());
    assert_eq!(&*check(&longest).unwrap().user_id, longest);
    assert!(check(&format!("{longest}x")).is_err());
}

#[test]
fn the_username_is_the_first_that_can_be_shown() {
    for (claims, name) in [
        (json!({}), "u1"),
        (json!({"name": "N"}), "N"),
        (json!({"name": "N", "preferred_username": "P"}), "P"),
        (
            json!({"name": "N", "preferred_username": "P", "username": "U"}),
            "U",
        ),
        (
            json!({"name": "N", "preferred_username": "", "username": 7}),
            "N",
        ),
        (
            json!({"username": " \u{7}\u{202e} ", "name": {"a": 1}}),
            "u1",
        ),
        (json!({"username": " An\u{0}n\u{202e}a\n Ω "}), "Anna Ω"),
    ] {
        assert_eq!(username(&claims), name, "{claims}");
    }
    let long = "é".repeat(500);
    assert_eq!(
        username(&json!({"username": long})).chars().count(),
        MAX_USERNAME_CHARS
    );
}
