//! Why something was not published or not subscribed to.

use crate::cluster::connect::Failure;

/// Why a message was not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// As many messages, or as many bytes, wait as may. The message was dropped.
    #[error("the queue to Redis is full")]
    Full,
    /// The message alone is larger than the queue.
    #[error("the message is larger than the queue to Redis")]
    TooLarge,
    /// The manager is shutting down.
    #[error("the link to Redis is shut down")]
    Closed,
    /// All attempts failed. Redis may have got it in one of them nevertheless.
    #[error("not published: {0}")]
    Failed(Failure),
}

impl PublishError {
    /// Whether the same may succeed at another time.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Full => true,
            Self::TooLarge | Self::Closed => false,
            Self::Failed(failure) => !matches!(
                failure,
                Failure::Authentication
                    | Failure::Permission
                    | Failure::Server
                    | Failure::Configuration
            ),
        }
    }
}

/// Why there is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The manager is shutting down.
    #[error("the link to Redis is shut down")]
    Closed,
    /// A Cluster has no patterns over sharded channels.
    #[error("a Redis Cluster knows no patterns over internal channels")]
    ShardedPattern,
}
