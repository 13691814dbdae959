//! `GET /api/v1/pubsub`: how the way to Redis is, and what went over it.

use std::{collections::BTreeMap, sync::Arc, time::UNIX_EPOCH};

use axum::{Extension, Json, extract::State};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, ApiError,
    audit::{self, Deed},
    door::Visitor,
    problem::Problems,
};
use crate::cluster::{
    Cluster,
    pubsub::{PublisherCounts, Stats, SubscriberCounts},
};

/// How the way to Redis is, and what went over it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct PubSubInfo {
    health: HealthInfo,
    publisher: PublisherInfo,
    subscriber: SubscriberInfo,
}

/// How the way to Redis is.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthInfo {
    /// Whether there is to be a Redis. If not, all else here is nothing.
    configured: bool,
    /// Whether the way is open.
    up: bool,
    /// Whether what was published a moment ago was received.
    delivers: bool,
    /// How often the way has opened.
    generation: u64,
    /// Since when it is as it is, in milliseconds since the Unix epoch.
    since: u64,
    /// Failed attempts to connect since it was last open.
    failed_attempts: u64,
    /// Failed attempts to connect since the start.
    total_failed_attempts: u64,
    /// What went wrong last, ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_failure: Option<String>,
    /// How long the last check took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    round_trip_ms: Option<f64>,
}

/// What was published by this node since the start or the last reset.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublisherInfo {
    /// Messages that are queued or on their way.
    queued_messages: usize,
    /// Their bytes.
    queued_bytes: usize,
    total: PublisherFigures,
    /// Of the channels that were used last.
    channels: BTreeMap<String, PublisherFigures>,
}

/// Messages that were to be published.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct PublisherFigures {
    /// Accepted by Redis.
    published: u64,
    /// Bytes accepted by Redis.
    bytes: u64,
    /// Attempts after the first.
    retried: u64,
    /// Given up.
    lost: u64,
    /// Not even queued.
    refused: u64,
}

/// What came to this node since the start or the last reset.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct SubscriberInfo {
    total: SubscriberFigures,
    /// Of the channels that were used last.
    channels: BTreeMap<String, SubscriberFigures>,
}

/// Messages that came in.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscriberFigures {
    /// Received.
    received: u64,
    /// Bytes received.
    bytes: u64,
    /// Own messages, skipped.
    own_skipped: u64,
    /// Repetitions, skipped.
    repeated: u64,
    /// Messages that could not be read.
    malformed: u64,
    /// Messages whose handling failed.
    handler_errors: u64,
    /// Messages whose handling panicked.
    handler_panics: u64,
}

/// Show the way to Redis
///
/// How it is, and what this node published and received since the start or the last reset.
#[utoipa::path(
    get,
    path = "/api/v1/pubsub",
    operation_id = "showPubSub",
    tag = "nodes",
    responses((status = 200, description = "Health and statistics", body = PubSubInfo), Problems)
)]
pub(super) async fn show(State(api): State<Arc<Api>>) -> Json<PubSubInfo> {
    let cluster = api.hub.cluster();
    Json(cluster.map(|cluster| describe(cluster)).unwrap_or_default())
}

/// Reset the statistics
///
/// Sets the statistics of the node that answers to zero.
#[utoipa::path(
    post,
    path = "/api/v1/pubsub/reset-stats",
    operation_id = "resetPubSub",
    tag = "nodes",
    responses((status = 204, description = "Done"), Problems)
)]
pub(super) async fn reset(
    State(api): State<Arc<Api>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<StatusCode, ApiError> {
    if let Some(cluster) = api.hub.cluster() {
        cluster.pubsub().reset_stats();
    }
    let deed = Deed {
        action: "reset-stats",
        kind: "node",
        whom: &api.node,
        event: "",
    };
    audit::record(&visitor, deed, Ok(false));
    Ok(StatusCode::NO_CONTENT)
}

fn describe(cluster: &Cluster) -> PubSubInfo {
    let (health, pubsub) = (cluster.health(), cluster.pubsub());
    let since = health.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (queued_messages, queued_bytes) = pubsub.queue_depth();
    let Stats { total, channels } = pubsub.publisher_stats();
    let publisher = PublisherInfo {
        queued_messages,
        queued_bytes,
        total: total.into(),
        channels: by_name(channels),
    };
    let Stats { total, channels } = pubsub.subscriber_stats();
    PubSubInfo {
        health: HealthInfo {
            configured: true,
            up: health.link.up,
            delivers: cluster.delivers(),
            generation: health.link.generation,
            since: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            failed_attempts: health.attempts,
            total_failed_attempts: health.total_attempts,
            last_failure: health.last_failure.map(|failure| failure.to_string()),
            round_trip_ms: health.round_trip.map(|time| time.as_secs_f64() * 1_000.0),
        },
        publisher,
        subscriber: SubscriberInfo {
            total: total.into(),
            channels: by_name(channels),
        },
    }
}

fn by_name<C, F: From<C>>(channels: BTreeMap<Arc<str>, C>) -> BTreeMap<String, F> {
    let channels = channels.into_iter();
    channels
        .map(|(name, counts)| ((*name).to_owned(), counts.into()))
        .collect()
}

impl From<PublisherCounts> for PublisherFigures {
    fn from(counts: PublisherCounts) -> Self {
        let PublisherCounts {
            published,
            bytes,
            retried,
            lost,
            refused,
        } = counts;
        Self {
            published,
            bytes,
            retried,
            lost,
            refused,
        }
    }
}

impl From<SubscriberCounts> for SubscriberFigures {
    fn from(counts: SubscriberCounts) -> Self {
        let SubscriberCounts {
            received,
            bytes,
            own_skipped,
            repeated,
            malformed,
            handler_errors,
            handler_panics,
        } = counts;
        Self {
            received,
            bytes,
            own_skipped,
            repeated,
            malformed,
            handler_errors,
            handler_panics,
        }
    }
}
