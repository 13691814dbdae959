//! `POST /api/v1/disconnect`: sending a user away.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tracing::error;
use utoipa::ToSchema;

use super::{
    Api, ApiError,
    audit::{self, Deed},
    body::Body,
    door::Visitor,
    problem::{BodyProblems, Problems},
    publish::MAX_NAME,
};

/// Who is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "user": "u-42" }))]
pub(super) struct DisconnectRequest {
    /// The `sub` of its tokens.
    #[schema(min_length = 1, max_length = 256)]
    user: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Disconnected {
    /// It is on its way to all nodes.
    published: bool,
    /// How many connections that were to the node that answers.
    disconnected: usize,
}

/// Disconnect a user
///
/// Ends all connections of a user on all nodes, whatever the protocol, as if it had left: there is
/// no reconnection window, and Socket.IO clients do not come back by themselves. Windows that are open
/// end too: no resume token brings back what the user was. A user whose access token is still valid
/// may connect again, as somebody new. To repeat it does no harm.
#[utoipa::path(
    post,
    path = "/api/v1/disconnect",
    operation_id = "disconnect",
    tag = "users",
    request_body = DisconnectRequest,
    responses(
        (status = 202, description = "It is on its way to all nodes", body = Disconnected),
        Problems, BodyProblems,
    )
)]
pub(super) async fn disconnect(
    State(api): State<Arc<Api>>,
    Extension(visitor): Extension<Visitor>,
    Body(DisconnectRequest { user }): Body<DisconnectRequest>,
) -> Result<(StatusCode, Json<Disconnected>), ApiError> {
    if !(1..=MAX_NAME).contains(&user.chars().count()) {
        return Err(ApiError::Invalid("user has 1 to 256 characters".into()));
    }
    let done = tokio::spawn(async move {
        let done = api.hub.disconnect_user(&user).await.map_err(ApiError::from);
        let deed = Deed {
            action: "disconnect",
            kind: "user",
            whom: &user,
            event: "",
        };
        audit::record(&visitor, deed, done.as_ref().map(|_| false));
        done
    });
    let disconnected = done.await.map_err(|error| {
        error!(%error, "disconnecting failed");
        ApiError::Internal
    })??;
    let answer = Disconnected {
        published: true,
        disconnected,
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}
