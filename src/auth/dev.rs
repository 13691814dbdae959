//! The issuer of development mode.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::claims::{Claims, Expectations, is_subject};
use super::signing::{SigningError, SigningKey};
use super::{AuthError, Identity};
use crate::config::{AuthConfig, RsaPublicKey};

/// How long a token of development mode is valid: a working day, without logging in again.
pub const DEV_TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// What a token of development mode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevToken<'a> {
    /// The user (`sub`).
    pub subject: &'a str,
    /// The name shown to others, if it is not the user's id (`username`).
    pub username: Option<&'a str>,
    /// How long it is valid from now on.
    pub lifetime: Duration,
}

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

/// Why there is no key pair for development mode.
#[derive(Debug, thiserror::Error)]
pub enum DevKeyError {
    /// It cannot be made.
    #[error(transparent)]
    Make(#[from] SigningError),
    /// The file cannot be read or written.
    #[error("DEV_KEY_FILE cannot be read or written")]
    File(#[source] io::Error),
    /// The file holds something else.
    #[error("DEV_KEY_FILE must hold an RSA private key of 2048 bits or more (PEM, PKCS#8)")]
    Content,
}

/// Issues tokens to whoever asks, signed with a key pair that lives as long as the process, or
/// as a file.
///
/// Pass it to [`Verifier::new`](super::Verifier::new) to have its tokens accepted.
pub struct DevIssuer {
    key: SigningKey,
    public_key: RsaPublicKey,
    key_id: String,
    expected: Expectations,
}

impl DevIssuer {
    /// Makes the key pair, which takes some tenths of a second, or takes that of `file`. A missing
    /// file is made: of processes that start together, all take the key of the first.
    ///
    /// The tokens will carry the configured issuer and audience, as they have to pass like others.
    ///
    /// # Errors
    /// See [`DevKeyError`].
    pub fn new(auth: &AuthConfig, file: Option<&Path>) -> Result<Self, DevKeyError> {
        let key = match file {
            Some(path) => shared_key(path)?,
            None => SigningKey::generate()?,
        };
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
        let wanted = DevToken {
            subject: username.trim(),
            username: None,
            lifetime: DEV_TOKEN_LIFETIME,
        };
        self.issue_as(&wanted, now)
    }

    /// As [`DevIssuer::issue`], with each claim as wanted.
    ///
    /// # Errors
    /// See [`DevLoginError`].
    pub fn issue_as(
        &self,
        wanted: &DevToken<'_>,
        now: SystemTime,
    ) -> Result<(SecretString, Identity), DevLoginError> {
        if !is_subject(wanted.subject) {
            return Err(DevLoginError::Username);
        }
        let issued_at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = json!({
            "sub": wanted.subject,
            "iat": issued_at,
            "exp": issued_at.saturating_add(wanted.lifetime.as_secs()),
        });
        if let Some(username) = wanted.username {
            claims["username"] = json!(username);
        }
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

/// The key pair of a file, which is made if it is missing.
fn shared_key(path: &Path) -> Result<SigningKey, DevKeyError> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let text = SigningKey::generate()?.to_pem()?;
    place(path, text.expose_secret().as_bytes()).map_err(DevKeyError::File)?;
    // Another process may have been first.
    read_key(path)?.ok_or_else(|| DevKeyError::File(io::ErrorKind::NotFound.into()))
}

fn read_key(path: &Path) -> Result<Option<SigningKey>, DevKeyError> {
    match fs::read_to_string(path) {
        Ok(text) => SigningKey::from_pem(&text.into())
            .map(Some)
            .map_err(|_| DevKeyError::Content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DevKeyError::File(error)),
    }
}

/// Makes a file that is there whole or not at all, and replaces none.
fn place(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", Uuid::new_v4()));
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let placed = file
        .write_all(content)
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl std::fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevIssuer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
