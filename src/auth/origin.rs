//! Which web pages may use the gateway: the defence against cross-site WebSocket hijacking.
//!
//! A browser lets any page open a WebSocket to any host and sends the user's cookies along; the
//! same-origin policy does not apply. What it does do is to name the page's origin, truthfully, in
//! a header that no script can set (RFC 6454 §7, RFC 6455 §10.2). So every request is checked, also
//! polling ones, which a page may send without being able to read the answer.

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};

use crate::config::{Origin, OriginConfig};

/// Names the relation of the page to the request (Fetch Metadata, W3C).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Decides whether the page that sent a request may use the gateway.
#[derive(Debug, Clone)]
pub struct OriginPolicy {
    allowed: Vec<Origin>,
    require_origin: bool,
}

/// Why a request is refused. To be answered with 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OriginRefused {
    /// There is no `Origin` header, and one is required.
    #[error("the request has no Origin")]
    Missing,
    /// There is more than one `Origin` header, which no browser sends.
    #[error("the request has several Origins")]
    Several,
    /// The `Origin` is `null` (a sandboxed frame, a file) or no web origin at all.
    #[error("the Origin is not a web origin")]
    Invalid,
    /// The `Origin` is neither configured nor the gateway's own.
    #[error("the Origin is not allowed")]
    NotAllowed,
    /// `Sec-Fetch-Site` says that another site caused the request.
    #[error("the request comes from another site")]
    CrossSite,
}

impl OriginRefused {
    /// A stable code for logs and metrics, out of a fixed set.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "origin_missing",
            Self::Several => "origin_several",
            Self::Invalid => "origin_invalid",
            Self::NotAllowed => "origin_not_allowed",
            Self::CrossSite => "cross_site",
        }
    }
}

impl OriginPolicy {
    /// The policy for a configuration.
    #[must_use]
    pub fn new(config: &OriginConfig) -> Self {
        Self {
            allowed: config.allowed.clone(),
            require_origin: config.require_origin,
        }
    }

    /// Checks the headers of a request.
    ///
    /// # Errors
    /// See [`OriginRefused`].
    pub fn check(&self, headers: &HeaderMap) -> Result<(), OriginRefused> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let header = origins.next();
        if origins.next().is_some() {
            return Err(OriginRefused::Several);
        }
        let Some(header) = header else {
            return self.check_without_origin(headers);
        };
        let text = header.to_str().map_err(|_| OriginRefused::Invalid)?;
        let origin = Origin::parse(text).map_err(|_| OriginRefused::Invalid)?;
        if self.allowed.contains(&origin) {
            return Ok(());
        }
        if !is_own(&origin, headers) {
            return Err(OriginRefused::NotAllowed);
        }
        // The browser knows better than the comparison with Host, for example that the page came
        // over plain HTTP (and maybe from somebody in between) while the gateway is on HTTPS.
        if is_cross_site(headers) {
            return Err(OriginRefused::CrossSite);
        }
        Ok(())
    }

    fn check_without_origin(&self, headers: &HeaderMap) -> Result<(), OriginRefused> {
        if is_cross_site(headers) {
            return Err(OriginRefused::CrossSite);
        }
        if self.require_origin {
            return Err(OriginRefused::Missing);
        }
        Ok(())
    }
}

