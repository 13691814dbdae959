//! Who is connected to this node, for operators to look at.

use std::{cmp::Reverse, collections::HashSet, sync::atomic::Ordering, time::Duration};

use super::{ConnId, Hub, Session};

/// A connection as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The id by which its transport knows it, else one made of its number.
    pub id: String,
    /// What carries it.
    pub carrier: &'static str,
    /// Whose it is.
    pub user: String,
    /// The name to show.
    pub username: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub since: u64,
    /// What backends may call it, its id first.
    pub names: Vec<String>,
}

/// How many connections there are and were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many there are.
    pub now: usize,
    /// How many of them use polling.
    pub polling: usize,
    /// How many there were since the node began.
    pub ever: u64,
}

impl Hub {
    /// At most `max` connections, with their numbers: those in `former`, as long as they last, and
    /// the newest.
    pub fn seen(&self, former: &HashSet<ConnId>, max: usize) -> Vec<(ConnId, Seen)> {
        let mut ids: Vec<ConnId> = self.sessions.iter().map(|session| *session.key()).collect();
        let rank = |id: &ConnId| (!former.contains(id), Reverse(*id));
        if ids.len() > max {
            ids.select_nth_unstable_by_key(max, rank);
            ids.truncate(max);
        }
        ids.sort_unstable();
        // None is held while another is looked at.
        let session = |id: &ConnId| self.sessions.get(id).map(|session| session.value().clone());
        let sessions = ids.iter().filter_map(|id| Some((*id, session(id)?)));
        sessions.map(|(id, session)| (id, session.seen())).collect()
    }

    /// How many connections there are and were.
    pub fn census(&self) -> Census {
        let carriers = self.sessions.iter();
        let carriers = carriers.map(|session| session.conn.link().carrier());
        Census {
            now: self.sessions.len(),
            polling: carriers.filter(|carrier| *carrier == "polling").count(),
            ever: self.next_conn.load(Ordering::Relaxed) - 1,
        }
    }

    /// How long the node has been there.
    pub fn uptime(&self) -> Duration {
        self.now()
    }
}

impl Session {
    fn seen(&self) -> Seen {
        let address = self.address.get().map(|address| address.to_string());
        let id = address.unwrap_or_else(|| format!("connection-{}", self.conn.id().number()));
        let mut names: Vec<String> = self.names().iter().map(ToString::to_string).collect();
        if !names.contains(&id) {
            names.insert(0, id.clone());
        }
        Seen {
            id,
            carrier: self.conn.link().carrier(),
            user: self.member.user.to_string(),
            username: self.member.username.to_string(),
            since: self.since,
            names,
        }
    }
}

#[cfg(test)]
#[path = "tests/census.rs"]
mod tests;
