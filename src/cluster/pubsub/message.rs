//! Channels, messages, and what is called with them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::envelope::ServerId;
use crate::telemetry::traces::Carried;

/// A channel or a pattern, without the key prefix. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    pub(super) name: Arc<str>,
    pub(super) raw: bool,
}

impl Channel {
    /// A channel between gateways. Its messages carry an envelope, by which a process does not
    /// get its own messages, nor a message twice. In a Cluster it is a sharded channel: what is
    /// in `{…}` decides on the node.
    #[must_use]
    pub fn internal(name: &str) -> Self {
        Self {
            name: name.into(),
            raw: false,
        }
    }

    /// A channel shared with other programs. Messages are passed as they are, own ones too. In a
    /// Cluster it is an ordinary channel, as other programs publish with `PUBLISH`.
    #[must_use]
    pub fn raw(name: &str) -> Self {
        Self {
            name: name.into(),
            raw: true,
        }
    }

    /// The name, without the key prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether messages go without an envelope.
    #[must_use]
    pub const fn is_raw(&self) -> bool {
        self.raw
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.raw { "raw" } else { "internal" };
        write!(f, "Channel::{kind}({:?})", self.name)
    }
}

/// A message that came in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Message {
    /// The channel it came on, without the key prefix.
    pub channel: Arc<str>,
    /// The pattern that the channel fits, if the handler subscribed to a pattern.
    pub pattern: Option<Arc<str>>,
    /// Who sent it; `None` on raw channels.
    pub from: Option<ServerId>,
    /// Which of the messages of its sender; 0 on raw channels.
    pub number: u64,
    /// The place in a trace that it belongs to, if it brings one.
    pub trace: Option<Carried>,
    /// What was published.
    pub payload: Bytes,
}

/// Whatever a handler fails with. It is logged, so it must not hold secrets.
pub type HandlerError = Box<dyn Error + Send + Sync>;

/// What a subscriber gives.
pub(super) type Handler = dyn Fn(&Message) -> Result<(), HandlerError> + Send + Sync;
