//! Finds the token in the headers of a request.

use cookie::Cookie;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use secrecy::SecretString;

/// The token of a request: from the named cookie, else from `Authorization: Bearer` (RFC 6750).
///
/// An empty cookie, as a logout may leave behind, counts as none. Of several cookies of the name
/// the first counts: browsers send the one with the longest path first (RFC 6265 §5.4).
#[must_use]
pub fn token_from_headers(headers: &HeaderMap, cookie_name: &str) -> Option<SecretString> {
    from_cookies(headers, cookie_name).or_else(|| from_bearer(headers))
}

fn from_cookies(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    // HTTP/2 and some proxies split the cookies over several headers.
    headers.get_all(COOKIE).iter().find_map(|header| {
        // Lossy, because another application's cookie on this host may hold bytes of any kind, and
        // must not keep the user out.
        let text = String::from_utf8_lossy(header.as_bytes());
        Cookie::split_parse(text)
            .flatten()
            .filter(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value_trimmed().to_owned())
            .find(|value| !value.is_empty())
            .map(SecretString::from)
    })
}

fn from_bearer(headers: &HeaderMap) -> Option<SecretString> {
    headers.get_all(AUTHORIZATION).iter().find_map(|header| {
        let (scheme, token) = header.to_str().ok()?.trim().split_once(' ')?;
        // The scheme's case does not matter (RFC 9110 §11.1).
        let token = Some(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
        (!token.is_empty()).then(|| SecretString::from(token))
    })
}

#[cfg(test)]
mod tests {
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
}
