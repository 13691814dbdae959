//! Which rooms there are.

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;

use super::link::{Conn, Post};
use crate::core::{Limits, Mode, NodeId, Room, RoomCode, RoomId};

/// A room and its lock.
#[derive(Debug)]
pub(super) struct RoomCell {
    id: RoomId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    room: Room<Conn>,
    /// The room was empty and is no longer in the directory: whoever still holds the cell and
    /// wants to enter has to look the room up again.
    retired: bool,
}

impl RoomCell {
    pub(super) fn id(&self) -> &RoomId {
        &self.id
    }

    /// Looks at the room without changing it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Room<Conn>) -> T) -> T {
        look(&self.state.lock().room)
    }
}

/// The rooms of this node by id. A room exists while somebody is in it.
#[derive(Debug)]
pub(super) struct Directory {
    rooms: DashMap<RoomId, Arc<RoomCell>>,
    limits: Limits,
    me: NodeId,
}

impl Directory {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            rooms: DashMap::new(),
            limits,
            me: NodeId::from("here"),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn get(&self, id: &RoomId) -> Option<Arc<RoomCell>> {
        self.rooms.get(id).map(|cell| Arc::clone(&cell))
    }

    /// Applies one input to a room that somebody is in.
    pub(super) fn act<T>(
        &self,
        cell: &Arc<RoomCell>,
        input: impl FnOnce(&mut Room<Conn>, &mut Post) -> T,
    ) -> T {
        let (result, empty) = {
            let mut state = cell.state.lock();
            let result = input(&mut state.room, &mut Post);
            (result, state.room.is_empty())
        };
        if empty {
            self.retire(cell);
        }
        result
    }

    /// Applies an input that may bring somebody into the room behind `code`, which is made
    /// if it does not exist.
    pub(super) fn enter<T>(
        &self,
        code: &RoomCode,
        input: impl FnOnce(&mut Room<Conn>, &mut Post) -> T,
    ) -> (Arc<RoomCell>, T) {
        let id = RoomId::from_code(code);
        loop {
            let cell = Arc::clone(&self.rooms.entry(id.clone()).or_insert_with(|| {
                let (limits, me) = (self.limits, self.me.clone());
                let room = Room::new(id.clone(), code.clone(), Mode::P2p, limits, me);
                let state = Mutex::new(State {
                    room,
                    retired: false,
                });
                Arc::new(RoomCell {
                    id: id.clone(),
                    state,
                })
            }));
            let mut state = cell.state.lock();
            if state.retired {
                continue;
            }
            let result = input(&mut state.room, &mut Post);
            let empty = state.room.is_empty();
            drop(state);
            if empty {
                self.retire(&cell);
            }
            return (cell, result);
        }
    }

    /// Removes a room if it is still empty. The directory's lock is taken before the room's,
    /// here and nowhere the other way round.
    fn retire(&self, cell: &Arc<RoomCell>) {
        self.rooms.remove_if(&cell.id, |_, current| {
            let mut state = current.state.lock();
            state.retired = state.room.is_empty();
            if state.retired {
                // Sessions may hold the cell for long; the chat need not stay with it.
                state.room.clear();
            }
            state.retired
        });
    }
}
