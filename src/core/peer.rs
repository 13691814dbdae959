//! One peer as its room keeps it.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Consumer, CutReason, Event, NodeId, Outbox, PeerId, PeerInfo, PeerMedia, ResumeSecret, UserId,
    arrival::Arrival,
    replay::{Overflow, Replay},
};

/// Who is behind a peer, as the token said, and how it wants to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The `sub` claim.
    #[serde(rename = "userId")]
    pub user: UserId,
    /// The name to show.
    pub username: Arc<str>,
    /// The name by which the others in the room reach this peer, if its client chose one. No two
    /// peers of a room have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Arc<str>>,
}

/// A peer as nodes tell each other of it, and as the shared records keep it: any node can
/// look after the peer that has this.
///
/// The secrets are no credentials: a resumption authenticates by token first, and the secret
/// only says which of the user's own peers is meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerRecord {
    /// The peer.
    pub id: PeerId,
    /// Who is behind it.
    #[serde(flatten)]
    pub member: Arc<Member>,
    /// The secret of its resume token.
    #[serde(rename = "resumeSecret")]
    pub secret: ResumeSecret,
    /// The secret before it, while the client may know no other.
    #[serde(
        rename = "formerSecret",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub former: Option<ResumeSecret>,
    /// When it joined, in milliseconds since the Unix epoch, later than all that it found in
    /// the room: by it all nodes agree on who came first.
    #[serde(rename = "joinedAt")]
    pub joined: u64,
    /// What it has in the media server, if it may have anything there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<Arc<PeerMedia>>,
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
    /// The time, in milliseconds since the Unix epoch.
    pub now: u64,
}

/// Whether a peer can be reached now.
#[derive(Debug)]
pub(super) enum Presence<C> {
    /// Through this connection.
    Online(C),
    /// Not now: what it is told waits for it.
    Away {
        /// The connection that was lost; nothing if it was another node's.
        last: Option<C>,
        /// When its window ends, on the caller's monotonic clock; `None` while the loss was
        /// noticed by a failed send and not yet reported.
        until: Option<Duration>,
        /// What waits.
        missed: Replay,
    },
    /// Here as soon as the node that has it hands it over: it was asked to.
    Arriving(Box<Arrival<C>>),
    /// Through another node.
    Remote(NodeId),
}

impl<C> Presence<C> {
    /// Away, and nothing waits yet.
    pub(super) fn away(last: Option<C>) -> Self {
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
    pub(super) joined: u64,
    /// The node that last served it is gone: what it leaves for if it does not come back.
    pub(super) node_lost: bool,
    /// When it came from another node, on the caller's monotonic clock, if it did.
    pub(super) came: Option<Duration>,
    /// What it has in the media server, if it may have anything there.
    pub(super) media: Option<Arc<PeerMedia>>,
    /// What it receives there. Only the node that has the peer knows.
    pub(super) consumers: Vec<Consumer>,
    /// A node that handed it over, and the last chat message which that node said before: of those
    /// that others hear of only now the peer knows already.
    pub(super) told: Option<(NodeId, Uuid)>,
    pub(super) presence: Presence<C>,
}

impl<C: Clone + PartialEq> Peer<C> {
    pub(super) fn new(newcomer: Newcomer<C>) -> Self {
        Self {
            member: newcomer.member,
            secret: newcomer.secret,
            former_secret: None,
            joined: newcomer.now,
            node_lost: false,
            came: None,
            media: None,
            consumers: Vec::new(),
            told: None,
            presence: Presence::Online(newcomer.conn),
        }
    }

    pub(super) fn remote(record: PeerRecord, node: NodeId) -> Self {
        Self {
            member: record.member,
            secret: record.secret,
            former_secret: record.former,
            joined: record.joined,
            node_lost: false,
            came: None,
            media: record.media,
            consumers: Vec::new(),
            told: None,
            presence: Presence::Remote(node),
        }
    }

