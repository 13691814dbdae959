//! Which rooms there are.

use std::sync::Arc;

use dashmap::{DashMap, Entry};
use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};
use smallvec::{SmallVec, smallvec};

use super::{
    Neighbours,
    link::{Conn, Post},
    shared::Shared,
};
use crate::{
    cluster::RoomKeys,
    core::{Limits, Mode, ModeState, NodeId, Room, RoomCode, RoomId},
    services::chat::Flusher,
};

/// How many rooms that were left are remembered. What is beyond is found by whoever looks at
/// the room.
const MAX_LEFT: usize = 4_096;

/// The mode of a room that this node does not serve: whatever others say counts.
const NO_MODE: ModeState = ModeState::initial(Mode::P2p);

/// A room and its lock.
#[derive(Debug)]
pub(super) struct RoomCell {
    id: RoomId,
    /// The room's names in Redis, if there are other nodes.
    keys: Option<Box<RoomKeys>>,
    state: Mutex<State>,
    /// Looks at Redis go one after the other.
    pub(super) turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) room: Room<Conn>,
    /// The room was not needed and is no longer in the directory: whoever still holds the cell
    /// and wants to enter has to look the room up again.
    retired: bool,
    /// How many tasks need the room though nobody may be in it.
    holds: usize,
    /// What it takes to share the room with other nodes.
    pub(super) shared: Shared,
}

impl RoomCell {
    pub(super) fn id(&self) -> &RoomId {
        &self.id
    }

    /// The room's names in Redis, if there are other nodes.
    pub(super) fn keys(&self) -> Option<&RoomKeys> {
        self.keys.as_deref()
    }

