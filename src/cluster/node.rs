//! This node among the others.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{Cmd, Value, aio::ConnectionLike as _};
use tokio::{sync::watch, time::timeout};
use tracing::debug;
use uuid::Uuid;

use super::{
    KeyPrefix, PubSub, RedisTarget,
    canary::Canary,
    chat::{ChatKeeping, ChatOutbox},
    pubsub::{self, Channel, Failure, Health, Link, Settings},
    records::Unavailable,
};
use crate::core::NodeId;

/// How long Redis may take to answer a command.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long after it lost the way to Redis a node does not decide alone: as long as it takes to come back
/// from a stand-still, and what clients say waits no longer than for a Redis that does not answer.
const ALONE_AFTER: Duration = PATIENCE;

/// What a node needs to know to be one of many.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// Which Redis joins the nodes.
    pub redis: RedisTarget,
    /// What goes before every name in Redis.
    pub prefix: KeyPrefix,
    /// The name of this node.
    pub node: String,
    /// How long presence lasts without being renewed.
    pub presence_ttl: Duration,
    /// What the chat buffers of rooms are for: the same on all nodes.
    pub chat: ChatKeeping,
}

/// The way to the other nodes. It stands whether Redis is there or not.
pub struct Cluster {
    me: NodeId,
    pubsub: PubSub,
    pub(super) chat: Arc<ChatOutbox>,
    presence_ttl: Duration,
    /// This node has said goodbye.
    withdrawn: AtomicBool,
    canary: Canary,
    /// Shows the others that this node has a connection.
    _here: pubsub::Subscription,
}

impl Cluster {
    /// Starts to look for Redis, which need not be there.
    ///
    /// # Errors
    /// When what the target says of TLS cannot be used.
    pub async fn start(settings: ClusterSettings) -> Result<Arc<Self>, Failure> {
        let life = Uuid::new_v4();
        let short = &life.simple().to_string()[..8];
        let me = NodeId::from(&*format!("{}/{short}", settings.node));
        let pubsub = PubSub::start(
            settings.redis,
            Settings {
                server_id: life.into(),
                prefix: settings.prefix,
                // Whoever subscribes decides how long to wait.
                subscribe_wait: Duration::ZERO,
                ..Settings::default()
            },
        )?;
        let here = pubsub.subscribe(&presence_channel(&me), |_| Ok(())).await;
        let canary = Canary::start(&pubsub);
        Ok(Arc::new(Self {
            me,
            chat: ChatOutbox::new(pubsub.clone(), settings.chat),
            presence_ttl: settings.presence_ttl,
            withdrawn: AtomicBool::new(false),
            _here: here.map_err(|_| Failure::Unavailable)?,
            canary,
            pubsub,
        }))
    }

    /// This node, in this life of it.
    pub const fn me(&self) -> &NodeId {
        &self.me
    }

    /// The manager of messages.
    pub const fn pubsub(&self) -> &PubSub {
        &self.pubsub
    }

    /// Tells when the way to the others opens and closes.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.pubsub.link()
    }

    /// Whether the way to the others is open.
    pub fn is_up(&self) -> bool {
        self.pubsub.link().borrow().up
    }

    /// Whether the way to the others is open, or was a moment ago. A node that stood still finds Redis
    /// silent as it goes on, and what it reads then may long have been dealt with by another.
    pub fn was_up_of_late(&self) -> bool {
        let just_lost = || {
            let Health { link, since, .. } = self.health();
            link.generation > 0 && since.elapsed().is_ok_and(|lost| lost < ALONE_AFTER)
        };
        self.is_up() || just_lost()
    }

    /// Whether messages get through, which was tried a moment ago.
    pub fn delivers(&self) -> bool {
        self.canary.delivers()
    }

    /// How the link is.
    pub fn health(&self) -> Health {
        self.pubsub.health()
    }

    /// How long presence lasts without being renewed.
    pub const fn presence_ttl(&self) -> Duration {
        self.presence_ttl
    }

    /// A name in Redis, with what goes before every name.
    pub fn named(&self, name: &str) -> String {
        self.prefix().apply(name)
    }

    /// Gives one command, for which Redis gets more time than for those that clients wait for.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis does not answer in time, or not what it should.
    pub async fn patient_command(&self, command: &Cmd) -> Result<Value, Unavailable> {
        let mut commands = self.pubsub().commands();
        match timeout(PATIENCE, commands.req_packed_command(command)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                debug!(%error, "Redis does not do what it is asked");
                Err(Unavailable)
            }
            Err(_) => Err(Unavailable),
        }
    }

    /// Sends what is queued for at most `flush`, and ends.
    pub async fn stop(&self, flush: Duration) {
        self.pubsub.shutdown(flush).await;
    }

    pub(super) fn has_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Relaxed)
    }

    pub(super) fn note_withdrawn(&self) {
        self.withdrawn.store(true, Ordering::Relaxed);
    }

    pub(super) fn prefix(&self) -> &KeyPrefix {
        self.pubsub.prefix()
    }

    /// The name of this node and which of its lives it is.
    pub(super) fn identity(&self) -> (&str, &str) {
        parts(&self.me)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("me", &self.me)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

/// The name of a node and which of its lives it is.
pub(super) fn parts(node: &NodeId) -> (&str, &str) {
    node.as_str().split_once('/').unwrap_or((node.as_str(), ""))
}

/// A channel that only the node itself listens to, for others to see that it does.
pub(super) fn presence_channel(node: &NodeId) -> Channel {
    Channel::internal(&format!("channel:node:{{{node}}}"))
}
