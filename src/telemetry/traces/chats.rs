//! To which traces chat messages belong that wait for the Chat Service. They wait in Redis, as the
//! service gets them: there is no place for it there.

use std::collections::{HashMap, VecDeque};

use opentelemetry::trace::SpanContext;
use parking_lot::Mutex;
use uuid::Uuid;

/// The most messages that are remembered: more than wait unless the service is away, and then what a
/// trace would show is known.
const MAX_MESSAGES: usize = 4_096;

/// The messages of sampled traces, oldest first.
#[derive(Debug, Default)]
pub(super) struct Chats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    places: HashMap<Uuid, SpanContext>,
    order: VecDeque<Uuid>,
}

impl Chats {
    pub(super) fn remember(&self, message: Uuid, place: SpanContext) {
        let mut state = self.0.lock();
        if state.places.contains_key(&message) {
            return;
        }
        if state.order.len() >= MAX_MESSAGES
            && let Some(oldest) = state.order.pop_front()
        {
            state.places.remove(&oldest);
        }
        state.places.insert(message, place);
        state.order.push_back(message);
    }

    /// Where these messages came from, as far as that is known.
    pub(super) fn of(&self, messages: &[Uuid]) -> Vec<SpanContext> {
        let state = self.0.lock();
        let places = messages.iter().filter_map(|id| state.places.get(id));
        places.cloned().collect()
    }
}
