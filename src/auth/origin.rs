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
    secure: bool,
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
            secure: false,
        }
    }

    /// The same for a gateway that itself speaks TLS, and nothing else: then its own pages come
    /// over it too.
    #[must_use]
    pub fn over_tls(self, secure: bool) -> Self {
        Self { secure, ..self }
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
        if !is_own(&origin, headers) || (self.secure && origin.scheme() != "https") {
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
/// The scheme is taken from the origin, as a gateway without TLS cannot know whether a proxy before
/// it speaks it. The `Host` header is no secret either: with DNS rebinding a page gets its own name into
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
#[path = "tests/origin.rs"]
mod tests;
