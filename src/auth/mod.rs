//! Who is calling, and from which web page.
//!
//! [`token_from_headers`] finds a token in a request, a [`Verifier`] turns it into an [`Identity`]
//! or an [`AuthError`], and an [`OriginPolicy`] decides whether the page that sent the request may
//! use the gateway at all. In development mode a [`DevIssuer`] makes tokens.
//!
//! Nothing here reads a clock: the time is an argument, so that tests of expiry and key rotation
//! need not wait. Nothing here logs or displays a token or a part of one.

mod claims;
mod credentials;
mod dev;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod jwks;
mod origin;
mod signing;
mod verifier;

#[cfg(test)]
mod tests;

pub use self::claims::{Identity, MAX_SUBJECT_BYTES, MAX_USERNAME_CHARS};
pub use self::credentials::token_from_headers;
pub use self::dev::{DEV_TOKEN_LIFETIME, DevIssuer, DevKeyError, DevLoginError, DevToken};
pub use self::error::{AUTHENTICATION_ERROR, AuthError};
pub use self::jwks::{FetchError, MAX_AGE, MAX_IDLE_AGE, MIN_REFRESH_INTERVAL};
pub use self::origin::{OriginPolicy, OriginRefused};
pub use self::signing::SigningError;
pub use self::verifier::{CLOCK_SKEW, MAX_TOKEN_BYTES, Verifier, VerifierSetupError};
