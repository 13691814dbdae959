//! Chat that was accepted and is not in Redis yet, or may get lost there.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use uuid::Uuid;

use super::{
    ChatKeeping, Stamp,
    under_way::{Line, UnderWay},
    waiting::{Entry, State, all_waiters, requeue_copies},
};
use crate::{
    cluster::{
        pubsub::{Channel, PubSub, Script},
        receipts::Receipts,
    },
    core::{ChatMessage, RoomId},
};

/// The most messages that wait for Redis: an outage of minutes in busy rooms.
const MAX_MESSAGES: usize = 10_000;

/// The most bytes that wait for Redis.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Called once a message is in as durable hands as there are at this moment; with what it is known as,
/// if that is another message, as which it was sent before.
pub type Kept = Box<dyn FnOnce(Option<Stamp>) + Send>;

/// Told of each room that gets a message in Redis.
type OnWritten = Box<dyn Fn(&RoomId) + Send + Sync>;

/// Told of each message that was sent before as another one: its room, its id, and the other.
type OnSentBefore = Box<dyn Fn(&RoomId, Uuid, Stamp) + Send + Sync>;

/// What became of a message in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// How many messages of the room are in the buffer.
    pub(super) length: usize,
    /// It is not one of them: it was sent before as this one.
    pub(super) sent_as: Option<Stamp>,
}

/// The messages of this node on their way to Redis, in order for each room.
///
/// While Redis is away they wait here, bounded, and go out when it is back: that they are kept
/// is then true only as long as this process lives. What Redis has, and the Chat Service has
/// not, is kept as a copy, and written again should Redis have lost it.
pub struct ChatOutbox {
    pubsub: PubSub,
    keeping: ChatKeeping,
    state: Mutex<State>,
    on_written: OnceLock<OnWritten>,
    on_sent_before: OnceLock<OnSentBefore>,
}

impl ChatOutbox {
    pub(in crate::cluster) fn new(pubsub: PubSub, keeping: ChatKeeping) -> Arc<Self> {
        Arc::new(Self {
            pubsub,
            keeping,
            state: Mutex::default(),
            on_written: OnceLock::new(),
            on_sent_before: OnceLock::new(),
        })
    }

    /// What the buffers of rooms are for.
    pub const fn keeping(&self) -> ChatKeeping {
        self.keeping
    }

    /// Has `call` called with each room that gets a message in Redis. Only the first counts.
    pub fn on_written(&self, call: impl Fn(&RoomId) + Send + Sync + 'static) {
        let _ = self.on_written.set(Box::new(call));
    }

    /// Has `call` called with each message that others know as another one. Only the first counts.
    pub fn on_sent_before(&self, call: impl Fn(&RoomId, Uuid, Stamp) + Send + Sync + 'static) {
        let _ = self.on_sent_before.set(Box::new(call));
    }

    /// Whether another message may be accepted: as much waits for Redis as may, or for the Chat
    /// Service, of which a room may keep `most` waiting.
    pub fn has_place(&self, room: &RoomId, most: usize) -> bool {
        let state = self.state.lock();
        let mine = state.rooms.get(room).map_or(0, |queue| queue.entries.len());
        let there = state.lengths.get(room).copied().unwrap_or(0);
        state.messages < MAX_MESSAGES
            && state.bytes < MAX_BYTES
            && (self.keeping == ChatKeeping::Ring || mine + there < most)
    }

    /// Calls `kept` when Redis has the message, or cannot be asked: then it waits here.
    pub fn when_kept(&self, room: &RoomId, id: Uuid, kept: Kept) {
        let sent_as = {
            let mut state = self.state.lock();
            let queue = state.rooms.get_mut(room);
            let entry = queue.and_then(|queue| {
                let mut newest = queue.entries.iter_mut().rev();
                newest.find(|entry| entry.id == id)
            });
            if let Some(entry) = entry {
                if self.is_up() {
                    entry.waiters.push(kept);
                    return;
                }
                entry.line.be_promised();
            }
            state.sent_as(id)
        };
        kept(sent_as);
    }

