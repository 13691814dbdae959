//! Makes RS256 tokens (RFC 7515 §7.1): for development mode and for tests.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::config::{RsaKeyError, RsaPublicKey};

/// A key pair could not be made, or would not sign. The cryptographic library gives no cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the RSA key pair could not be made or used")]
pub struct SigningError;

impl From<RsaKeyError> for SigningError {
    fn from(_: RsaKeyError) -> Self {
        Self
    }
}

/// An RSA key pair that signs tokens.
pub(super) struct SigningKey {
    pair: RsaKeyPair,
}

impl SigningKey {
    /// Makes a new pair of 2048 bits.
    pub(super) fn generate() -> Result<Self, SigningError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningError)?;
        Ok(Self { pair })
    }

    /// The public half.
    pub(super) fn public_key(&self) -> Result<RsaPublicKey, SigningError> {
        let parts = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        Ok(RsaPublicKey::from_components(&parts.n, &parts.e)?)
    }

    /// A token in compact form with this header and these claims.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> Result<String, SigningError> {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .map_err(|_| SigningError)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as a member of a key set.
    #[cfg(test)]
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let parts = RsaPublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        let (n, e) = (
            URL_SAFE_NO_PAD.encode(parts.n),
            URL_SAFE_NO_PAD.encode(parts.e),
        );
        serde_json::json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e})
    }
}
