//! RSA public keys, checked before they are trusted with anything.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{PublicKey, PublicKeyComponents};

/// Smallest accepted modulus, in bits: RFC 7518 §3.3 demands 2048 or more for RS256.
pub const MIN_RSA_BITS: usize = 2048;

/// Largest accepted modulus, in bits: the cryptographic library verifies nothing larger, and the
/// time to verify grows with the square.
pub const MAX_RSA_BITS: usize = 8192;

/// An RSA public key of an acceptable size, ready to verify signatures.
#[derive(Clone)]
pub struct RsaPublicKey {
    /// DER of the PKCS#1 `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pkcs1: Box<[u8]>,
    bits: usize,
}

/// Why something is no acceptable [`RsaPublicKey`]. Never quotes the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaKeyError {
    /// Not a single block of PEM (RFC 7468).
    #[error("is not a PEM block (-----BEGIN PUBLIC KEY----- …)")]
    NotPem,
    /// The private half, which a verifier has no business to hold.
    #[error("is a private key; give the public one (openssl rsa -in key.pem -pubout)")]
    PrivateKey,
    /// A PEM block with another label.
    #[error("must be a PEM block labelled PUBLIC KEY or RSA PUBLIC KEY")]
    Label,
    /// The content is no RSA key; it may be an elliptic-curve one.
    #[error("does not contain an RSA public key")]
    NotRsa,
    /// Too short to be safe, or too long to be verified.
    #[error("has {0} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted")]
    Size(usize),
}

impl RsaPublicKey {
    /// Reads a PEM block: `PUBLIC KEY` (SPKI, RFC 5280) or `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    /// See [`RsaKeyError`].
    pub fn from_pem(text: &str) -> Result<Self, RsaKeyError> {
        let block = pem::parse(text).map_err(|_| RsaKeyError::NotPem)?;
        match block.tag() {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::from_der(block.contents()),
            tag if tag.ends_with("PRIVATE KEY") => Err(RsaKeyError::PrivateKey),
            _ => Err(RsaKeyError::Label),
        }
    }

    /// Builds a key from the big-endian modulus and exponent of a JWK (RFC 7518 §6.3.1).
    ///
    /// # Errors
    /// [`RsaKeyError::NotRsa`] or [`RsaKeyError::Size`].
    pub fn from_components(modulus: &[u8], exponent: &[u8]) -> Result<Self, RsaKeyError> {
        // The RFC forbids leading zeros; some publishers prepend the sign octet all the same.
        let components = PublicKeyComponents {
            n: without_sign(modulus),
            e: without_sign(exponent),
        };
        let spki = components.as_der().map_err(|_| RsaKeyError::NotRsa)?;
        Self::from_der(spki.as_ref())
    }

    fn from_der(der: &[u8]) -> Result<Self, RsaKeyError> {
        let key = PublicKey::from_der(der).map_err(|_| RsaKeyError::NotRsa)?;
        let modulus = key.modulus();
        let modulus = modulus.big_endian_without_leading_zero();
        let unused = modulus
            .first()
            .map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = modulus.len() * 8 - unused;
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(RsaKeyError::Size(bits));
        }
        Ok(Self {
            pkcs1: key.as_ref().into(),
            bits,
        })
    }

    /// The key as DER of a PKCS#1 `RSAPublicKey`.
    #[must_use]
    pub fn pkcs1_der(&self) -> &[u8] {
        &self.pkcs1
    }

    /// Size of the modulus, in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.bits
    }
}

fn without_sign(number: &[u8]) -> &[u8] {
    let first = number
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

impl fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({} bits)", self.bits)
    }
}