    /// Notes how many messages of a room wait for the Chat Service.
    pub fn note_length(&self, room: &RoomId, length: usize) {
        let mut state = self.state.lock();
        if length == 0 {
            state.lengths.remove(room);
        } else {
            state.lengths.insert(room.clone(), length);
        }
    }

    /// The Chat Service has these: no copies are needed any more.
    pub fn delivered(&self, ids: &[Uuid]) {
        let mut state = self.state.lock();
        for id in ids {
            state.copies.remove(id);
        }
    }

    /// How many messages wait for Redis.
    pub fn waiting(&self) -> usize {
        self.state.lock().messages
    }

    /// The way to Redis is lost: what is under way may not arrive, and what arrived may be lost.
    pub fn link_closed(&self) {
        let mut state = self.state.lock();
        state.doubtful = true;
        let kept = all_waiters(&mut state);
        drop(state);
        kept.into_iter().for_each(|kept| kept(None));
    }

    /// Redis lost something though the way to it was open: from now on all that is not delivered
    /// waits until [`link_opened`](Self::link_opened) writes it again.
    pub fn doubt(&self) {
        self.state.lock().doubtful = true;
    }

    /// The way to Redis is open again, and the rooms are written down: what waits may go, and
    /// before that what Redis may have lost.
    pub fn link_opened(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if self.is_up() && std::mem::take(&mut state.doubtful) {
            requeue_copies(&mut state);
        }
        drop(state);
        self.catch_up();
    }

    /// Sends what waits, if Redis is there.
    pub fn catch_up(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if !self.is_up() {
            let kept = all_waiters(&mut state);
            drop(state);
            return kept.into_iter().for_each(|kept| kept(None));
        }
        if state.doubtful {
            return;
        }
        state.copies.forget_old();
        let rooms: Vec<RoomId> = state.rooms.keys().cloned().collect();
        for room in rooms {
            state.list(&room);
        }
        self.send_next(&mut state);
    }

    /// Sends what waits in rooms, one after the other, as long as more may be on its way.
    fn send_next(self: &Arc<Self>, state: &mut State) {
        while !state.is_full()
            && let Some(room) = state.next.pop_front()
        {
            self.send_waiting(state, &room);
        }
    }

    /// Accepts a message.
    pub(in crate::cluster) fn submit(
        self: &Arc<Self>,
        message: &ChatMessage,
        channel: &Channel,
        payload: Bytes,
        script: Script,
        receipts: Arc<Receipts>,
    ) {
        let line = Line {
            channel: channel.clone(),
            payload,
            script,
            receipts,
        };
        let mut state = self.state.lock();
        state.messages += 1;
        state.bytes += line.size();
        let may_go = !state.doubtful && !state.is_full() && self.is_up();
        let size = line.size();
        let queue = state.rooms.entry(message.room.clone()).or_default();
        let mut entry = Entry {
            id: message.id,
            line,
            sent: false,
            waiters: SmallVec::new(),
        };
        entry.sent = may_go && queue.waiting == 0 && self.send(&message.room, &entry);
        let sent = entry.sent;
        queue.waiting += usize::from(!sent);
        queue.entries.push_back(entry);
        if sent {
            state.begin(size);
        } else {
            state.list(&message.room);
        }
    }

    /// Sends what waits in a room, in order, unless something before it is under way: then it
    /// goes after that.
    fn send_waiting(self: &Arc<Self>, state: &mut State, room: &RoomId) {
        let Some(mut queue) = state.rooms.remove(room) else {
            return;
        };
        queue.listed = false;
        if queue.waiting == queue.entries.len() {
            for entry in &mut queue.entries {
                if state.is_full() {
                    break;
                }
                // After an outage nodes ask for what they missed: it is not to be said again to
                // those who take peers over.
                entry.line.receipts = Arc::default();
                entry.sent = self.send(room, entry);
                if !entry.sent {
                    break;
                }
                queue.waiting -= 1;
                state.begin(entry.line.size());
            }
        }
        state.rooms.insert(room.clone(), queue);
    }

