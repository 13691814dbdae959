//! The key set document (RFC 7517 §5), and the keys in it that are of use.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::FetchError;
use crate::config::RsaPublicKey;

/// Most entries of a key set. Issuers publish two or three; the limit bounds the work per fetch.
pub(in crate::auth) const MAX_KEYS: usize = 64;

/// The usable keys of a set.
#[derive(Default)]
pub(in crate::auth) struct KeySet(Vec<Entry>);

struct Entry {
    id: Option<String>,
    key: Arc<DecodingKey>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The parameters of a key that matter (RFC 7517 §4, RFC 7518 §6.3.1).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    n: String,
    e: String,
}

impl KeySet {
    /// Reads a document. Keys of other types or for other uses are passed over, as RFC 7517 §5
    /// asks: an issuer may publish elliptic-curve and encryption keys beside ours.
    pub(in crate::auth) fn parse(json: &[u8]) -> Result<Self, FetchError> {
        let document: Document =
            serde_json::from_slice(json).map_err(|_| FetchError::NotAKeySet)?;
        if document.keys.len() > MAX_KEYS {
            return Err(FetchError::TooManyKeys);
        }
        Ok(Self(document.keys.into_iter().filter_map(entry).collect()))
    }

    pub(in crate::auth) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key with an id. Without one the choice would be a guess, unless there is just one key.
    pub(in crate::auth) fn find(&self, kid: Option<&str>) -> Option<Arc<DecodingKey>> {
        let entry = match (kid, self.0.as_slice()) {
            (Some(_), entries) => entries.iter().find(|entry| entry.id.as_deref() == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        entry.map(|entry| Arc::clone(&entry.key))
    }
}

fn entry(json: Value) -> Option<Entry> {
    let jwk: Jwk = serde_json::from_value(json).ok()?;
    let verifies = jwk
        .key_ops
        .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let is_ours = jwk.kty == "RSA"
        && jwk.usage.is_none_or(|usage| usage == "sig")
        && jwk.alg.is_none_or(|alg| alg == "RS256");
    if !(verifies && is_ours) {
        return None;
    }
    match RsaPublicKey::from_components(&base64url(&jwk.n)?, &base64url(&jwk.e)?) {
        Ok(key) => {
            let key = Arc::new(DecodingKey::from_rsa_der(key.pkcs1_der()));
            Some(Entry { id: jwk.kid, key })
        }
        Err(error) => {
            tracing::warn!(%error, "a key of the key set is left out");
            None
        }
    }
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    // RFC 7515 §2 leaves the padding out; some publishers do not.
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
