//! What was said, from all places that know.

use std::{collections::BTreeMap, sync::Arc};

use tracing::debug;
use uuid::Uuid;

use crate::{
    core::{ChatMessage, HistoryQuery, RoomId},
    hub::{Later, Session},
    protocol::{ChatPayload, ErrorCode, WireError},
    services::chat::Flusher,
};

/// How many pages one client may wait for at once.
pub(in crate::hub) const PAGES_AT_ONCE: usize = 4;

/// A part of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Oldest first.
    pub messages: Vec<Arc<ChatMessage>>,
    /// The Chat Service could not be asked, or Redis for what waits for it: there may be more.
    pub partial: bool,
}

/// What becomes of the wish to know what was said.
pub enum History {
    /// It is known here.
    Here(Page),
    /// Others are asked.
    Later(Later<Page>),
}

impl Session {
    /// What was said in the room. With a Chat Service that takes a while; other events of the
    /// client need not wait.
    ///
    /// # Errors
    /// `NOT_IN_ROOM`, `RATE_LIMITED`.
    pub fn history(&self, query: HistoryQuery) -> Result<History, WireError> {
        let (room, remembered) = self.in_room(|cell, seat| {
            let remembered = cell.look(|room| room.history(seat, query))?;
            Ok((cell.id().clone(), remembered))
        })?;
        let Some(flusher) = self.hub.chat.flusher.clone() else {
            return Ok(History::Here(Page {
                messages: remembered,
                partial: false,
            }));
        };
        let slot = Arc::clone(&self.pages).try_acquire_owned();
        let slot = slot
            .map_err(|_| WireError::new(ErrorCode::RateLimited, "too many pages are under way"))?;
        Ok(History::Later(Box::pin(async move {
            let page = gather(&flusher, &room, query, remembered).await;
            drop(slot);
            page
        })))
    }
}

/// Puts together what the service has stored, what waits for it, and what this node remembers
/// and may not be in either yet.
pub(super) async fn gather(
    flusher: &Flusher,
    room: &RoomId,
    query: HistoryQuery,
    remembered: Vec<Arc<ChatMessage>>,
) -> Page {
    let client = flusher.client();
    // What waits is read first: what is delivered in between is then found in both, and not in
    // neither.
    let waiting = flusher.buffer().page(room, query.before, query.limit).await;
    let stored = client.history(room, query).await;
    let partial = stored.is_err() || waiting.is_err();
    if let Err(error) = &stored {
        debug!(%room, %error, "the Chat Service does not tell what was said");
    }
    let waiting = waiting.unwrap_or_default().into_iter().filter_map(|json| {
        let message: ChatPayload<'_> = serde_json::from_slice(&json).ok()?;
        Some(Arc::new(ChatMessage::from(message)))
    });
    let stored = stored.unwrap_or_default().into_iter().map(Arc::new);
    let all = stored.chain(waiting).chain(remembered);
    Page {
        messages: newest(all, query),
        partial,
    }
}

/// The messages that were asked for, each once, oldest first.
fn newest(
    messages: impl Iterator<Item = Arc<ChatMessage>>,
    query: HistoryQuery,
) -> Vec<Arc<ChatMessage>> {
    let asked = messages.filter(|message| query.before.is_none_or(|before| message.id < before));
    let by_id: BTreeMap<Uuid, Arc<ChatMessage>> =
        asked.map(|message| (message.id, message)).collect();
    let older = by_id.len().saturating_sub(query.limit);
    by_id.into_values().skip(older).collect()
}

#[cfg(test)]
#[path = "../tests/history.rs"]
mod tests;
