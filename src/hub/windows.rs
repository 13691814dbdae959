//! Which users have peers that are away, for those who come back without a resume token.

use std::collections::HashMap;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::core::{PeerId, RoomId, UserId};

/// A place where a peer is waited for.
type Window = (RoomId, PeerId);

/// The open reconnection windows by user. An entry is a hint: the room decides.
#[derive(Debug, Default)]
pub(super) struct Windows(Mutex<HashMap<UserId, SmallVec<[Window; 1]>>>);

impl Windows {
    pub(super) fn open(&self, user: &UserId, room: &RoomId, peer: PeerId) {
        let mut users = self.0.lock();
        let windows = users.entry(user.clone()).or_default();
        if windows.iter().all(|(_, known)| *known != peer) {
            windows.push((room.clone(), peer));
        }
    }

    pub(super) fn close(&self, user: &UserId, peer: PeerId) {
        let mut users = self.0.lock();
        if let Some(windows) = users.get_mut(user) {
            windows.retain(|(_, known)| *known != peer);
            if windows.is_empty() {
                users.remove(user);
            }
        }
    }

    /// Where this user is waited for, as far as is known.
    pub(super) fn of(&self, user: &UserId) -> SmallVec<[Window; 1]> {
        self.0.lock().get(user).cloned().unwrap_or_default()
    }
}
