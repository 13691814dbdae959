//! `GET /turn-credentials`: for clients that want to know the servers before they join a room.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, VARY},
};
use secrecy::ExposeSecret as _;
use tracing::info;

use super::Problem;
use crate::{
    auth::{AUTHENTICATION_ERROR, AuthError, Identity, Verifier, token_from_headers},
    core::UserId,
    protocol::{ErrorCode, TurnCredentials},
    turn::Issuer,
};

/// What the route needs.
#[derive(Clone)]
pub struct TurnDesk {
    /// Who makes the credentials, if there are TURN servers.
    pub issuer: Option<Arc<Issuer>>,
    /// Who reads tokens.
    pub verifier: Verifier,
    /// The cookie that carries them.
    pub cookie: Arc<str>,
}

pub(super) fn routes(desk: TurnDesk) -> Router {
    Router::new()
        .route("/turn-credentials", get(credentials))
        .with_state(desk)
}

async fn credentials(State(desk): State<TurnDesk>, headers: HeaderMap) -> Response {
    let answer = answer(&desk, &headers).await;
    let mut response = answer.unwrap_or_else(|problem| problem.into_response());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(VARY, HeaderValue::from_static("cookie, authorization"));
    response
}

async fn answer(desk: &TurnDesk, headers: &HeaderMap) -> Result<Response, Problem> {
    let now = SystemTime::now();
    let identity = desk.authenticate(headers, now).await.map_err(|error| {
        info!(reason = error.reason(), "TURN credentials refused");
        let code = ErrorCode::AuthRequired;
        Problem::new(StatusCode::UNAUTHORIZED, code, AUTHENTICATION_ERROR)
    })?;
    let issuer = desk.issuer.as_ref().ok_or_else(|| {
        let message = "no TURN servers are configured";
        Problem::new(
            StatusCode::NOT_FOUND,
            ErrorCode::ServiceUnavailable,
            message,
        )
    })?;
    let servers = issuer.issue(&UserId::from(identity.user_id), now);
    Ok(Json(TurnCredentials::from(&servers)).into_response())
}

impl TurnDesk {
    async fn authenticate(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Identity, AuthError> {
        let token = token_from_headers(headers, &self.cookie).ok_or(AuthError::Missing)?;
        self.verifier.verify(token.expose_secret(), now).await
    }
}