    /// Hands a message over. Returns whether it was taken.
    fn send(self: &Arc<Self>, room: &RoomId, entry: &Entry) -> bool {
        let line = entry.line.clone();
        let watch = Arc::new(UnderWay {
            outbox: Arc::downgrade(self),
            room: room.clone(),
            id: entry.id,
            receipts: line.receipts,
        });
        let sent = self
            .pubsub
            .execute_watched(&line.channel, line.payload, line.script, watch);
        sent.is_ok()
    }

    fn is_up(&self) -> bool {
        self.pubsub.link().borrow().up
    }

    /// Whether nothing that is to go before the message was held up.
    pub(super) fn may_go(&self, room: &RoomId, id: Uuid) -> bool {
        let state = self.state.lock();
        if state.doubtful {
            return false;
        }
        let Some(queue) = state.rooms.get(room) else {
            return true;
        };
        let before = queue.entries.iter().take_while(|entry| entry.id != id);
        queue.waiting == 0 || before.into_iter().all(|entry| entry.sent)
    }

    /// An attempt to write a message has ended, perhaps in vain.
    pub(super) fn settle(self: &Arc<Self>, room: &RoomId, id: Uuid, written: Option<Written>) {
        let kept = {
            let mut state = self.state.lock();
            let Some(place) = state.note_back(room, id) else {
                return;
            };
            let kept = match written {
                // Its sender was told meanwhile: it is written whatever there is.
                Some(Written {
                    sent_as: Some(_), ..
                }) if state.is_promised(room, place) => {
                    state.list(room);
                    return self.send_next(&mut state);
                }
                Some(written) => self.note_written(&mut state, room, place, written),
                // As long as Redis is there it is tried again, and answered then.
                None if self.is_up() => SmallVec::new(),
                None => state.waiters_of(room, place),
            };
            if !state.doubtful {
                self.send_next(&mut state);
            }
            kept
        };
        self.tell(room, id, written, kept);
    }

    /// Tells all who want to know what became of a message.
    fn tell(&self, room: &RoomId, id: Uuid, written: Option<Written>, kept: SmallVec<[Kept; 1]>) {
        let sent_as = written.and_then(|written| written.sent_as);
        // Before the answer: this node is to know no other by then.
        if let (Some(stamp), Some(on_sent_before)) = (sent_as, self.on_sent_before.get()) {
            on_sent_before(room, id, stamp);
        }
        kept.into_iter().for_each(|kept| kept(sent_as));
        if let (Some(_), Some(on_written)) = (written, self.on_written.get()) {
            on_written(room);
        }
    }

    fn note_written(
        &self,
        state: &mut State,
        room: &RoomId,
        place: usize,
        Written { length, sent_as }: Written,
    ) -> SmallVec<[Kept; 1]> {
        let Some(queue) = state.rooms.get_mut(room) else {
            return SmallVec::new();
        };
        let Some(entry) = queue.entries.remove(place) else {
            return SmallVec::new();
        };
        queue.waiting -= 1;
        if queue.entries.is_empty() {
            state.rooms.remove(room);
        } else if queue.waiting == queue.entries.len() {
            state.list(room);
        }
        state.messages -= 1;
        state.bytes -= entry.line.size();
        if self.keeping == ChatKeeping::Queue {
            state.lengths.insert(room.clone(), length);
            if sent_as.is_none() {
                state.copies.add(room.clone(), entry.id, entry.line);
            }
        }
        if let Some(stamp) = sent_as {
            state.note_sent_before(entry.id, stamp);
        }
        entry.waiters
    }
}

impl fmt::Debug for ChatOutbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("ChatOutbox")
            .field("keeping", &self.keeping)
            .field("waiting", &state.messages)
            .field("copies", &state.copies.len())
            .finish_non_exhaustive()
    }
}
