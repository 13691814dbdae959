//! Logging in without an identity provider. Only in development mode.

use std::time::SystemTime;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, StatusCode, header::SET_COOKIE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use tracing::{error, warn};

use super::{DevMode, Problem};
use crate::{
    auth::{DEV_TOKEN_LIFETIME, DevLoginError, Identity, token_from_headers},
    core::UserId,
    protocol::ErrorCode,
};

/// A name and its quotes, with room to spare.
const MAX_BODY: usize = 4 * 1024;

pub(super) fn routes(dev: DevMode) -> Router {
    Router::new()
        .route("/dev/login", post(login))
        .route("/dev/session", get(session))
        .route("/dev/logout", post(logout))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(dev)
}

#[derive(Deserialize)]
struct Login {
    username: String,
}

/// Gives whoever asks a token for the name asked for, in a cookie.
async fn login(
    State(dev): State<DevMode>,
    body: Result<Json<Login>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(login) = body.map_err(|_| bad_request("username must be given as JSON"))?;
    let (token, identity) = dev
        .issuer
        .issue(&login.username, SystemTime::now())
        .map_err(|error| match error {
            DevLoginError::Username => bad_request(error.to_string()),
            DevLoginError::Signing(error) => {
                error!(%error, "a development token cannot be signed");
                internal()
            }
        })?;
    Ok((set_cookie(&dev, Some(&token))?, Json(describe(&identity))).into_response())
}

/// Says who the cookie stands for.
async fn session(State(dev): State<DevMode>, headers: HeaderMap) -> Result<Response, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::AuthRequired,
            "log in first",
        )
    };
    let identity = dev.identify(&headers).await.ok_or_else(unknown)?;
    Ok(Json(describe(&identity)).into_response())
}

/// Takes the cookie away, and ends all that the user has open, on all nodes. Another tab of the same
/// browser has no cookie to come back with; a copy of the token is good until it expires.
async fn logout(State(dev): State<DevMode>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(identity) = dev.identify(&headers).await
        && let Err(error) = dev.hub.disconnect_user(&identity.user_id).await
    {
        warn!(%error, "a logout ends the user's sessions on this node alone");
        dev.hub.end_user(&UserId::from(identity.user_id));
    }
    Ok((StatusCode::NO_CONTENT, set_cookie(&dev, None)?).into_response())
}

impl DevMode {
    async fn identify(&self, headers: &HeaderMap) -> Option<Identity> {
        let token = token_from_headers(headers, &self.cookie)?;
        let now = SystemTime::now();
        self.verifier.verify(token.expose_secret(), now).await.ok()
    }
}

fn set_cookie(dev: &DevMode, token: Option<&SecretString>) -> Result<HeaderMap, Problem> {
    let name = dev.cookie.to_string();
    let (value, age) = match token {
        Some(token) => (token.expose_secret(), DEV_TOKEN_LIFETIME.as_secs()),
        None => ("", 0),
    };
    let age = i64::try_from(age).unwrap_or(i64::MAX);
    let cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(dev.secure)
        .same_site(SameSite::Lax)
        .max_age(cookie::time::Duration::seconds(age));
    let value = HeaderValue::from_str(&cookie.to_string()).map_err(|_| internal())?;
    Ok(HeaderMap::from_iter([(SET_COOKIE, value)]))
}

fn describe(identity: &Identity) -> serde_json::Value {
    json!({
        "userId": &*identity.user_id,
        "username": &*identity.username,
        "expiresAt": identity.expires_at,
    })
}

fn bad_request(message: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidPayload, message)
}

fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::Internal,
        "the gateway failed",
    )
}
