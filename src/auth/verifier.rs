//! Verifies tokens: RS256 JSON Web Tokens (RFC 7515, RFC 7519, RFC 8725) and nothing else.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::claims::{Claims, Expectations};
use super::jwks::{FetchError, JwksCache, chain};
use super::{AuthError, DevIssuer, Identity};
use crate::config::{AuthConfig, KeySource, RsaPublicKey};

/// Tolerated difference between the issuer's clock and ours. Machines that keep time by NTP are
/// within a second; the usual minute would let sessions outlive their tokens for no reason.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// Longest token that is looked at, in bytes: what fits the usual limit of 8 KiB for a header.
/// Checked before any decoding, for the CONNECT packet could carry more.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The one accepted algorithm. A list would let the token choose, and that choice is the classic
/// attack: `none`, or HMAC with the public key as the secret (RFC 8725 §2.1).
const ALGORITHM: &str = "RS256";

/// A verifier could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for the key set could not be set up: {}", chain(.0))]
pub struct VerifierSetupError(reqwest::Error);

/// Turns tokens into identities. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    configured: Keys,
    dev: Option<DevKey>,
    expected: Expectations,
    validation: Validation,
}

enum Keys {
    None,
    Static(Arc<DecodingKey>),
    Jwks(JwksCache),
}

struct DevKey {
    id: String,
    key: Arc<DecodingKey>,
}

/// The part of the header (RFC 7515 §4.1) that decides how to verify. The rest, such as `jku` or
/// `jwk`, would let the token bring its own key, and is not read.
#[derive(Deserialize)]
pub(super) struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl Verifier {
    /// Sets up a verifier for the configured keys and, in development mode, the issuer's own.
    ///
    /// # Errors
    /// [`VerifierSetupError`] if the system's TLS certificates cannot be read (JWKS only).
    pub fn new(auth: &AuthConfig, dev: Option<&DevIssuer>) -> Result<Self, VerifierSetupError> {
        let configured = match &auth.keys {
            KeySource::Pem(key) => Keys::Static(decoding_key(key)),
            KeySource::Jwks(url) => {
                Keys::Jwks(JwksCache::new(url.clone()).map_err(VerifierSetupError)?)
            }
            KeySource::Dev => Keys::None,
        };
        let dev = dev.map(|issuer| DevKey {
            id: issuer.key_id().to_owned(),
            key: decoding_key(issuer.public_key()),
        });
        let expected = Expectations {
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
        };
        Ok(Self(Arc::new(Inner {
            configured,
            dev,
            expected,
            validation: signature_only(),
        })))
    }

    /// Fetches the key set ahead of the first token, where there is one to fetch. A failure need
    /// not stop the start: the next token tries again.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn preload(&self, now: SystemTime) -> Result<(), FetchError> {
        match &self.0.configured {
            Keys::Jwks(cache) => cache.refresh(now).await,
            Keys::None | Keys::Static(_) => Ok(()),
        }
    }

    /// Verifies a token at a time.
    ///
    /// May wait for a fetch of the key set, at most some seconds. Safe to cancel.
    ///
    /// # Errors
    /// See [`AuthError`]. Tell the client [`AUTHENTICATION_ERROR`](super::AUTHENTICATION_ERROR)
    /// whatever it is.
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Identity, AuthError> {
        let header = Header::of(token)?;
        let key = self.key(header.kid.as_deref(), now).await?;
        let claims = self.signed_claims(token, &key)?;
        // A clock before 1970 is broken; with it no token is proven to be still valid.
        let seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(u64::MAX, |time| time.as_secs());
        claims.into_identity(&self.0.expected, seconds, CLOCK_SKEW.as_secs())
    }

    async fn key(&self, kid: Option<&str>, now: SystemTime) -> Result<Arc<DecodingKey>, AuthError> {
        if let Some(dev) = self.0.dev.as_ref().filter(|dev| kid == Some(&dev.id)) {
            return Ok(Arc::clone(&dev.key));
        }
        match &self.0.configured {
            // A single key is not chosen by its id: its PEM does not even say what that is.
            Keys::Static(key) => Ok(Arc::clone(key)),
            Keys::Jwks(cache) => cache.key(kid, now).await,
            Keys::None => Err(AuthError::UnknownKey),
        }
    }

    fn signed_claims(&self, token: &str, key: &DecodingKey) -> Result<Claims, AuthError> {
        match jsonwebtoken::decode(token, key, &self.0.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::InvalidSignature => AuthError::Signature,
                _ => AuthError::Malformed,
            }),
        }
    }
}

impl Header {
    pub(super) fn of(token: &str) -> Result<Self, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::TooLong);
        }
        let (encoded, _) = token.split_once('.').ok_or(AuthError::Malformed)?;
        let json = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| AuthError::Malformed)?;
        let header: Self = serde_json::from_slice(&json).map_err(|_| AuthError::Malformed)?;
        if header.alg != ALGORITHM {
            return Err(AuthError::Algorithm);
        }
        if header.crit.is_some() {
            return Err(AuthError::CriticalHeader);
        }
        Ok(header)
    }
}

/// Leaves the library the signature only. The claims are checked by [`Claims`]: at the caller's
/// time instead of the process's, and strictly, where the library passes over an `iss` or `aud`
/// that is absent or of a wrong type.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn decoding_key(key: &RsaPublicKey) -> Arc<DecodingKey> {
    Arc::new(DecodingKey::from_rsa_der(key.pkcs1_der()))
}
