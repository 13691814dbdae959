use http::{HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::*;

fn token(headers: &[(HeaderName, &[u8])]) -> Option<String> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value).unwrap()))
        .collect();
    token_from_headers(&headers, "access_token").map(|t| t.expose_secret().to_owned())
}

#[test]
fn the_cookie_comes_before_the_bearer() {
    let found = token(&[(AUTHORIZATION, b"Bearer b"), (COOKIE, b"access_token=c")]);
    assert_eq!(found.as_deref(), Some("c"));
    let found = token(&[(AUTHORIZATION, b"Bearer b"), (COOKIE, b"access_token=")]);
    assert_eq!(found.as_deref(), Some("b"));
}

#[test]
fn cookies_are_found_wherever_they_stand() {
    for cookie in [
        &b"access_token=t"[..],
        b"a=1; access_token=t; b=2",
        b"a=1;access_token=t",
        b"access_token=\"t\"",
        b"junk; access_token=t",
        b"u=\xff\xfe; access_token=t",
        b"access_token=t; access_token=other",
    ] {
        let name = String::from_utf8_lossy(cookie).into_owned();
        assert_eq!(token(&[(COOKIE, cookie)]).as_deref(), Some("t"), "{name}");
    }
    let split = token(&[(COOKIE, b"a=1"), (COOKIE, b"access_token=t")]);
    assert_eq!(split.as_deref(), Some("t"));
}

#[test]
fn cookies_of_other_names_do_not_count() {
    for cookie in [
        &b"access_token2=t"[..],
        b"xaccess_token=t",
        b"Access_Token=t",
        b"a=access_token=t",
    ] {
        assert_eq!(token(&[(COOKIE, cookie)]), None);
    }
}

#[test]
fn only_the_bearer_scheme_counts() {
    for (header, expected) in [
        (&b"Bearer t"[..], Some("t")),
        (b"bearer  t ", Some("t")),
        (b"BEARER t", Some("t")),
        (b"Basic t", None),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"t", None),
        (b"", None),
        (b"Bearer \xff", None),
    ] {
        assert_eq!(
            token(&[(AUTHORIZATION, header)]).as_deref(),
            expected,
            "{header:?}"
        );
    }
}

#[test]
fn a_found_token_is_not_printed() {
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_static("access_token=hush"));
    let token = token_from_headers(&headers, "access_token");
    assert!(token.is_some() && !format!("{token:?}").contains("hush"));
}
