//! `GET /api/v1/nodes`: which nodes there are.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, ApiError, problem::Problems};
use crate::cluster::{NodeStatus, SeenNode};

/// All nodes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Nodes {
    /// By name.
    nodes: Vec<NodeInfo>,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeInfo {
    /// Its name (`NODE_ID`).
    id: String,
    /// Which of its lives it is: another after each start.
    life: String,
    /// Whether it is the one that answers.
    own: bool,
    /// Whether it lives. One that does not is listed until others have cleared up after it.
    alive: bool,
    /// How long ago its last sign of life was, in milliseconds.
    last_seen_ms: u64,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<String>,
    /// How many clients are connected to it, at most five seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connections: Option<usize>,
    /// How many rooms it serves, at most five seconds ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rooms: Option<usize>,
    /// When it was started, in milliseconds since the Unix epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    started_at: Option<u64>,
}

/// List the nodes
#[utoipa::path(
    get,
    path = "/api/v1/nodes",
    operation_id = "listNodes",
    tag = "nodes",
    responses((status = 200, description = "The nodes", body = Nodes), Problems)
)]
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Nodes>, ApiError> {
    let own = api.hub.status();
    let Some(cluster) = api.hub.cluster() else {
        let node = describe((&api.node, ""), Some(own), true, Duration::ZERO, true);
        return Ok(Json(Nodes { nodes: vec![node] }));
    };
    let nodes = cluster.all_nodes().await?.into_iter().map(|seen| {
        let is_own = seen.node == *cluster.me();
        let status = if is_own {
            Some(own.clone())
        } else {
            seen.status.clone()
        };
        let SeenNode {
            alive, last_seen, ..
        } = seen;
        describe(seen.parts(), status, alive, last_seen, is_own)
    });
    Ok(Json(Nodes {
        nodes: nodes.collect(),
    }))
}

fn describe(
    (id, life): (&str, &str),
    status: Option<NodeStatus>,
    alive: bool,
    last_seen: Duration,
    own: bool,
) -> NodeInfo {
    let (connections, rooms) = status
        .as_ref()
        .map(|status| (status.connections, status.rooms))
        .unzip();
    NodeInfo {
        id: id.to_owned(),
        life: life.to_owned(),
        own,
        alive,
        last_seen_ms: u64::try_from(last_seen.as_millis()).unwrap_or(u64::MAX),
        connections,
        rooms,
        started_at: status.as_ref().map(|status| status.started_at),
        version: status.map(|status| status.version),
    }
}
