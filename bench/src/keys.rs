//! Tokens as an identity provider makes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

/// How long tokens are good for: longer than any run.
const LIFE: Duration = Duration::from_secs(6 * 3_600);

/// A key pair of 2048 bits.
pub(crate) struct Keys(RsaKeyPair);

impl Keys {
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self(RsaKeyPair::generate(KeySize::Rsa2048)?))
    }

    /// The public key, as `JWT_PUBLIC_KEY_FILE` has it.
    pub(crate) fn public_pem(&self) -> Result<String> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der()?;
        Ok(pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref())))
    }

    /// A token of RS256 for a user.
    pub(crate) fn token(&self, user: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let claims = json!({
            "sub": user,
            "username": format!("User {user}"),
            "iat": now.as_secs(),
            "exp": (now + LIFE).as_secs(),
            "email": format!("{user}@example.org"),
            "roles": ["member"],
        });
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| anyhow!("the token cannot be signed"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
