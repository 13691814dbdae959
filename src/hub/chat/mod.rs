//! Chat: from the wish of a client to a message that is kept and cannot get lost.
//!
//! | module | what is there |
//! |---|---|
//! | `speak` | what becomes of a client's message |
//! | `line` | the order of one client's messages and of their answers |
//! | `history` | what was said, from all places that know |
//! | `missed` | what was said while the way to Redis was lost |
//!
//! A message is told to the room at once, or, if it carries an id of its sender, as soon as it
//! is known that it was not said on another node before. It is acknowledged when it is kept: in
//! Redis if there is one. Other events of the client do not wait for that.

mod history;
mod line;
mod missed;
mod speak;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{debug, error, warn};
use uuid::Uuid;

pub(super) use self::{history::PAGES_AT_ONCE, line::Line, missed::Missed};
pub use self::{
    history::{History, Page},
    line::{Answer, Receipt},
};
use super::Hub;
use crate::{
    cluster::{
        Cluster,
        chat::{RESEND_WINDOW, SharedBuffer, Stamp},
    },
    core::{ChatMessage, Recent, RoomId, UserId},
    protocol::ChatPayload,
    services::chat::{ChatClient, Flusher, MemoryBuffer},
};

/// The most messages by which re-sends are recognised without asking Redis.
const MAX_RECENT: usize = 20_000;

/// How often to look whether all is delivered.
const POLL: Duration = Duration::from_millis(20);

/// How chat is kept.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// The Chat Service, if there is one.
    pub service: Option<ChatClient>,
    /// The most messages of one room that wait for it.
    pub buffer_max: usize,
}

/// The part of the hub that keeps what is said.
#[derive(Debug)]
pub(super) struct Chat {
    recent: Mutex<Recent>,
    pub(super) flusher: Option<Arc<Flusher>>,
    /// Where messages wait for the Chat Service if there is no Redis.
    memory: Option<Arc<MemoryBuffer>>,
    buffer_max: usize,
}

impl Chat {
    pub(super) fn new(settings: ChatSettings, cluster: Option<&Arc<Cluster>>) -> Self {
        let mut memory = None;
        let flusher = settings.service.map(|client| match cluster {
            Some(cluster) => Flusher::new(Arc::new(SharedBuffer(Arc::clone(cluster))), client),
            None => {
                let buffer = Arc::<MemoryBuffer>::default();
                memory = Some(Arc::clone(&buffer));
                Flusher::new(buffer, client)
            }
        });
        Self {
            recent: Mutex::new(Recent::new(RESEND_WINDOW, MAX_RECENT)),
            flusher,
            memory,
            buffer_max: settings.buffer_max,
        }
    }

    /// How many messages wait in this process for the Chat Service, if it is here that they do.
    pub(super) fn in_memory(&self) -> Option<usize> {
        self.memory.as_ref().map(|memory| memory.len())
    }

    /// Whether another message of the room can be kept.
    fn has_place(&self, room: &RoomId, cluster: Option<&Arc<Cluster>>) -> bool {
        match (cluster, &self.memory) {
            (Some(cluster), _) => cluster.chat().has_place(room, self.buffer_max),
            (None, Some(memory)) => memory.has_place(room, self.buffer_max),
            (None, None) => true,
        }
    }

    /// The message that a user of this node sent under an id of its own of late.
    fn sent(
        &self,
        room: &RoomId,
        user: &UserId,
        client_id: &str,
        now: Duration,
    ) -> Option<Arc<ChatMessage>> {
        self.recent.lock().find(room, user, client_id, now)
    }

    /// Takes note of a message that is being said. Called while the room is locked, so that
    /// messages wait in the order in which they are said.
    fn note(&self, message: &Arc<ChatMessage>, now: Duration) {
        self.recent.lock().note(message, now);
        if let Some(memory) = &self.memory {
            // A message is plain data: it can always be written.
            let json = serde_json::to_vec(&ChatPayload::from(&**message)).unwrap_or_default();
            memory.push(&message.room, message.id, json.into());
        }
    }
}

impl Hub {
    /// Has what is said delivered, if there is a Chat Service.
    pub(super) fn start_chat(self: &Arc<Self>) {
        let Some(cluster) = self.cluster() else {
            return;
        };
        let hub = Arc::downgrade(self);
        cluster.chat().on_written(move |room| {
            if let Some(hub) = hub.upgrade() {
                hub.rooms.deliver_chat(room);
            }
        });
        let hub = Arc::downgrade(self);
        cluster.chat().on_sent_before(move |room, id, stamp| {
            if let Some(hub) = hub.upgrade() {
                hub.know_chat_as(room, id, stamp);
            }
        });
    }

    /// A message that was said here was said before on another node, which this one did not know.
    fn know_chat_as(&self, room: &RoomId, id: Uuid, stamp: Stamp) {
        debug!(%room, %id, as = %stamp.id, "a message was sent before to another node");
        let Stamp { id: to, timestamp } = stamp;
        self.chat.recent.lock().rename(id, to, timestamp);
        if let Some(cell) = self.rooms.get(room) {
            self.rooms
                .act(&cell, |room, _| room.know_chat_as(id, to, timestamp));
        }
    }

    /// Waits until all that was said is kept and delivered, at most for `patience`. Returns
    /// whether something is left for other nodes to deliver.
    pub async fn finish_chat(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        if let Some(cluster) = self.cluster() {
            while cluster.chat().waiting() > 0 && Instant::now() < end {
                sleep(POLL).await;
            }
            let messages = cluster.chat().waiting();
            if messages > 0 {
                error!(messages, "chat is lost: Redis is away, and the node stops");
            }
        }
        let Some(flusher) = &self.chat.flusher else {
            return false;
        };
        let rooms = flusher
            .finish(end.saturating_duration_since(Instant::now()))
            .await;
        match &self.chat.memory {
            Some(memory) if !memory.is_empty() => {
                let messages = memory.len();
                error!(
                    messages,
                    "chat is lost: the Chat Service does not store it, and the node stops"
                );
            }
            None if rooms > 0 => warn!(rooms, "chat is left for other nodes to deliver"),
            _ => {}
        }
        rooms > 0
    }
}
