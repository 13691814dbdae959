//! `GET /api/v1/rooms` and `GET /api/v1/rooms/{id}`: which rooms there are, and who is in one.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::{IntoParams, ToSchema};

use super::{Api, ApiError, problem::Problems, publish::MAX_NAME};
use crate::{
    cluster::Unavailable,
    core::{Mode, RoomCode, RoomId},
    hub::{Hub, RoomView},
};

/// How many rooms are in a page, unless it is said otherwise, and at most.
const USUAL_PAGE: usize = 100;
const MAX_PAGE: usize = 1_000;

/// How many rooms are asked for at once.
const AT_ONCE: usize = 64;

/// For how long what rooms there are need not be read again: for a first page, and for those after
/// it.
const FRESH: Duration = Duration::from_secs(1);
const GOOD_ENOUGH: Duration = Duration::from_secs(30);

type Names = Arc<BTreeMap<RoomId, RoomCode>>;

/// All rooms, as they were a moment ago. They are read by one request at a time.
#[derive(Debug, Default)]
pub(super) struct Index(Mutex<Option<(Instant, Names)>>);

impl Index {
    async fn read(&self, hub: &Hub, within: Duration) -> Result<Names, Unavailable> {
        let mut kept = self.0.lock().await;
        if let Some((read, names)) = &*kept
            && read.elapsed() < within
        {
            return Ok(Arc::clone(names));
        }
        let names = Arc::new(hub.all_rooms().await?);
        *kept = Some((Instant::now(), Arc::clone(&names)));
        Ok(names)
    }
}

/// Which rooms are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many rooms at most.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// The `nextCursor` of the page before.
    #[param(max_length = 256, nullable = false)]
    cursor: Option<String>,
}

/// A page of rooms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rooms {
    /// Rooms in the order of their ids. A page may hold fewer than were asked for, even none.
    rooms: Vec<RoomInfo>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomInfo {
    /// Its id.
    id: String,
    /// By which code people reach it.
    code: String,
    /// How media flows: `p2p` or `sfu`.
    #[schema(value_type = String)]
    mode: Mode,
    /// How many are in it.
    peers: u64,
    /// How many of them each node has, by its name.
    nodes: BTreeMap<String, u64>,
}

/// A room and who is in it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomDetail {
    /// Its id.
    id: String,
    /// By which code people reach it.
    code: String,
    /// How media flows: `p2p` or `sfu`.
    #[schema(value_type = String)]
    mode: Mode,
    /// The peer that hosts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    host_id: Option<String>,
    /// Who is in it, oldest first: connected, or waited for within its reconnection window.
    peers: Vec<PeerDetail>,
}

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeerDetail {
    /// The peer.
    id: String,
    /// Who it is.
    user_id: String,
    /// The name that is shown.
    username: String,
    /// The node that it is connected to, or was last.
    node: String,
    /// When it joined, in milliseconds since the Unix epoch.
    joined_at: u64,
}

/// List the rooms
///
/// Those that somebody is in, of all nodes. A room that is there all the while is listed once,
/// however many pages it takes.
#[utoipa::path(
    get,
    path = "/api/v1/rooms",
    operation_id = "listRooms",
    tag = "rooms",
    params(Page),
    responses((status = 200, description = "A page of rooms", body = Rooms), Problems)
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Rooms>, ApiError> {
    let Query(Page { limit, cursor }) =
        page.map_err(|error| ApiError::invalid(&error.body_text()))?;
    let limit = limit.unwrap_or(USUAL_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ApiError::Invalid("limit is from 1 to 1000".into()));
    }
    let too_long = |cursor: &String| cursor.chars().count() > MAX_NAME;
    if cursor.as_ref().is_some_and(too_long) {
        return Err(ApiError::Invalid("cursor is none that was given".into()));
    }
    let (within, start) = match cursor {
        None => (FRESH, Bound::Unbounded),
        Some(cursor) => (GOOD_ENOUGH, Bound::Excluded(RoomId::new(&cursor))),
    };
    let names = api.index.read(&api.hub, within).await?;
    let mut rest = names.range((start, Bound::Unbounded));
    let owned = |(id, code): (&RoomId, &RoomCode)| (id.clone(), code.clone());
    let wanted: Vec<_> = rest.by_ref().take(limit).map(owned).collect();
    let last = wanted.last().map(|(id, _)| id.as_str().to_owned());
    let next_cursor = last.filter(|_| rest.next().is_some());
    let rooms = stream::iter(wanted)
        .map(|(id, code)| Arc::clone(&api).describe(id, code))
        .buffered(AT_ONCE)
        .try_filter_map(|room| std::future::ready(Ok(room)));
    Ok(Json(Rooms {
        rooms: rooms.try_collect().await?,
        next_cursor,
    }))
}

impl Api {
    async fn describe(
        self: Arc<Self>,
        id: RoomId,
        code: RoomCode,
    ) -> Result<Option<RoomInfo>, ApiError> {
        let brief = self.hub.brief(&id, &self.node).await?;
        Ok(brief.map(|brief| RoomInfo {
            id: id.as_str().to_owned(),
            code: code.as_str().to_owned(),
            mode: brief.mode,
            peers: brief.nodes.values().sum(),
            nodes: brief.nodes,
        }))
    }
}

/// Show a room
///
/// A room that somebody is in, by its id or its code.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{id}",
    operation_id = "showRoom",
    tag = "rooms",
    params(("id" = String, Path, description = "The id or the code of the room", min_length = 1, example = "blue")),
    responses((status = 200, description = "The room", body = RoomDetail), Problems)
)]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<RoomDetail>, ApiError> {
    let Path(id) = id.map_err(|error| ApiError::invalid(&error.body_text()))?;
    let view = api.hub.view(&id, &api.node).await?;
    view.map(|view| Json(view.into())).ok_or(ApiError::NoRoom)
}

impl From<RoomView> for RoomDetail {
    fn from(view: RoomView) -> Self {
        let peers = view.peers.into_iter().map(|(peer, node)| PeerDetail {
            id: peer.id.to_string(),
            user_id: peer.member.user.as_str().to_owned(),
            username: (*peer.member.username).to_owned(),
            node,
            joined_at: peer.joined,
        });
        Self {
            id: view.id.as_str().to_owned(),
            code: view.code,
            mode: view.mode,
            host_id: view.host.map(|host| host.to_string()),
            peers: peers.collect(),
        }
    }
}
