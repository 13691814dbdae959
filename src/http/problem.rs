//! Errors of HTTP requests.

use std::borrow::Cow;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::protocol::ErrorCode;

/// An error with the same codes as on the event side: `{code, message}`.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
}

impl Problem {
    /// An error that is answered with `status`.
    pub fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (
            self.status,
            Json(json!({ "code": self.code, "message": self.message })),
        )
            .into_response()
    }
}
