//! Credentials for TURN servers: who gets them, and when they are renewed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use super::{ConnId, Hub, Session};
use crate::{core::UserId, protocol::IceServers, turn::Issuer};

/// The shortest time between new credentials and the end of the former, in seconds, if these last
/// twice as long: enough for a client to come back from a loss and to begin a call.
const MIN_MARGIN_S: u64 = 60;

/// No renewal is due.
const NEVER: u64 = u64::MAX;

/// The credentials of one connection, of which nothing is kept but when to renew them.
#[derive(Debug)]
pub(super) struct IceLease {
    issuer: Arc<Issuer>,
    user: UserId,
    conn: ConnId,
    /// Seconds since the Unix epoch.
    renew_at: AtomicU64,
}

impl IceLease {
    pub(super) const fn new(issuer: Arc<Issuer>, user: UserId, conn: ConnId) -> Self {
        Self {
            issuer,
            user,
            conn,
            renew_at: AtomicU64::new(NEVER),
        }
    }

    /// Makes credentials, to be renewed in time.
    pub(super) fn issue(&self, now: SystemTime) -> IceServers {
        let servers = self.issuer.issue(&self.user, now);
        let early = earliness(servers.ttl, self.conn);
        let renew_at = servers.expires_at.saturating_sub(early);
        self.renew_at.store(renew_at, Ordering::Relaxed);
        servers
    }

    /// Whether it is time for new credentials. It says so once.
    fn is_due(&self, now: u64) -> bool {
        let at = self.renew_at.load(Ordering::Relaxed);
        let claim = || {
            // Made anew meanwhile, they are not due any more.
            let (set, order) = (NEVER, Ordering::Relaxed);
            self.renew_at.compare_exchange(at, set, order, order)
        };
        at <= now && claim().is_ok()
    }
}

/// How long before their end credentials are renewed, in seconds: a tenth of the time that they are
/// good and up to half as much more, such that clients that came together are not all told at once.
fn earliness(ttl: u64, conn: ConnId) -> u64 {
    let margin = (ttl / 10).max(MIN_MARGIN_S).min(ttl / 2);
    // Neighbours far apart, by the golden ratio: no random source is needed.
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let turn = conn.number().wrapping_mul(GOLDEN) >> 32;
    margin + turn % (margin / 2 + 1)
}

impl Hub {
    /// Sends new credentials to those in rooms whose former ones come to their end.
    pub(super) fn renew_ice_servers(&self, now: SystemTime) {
        if self.turn().is_none() {
            return;
        }
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let is_due = |session: &Session| {
            let lease = session.conn.ice_lease();
            lease.is_some_and(|lease| lease.is_due(seconds))
        };
        // Taken out of the map first: whether one is in a room is for its seat to say, and that
        // must not be waited for here.
        let sessions = self.sessions.iter();
        let due = sessions.filter(|session| is_due(session));
        let due: Vec<Arc<Session>> = due.map(|session| Arc::clone(&session)).collect();
        for session in due {
            // Those in no room get theirs when they join one.
            if session.peer().is_some()
                && let Some(servers) = session.conn.ice_servers(now)
            {
                session.conn.link().announce_ice_servers(&servers);
            }
        }
    }
}

#[cfg(test)]
#[path = "tests/ice.rs"]
mod tests;
