//! The claims of a token (RFC 7519 §4), and the identity they give.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::AuthError;
use crate::core::{Member, UserId};

/// Longest accepted `sub`, in bytes. OpenID Connect allows 255 characters; the id ends up in Redis
/// keys and in messages to other peers, so there has to be a limit.
pub const MAX_SUBJECT_BYTES: usize = 256;

/// Longest username shown to others, in characters; what is longer is cut.
pub const MAX_USERNAME_CHARS: usize = 64;

/// An authenticated user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `sub` claim: not empty, at most [`MAX_SUBJECT_BYTES`], no control characters.
    pub user_id: Arc<str>,
    /// The name shown to others: not empty, at most [`MAX_USERNAME_CHARS`], no control characters.
    pub username: Arc<str>,
    /// When the token expires (`exp`), in seconds since the Unix epoch.
    pub expires_at: u64,
}

impl Identity {
    /// The user as a member of rooms.
    pub fn member(&self) -> Arc<Member> {
        Arc::new(Member {
            user: UserId::from(Arc::clone(&self.user_id)),
            username: Arc::clone(&self.username),
            alias: None,
        })
    }
}

/// What a token has to say besides being genuine.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectations {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
}

/// The claims as they come. Each is any JSON, so that a wrong type is told from a missing claim,
/// and a wrong type in a claim of no interest harms nothing.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iss: Option<Value>,
    aud: Option<Value>,
    username: Option<Value>,
    preferred_username: Option<Value>,
    name: Option<Value>,
}

impl Claims {
    /// Checks the claims at a time, with a tolerance for differing clocks, both in seconds.
    pub(super) fn into_identity(
        self,
        expected: &Expectations,
        now: u64,
        skew: u64,
    ) -> Result<Identity, AuthError> {
        let expires_at = numeric_date("exp", self.exp.as_ref())?;
        let expires_at = expires_at.ok_or(AuthError::MissingClaim("exp"))?;
        // RFC 7519 §4.1.4: refused "on or after" the time.
        if now >= expires_at.saturating_add(skew) {
            return Err(AuthError::Expired);
        }
        let not_before = numeric_date("nbf", self.nbf.as_ref())?;
        if not_before.is_some_and(|time| now.saturating_add(skew) < time) {
            return Err(AuthError::NotYetValid);
        }
        self.check_issuer(expected)?;
        self.check_audience(expected)?;
        let user_id = self.subject()?;
        let username = self.username(user_id);
        Ok(Identity {
            user_id: user_id.into(),
            username: username.into(),
            expires_at,
        })
    }

    fn check_issuer(&self, expected: &Expectations) -> Result<(), AuthError> {
        let Some(issuer) = &expected.issuer else {
            return Ok(());
        };
        let claimed = self.iss.as_ref().ok_or(AuthError::MissingClaim("iss"))?;
        if claimed.as_str() == Some(issuer) {
            Ok(())
        } else {
            Err(AuthError::Issuer)
        }
    }

    /// `aud` is one string or a list of them (RFC 7519 §4.1.3).
    fn check_audience(&self, expected: &Expectations) -> Result<(), AuthError> {
        let Some(audience) = &expected.audience else {
            return Ok(());
        };
        let matches = match self.aud.as_ref().ok_or(AuthError::MissingClaim("aud"))? {
            Value::String(one) => one == audience,
            Value::Array(many) => many.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        };
        if matches {
            Ok(())
        } else {
            Err(AuthError::Audience)
        }
    }

    fn subject(&self) -> Result<&str, AuthError> {
        let subject = self.sub.as_ref().ok_or(AuthError::MissingClaim("sub"))?;
        subject
            .as_str()
            .filter(|sub| is_subject(sub))
            .ok_or(AuthError::InvalidClaim("sub"))
    }

    /// The first of the names that can be shown. They are decoration: a wrong one falls through to
    /// the next instead of locking the user out.
    fn username(&self, subject: &str) -> String {
        [&self.username, &self.preferred_username, &self.name]
            .into_iter()
            .filter_map(|claim| claim.as_ref()?.as_str())
            .map(presentable)
            .find(|name| !name.is_empty())
            .unwrap_or_else(|| subject_as_name(subject))
    }
}

/// Whether a text can be a user id.
pub(super) fn is_subject(text: &str) -> bool {
    !text.trim().is_empty()
        && text.len() <= MAX_SUBJECT_BYTES
        && !text.chars().any(char::is_control)
}

fn subject_as_name(subject: &str) -> String {
    let name = presentable(subject);
    // Ids of invisible characters alone exist on paper; a name must not be empty all the same.
    if name.is_empty() {
        subject.chars().take(MAX_USERNAME_CHARS).collect()
    } else {
        name
    }
}

/// A name fit to be shown: without control characters, and without the invisible ones that reorder
/// text (Unicode Bidi_Control), with which one user could pass for another.
fn presentable(name: &str) -> String {
    let is_bidi_control = |c: char| {
        matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}')
    };
    let visible = name
        .chars()
        .filter(|c| !c.is_control() && !is_bidi_control(*c));
    let visible: String = visible.collect();
    let cut: String = visible.trim().chars().take(MAX_USERNAME_CHARS).collect();
    cut.trim_end().to_owned()
}

/// A NumericDate (RFC 7519 §2): seconds since the epoch, a fraction allowed; here rounded
/// down, and cut to what fits, as conversions from floating point are.
fn numeric_date(name: &'static str, claim: Option<&Value>) -> Result<Option<u64>, AuthError> {
    let Some(claim) = claim else { return Ok(None) };
    let fractional = || {
        claim
            .as_f64()
            .filter(|time| *time >= 0.0)
            .map(|time| time as u64)
    };
    claim
        .as_u64()
        .or_else(fractional)
        .map(Some)
        .ok_or(AuthError::InvalidClaim(name))
}

#[cfg(test)]
#[path = "tests/claims.rs"]
mod tests;
