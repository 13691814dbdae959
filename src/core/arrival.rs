//! A peer on its way from another node.

use std::{collections::HashSet, sync::Arc, time::Duration};

use indexmap::IndexMap;
use uuid::Uuid;

use super::{Event, Member, NodeId, PeerId, ResumeSecret, replay::Replay};

/// A peer that another node was asked to hand over, and has not yet.
#[derive(Debug)]
pub(super) struct Arrival<C> {
    /// Who waits for it; nothing if nobody does (any more). The peer may come all the same: the
    /// request cannot be taken back.
    pub(super) wish: Option<Wish<C>>,
    /// The node that was asked, and alone may refuse. All that it says itself before it
    /// answers, it keeps for the peer.
    pub(super) from: NodeId,
    /// The node that has the peer, as far as is known.
    pub(super) at: NodeId,
    /// The proof that the request carried.
    pub(super) proof: Option<ResumeSecret>,
    /// The request has come by on the room's channel. What other nodes sent before it is for
    /// the node that has the peer; what comes after is for this one.
    pub(super) asked: bool,
    /// What waits; nothing once more would have to wait than is kept.
    pub(super) missed: Option<Replay>,
    /// What others said before the request, and the node that was asked did not get: it counts
    /// if that node turns out to be gone.
    pub(super) again: Replay,
    /// What the client saw of the room through this node, if it is asked back.
    pub(super) seen: Option<Box<Seen>>,
    /// The request or its answer may be lost.
    pub(super) unsure: bool,
    /// What the records said of it since then.
    pub(super) doubt: Option<Doubt>,
}

/// A connection that waits for a peer.
#[derive(Debug)]
pub(super) struct Wish<C> {
    /// The connection.
    pub(super) conn: C,
    /// The secret that the client showed.
    pub(super) shown: Option<ResumeSecret>,
    /// The secret that the peer is to have then; nothing if the connection has spoken for the
    /// peer all along, and is to go on as if nothing had been.
    pub(super) fresh: Option<ResumeSecret>,
}

/// What the client of a peer saw of the room before another node took the peer over.
#[derive(Debug)]
pub(super) struct Seen {
    /// How the room was.
    pub(super) picture: Arc<Picture>,
    /// What its connection had not passed on when it was lost.
    pub(super) unsent: Vec<Event<'static>>,
}

/// Who is in a room and who hosts it, as somebody knows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Who is in it, oldest first, and who is behind them if that is known: others may be told of
    /// one that is gone by then.
    pub(super) peers: IndexMap<PeerId, Option<Arc<Member>>>,
    /// Who hosts it.
    pub(super) host: Option<PeerId>,
}

impl Known {
    /// Without a word of the host it is the oldest.
    pub(super) fn new(
        peers: impl IntoIterator<Item = (PeerId, Option<Arc<Member>>)>,
        host: Option<PeerId>,
    ) -> Self {
        let peers: IndexMap<_, _> = peers.into_iter().collect();
        let host = host.or_else(|| peers.first().map(|(id, _)| *id));
        Self { peers, host }
    }
}

/// A room as all that are connected to this node know it at one moment.
#[derive(Debug)]
pub(super) struct Picture {
    /// Who is in it.
    pub(super) known: Known,
    /// What was said.
    pub(super) said: HashSet<Uuid>,
}

/// What the records say of a peer whose coming is unsure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// This node has it: the answer was missed, or is about to be heard.
    pub(super) ours: bool,
    /// The moment when they first said so, on the caller's monotonic clock.
    pub(super) since: Duration,
}

impl<C> Arrival<C> {
    pub(super) fn new(wish: Option<Wish<C>>, at: NodeId, seen: Option<Box<Seen>>) -> Self {
        Self {
            proof: wish.as_ref().and_then(|wish| wish.shown),
            wish,
            from: at.clone(),
            at,
            asked: false,
            missed: Some(Replay::default()),
            again: Replay::default(),
            seen,
            unsure: false,
            doubt: None,
        }
    }

    /// The connection that speaks for the peer even now, if it is asked back.
    pub(super) fn speaker(&self) -> Option<&C> {
        let wish = self.wish.as_ref().filter(|wish| wish.fresh.is_none());
        wish.map(|wish| &wish.conn)
    }

    /// Whether a grant of the request is one of the wish, which may have come after it.
    pub(super) fn is_granted(&self, knows: impl Fn(&ResumeSecret) -> bool) -> bool {
        let shown = self.wish.as_ref().and_then(|wish| wish.shown.as_ref());
        shown.is_none_or(|shown| {
            self.proof.is_some_and(|proof| proof.matches(shown)) || knows(shown)
        })
    }
}