    pub(super) fn info(&self, id: PeerId) -> PeerInfo {
        PeerInfo {
            id,
            member: Arc::clone(&self.member),
        }
    }

    pub(super) fn record(&self, id: PeerId) -> PeerRecord {
        PeerRecord {
            id,
            member: Arc::clone(&self.member),
            secret: self.secret,
            former: self.former_secret,
            joined: self.joined,
            media: self.media.clone(),
        }
    }

    /// The node that has the peer, if it is not this one.
    pub(super) fn node(&self) -> Option<&NodeId> {
        match &self.presence {
            Presence::Remote(node) => Some(node),
            Presence::Arriving(arrival) => Some(&arrival.at),
            Presence::Online(_) | Presence::Away { .. } => None,
        }
    }

    /// Whether a secret is one that the client may know.
    pub(super) fn knows(&self, secret: &ResumeSecret) -> bool {
        let former = self.former_secret.as_ref();
        secret.matches(&self.secret) || former.is_some_and(|former| secret.matches(former))
    }

    /// Whether a client of the right user may be this peer: by the secret, or without it if
    /// nobody else is. Only a peer that is here is given out.
    pub(super) fn is_proven(&self, secret: Option<&ResumeSecret>) -> bool {
        let away = match self.presence {
            Presence::Online(_) => false,
            Presence::Away { .. } => true,
            Presence::Arriving(_) | Presence::Remote(_) => return false,
        };
        secret.map_or(away, |secret| self.knows(secret))
    }

    /// Gives the peer a new secret. What its client last knew stays good until it is heard of.
    pub(super) fn renew_secret(&mut self, shown: Option<ResumeSecret>, fresh: ResumeSecret) {
        self.former_secret = Some(shown.unwrap_or(self.secret));
        self.secret = fresh;
    }

    /// Takes over the secrets that another node gave.
    pub(super) fn learn_secrets(&mut self, record: &PeerRecord) {
        self.secret = record.secret;
        self.former_secret = record.former;
    }

    /// What waits for the peer, and what its connection has not passed on. A connection that
    /// is still open and is not `keep` is cut. Beyond the bounds the peer is left away, to be
    /// removed.
    pub(super) fn take_missed(
        &mut self,
        keep: Option<&C>,
        out: &mut impl Outbox<C>,
    ) -> Result<Replay, Overflow> {
        let (last, mut waiting) = match &mut self.presence {
            Presence::Online(conn) if Some(&*conn) == keep => return Ok(Replay::default()),
            Presence::Online(conn) => {
                out.cut(conn, CutReason::Replaced);
                (Some(conn.clone()), Replay::default())
            }
            Presence::Away { last, missed, .. } => (last.clone(), std::mem::take(missed)),
            Presence::Arriving(_) | Presence::Remote(_) => return Ok(Replay::default()),
        };
        // Where a failed send told of the loss, it has not been reported: what that
        // connection held comes before what waits since.
        let mut unsent: Vec<Event<'static>> = last
            .as_ref()
            .map(|conn| out.reclaim(conn))
            .unwrap_or_default();
        unsent.extend(waiting.drain());
        self.presence = Presence::away(last);
        Replay::of(unsent)
    }

    /// The open connection that speaks for this peer, if there is one here.
    pub(super) fn speaker(&self) -> Option<&C> {
        match &self.presence {
            Presence::Online(conn) => Some(conn),
            Presence::Arriving(arrival) => arrival.speaker(),
            Presence::Away { .. } | Presence::Remote(_) => None,
        }
    }

    /// Whether `conn` is the connection that speaks for this peer, or did until it was lost.
    pub(super) fn speaks_through(&self, conn: &C) -> bool {
        match &self.presence {
            Presence::Online(own)
            | Presence::Away {
                last: Some(own), ..
            } => own == conn,
            Presence::Arriving(arrival) => arrival.speaker() == Some(conn),
            Presence::Away { last: None, .. } | Presence::Remote(_) => false,
        }
    }
}