    /// Looks at the room without changing it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Room<Conn>) -> T) -> T {
        look(&self.state.lock().room)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// The rooms of this node by id. A room exists while somebody here is in it, or a task needs it.
#[derive(Debug)]
pub(super) struct Directory {
    rooms: Arc<DashMap<RoomId, Arc<RoomCell>>>,
    /// The rooms whose ids do not follow from their codes, by code.
    codes: DashMap<RoomCode, RoomId>,
    limits: Limits,
    me: NodeId,
    neighbours: Neighbours,
    /// Delivers what was said.
    flusher: Option<Arc<Flusher>>,
    /// The rooms that this node served last: Redis may take them for served still, if it could
    /// not be told, or came back with what was true before.
    left: Mutex<IndexMap<RoomId, RoomCode>>,
}

impl Directory {
    pub(super) fn new(
        limits: Limits,
        me: NodeId,
        neighbours: Neighbours,
        flusher: Option<Arc<Flusher>>,
    ) -> Self {
        Self {
            rooms: Arc::default(),
            codes: DashMap::new(),
            limits,
            me,
            neighbours,
            flusher,
            left: Mutex::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// This node.
    pub(super) const fn me(&self) -> &NodeId {
        &self.me
    }

    pub(super) fn get(&self, id: &RoomId) -> Option<Arc<RoomCell>> {
        self.rooms.get(id).map(|cell| Arc::clone(&cell))
    }

    /// The room of that id or, if there is none, of that code.
    pub(super) fn named(&self, name: &str) -> Option<Arc<RoomCell>> {
        self.called(name).into_iter().next()
    }

    /// The rooms that are called so, by id or by code.
    pub(super) fn called(&self, name: &str) -> SmallVec<[Arc<RoomCell>; 2]> {
        let mut ids: SmallVec<[RoomId; 2]> = smallvec![RoomId::new(name)];
        if let Ok(code) = name.parse::<RoomCode>() {
            let given = self.codes.get(&code).map(|id| id.clone());
            // The id of one room must not lead to another that somebody gave that code.
            let derived = || (!RoomId::is_derived(name)).then(|| RoomId::from_code(&code));
            ids.extend(given.or_else(derived));
        }
        ids.dedup();
        ids.iter().filter_map(|id| self.get(id)).collect()
    }

    /// All rooms of this moment.
    pub(super) fn all(&self) -> Vec<Arc<RoomCell>> {
        self.rooms.iter().map(|cell| Arc::clone(&cell)).collect()
    }

    /// Applies one input to a room that somebody is in.
    pub(super) fn act<T>(
        &self,
        cell: &Arc<RoomCell>,
        input: impl FnOnce(&mut Room<Conn>, &mut Post<'_>) -> T,
    ) -> T {
        self.act_on(cell, |state, post| input(&mut state.room, post))
    }

    /// Applies one input to a room and what it takes to share it.
    pub(super) fn act_on<T>(
        &self,
        cell: &Arc<RoomCell>,
        input: impl FnOnce(&mut State, &mut Post<'_>) -> T,
    ) -> T {
        let (result, idle) = {
            let mut state = cell.state.lock();
            let result = input(&mut state, &mut self.post(cell));
            let State { room, shared, .. } = &mut *state;
            shared.settle(room);
            (result, state.is_idle())
        };
        if idle {
            self.retire(cell);
        }
        result
    }

    /// Applies an input that may bring somebody into the room, which is made if it does not
    /// exist.
    pub(super) fn enter<T>(
        &self,
        id: &RoomId,
        code: &RoomCode,
        input: impl FnOnce(&mut Room<Conn>, &mut Post<'_>) -> T,
    ) -> (Arc<RoomCell>, T) {
        let cell = self.hold(id, code);
        let result = self.act(&cell, input);
        self.release(&cell);
        (cell, result)
    }

    /// Finds the room or makes it, and keeps it until [`Directory::release`].
    pub(super) fn hold(&self, id: &RoomId, code: &RoomCode) -> Arc<RoomCell> {
        loop {
            let cell = Arc::clone(
                &self
                    .rooms
                    .entry(id.clone())
                    .or_insert_with(|| Arc::new(self.make(id, code))),
            );
            let mut state = cell.state.lock();
            if state.retired {
                continue;
            }
            state.holds += 1;
            drop(state);
            return cell;
        }
    }

    /// Keeps a room that is there until [`Directory::release`]. Returns whether it still is.
    pub(super) fn keep(cell: &RoomCell) -> bool {
        let mut state = cell.state.lock();
        state.holds += usize::from(!state.retired);
        !state.retired
    }

    /// Gives up what [`Directory::hold`] gave.
    pub(super) fn release(&self, cell: &Arc<RoomCell>) {
        let idle = {
            let mut state = cell.state.lock();
            state.holds = state.holds.saturating_sub(1);
            state.is_idle()
        };
        if idle {
            self.retire(cell);
        }
    }

    fn make(&self, id: &RoomId, code: &RoomCode) -> RoomCell {
        let me = self.me.clone();
        if *id != RoomId::from_code(code) {
            self.codes.insert(code.clone(), id.clone());
        }
        let room = Room::new(id.clone(), code.clone(), Mode::P2p, self.limits, me);
        let cluster = self.neighbours.cluster.as_ref();
        let keys = cluster.map(|cluster| cluster.room(id, code));
        if *id != RoomId::from_code(code) {
            self.codes.insert(code.clone(), id.clone());
        }
        RoomCell {
            id: id.clone(),
            keys: keys.map(Box::new),
            state: Mutex::new(State {
                room,
                retired: false,
                holds: 0,
                shared: Shared::default(),
            }),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    fn post<'a>(&'a self, cell: &'a RoomCell) -> Post<'a> {
        let Neighbours { cluster, media, .. } = &self.neighbours;
        let media = media.as_deref().map(|media| (media, cell.id()));
        Post::new(cluster.as_deref().zip(cell.keys()), media)
    }

    /// Removes a room if it is still not needed. The directory's lock is taken before the
    /// room's, here and nowhere the other way round.
    fn retire(&self, cell: &Arc<RoomCell>) {
        let removed = self.rooms.remove_if(&cell.id, |_, current| {
            let mut state = current.state.lock();
            state.retired = state.is_idle();
            if state.retired {
                self.codes
                    .remove_if(state.room.code(), |_, of| *of == cell.id);
                self.disown(&cell.id, state.room.code(), current.keys());
                // Sessions may hold the cell for long; the chat need not stay with it.
                state.room.clear();
            }
            state.retired
        });
        if let Some((_, cell)) = removed {
            // Outside of the locks: it ends a subscription.
            let shared = std::mem::take(&mut cell.state.lock().shared);
            drop(shared);
            if self.flusher.is_some() {
                // It stays among the rooms of this node until its chat is delivered.
                self.deliver_chat(&cell.id);
            } else {
                self.serve_no_more(&cell.id)();
            }
        }
    }

    /// Delivers the chat of a room, if there is a Chat Service.
    pub(super) fn deliver_chat(&self, room: &RoomId) {
        if let Some(flusher) = &self.flusher {
            flusher.wake(room, self.serve_no_more(room));
        }
    }

    /// Notes in Redis that this node does not serve a room any more, if that is so then.
    fn serve_no_more(&self, id: &RoomId) -> impl FnOnce() + Send + 'static {
        let (rooms, cluster, id) = (
            Arc::clone(&self.rooms),
            self.neighbours.cluster.clone(),
            id.clone(),
        );
        move || {
            let Some(cluster) = cluster.filter(|_| !rooms.contains_key(&id)) else {
                return;
            };
            tokio::spawn(async move {
                cluster.serves_no_more(&id).await;
                let again = rooms.get(&id).map(|cell| Arc::clone(&cell));
                if let Some(cell) = again {
                    // Made again meanwhile: that may have been noted before.
                    let code = cell.look(|room| room.code().clone());
                    cluster.serves(&[(cell.id.clone(), code)]).await;
                }
            });
        }
    }

    /// Makes sure that Redis takes no peer of a room for this node's. It is queued under the
    /// directory's lock, before whatever is said when the room is made again.
    fn disown(&self, id: &RoomId, code: &RoomCode, keys: Option<&RoomKeys>) {
        if let Some((cluster, keys)) = self.neighbours.cluster.as_ref().zip(keys) {
            // If it cannot be told now, it will be when the way is open.
            let _ = cluster.sync(keys, &[], &[], &NO_MODE, None, false);
            let mut left = self.left.lock();
            left.shift_remove(id);
            left.insert(id.clone(), code.clone());
            if left.len() > MAX_LEFT {
                left.shift_remove_index(0);
            }
        }
    }

    /// Tells Redis once more which rooms this node does not serve any more.
    pub(super) fn disown_again(&self) {
        let left = self.left.lock().clone();
        for (id, code) in left {
            if let (Entry::Vacant(_vacant), Some(cluster)) =
                (self.rooms.entry(id.clone()), &self.neighbours.cluster)
            {
                let keys = cluster.room(&id, &code);
                let _ = cluster.sync(&keys, &[], &[], &NO_MODE, None, false);
            }
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.holds == 0 && !self.room.is_served_here()
    }
}
