//! Who calls and from where, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{HOST, ORIGIN},
};
use secrecy::ExposeSecret as _;
use url::Url;

use super::{
    claims::{Claims, Expectations, MAX_SUBJECT_BYTES, MAX_USERNAME_CHARS},
    jwks::document::{KeySet, MAX_KEYS},
    origin::OriginPolicy,
    token_from_headers,
    verifier::{CLOCK_SKEW, Header},
};
use crate::config::{Origin, OriginConfig};

/// The one page that is allowed.
const ALLOWED: &str = "https://app.example";

/// A time at which some tokens are good.
const NOW: u64 = 1_700_000_000;

/// Reads the lines of a request's head: `name: value` each.
pub(crate) fn request(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let name = HeaderName::from_bytes(name.trim_ascii());
        let value = HeaderValue::from_bytes(value.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    check_token(&headers);
    check_origin(&headers);
    crate::websocket::fuzzing::offer(&headers);
    crate::limits::fuzzing::forwarded(&headers);
}

/// A token is a piece of what was sent, and one of the right place.
fn check_token(headers: &HeaderMap) {
    let Some(token) = token_from_headers(headers, "access_token") else {
        return;
    };
    let token = token.expose_secret();
    assert!(!token.is_empty());
    let sent = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(token))
    };
    let authorization = sent("authorization");
    assert!(sent("cookie") || authorization, "{headers:?}");
    if !authorization {
        let cookies = headers.get_all("cookie").iter();
        let named = |value: &HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).contains("access_token")
        };
        assert!(cookies.into_iter().any(named));
    }
}

/// Who is let in is either no page, or the allowed one, or one of the very host that was called,
/// as another parser reads it.
fn check_origin(headers: &HeaderMap) {
    let config = OriginConfig {
        allowed: vec![Origin::parse(ALLOWED).expect("an origin")],
        require_origin: false,
    };
    let strict = OriginPolicy::new(&OriginConfig {
        require_origin: true,
        ..config.clone()
    });
    let verdict = OriginPolicy::new(&config).check(headers);
    if strict.check(headers).is_ok() {
        assert!(verdict.is_ok() && headers.contains_key(ORIGIN));
    }
    if let Err(refused) = verdict {
        return assert!(!refused.reason().is_empty());
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return;
    };
    assert_eq!(headers.get_all(ORIGIN).iter().count(), 1);
    let origin = Url::parse(origin.to_str().expect("text")).expect("an origin is a URL");
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = own.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    let is_own = own.is_some_and(|own| own.origin() == origin.origin());
    assert!(is_own || origin.origin().ascii_serialization() == ALLOWED);
}

/// Reads the header of a token, claims, and a key set.
pub(crate) fn token(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(error) = Header::of(text)
    {
        assert!(!error.reason().is_empty());
    }
    if let Ok(keys) = KeySet::parse(data) {
        assert!(keys.len() <= MAX_KEYS);
        let _ = keys.find(None);
    }
    let anybody = Expectations::default();
    let strict = Expectations {
        issuer: Some("issuer".to_owned()),
        audience: Some("audience".to_owned()),
    };
    for expected in [anybody, strict] {
        check_claims(data, &expected);
    }
}

fn check_claims(data: &[u8], expected: &Expectations) {
    let Ok(claims) = serde_json::from_slice::<Claims>(data) else {
        return;
    };
    let skew = CLOCK_SKEW.as_secs();
    let identity = match claims.into_identity(expected, NOW, skew) {
        Ok(identity) => identity,
        Err(error) => return assert!(!error.reason().is_empty()),
    };
    assert!(identity.expires_at.saturating_add(skew) > NOW);
    let user = &*identity.user_id;
    assert!(!user.trim().is_empty() && user.len() <= MAX_SUBJECT_BYTES);
    assert!(!user.chars().any(char::is_control));
    let name = &*identity.username;
    assert!(!name.is_empty() && name.chars().count() <= MAX_USERNAME_CHARS);
    assert!(!name.chars().any(char::is_control));
}
