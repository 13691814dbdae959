//! One peer as its room keeps it.

use std::{sync::Arc, time::Duration};

use super::{Claim, PeerId, PeerInfo, ResumeSecret, UserId, replay::Replay};

/// Who is behind a peer, as the token said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The `sub` claim.
    pub user: UserId,
    /// The name to show.
    pub username: Arc<str>,
}

/// Somebody at the door: what a room needs to make a peer. The ids are drawn by the caller.
#[derive(Clone, Debug)]
pub struct Newcomer<C> {
    /// The id that the peer is to have.
    pub peer: PeerId,
    /// The secret of its resume token.
    pub secret: ResumeSecret,
    /// Who it is.
    pub member: Arc<Member>,
    /// Its connection.
    pub conn: C,
}

/// Whether a peer can be reached now.
#[derive(Debug)]
pub(super) enum Presence<C> {
    /// Through this connection.
    Online(C),
    /// Not now: what it is told waits for it.
    Away {
        /// The connection that was lost.
        last: C,
        /// When its window ends, on the caller's monotonic clock; `None` while the loss was
        /// noticed by a failed send and not yet reported.
        until: Option<Duration>,
        /// What waits.
        missed: Replay,
    },
}

impl<C> Presence<C> {
    /// Away, and nothing waits yet.
    pub(super) fn away(last: C) -> Self {
        Self::Away {
            last,
            until: None,
            missed: Replay::default(),
        }
    }
}

/// One peer of a room.
#[derive(Debug)]
pub(super) struct Peer<C> {
    pub(super) member: Arc<Member>,
    pub(super) secret: ResumeSecret,
    /// The one before, until the client was heard of: it may know no other.
    pub(super) former_secret: Option<ResumeSecret>,
    pub(super) presence: Presence<C>,
}

impl<C: PartialEq> Peer<C> {
    pub(super) fn new(newcomer: Newcomer<C>) -> Self {
        Self {
            member: newcomer.member,
            secret: newcomer.secret,
            former_secret: None,
            presence: Presence::Online(newcomer.conn),
        }
    }

    pub(super) fn info(&self, id: PeerId) -> PeerInfo {
        PeerInfo {
            id,
            member: Arc::clone(&self.member),
        }
    }

    /// Whether a client of the right user may be this peer.
    pub(super) fn is_proven(&self, secret: Option<&ResumeSecret>) -> bool {
        let away = matches!(self.presence, Presence::Away { .. });
        let former = self.former_secret.as_ref();
        secret.map_or(away, |secret| {
            secret.matches(&self.secret) || former.is_some_and(|former| secret.matches(former))
        })
    }

    /// Gives the peer a new secret. What its client last knew stays good until it is heard of.
    pub(super) fn renew_secret(&mut self, claim: &Claim<'_>) {
        let known = claim.secret.copied().unwrap_or(self.secret);
        self.former_secret = Some(known);
        self.secret = claim.fresh;
    }

    /// The connection that speaks for this peer, or did until it was lost.
    pub(super) fn conn(&self) -> &C {
        match &self.presence {
            Presence::Online(conn) | Presence::Away { last: conn, .. } => conn,
        }
    }

    /// Whether `conn` is the connection that speaks for this peer, or did until it was lost.
    pub(super) fn speaks_through(&self, conn: &C) -> bool {
        self.conn() == conn
    }
}
