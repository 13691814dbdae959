//! The issuer of development mode.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::SecretString;
use serde_json::json;

use super::claims::{Claims, Expectations, is_subject};
use super::signing::{SigningError, SigningKey};
use super::{AuthError, Identity};
use crate::config::{AuthConfig, RsaPublicKey};

/// How long a token of development mode is valid: a working day, without logging in again.
pub const DEV_TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Why somebody cannot be logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DevLoginError {
    /// The name is empty, too long for an id or holds control characters.
    #[error(
        "the username must have 1 to {} bytes and no control characters",
        super::MAX_SUBJECT_BYTES
    )]
    Username,
    /// The key would not sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

/// Issues tokens to whoever asks, signed with a key pair that lives as long as the process.
///
/// Pass it to [`Verifier::new`](super::Verifier::new) to have its tokens accepted.
pub struct DevIssuer {
    key: SigningKey,
    public_key: RsaPublicKey,
    key_id: String,
    expected: Expectations,
}

impl DevIssuer {
    /// Makes the key pair, which takes some tenths of a second.
    ///
    /// The tokens will carry the configured issuer and audience, as they have to pass like others.
    ///
    /// # Errors
    /// [`SigningError`] if the cryptographic library cannot make a key pair.
    pub fn generate(auth: &AuthConfig) -> Result<Self, SigningError> {
        let key = SigningKey::generate()?;
        let public_key = key.public_key()?;
        let hash = digest(&SHA256, public_key.pkcs1_der());
        // A new id per key: a token from before a restart then fails as "unknown key", which says
        // more in the log than "wrong signature".
        let hex: String = hash
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let expected = Expectations {
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
        };
        Ok(Self {
            key,
            public_key,
            key_id: format!("dev-{hex}"),
            expected,
        })
    }

    /// A token for a user whose id and name are both `username`, valid from `now` for
    /// [`DEV_TOKEN_LIFETIME`], and the identity it stands for.
    ///
    /// # Errors
    /// See [`DevLoginError`].
    pub fn issue(
        &self,
        username: &str,
        now: SystemTime,
    ) -> Result<(SecretString, Identity), DevLoginError> {
        let username = username.trim();
        if !is_subject(username) {
            return Err(DevLoginError::Username);
        }
        let issued_at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = json!({
            "sub": username,
            "iat": issued_at,
            "exp": issued_at.saturating_add(DEV_TOKEN_LIFETIME.as_secs()),
        });
        if let Some(issuer) = &self.expected.issuer {
            claims["iss"] = json!(issuer);
        }
        if let Some(audience) = &self.expected.audience {
            claims["aud"] = json!(audience);
        }
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let token = self.key.sign(&header, &claims)?;
        let identity = serde_json::from_value::<Claims>(claims)
            .map_err(|_| AuthError::Malformed)
            .and_then(|claims| claims.into_identity(&self.expected, issued_at, 0))
            .map_err(|_| DevLoginError::Username)?;
        Ok((SecretString::from(token), identity))
    }

    /// The `kid` of the tokens.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key that verifies the tokens.
    pub(super) fn public_key(&self) -> &RsaPublicKey {
        &self.public_key
    }
}

impl std::fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevIssuer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
