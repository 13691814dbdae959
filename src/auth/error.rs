//! Why a token is refused.

/// What a refused client is told. It never learns more: details would help whoever forges tokens.
pub const AUTHENTICATION_ERROR: &str = "Authentication error";

/// Why a token is refused: for the log, not for the client.
///
/// No variant holds any part of the token, so an `AuthError` may be logged as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request carries no token. (Never returned by the verifier, which is given one.)
    #[error("no token was sent")]
    Missing,
    /// The token is longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("the token is too long")]
    TooLong,
    /// Not a JSON Web Token in compact form, or its parts are not JSON.
    #[error("the token is malformed")]
    Malformed,
    /// The header names another algorithm than RS256, `none` included.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// The header demands extensions (`crit`, RFC 7515 §4.1.11); none is understood.
    #[error("the token demands an extension")]
    CriticalHeader,
    /// No known key has the token's `kid`.
    #[error("the token's key is not known")]
    UnknownKey,
    /// No key set could be fetched yet.
    #[error("the keys are not available")]
    KeysUnavailable,
    /// The signature is not that of the key.
    #[error("the signature is wrong")]
    Signature,
    /// A required claim is absent.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// A claim has a wrong type or a value that cannot be used.
    #[error("the claim {0} is invalid")]
    InvalidClaim(&'static str),
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is not the configured issuer.
    #[error("the token has another issuer")]
    Issuer,
    /// `aud` does not contain the configured audience.
    #[error("the token is meant for another audience")]
    Audience,
}

impl AuthError {
    /// A stable code for logs and metrics, out of a fixed set.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::CriticalHeader => "critical_header",
            Self::UnknownKey => "unknown_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Signature => "signature",
            Self::MissingClaim(_) => "missing_claim",
            Self::InvalidClaim(_) => "invalid_claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
        }
    }
}
