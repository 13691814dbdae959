//! Whom a backend means by the names that it gives.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Conn, ConnId, Emission, Hub, Session, audience::Topics};
use crate::core::{PeerId, RoomId, UserId, channels::Topic};

/// What goes before a user's id to name all connections of the user.
const USER: &str = "user:";

/// A choice of connections, as Socket.IO's `to(rooms).except(rooms)`: those that any of the names
/// means, or all if there is none, without those that any of the exceptions means.
///
/// A name means all there is that goes by it:
/// - the peers of the room with that code or id,
/// - the user, for `user:` and an id,
/// - the subscribers of the backend channel or topic, and those whom a backend put into a group,
/// - the peer with that id,
/// - the Socket.IO client with that socket id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The names.
    pub rooms: Vec<Box<str>>,
    /// The exceptions.
    pub except: Vec<Box<str>>,
}

impl Hub {
    /// Tells the connections of this node that are chosen, each once. Returns how many that are.
    pub fn emit(&self, to: &Selection, emission: &Emission<'_>) -> usize {
        let chosen = self.choose(to);
        for conn in &chosen {
            conn.link().emit(emission);
        }
        chosen.len()
    }

    /// The sessions of this node that are chosen.
    pub fn select(&self, chosen: &Selection) -> Vec<Arc<Session>> {
        let session = |conn: &Conn| self.session(conn.id());
        self.choose(chosen).iter().filter_map(session).collect()
    }

    /// Puts those that are chosen into groups. Returns how many are in as many as they may be.
    pub fn join_groups(&self, who: &Selection, groups: &[Box<str>]) -> usize {
        let groups: Vec<Topic> = groups.iter().map(|group| Topic::from(&**group)).collect();
        let full = |session: &Arc<Session>| {
            let joined = |group: &Topic| session.follow(Arc::clone(group)).is_ok();
            !groups.iter().all(joined)
        };
        self.select(who)
            .iter()
            .filter(|session| full(session))
            .count()
    }

    /// Takes those that are chosen out of groups.
    pub fn leave_groups(&self, who: &Selection, groups: &[Box<str>]) {
        for session in self.select(who) {
            for group in groups {
                session.unfollow(group);
            }
        }
    }

    /// Ends the sessions that are chosen: see [`Session::dismiss`]. Returns how many that are.
    pub fn dismiss(&self, who: &Selection, whole: bool) -> usize {
        let sessions = self.select(who);
        for session in &sessions {
            session.dismiss(whole);
        }
        sessions.len()
    }

    /// Whether a name means anybody on this node.
    pub fn knows(&self, name: &str) -> bool {
        let mut found = Vec::new();
        self.find(name, &mut found);
        !found.is_empty()
    }

    pub(super) fn session(&self, conn: ConnId) -> Option<Arc<Session>> {
        self.sessions.get(&conn).map(|session| Arc::clone(&session))
    }

    fn choose(&self, Selection { rooms, except }: &Selection) -> Vec<Conn> {
        let mut chosen = Vec::new();
        if rooms.is_empty() {
            let all = self.sessions.iter().map(|session| session.conn().clone());
            chosen.extend(all);
        }
        for name in rooms {
            self.find(name, &mut chosen);
        }
        if !rooms.is_empty() {
            chosen.sort_unstable_by_key(Conn::id);
            chosen.dedup_by_key(|conn| conn.id());
        }
        if !except.is_empty() {
            let mut left_out = Vec::new();
            for name in except {
                self.find(name, &mut left_out);
            }
            left_out.sort_unstable_by_key(Conn::id);
            chosen.retain(|conn| left_out.binary_search_by_key(&conn.id(), Conn::id).is_err());
        }
        chosen
    }

    /// Finds all whom a name means, some perhaps twice.
    fn find(&self, name: &str, into: &mut Vec<Conn>) {
        let audiences = &self.audiences;
        // Whoever may choose the code of a room must not hear by it what is for a peer.
        let peer = name.parse::<PeerId>().ok();
        let rooms = match peer {
            Some(_) => self.rooms.get(&RoomId::new(name)).into_iter().collect(),
            None => self.rooms.called(name),
        };
        for room in rooms {
            room.look(|room| into.extend(room.speakers().cloned()));
        }
        if let Some(user) = name.strip_prefix(USER) {
            into.extend(audiences.of_user(&UserId::from(user)));
        }
        audiences.of_topic(name, into);
        let address = || audiences.addresses.get(name).map(|conn| *conn);
        let session = match peer {
            Some(peer) => {
                let speaker = audiences.peers.get(&peer).map(|conn| *conn);
                let session = speaker.and_then(|conn| self.session(conn));
                // The place of a session is a hint: the peer may have been removed.
                session.filter(|session| session.peer() == Some(peer))
            }
            None => address().and_then(|conn| self.session(conn)),
        };
        into.extend(session.map(|session| session.conn().clone()));
    }
}

impl Session {
    /// What backends may call the session: its socket id, user, room, and what it subscribes to.
    pub fn names(&self) -> Vec<Topic> {
        let mut names: Vec<Topic> = self.address.get().cloned().into_iter().collect();
        names.push(format!("{USER}{}", self.member.user).into());
        let code = self.in_room(|cell, seat| {
            Ok(cell.look(|room| room.holds(seat).then(|| room.code().clone())))
        });
        names.extend(code.ok().flatten().map(|code| code.as_str().into()));
        let topics = self.topics.lock();
        names.extend(topics.iter().flat_map(Topics::all).cloned());
        names
    }
}

#[cfg(test)]
#[path = "tests/selection.rs"]
mod tests;
