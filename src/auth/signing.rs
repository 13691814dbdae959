//! Makes RS256 tokens (RFC 7515 §7.1): for development mode and for tests.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::Pem;
use secrecy::{ExposeSecret, SecretString};
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

/// Label of a PEM block that holds a private key as PKCS#8 (RFC 7468 §10).
const PRIVATE_KEY: &str = "PRIVATE KEY";

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

    /// Reads a private key: PKCS#8 in PEM, as `openssl genpkey -algorithm RSA` makes it.
    pub(super) fn from_pem(text: &SecretString) -> Result<Self, SigningError> {
        let block = pem::parse(text.expose_secret()).map_err(|_| SigningError)?;
        if block.tag() != PRIVATE_KEY {
            return Err(SigningError);
        }
        let pair = RsaKeyPair::from_pkcs8(block.contents()).map_err(|_| SigningError)?;
        let key = Self { pair };
        // A key that signs and that no verifier would accept is none.
        key.public_key()?;
        Ok(key)
    }

    /// The private key, for [`SigningKey::from_pem`].
    pub(super) fn to_pem(&self) -> Result<SecretString, SigningError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| SigningError)?;
        Ok(pem::encode(&Pem::new(PRIVATE_KEY, der.as_ref())).into())
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
