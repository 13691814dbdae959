//! Web origins (RFC 6454): scheme, host and port, the unit of the browser's same-origin policy.

use std::fmt;

use url::Url;

/// A web origin in its one normal form: `scheme://host[:port]`, lower case, the host in ASCII
/// (IDNA), the scheme's default port left out. So equal origins are equal text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// Why a text is no [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginParseError {
    /// Only pages served over HTTP have an origin that can be allowed.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// There is more than scheme, host and port.
    #[error("must be scheme://host[:port], without path, query, user or wildcard")]
    NotAnOrigin,
    /// The host or the port is not valid.
    #[error("has an invalid host or port")]
    Authority,
}

impl Origin {
    /// Parses the serialisation of an origin, as browsers send it (RFC 6454 §6.2).
    ///
    /// Upper case, a default port that is spelled out and an internationalised host are
    /// normalised. Nothing else is forgiven, not even a trailing slash: what goes beyond the
    /// authority never reaches the URL parser, whose leniency (`\` for `/`, tabs and newlines
    /// dropped, `user@host`) has let wrong hosts through many an origin check.
    ///
    /// # Errors
    /// See [`OriginParseError`].
    pub fn parse(text: &str) -> Result<Self, OriginParseError> {
        let (scheme, authority) = text.split_once("://").ok_or(OriginParseError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(OriginParseError::Scheme);
        }
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '[' | ']');
        if authority.is_empty() || !authority.chars().all(plain) {
            return Err(OriginParseError::NotAnOrigin);
        }
        let url = Url::parse(text).map_err(|_| OriginParseError::Authority)?;
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("", |(scheme, _)| scheme)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[path = "tests/origin.rs"]
mod tests;
