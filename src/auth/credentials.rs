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
        let token = scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())?;
        (!token.is_empty()).then(|| SecretString::from(token))
    })
}

#[cfg(test)]
#[path = "tests/credentials.rs"]
mod tests;