/// Whether an origin is the gateway's own: its host and port are those of the `Host` header.
///
/// The scheme is taken from the origin, as the gateway cannot know whether a proxy before it speaks
/// TLS. The `Host` header is no secret either: with DNS rebinding a page gets its own name into
/// both headers. It gains nothing by that, for the user's cookie belongs to the gateway's real name
/// and is not sent to the page's.
fn is_own(origin: &Origin, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let own = host
        .to_str()
        .ok()
        .map(|host| Origin::parse(&format!("{}://{host}", origin.scheme())));
    matches!(own, Some(Ok(own)) if own == *origin)
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_FETCH_SITE)
        .iter()
        .any(|site| site == "cross-site")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(require_origin: bool, headers: &[(HeaderName, &[u8])]) -> Result<(), OriginRefused> {
        let allowed = ["http://app.example", "https://app.example:8443"];
        let allowed = allowed
            .iter()
            .map(|text| Origin::parse(text).unwrap())
            .collect();
        let policy = OriginPolicy::new(&OriginConfig {
            allowed,
            require_origin,
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
        }
        policy.check(&map)
    }

    #[test]
    fn only_the_allowed_origins_pass() {
        use OriginRefused::{Invalid, NotAllowed};
        for (origin, expected) in [
            (&b"http://app.example"[..], Ok(())),
            (b"http://app.example:80", Ok(())),
            (b"https://app.example:8443", Ok(())),
            (b"HTTP://APP.EXAMPLE", Ok(())),
            (b"http://evil.example", Err(NotAllowed)),
            (b"http://app.example.evil.com", Err(NotAllowed)),
            (b"http://evilapp.example", Err(NotAllowed)),
            (b"http://app.exampl", Err(NotAllowed)),
            (b"http://sub.app.example", Err(NotAllowed)),
            (b"http://app.example.", Err(NotAllowed)),
            (b"http://app.example:8080", Err(NotAllowed)),
            (b"https://app.example", Err(NotAllowed)),
            (b"http://app.example:8443", Err(NotAllowed)),
            (b"null", Err(Invalid)),
            (b"NULL", Err(Invalid)),
            (b"", Err(Invalid)),
            (b"*", Err(Invalid)),
            (b"app.example", Err(Invalid)),
            (b"http://app.example/", Err(Invalid)),
            (b"http://app.example/x", Err(Invalid)),
            (b"http://app.example@evil.com", Err(Invalid)),
            (b"http://evil.com#app.example", Err(Invalid)),
            (b"http://app.example, http://evil.com", Err(Invalid)),
            (b"http://app.example http://evil.com", Err(Invalid)),
            (b"http://app.ex\xc3\xa4mple", Err(Invalid)),
            (b"file://", Err(Invalid)),
            (b"chrome-extension://abc", Err(Invalid)),
        ] {
            let name = String::from_utf8_lossy(origin);
            assert_eq!(check(false, &[(ORIGIN, origin)]), expected, "{name}");
        }
    }

    #[test]
    fn the_gateways_own_origin_passes() {
        for (origin, host) in [
            (&b"http://gw.example:3000"[..], &b"gw.example:3000"[..]),
            (b"https://gw.example", b"gw.example"),
            (b"https://gw.example", b"GW.example:443"),
            (b"http://[::1]:3000", b"[::1]:3000"),
        ] {
            let name = String::from_utf8_lossy(origin).into_owned();
            assert_eq!(
                check(false, &[(ORIGIN, origin), (HOST, host)]),
                Ok(()),
                "{name}"
            );
        }
    }

    #[test]
    fn another_host_is_not_the_gateways_own() {
        for (origin, host) in [
            (&b"http://gw.example"[..], &b"gw.example:3000"[..]),
            (b"http://gw.example:3000", b"gw.example"),
            (b"http://evil.example", b"gw.example"),
            (b"http://evil.example", b"gw.example@evil.example"),
            (b"http://evil.example", b"evil.example/"),
            (b"http://evil.example", b""),
        ] {
            let name = String::from_utf8_lossy(origin).into_owned();
            let refusal = check(false, &[(ORIGIN, origin), (HOST, host)]);
            assert_eq!(refusal, Err(OriginRefused::NotAllowed), "{name}");
        }
        let evil: (HeaderName, &[u8]) = (ORIGIN, b"http://evil.com");
        let two_hosts = [evil, (HOST, b"evil.com"), (HOST, b"gw.example")];
        assert_eq!(check(false, &two_hosts), Err(OriginRefused::NotAllowed));
    }

    #[test]
    fn several_origins_are_refused_even_if_equal() {
        let twice: [(HeaderName, &[u8]); 2] = [
            (ORIGIN, b"http://app.example"),
            (ORIGIN, b"http://app.example"),
        ];
        assert_eq!(check(false, &twice), Err(OriginRefused::Several));
    }

    #[test]
    fn without_an_origin_the_site_and_the_setting_decide() {
        let site = |value: &'static [u8]| [(SEC_FETCH_SITE, value)];
        assert!(check(false, &[]).is_ok());
        assert_eq!(check(true, &[]), Err(OriginRefused::Missing));
        assert!(check(false, &site(b"same-origin")).is_ok());
        assert!(check(false, &site(b"none")).is_ok());
        assert_eq!(
            check(false, &site(b"cross-site")),
            Err(OriginRefused::CrossSite)
        );
        assert_eq!(
            check(true, &site(b"same-origin")),
            Err(OriginRefused::Missing)
        );
    }

    #[test]
    fn a_cross_site_request_needs_a_configured_origin() {
        let cross: (HeaderName, &[u8]) = (SEC_FETCH_SITE, b"cross-site");
        assert!(check(true, &[cross.clone(), (ORIGIN, b"http://app.example")]).is_ok());
        let own: [(HeaderName, &[u8]); 3] = [
            cross.clone(),
            (ORIGIN, b"http://gw.example"),
            (HOST, b"gw.example"),
        ];
        assert_eq!(check(false, &own), Err(OriginRefused::CrossSite));
        let foreign = check(false, &[cross, (ORIGIN, b"http://evil.com")]);
        assert_eq!(foreign, Err(OriginRefused::NotAllowed));
    }
}
